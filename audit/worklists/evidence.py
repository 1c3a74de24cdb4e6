"""What the evidence sheet shows of each case, gathered column-wise for all lists at once: findings, reasons, visits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from audit.rules.labels import column_labels
from audit.worklists import text_safety
from audit.worklists.inputs import WorklistContext
from audit.worklists.layout import BLINDED, layout
from audit.worklists.privacy import PREFIX, pseudonym, shown_claim_ids
from audit.worklists.wording import reason_rows

CLAIM_ROWS = 36
"""Calendar rows of one case: a year of three clinics. The rest is counted in words."""
REASON_ROWS = 6
"""Features shown of one case, largest contributions first; cases.parquet holds all."""
TEXT_MAX = 1500
"""Characters of evidence data shown in one cell; the run's findings hold it whole."""
PERSON_KEYS = frozenset({
    "person_id", "addressee_no", "household_no", "symbol", "number", "branch", "birth_date", "name", "kana", "care_no",
    "nhi_number", "finding_id", "case_id", "claim_id", "claim_ids", "stake_claim_id", "stake_unit",
})
"""Evidence keys that name a person or repeat an id: never shown as data, the block's heading says whose case it is."""


@dataclass(frozen=True)
class FindingBlock:
    """One finding as text; `yen` is the insurer's share at stake."""

    rule: str
    severity: str
    message: str
    yen: int
    basis: str
    mitigations: str
    data: str


@dataclass(frozen=True)
class ReasonLine:
    """One feature: the case beside its peers' median; `share` of the contributions, 0-1 or None."""

    label: str
    text: str
    share: float | None


@dataclass(frozen=True)
class VisitLine:
    """One claim in the calendar: `days` bit d-1 = day d, None where no day is known; `own` = claim of the case."""

    provider: str
    claim: str
    year: int
    month: int
    days: int | None
    own: bool


@dataclass(frozen=True)
class Evidence:
    """Blocks by case id; a case without an entry has none of that kind."""

    findings: Mapping[str, list[FindingBlock]]
    reasons: Mapping[str, list[ReasonLine]]
    visits: Mapping[str, list[VisitLine]]


def build_evidence(cases: pl.DataFrame, findings: pl.DataFrame, context: WorklistContext) -> Evidence:
    """Return the evidence of listed cases.

    Args:
        cases: `rows.listed` cases.
        findings: audit.tables.FINDINGS, of these and other cases.
        context: texts, names, visits.

    Raises:
        ValueError: a case names a finding that is not there.

    """
    return Evidence(_findings(cases, findings, context), _reasons(cases, context), _visits(cases, context))


def month_ja(month: str) -> str:
    """Return 「2026年9月（令和8年9月）」 for "2026-09"; before 2019-05 without the era."""
    year, number = int(month[:4]), int(month[5:7])
    if (year, number) < (2019, 5):
        return f"{year}年{number}月"
    era = "元" if year == 2019 else str(year - 2018)
    return f"{year}年{number}月（令和{era}年{number}月）"


def _grouped(frame: pl.DataFrame, make: Any) -> dict[str, list[Any]]:
    """Return rows by their first column, each made into an object; the frame is sorted by that column's runs."""
    return {key: [make(*row[1:]) for row in rows] for key, rows in groupby(frame.rows(), key=itemgetter(0))}


def _findings(cases: pl.DataFrame, findings: pl.DataFrame, context: WorklistContext) -> dict[str, list[FindingBlock]]:
    wanted = cases.select("case_id", "insurer_no", case_person="person_id", finding_id="finding_ids").with_row_index("at")
    wanted = wanted.explode("finding_id", empty_as_null=False, keep_nulls=False)
    columns = ("finding_id", "rule_id", "severity", "provisional", "message", "at_stake_yen", "basis", "mitigations", "evidence")
    joined = wanted.join(findings.select(columns), on="finding_id", how="left", validate="m:1")
    lost = joined["rule_id"].null_count()
    if lost:
        raise ValueError(f"{lost} findings of the listed cases are not among the findings")
    titles = {k: f"{k} {r.title_ja}" for k, r in context.rules.items()}
    severity = pl.col("severity").replace_strict(layout().severity)
    shown = joined.sort("at", pl.col("at_stake_yen"), "finding_id", descending=[False, True, False]).select(
        "case_id", pl.col("rule_id").replace_strict(titles, default=pl.col("rule_id"), return_dtype=pl.String),
        severity + pl.when("provisional").then(pl.lit("（暫定の基準値による）")).otherwise(pl.lit("")),
        "message", "at_stake_yen", "basis",
        pl.col("mitigations").list.eval("・" + pl.element()).list.join("\n").fill_null(""),
        "evidence", "case_person",
    )
    labels = column_labels() | dict(context.evidence_labels)
    key = context.pseudonym_key

    def block(rule: str, sev: str, message: str, yen: int, basis: str, notes: str, data: str | None, person: str | None) -> FindingBlock:
        texts = [rule, message or "", basis or "", notes, evidence_text(data, labels, hide=PERSON_KEYS)]
        if key and person:
            # Rules may word a message freely; a number of the person must not slip through it.
            mask = PREFIX + pseudonym(key, f"person|{person}")
            texts = [t.replace(person, mask) for t in texts]
        rule, message, basis, notes, data = (text_safety.cell(t) for t in texts)
        return FindingBlock(rule, sev, message, yen, basis, notes, data)

    return _grouped(shown, block)


def evidence_text(data: str | None, labels: Mapping[str, str], hide: frozenset[str] = frozenset()) -> str:
    """Return evidence JSON as 「部位数 3／実日数 17」, keys in their order; hidden keys and nulls left out.

    Text that is no JSON object cannot be searched for hidden keys; with any to hide it is left out.
    """
    if not data:
        return ""
    try:
        parsed = json.loads(data)
    except ValueError:
        parsed = data
    if not isinstance(parsed, dict):
        return "" if hide else _cut(str(parsed))
    return _cut("／".join(f"{labels.get(k, k)} {_value(v)}" for k, v in parsed.items() if k not in hide and v is not None))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "あり" if value else "なし"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return "、".join(map(_value, value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if isinstance(value, dict) else str(value)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + "…（以下省略）"


def _reasons(cases: pl.DataFrame, context: WorklistContext) -> dict[str, list[ReasonLine]]:
    """Reasons of the cases that are not blind."""
    open_cases = cases.filter(~pl.col("selection").is_in(BLINDED))
    rows = reason_rows(open_cases, context.features).group_by("case_id", maintain_order=True).head(REASON_ROWS)
    rows = rows.select("case_id", text_safety.cell_expr(pl.col("label")), "text", "share")
    return _grouped(rows, ReasonLine)


def _visits(cases: pl.DataFrame, context: WorklistContext) -> dict[str, list[VisitLine]]:
    """The case's claims, then the same person's other claims of the case's month, each part by month and provider."""
    index = cases.select("case_id", "insurer_no", "person_id", "service_month", "claim_ids").with_row_index("at")
    visits = context.visits.select("claim_id", "person_id", "provider_id", "service_month", "visit_days")
    wanted = index.select("at", "case_id", claim_id="claim_ids").explode("claim_id", empty_as_null=False, keep_nulls=False)
    own = wanted.join(visits.drop("person_id"), on="claim_id", how="inner", validate="m:1").with_columns(own=pl.lit(True))
    month = pl.col("service_month").str.to_date("%Y-%m") if index.schema["service_month"] == pl.String else pl.col("service_month")
    same = index.drop_nulls("person_id").select("at", "case_id", "person_id", service_month=month)
    other = (
        same.join(visits, on=["person_id", "service_month"], how="inner")
        .join(wanted.select("at", "claim_id"), on=["at", "claim_id"], how="anti")
        .with_columns(own=pl.lit(False))
    )
    lines = pl.concat([own.select(sorted(own.columns)), other.select(sorted(own.columns))])
    shown = shown_claim_ids(lines["claim_id"], context)
    names = context.providers.select("provider_id", "provider_name")
    kind = pl.col("claim_id").str.extract("^([a-z]+):").replace_strict(layout().kinds, default="明細", return_dtype=pl.String)
    lines = (
        lines.join(shown, left_on="claim_id", right_on="value", how="left", validate="m:1")
        .join(names, on="provider_id", how="left", validate="m:1")
        .sort("at", pl.col("own"), "service_month", "provider_id", "claim_id", descending=[False, True, False, False, False], nulls_last=True)
        .select(
            "case_id", provider=text_safety.cell_expr(pl.coalesce("provider_name", "provider_id", pl.lit("機関不明"))),
            claim=text_safety.cell_expr(pl.format("{} {}", kind, "shown")),
            year=pl.col("service_month").dt.year(), month=pl.col("service_month").dt.month(), days="visit_days", own="own",
        )
    )
    return _grouped(lines, VisitLine)
