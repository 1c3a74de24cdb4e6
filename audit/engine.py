"""Runs all rules of one grain in one pass; evidence, yen and messages are computed on survivors only.

The engine knows no domain words. Per grain: one `select` of every condition, an any-filter, then per rule the few flagged
rows. A rule never sees another rule's result. Null is neither clean nor a hit: it is counted with its reason.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from audit.params import Parameters
from audit.rules.grains import GRAINS, STANDARD
from audit.rules.registry import Dated, Rule
from audit.tables import FINDINGS, NOT_EVALUATED

MITIGATED = {"rule_id": pl.String, "insurer_no": pl.String, "month": pl.String, "mitigation": pl.String, "n": pl.Int64}
_ROW = "__row"


@dataclass(frozen=True)
class EngineResult:
    """What the rules found.

    Attributes:
        findings: audit.tables.FINDINGS, sorted by finding_id.
        not_evaluated: audit.tables.NOT_EVALUATED: units that a rule could not judge, with the reason.
        mitigated: rule_id, insurer_no, month, mitigation, n: units that met the condition and were cleared.
        evaluated: rule_id -> units with a verdict (flag or clean).

    """

    findings: pl.DataFrame
    not_evaluated: pl.DataFrame
    mitigated: pl.DataFrame
    evaluated: dict[str, int]


def run_rules(
    frames: Mapping[str, pl.DataFrame], parameters: Parameters, rules: Iterable[Rule], absent_tables: Iterable[str] = ()
) -> EngineResult:
    """Run every rule over the frame of its grain.

    Args:
        frames: grain name -> enriched frame with exactly the grain's columns; unit_id unique.
        parameters: dated values.
        rules: the rules to run; order does not matter.
        absent_tables: tables of which the delivery (and the store) holds nothing: rules that need one are not evaluated.

    """
    absent, ordered = set(absent_tables), sorted(rules, key=lambda r: r.id)
    findings, nulls, mitigated, evaluated = [FINDINGS.empty()], [NOT_EVALUATED.empty()], [pl.DataFrame(schema=MITIGATED)], {}
    for name in sorted({r.grain for r in ordered}):
        grain = GRAINS[name]
        frame = frames.get(name, grain.empty()).with_row_index(_ROW)
        if frame["unit_id"].n_unique() != frame.height:
            raise ValueError(f"grain {name}: unit_id is not unique")
        ready = []
        for r in (r for r in ordered if r.grain == name):
            lacking = [t for t in (*grain.tables, *r.tables) if t in absent]
            if lacking:
                nulls.append(_table_absent(r, frame, lacking[0]))
                evaluated[r.id] = 0
            else:
                ready.append(r)
        if not ready:
            continue
        verdicts = frame.select(_ROW, *(_verdict(r, parameters).alias(r.id) for r in ready))
        counts = verdicts.select(pl.col(r.id).count() for r in ready).row(0, named=True)
        for r in ready:
            evaluated[r.id] = counts[r.id]
            if counts[r.id] < frame.height:
                unjudged = frame.filter(verdicts[r.id].is_null())
                nulls.append(_reasons(r, unjudged, parameters))
        survivors = verdicts.filter(pl.any_horizontal(r.id for r in ready))
        flagged = frame.filter(pl.col(_ROW).is_in(survivors[_ROW].implode()))
        for r in ready:
            hits = flagged.filter(pl.col(_ROW).is_in(survivors.filter(pl.col(r.id))[_ROW].implode()))
            if hits.height:
                kept, cleared = _mitigate(r, hits, parameters)
                mitigated.append(cleared)
                findings.append(_findings(r, kept, parameters))
    return EngineResult(
        FINDINGS.conform(pl.concat(findings)),
        NOT_EVALUATED.conform(pl.concat(nulls)),
        pl.concat(mitigated).sort(pl.all()),
        evaluated,
    )


def _dated(r: Rule, parameters: Parameters) -> Dated:
    return Dated(parameters, GRAINS[r.grain].date_column)


def _verdict(r: Rule, parameters: Parameters) -> pl.Expr:
    condition = r.condition(_dated(r, parameters))
    return pl.when(pl.col("person_id").is_not_null()).then(condition) if r.needs_person else condition


def _month(column: str = "service_month") -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m")


def _table_absent(r: Rule, frame: pl.DataFrame, table: str) -> pl.DataFrame:
    units = frame.group_by("insurer_no", month=_month()).agg(n=pl.len().cast(pl.Int64))
    if units.is_empty():  # nothing of the grain exists without the table: say so once
        units = pl.DataFrame({"insurer_no": ["-"], "month": ["-"], "n": [0]}, schema={"insurer_no": pl.String, "month": pl.String, "n": pl.Int64})
    return units.select(rule_id=pl.lit(r.id), insurer_no="insurer_no", month="month", reason=pl.lit(f"table:{table}"), n="n")


def _reasons(r: Rule, unjudged: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    on = pl.col(GRAINS[r.grain].date_column)
    reason: pl.Expr = pl.lit("undecided")
    for column in reversed(r.reads):
        reason = pl.when(pl.col(column).is_null()).then(pl.lit(f"missing:{column}")).otherwise(reason)
    for name in reversed(r.params):
        reason = pl.when(~parameters.defined(name, on)).then(pl.lit(f"parameter:{name}")).otherwise(reason)
    if r.needs_person:
        reason = pl.when(pl.col("person_id").is_null()).then(pl.lit("person_unmatched")).otherwise(reason)
    return (
        unjudged.group_by(rule_id=pl.lit(r.id), insurer_no=pl.col("insurer_no"), month=_month(), reason=reason)
        .agg(n=pl.len().cast(pl.Int64))
        .select(NOT_EVALUATED.schema.keys())
    )


def _mitigate(r: Rule, hits: pl.DataFrame, parameters: Parameters) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split hits into those that stand (with their notes) and counts of those cleared."""
    dated = _dated(r, parameters)
    clearing = [m for m in r.mitigations if m.effect == "clear"]
    notes = [pl.when(m.when(dated).fill_null(False)).then(pl.lit(m.text_ja)) for m in r.mitigations if m.effect == "note"]
    cleared_by: pl.Expr = pl.lit(None, dtype=pl.String)
    for m in reversed(clearing):
        cleared_by = pl.when(m.when(dated).fill_null(False)).then(pl.lit(m.id)).otherwise(cleared_by)
    texts = pl.concat_list(notes).list.drop_nulls() if notes else pl.lit([], dtype=pl.List(pl.String))
    hits = hits.with_columns(__cleared=cleared_by, __notes=texts)
    cleared = (
        hits.filter(pl.col("__cleared").is_not_null())
        .group_by(rule_id=pl.lit(r.id), insurer_no=pl.col("insurer_no"), month=_month(), mitigation=pl.col("__cleared"))
        .agg(n=pl.len().cast(pl.Int64))
    )
    return hits.filter(pl.col("__cleared").is_null()), cleared.select(MITIGATED.keys())


def _findings(r: Rule, kept: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    on, dated = pl.col(GRAINS[r.grain].date_column), _dated(r, parameters)
    provisional = pl.any_horizontal(*(parameters.provisional(n, on) for n in r.params)) if r.params else pl.lit(False)
    is_error = pl.lit(r.severity == "error")
    if r.severity_when is not None:
        is_error = is_error & r.severity_when(dated).fill_null(False)
    stake_unit = r.stake_unit(dated) if r.stake_unit else pl.col("stake_claim_id")
    yen = r.at_stake(dated).cast(pl.Float64).fill_null(0).clip(0).round(0, mode="half_away_from_zero").cast(pl.Int64)
    evidence = pl.struct(sorted(r.evidence)).struct.json_encode() if r.evidence else pl.lit("{}")
    standard = {n: pl.col(n) for n in STANDARD if n in FINDINGS.schema}
    return kept.select(
        **standard | {"service_month": _month()},
        finding_id=pl.concat_str(pl.lit(r.id), "insurer_no", "unit_id", separator="|"),
        rule_id=pl.lit(r.id),
        rule_version=pl.lit(r.version, dtype=pl.Int32),
        severity=pl.when(is_error & ~provisional).then(pl.lit("error")).otherwise(pl.lit("suspicion")),
        team=pl.lit(r.team),
        stake_unit=stake_unit,
        at_stake_yen=yen,
        provisional=provisional,
        evidence=evidence,
        mitigations=pl.col("__notes"),
        message=_message(r, parameters, on),
        basis=pl.lit(r.basis),
    ).select(FINDINGS.schema.keys())


def _message(r: Rule, parameters: Parameters, on: pl.Expr) -> pl.Expr:
    """Fill the message's placeholders per row; a null shows as 「不明」."""
    parts: list[pl.Expr] = []
    schema = GRAINS[r.grain].schema
    for literal, name, fmt, _ in string.Formatter().parse(r.message_ja):
        if literal:
            parts.append(pl.lit(literal))
        if name is not None:
            value = pl.col(name) if name in schema else parameters.expr(name, on)
            parts.append(_shown(value, fmt or "").fill_null("不明"))
    return pl.concat_str(parts)


def _shown(value: pl.Expr, fmt: str) -> pl.Expr:
    match fmt:
        case "yen":
            digits = value.cast(pl.Int64).cast(pl.String)
            # thousands separators without a look-around: reverse, group by three, reverse back
            return digits.str.reverse().str.replace_all(r"(\d{3})", "${1},").str.reverse().str.replace(r"^(-?),", "${1}") + "円"
        case "month":
            return value.dt.strftime("%Y年%-m月")
        case "date":
            return value.dt.strftime("%Y年%-m月%-d日")
        case "list":
            return value.list.join("、")
        case _:
            return value.cast(pl.String)
