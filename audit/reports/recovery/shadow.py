"""A rule in shadow: what it would have flagged in past months, beside what is known of those cases. Nothing is published."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl

from audit import pipeline
from audit.errors import UsageError
from audit.home import Home
from audit.params import laid_over
from audit.reports.recovery.facts import facts
from audit.reports.recovery.words import number, percent, short_yen
from audit.rules import all_rules
from audit.view import months_before

SCHEMA = {
    "month": pl.String, "rule_id": pl.String, "judged": pl.Int64, "not_evaluated": pl.Int64, "findings": pl.Int64, "cases": pl.Int64, "at_stake_yen": pl.Int64,
    "known": pl.Int64, "decided": pl.Int64, "upheld": pl.Int64, "upheld_yen": pl.Int64,
}


def months_between(text: str) -> list[str]:
    """Return the months of '2026-04..2026-09' (or of one month).

    Raises:
        UsageError: not of that form, or the last before the first.

    """
    first, _, last = text.partition("..")
    begin, end = pipeline.parse_month(first), pipeline.parse_month(last or first)
    if begin > end:
        raise UsageError(f"{text!r} ends before it begins", remedy="write it as 2026-04..2026-09")
    count = (end.year - begin.year) * 12 + end.month - begin.month
    return [f"{months_before(begin, -i):%Y-%m}" for i in range(count + 1)]


def shadow(home: Path, rule_ids: Sequence[str], months: Sequence[str], as_of: date, progress: Callable[[str], None] = lambda _: None) -> pl.DataFrame:
    """Judge stored months by some rules and compare with the desk; the home folder is left as it was.

    Returns:
        One row per month and rule: month, rule_id, judged and not_evaluated (units), findings, cases, at_stake_yen (the cases',
        which other rules may share), known (cases that the desk has), decided (of those, judged), upheld, upheld_yen.

    Raises:
        UsageError: an unknown rule, or a month of which nothing is stored.

    """
    from audit.desk import ledger

    if unknown := sorted(set(rule_ids) - set(all_rules())):
        raise UsageError(f"no rule {', '.join(unknown)}", remedy="kokuho-audit rules list")
    place = Home(home)
    if lacking := [m for m in months if not place.holds(pipeline.parse_month(m))]:
        raise UsageError(f"nothing is stored of {', '.join(lacking)}", file=str(place.tables), remedy="give months that were taken in")
    known = facts(ledger(home, as_of), as_of).cases.select("case_id", "verdict", "upheld_yen")
    with pipeline.working_in(home), laid_over(place.root / "parameters"):
        rows = []
        for month in months:
            progress(month)
            rows.append(_month(place, month, rule_ids, known))
    return pl.concat(rows) if rows else pl.DataFrame(schema=SCHEMA)


def _month(place: Home, month: str, rule_ids: Sequence[str], known: pl.DataFrame) -> pl.DataFrame:
    with closing(_Judged(place.root, month, rule_ids)) as judged:
        flagged = judged.findings.group_by("rule_id").agg(findings=pl.len())
        by_rule = judged.cases.explode("rule_ids", empty_as_null=False, keep_nulls=False).rename({"rule_ids": "rule_id"}).join(known, on="case_id", how="left", validate="m:1")
        lacking = judged.not_evaluated.group_by("rule_id").agg(not_evaluated=pl.col("n").sum())
        evaluated = pl.DataFrame({"rule_id": list(judged.evaluated), "judged": list(judged.evaluated.values())}, schema={"rule_id": pl.String, "judged": pl.Int64})
    decided, good = pl.col("verdict").is_in(["upheld", "partly", "dismissed"]), pl.col("verdict").is_in(["upheld", "partly"])
    sums = by_rule.group_by("rule_id").agg(
        cases=pl.len(), at_stake_yen=pl.col("at_stake_yen").sum(), known=pl.col("case_id").is_in(known["case_id"].implode()).sum(), decided=decided.fill_null(False).sum(),
        upheld=good.fill_null(False).sum(), upheld_yen=pl.col("upheld_yen").fill_null(0).sum(),
    )
    every = pl.DataFrame({"month": [month] * len(rule_ids), "rule_id": list(rule_ids)}, schema={"month": pl.String, "rule_id": pl.String})
    for part in (evaluated, lacking, flagged, sums):
        every = every.join(part, on="rule_id", how="left", validate="1:1")
    return every.select(pl.col(c).fill_null(0).cast(t) if t == pl.Int64 else pl.col(c) for c, t in SCHEMA.items())


class _Judged:
    """A month judged in a scratch folder, which goes when it is closed: it holds persons' rows."""

    def __init__(self, home: Path, month: str, rule_ids: Sequence[str]) -> None:
        self._work = home / "runs" / f".work-{month}-stored"
        with pipeline.discarded_on_error(self._work):
            pipeline.judge_stored(home, month, rules=rule_ids, until="check")
        self.findings = pl.read_parquet(self._work / "findings.parquet")
        self.cases = pl.read_parquet(self._work / "found_cases.parquet")
        self.not_evaluated = pl.read_parquet(self._work / "not_evaluated.parquet")
        self.evaluated: dict[str, int] = json.loads((self._work / "evaluated.json").read_text(encoding="utf-8"))

    def close(self) -> None:
        """Remove the scratch folder."""
        pipeline.discard(self._work)


def shadow_lines(rows: pl.DataFrame) -> list[str]:
    """Return the comparison in Japanese: one line per rule and month, one per rule in all, and what it is not."""
    titles = {r.id: r.title_ja for r in all_rules().values()}
    lines = []
    for (rule_id,), part in rows.partition_by("rule_id", as_dict=True, maintain_order=True).items():
        lines += ["", f"■ {rule_id} {titles[rule_id]}"]
        lines += [_line(r["month"], r) for r in part.rows(named=True)]
        if part.height > 1:
            lines.append(_line("計", part.select(pl.col(c).sum() for c, t in SCHEMA.items() if t == pl.Int64).row(0, named=True)))
    return [*lines, "", "試行のため、何も公開・保存していません。判断済みの案件は点検リストに載ったものだけで、認容の割合はルールの正しさの見込みにすぎません。"]


def _line(label: str, row: dict) -> str:
    rate = f"（{percent(row['upheld'] / row['decided'], 0)}）" if row["decided"] else ""
    return (
        f"  {label}　判定 {number(row['judged'])}　判定不能 {number(row['not_evaluated'])}　抽出 {number(row['cases'])}案件・{short_yen(row['at_stake_yen'])}"
        f"　うち台帳にある案件 {number(row['known'])}、判断済み {number(row['decided'])}、認容 {number(row['upheld'])}{rate}・{short_yen(row['upheld_yen'])}"
    )
