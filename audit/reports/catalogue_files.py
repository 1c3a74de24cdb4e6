"""The catalogue as files: CATALOG.md (English, for those who change rules) and CATALOG.ja.md (for the section), with the examples.

Both are made from the rules, the shipped parameters and the spec cases, never by hand: `kokuho-audit rules catalog --write`.
The office's own values are not in them: they differ from home folder to home folder.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from audit.home import write_atomic
from audit.params import FOLDER, Parameters, load
from audit.reports.catalogue import SEVERITY_JA, STATUS_JA, TEAM_JA, example_lines, shown_value, span
from audit.reports.examples import SHIPPED, Examples, from_cases
from audit.rules.grains import GRAINS
from audit.rules.registry import Rule

RULES_FOLDER = Path(__file__).resolve().parents[1] / "rules"
_NOTE = "Written by `kokuho-audit rules catalog --write`; do not edit."


def catalogue_files(rules: dict[str, Rule]) -> dict[Path, str]:
    """Return what the files of the catalogue have to hold: path -> text."""
    parameters, told = load(FOLDER), from_cases(rules)
    return {
        RULES_FOLDER / "CATALOG.md": english(rules, parameters, told),
        RULES_FOLDER / "CATALOG.ja.md": japanese(rules, parameters, told),
        SHIPPED: f"# {_NOTE}\n" + yaml.safe_dump(told, allow_unicode=True, sort_keys=True, width=1_000),
    }


def stale_files(rules: dict[str, Rule]) -> list[Path]:
    """Return the files that are not what they have to be."""
    return [path for path, text in catalogue_files(rules).items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def write_catalogue(rules: dict[str, Rule]) -> list[Path]:
    """Write all files; return their paths."""
    return [write_atomic(path, text.encode()) for path, text in catalogue_files(rules).items()]


def english(rules: dict[str, Rule], parameters: Parameters, told: Examples) -> str:
    """Return CATALOG.md."""
    lines = ["# Catalogue of rules", "", _NOTE, "", f"{len(rules)} rules. `error`: settled by a notice or by arithmetic; `suspicion`: chooses whom to ask.", ""]
    lines += ["| id | title | severity | team | unit |", "|---|---|---|---|---|"]
    lines += [f"| [{r.id}](#{r.id.lower()}) | {r.title_ja} | {r.severity} | {r.team} | `{r.grain}` |" for r in rules.values()]
    for r in rules.values():
        lines += ["", f"## {r.id}", f"{r.title_ja}, version {r.version}, {r.severity}, unit `{r.grain}` ({GRAINS[r.grain].unit})", "", f"- Flags when: {_first_sentence(r)}", f"- Basis: {r.basis}"]
        lines += [f"- Needs besides the unit's tables: {', '.join(f'`{t}`' for t in r.tables)}"] * bool(r.tables)
        lines += [f"- Mitigation `{m.id}` ({m.effect}): {m.text_ja}" for m in r.mitigations]
        for name in r.params:
            periods = "; ".join(f"{q.start} to {q.end or 'open'}: {q.status}" for q in parameters[name].periods)
            lines.append(f"- Parameter `{name}` ({parameters[name].file}): {periods}")
        lines += ["- Cases:", *(f"  - {name}" for name in told.get(r.id, {}).get("cases", []))]
    return "\n".join(lines) + "\n"


def _first_sentence(r: Rule) -> str:
    return " ".join((r.condition.__doc__ or "").split())


def japanese(rules: dict[str, Rule], parameters: Parameters, told: Examples) -> str:
    """Return CATALOG.ja.md."""
    lines = ["# 点検ルール一覧", "", "`kokuho-audit rules catalog --write` で作成しています。手で直さないでください。", ""]
    lines += [f"全{len(rules)}ルール。誤り＝要件または計算で決まるもの、疑義＝照会の対象を選ぶもの。値の「暫定」「値不明」は、根拠の通知を確認して `kokuho-audit params set` で登録できます。", ""]
    lines += ["| ID | 名称 | 区分 | 担当 |", "|---|---|---|---|"]
    lines += [f"| [{r.id}](#{r.id.lower()}) | {r.title_ja} | {SEVERITY_JA[r.severity]} | {TEAM_JA[r.team]} |" for r in rules.values()]
    for r in rules.values():
        lines += ["", f"## {r.id}", f"**{r.title_ja}**（第{r.version}版、{SEVERITY_JA[r.severity]}、{TEAM_JA[r.team]}）", "", r.explanation_ja, "", f"- 根拠: {r.basis}", f"- 次の対応: {r.next_action_ja}"]
        for name in r.params:
            p = parameters[name]
            lines.append(f"- 値 `{name}` {p.description_ja}")
            lines += [f"  - {span(q)}: {shown_value(q)}［{STATUS_JA[q.status]}］{q.basis}" for q in p.periods]
        lines += [f"- 問題がない場合: {m.text_ja}（{'抽出しない' if m.effect == 'clear' else '留意として表示'}）" for m in r.mitigations]
        if shown := example_lines(told.get(r.id, {})):
            lines += ["", "```text", *shown, "```"]
    return "\n".join(lines) + "\n"
