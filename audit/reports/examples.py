"""An example and a counter-example of each rule, from its spec cases (tests/rules), told in Japanese with the data that count.

In a clone the cases are read where they stand. They do not ship: an installed copy reads `audit/rules/examples.yaml`, which
`kokuho-audit rules catalog --write` makes from them beside the catalogue. So there is one source, the cases that are tested,
and no test code in the package; tests/health fails where the file is older than the cases.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from audit.errors import UsageError
from audit.params import read_yaml
from audit.rules.registry import Rule
from audit.tables import ALL

CASES = Path(__file__).resolve().parents[2] / "tests" / "rules"
SHIPPED = Path(__file__).resolve().parents[1] / "rules" / "examples.yaml"
WORDS_JA = {True: "あり", False: "なし", None: "空欄"}

Example = dict[str, Any]  # title_ja (may be missing), data, outcome
Examples = dict[str, dict[str, Any]]  # rule -> hit, miss (Example), cases (all sentences, in order)


def examples(rules: dict[str, Rule]) -> Examples:
    """Return the examples of the rules, from the clone's cases or, in an installed copy, as shipped; {} where there are neither."""
    if CASES.is_dir():
        return from_cases(rules)
    return (read_yaml(SHIPPED) or {}) if SHIPPED.exists() else {}


def from_cases(rules: dict[str, Rule]) -> Examples:
    """Build the examples from the clone's cases.

    Raises:
        UsageError: this copy has no cases.

    """
    if not CASES.is_dir():
        raise UsageError("this copy has no spec cases", file=str(CASES), remedy="run it in a clone of the repository")
    found: Examples = {}
    for path in sorted(CASES.glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8")
        if not any(rule_id in text for rule_id in rules):  # most files, where one rule is asked for: parsing them all takes a second
            continue
        spec = read_yaml(path)
        for case in spec["cases"]:
            for expected in case["expect"]:
                rule_id = expected.get("rule", spec["rule"])
                if rule_id not in rules:
                    continue
                entry = found.setdefault(rule_id, {"cases": []})
                if expected is case["expect"][0] and rule_id == spec["rule"]:
                    entry["cases"].append(case["name"])
                kind = {True: "hit", False: "miss"}.get(expected["flag"])
                # a case that tells itself in Japanese goes before one that does not
                told = entry.get(kind) if kind else None
                if kind and rule_id == spec["rule"] and (told is None or ("title_ja" not in told and "name_ja" in case)):
                    entry[kind] = _example(rules[rule_id], case, expected)
    return dict(sorted(found.items()))


def _example(rule: Rule, case: dict[str, Any], expected: dict[str, Any]) -> Example:
    data = [f"{case['month']} の納品"]
    data += [f"　{line}" for name, rows in case["tables"].items() for row in rows or [] for line in _row(name, row)]
    data += [f"　当所で登録した値: {e['name']} {v['from']}から {v.get('value')}" for e in case.get("office", ()) for v in e["values"]]
    for month, tables in sorted((case.get("history") or {}).items()):
        lines = [line for name, rows in tables.items() for row in rows or [] for line in _row(name, row)]
        # twelve alike say no more than three
        data += [f"　過去（{month} の納品） {line}" for line in lines[:3]] + ([f"　過去（{month} の納品） ほか{len(lines) - 3}行"] if len(lines) > 3 else [])
    if expected["flag"]:
        severity = "誤り" if expected.get("severity", rule.severity) == "error" else "疑義"
        outcome = f"抽出（{severity}）" + (f"、影響額 {expected['yen']:,}円" if "yen" in expected else "")
    else:
        text = next((m.text_ja for m in rule.mitigations if m.id == expected.get("cleared_by")), None)
        outcome = "抽出しない" + (f"（{text}）" if text else "")
    return ({"title_ja": case["name_ja"]} if "name_ja" in case else {}) | {"data": data, "outcome": outcome}


def _row(name: str, row: dict[str, Any]) -> list[str]:
    labels = {c.name: c.ja for c in ALL[name].columns} if name in ALL else {}
    cells = [f"{labels.get(k, k)}={_cell(v)}" for k, v in row.items() if k not in ALL and k not in ("claim_id", "person_id")]
    lines = [f"{ALL[name].ja if name in ALL else name}: " + ("、".join(cells) or "（既定の値）")]
    for child in (k for k in row if k in ALL):
        lines += [f"　{line}" for one in row[child] or [] for line in _row(child, one)]
    return lines


def _cell(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return WORDS_JA[value]
    if isinstance(value, list):
        return "・".join(_cell(v) for v in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}" if abs(value) >= 10_000 else f"{value}"
    return value.isoformat() if isinstance(value, date) else str(value)
