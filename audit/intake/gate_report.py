"""The gate's words: observed figures and limits as text, report.html for the office, checks.json for programs.

Neither file holds a cell of a table: counts, rates, names of files, tables and columns, insurer numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from audit.intake.gate_cells import Delivered
from audit.intake.gate_counts import files_frame, rows_now
from audit.intake.gate_spec import Check, Expectations
from audit.tables import ALL

VERDICTS = {  # status -> verdict, what it means
    "ok": ("続行できます", "すべての確認項目が基準の範囲内です。"),
    "warn": ("注意して続行", "処理は続行します。下の「注意」の項目を確認してください。"),
    "stop": ("停止", "「停止」の項目があるため、何も保存していません。送付物を直して再実行するか、理由を記録して続行してください。"),
    "overridden": ("停止の判定を承知のうえで続行", "「停止」の項目がありますが、記録された理由により続行しました。"),
}
STATUS_JA = {"stop": "停止", "warn": "注意", "ok": "適合"}
KIND_JA = {
    "uke_med": "医科レセプト", "uke_dpc": "DPCレセプト", "uke_pha": "調剤レセプト", "uke_den": "歯科レセプト",
    "uke_nur": "訪問看護レセプト", "care_claims": "介護給付費請求", "care_records": "介護給付実績",
    "judo_claims": "柔整申請書", "judo_parts": "柔整部位明細", "ahaki_claims": "あはき申請書", "practitioners": "施術所の関係者", "eligibility": "資格", "person_link": "個人連携",
    "master_s": "医科診療行為マスター", "master_h": "歯科診療行為マスター", "master_y": "医薬品マスター",
    "master_b": "傷病名マスター", "master_z": "修飾語マスター", "master_t": "特定器材マスター", "master_c": "コメントマスター",
    "fee_support": "電子点数表01補助", "fee_bundles": "電子点数表02包括", "fee_exclusions_day": "電子点数表03-1背反（1日）",
    "fee_exclusions_month": "電子点数表03-2背反（同一月）", "fee_exclusions_once": "電子点数表03-3背反（同時）", "fee_exclusions_week": "電子点数表03-4背反（1週間）",
    "fee_ward": "電子点数表04入院基本料", "fee_limits": "電子点数表05算定回数", "drug_indications": "医薬品の適応傷病名",
    "overseas_claims": "海外療養費", "orthosis_claims": "治療用装具", "exchange_rates": "外国為替換算率",
    "drug_interactions": "併用禁忌", "placed_doctors": "配置医師の医療機関",
}
_ORDER = {name: i for i, name in enumerate(ALL)}
REASONS_SHOWN = 200  # rows of the reasons table in the HTML; checks.json holds all


def observed_text(check: Check, n: int, bad: int | None, value: float | None) -> str:
    """Return a figure as text; a dash where it was not judged.

    Args:
        check: the check it belongs to.
        n: rows looked at (controls: the total as written; volume: rows now).
        bad: rows not as expected (controls: difference; volume: median of the months before).
        value: what the limits are held against.

    """
    if check.measure == "volume" and value is not None:
        return f"{n:,} 行（過去の中央値 {bad:,} 行の {value:.2f} 倍）"
    if check.measure == "controls" and value is not None:
        return f"記載 {n:,}、差 {bad:,}（{_percent(value)}）" if bad else f"記載 {n:,}、差なし"
    if check.measure == "structure" and value is not None:
        return f"{n:,} 列のうち {bad:,} 列" if bad else f"{n:,} 列すべて定義どおり"
    if value is None or check.measure == "presence":
        return f"{n:,} 行" if n or value is not None else "―"
    unit = "件" if check.measure == "points" else "行"
    return f"{n:,} {unit}のうち {bad:,} {unit}（{_percent(bad / n if n else 0.0)}）"


def limit_text(check: Check) -> str:
    """Return a check's limits as text."""
    unit = {"share": _percent, "ratio": lambda v: f"{v:g} 倍", "count": lambda v: f"{v:g}"}[check.unit]
    parts = []
    for status, below, over in (("注意", check.warn_below, check.warn_over), ("停止", check.stop_below, check.stop_over)):
        sides = [
            "1件でもあれば" if limit == 0 and word == "超" else f"{unit(limit)}{word}"
            for limit, word in ((below, "未満"), (over, "超")) if limit is not None
        ]
        if sides:
            parts.append(f"{status} {'・'.join(sides)}")
    return "、".join(parts)


def _percent(share: float) -> str:
    """Return a share in per cent with as many digits as it needs; a share above zero never reads as zero."""
    if 0 < share < 0.00005:
        return "0.01 %未満"
    if 0.99995 <= share < 1:
        return "99.99 %超"
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + " %"


def write_report(folder: Path, status: str, checks: pl.DataFrame, delivered: Delivered, expected: Expectations, override: str | None) -> Path:
    """Write report.html and checks.json into a folder, each beside and renamed; return the path of the report."""
    content = _content(status, checks, delivered, expected, override)
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent, encoding="utf-8"), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    ).get_template("gate_report.html")
    html = template.render(**content, status_ja=STATUS_JA, reasons_shown=REASONS_SHOWN)
    machine = {k: content[k] for k in ("month", "status", "verdict", "override", "insurers", "files", "reasons")}
    machine["checks"] = [dict(zip(checks.columns, row, strict=True)) for row in checks.rows()]  # a few hundred figures
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "checks.json", json.dumps(machine, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    return _write(folder / "report.html", html)


def _write(path: Path, text: str) -> Path:
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(path)
    return path


def _content(status: str, checks: pl.DataFrame, delivered: Delivered, expected: Expectations, override: str | None) -> dict[str, Any]:
    """Return what both files tell; lists of plain values, counts only."""
    files = files_frame(delivered)
    reasons = (
        delivered.quarantine.group_by("file", "reason")
        .agg(reason_ja=pl.col("reason_ja").min(), rows=pl.col("rows").sum())
        .sort(["file", "rows", "reason"], descending=[False, True, False], nulls_last=True)
    )
    held = rows_now(delivered, tuple(sorted(delivered.tables)))
    insurers = held["insurer_no"].drop_nulls().unique().sort().to_list()
    rows = [_Row(*row) for row in checks.select(_Row.FIELDS).rows()]
    fine = [r for r in rows if r.status == "ok" and r.judged]
    idle = [r for r in rows if r.status == "ok" and not r.judged]
    problems = [r for s in ("stop", "warn") for r in rows if r.status == s]
    return {
        "month": f"{delivered.month:%Y-%m}", "month_ja": f"{delivered.month.year}年{delivered.month.month}月",
        "status": status, "verdict": VERDICTS[status][0], "meaning": VERDICTS[status][1], "override": override,
        "insurers": insurers, "problems": problems,
        "counts": {"stop": sum(r.status == "stop" for r in problems), "warn": sum(r.status == "warn" for r in problems), "ok": len(fine), "none": len(idle)},
        "families": [
            *({"title": t, "checks": [r for r in fine if r.family == f]} for f, t in expected.families.items()),
            {"title": "判定しなかった項目", "checks": idle},
        ],
        "files": [
            {"file": f, "kind": k, "kind_ja": KIND_JA.get(k, k), "rows_in": i, "rows_in_tables": t, "quarantined": q,
             "balanced": i == t + q, "share": _percent(q / i) if i else "―"}
            for f, k, i, t, q in files.rows()
        ],
        "totals": {c: int(files[c].sum()) for c in ("rows_in", "rows_in_tables", "quarantined")},
        "tables": [
            {"table": t, "ja": ALL[t].ja, "rows": r}
            for t, r in held.group_by("table").agg(pl.col("rows").sum()).sort(pl.col("table").replace_strict(_ORDER)).rows()
        ],
        "reasons": [dict(zip(reasons.columns, r, strict=True)) for r in reasons.rows()],
    }


class _Row:
    """One check as the template shows it."""

    FIELDS = ("family", "insurer_no", "table", "subject", "title_ja", "status", "observed", "limit", "note_ja", "remedy_ja", "value")

    def __init__(self, family: str, insurer_no: str | None, table: str | None, subject: str | None, title: str, status: str,
                 observed: str, limit: str, note: str | None, remedy: str, value: float | None) -> None:
        self.family, self.insurer, self.title, self.status = family, insurer_no or "", title, status
        self.observed, self.limits, self.note, self.remedy = observed, limit.split("、"), note or "", remedy
        self.judged = value is not None
        table_ja = ALL[table].ja if table in ALL else ""
        self.where = table_ja or subject or ""
        self.column = _column_ja(table, subject) if table_ja else ""


def _column_ja(table: str | None, subject: str | None) -> str:
    """Return Japanese names of declared columns; names that only the program knows are left out."""
    if table not in ALL or not subject:
        return ""
    names = {c.name: c.ja for c in ALL[table].columns}
    return "、".join(names[s] for s in subject.split("、") if s in names)
