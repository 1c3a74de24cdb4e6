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
from audit.rules.grains import GRAINS, STANDARD, Grain, Staged
from audit.rules.registry import Dated, Rule
from audit.tables import FINDINGS, NOT_EVALUATED

MITIGATED = {"rule_id": pl.String, "insurer_no": pl.String, "month": pl.String, "mitigation": pl.String, "n": pl.Int64}
_ROW, _CLEARED = "__row", "__cleared"


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
    frames: Mapping[str, pl.DataFrame | Staged], parameters: Parameters, rules: Iterable[Rule], absent_tables: Iterable[str] = ()
) -> EngineResult:
    """Run every rule over the frame of its grain.

    Args:
        frames: grain name -> enriched frame with exactly the grain's columns, or its units in two stages; unit_id unique.
        parameters: dated values.
        rules: the rules to run; order does not matter.
        absent_tables: tables of which the delivery (and the store) holds nothing: rules that need one are not evaluated.

    """
    absent, ordered = set(absent_tables), sorted(rules, key=lambda r: r.id)
    findings, nulls, mitigated, evaluated = [FINDINGS.empty().lazy()], [NOT_EVALUATED.empty().lazy()], [pl.LazyFrame(schema=MITIGATED)], {}
    nothing: list[tuple[str, str, str, str, int]] = []
    for name in sorted({r.grain for r in ordered}):
        grain = GRAINS[name]
        units = staged(frames[name] if name in frames else grain.empty())
        ready = []
        for r in (r for r in ordered if r.grain == name):
            lacking = [t for t in (*grain.tables, *r.tables) if t in absent]
            if lacking and units.rows.is_empty():  # nothing of the grain exists without the table: say so once
                nothing.append((r.id, "-", "-", f"table:{lacking[0]}", 0))
                evaluated[r.id] = 0
            elif lacking:
                nulls.append(_table_absent(r, units.rows, lacking[0]))
                evaluated[r.id] = 0
            else:
                ready.append(r)
        if not ready:
            continue
        verdicts = units.rows.select(_verdict(r, parameters).alias(r.id) for r in ready)
        counts = verdicts.select(pl.all().count().name.suffix("?"), pl.all().sum().name.suffix("!")).row(0, named=True)
        for r in ready:
            evaluated[r.id] = counts[f"{r.id}?"]
            if evaluated[r.id] < verdicts.height:
                nulls.append(_reasons(r, units.rows.filter(verdicts[r.id].is_null()), parameters))
        hit = [r for r in ready if counts[f"{r.id}!"]]
        if not hit:
            continue
        survivors = verdicts.with_row_index(_ROW).filter(pl.any_horizontal(r.id for r in hit))
        flagged = _laid_out(grain, units, survivors[_ROW])
        for r in hit:
            kept = flagged if len(hit) == 1 else flagged.filter(survivors[r.id])
            if any(m.effect == "clear" for m in r.mitigations):
                cleared_by = kept.select(_cleared_by(r, parameters)).to_series()
                mitigated.append(_cleared(r, kept.filter(cleared_by.is_not_null()), cleared_by.drop_nulls()))
                kept = kept.filter(cleared_by.is_null())
            findings.append(_findings(r, kept.lazy(), parameters))
    nulls.append(pl.LazyFrame(nothing, schema=NOT_EVALUATED.schema, orient="row"))
    # one rule is a handful of rows: what costs is starting a query, so they are started together
    found, unjudged, cleared = pl.collect_all([pl.concat(findings), pl.concat(nulls), pl.concat(mitigated)], engine="in-memory")
    return EngineResult(FINDINGS.conform(found), NOT_EVALUATED.conform(unjudged), cleared.sort(pl.all()), evaluated)


def staged(frame: pl.DataFrame | Staged) -> Staged:
    """Return a grain's units in two stages; a whole frame needs nothing more."""
    return frame if isinstance(frame, Staged) else Staged(frame, lambda rows: rows)


def _laid_out(grain: Grain, units: Staged, rows: pl.Series) -> pl.DataFrame:
    """Return the given rows with all of the grain's columns, in their order."""
    whole = units.finish(units.rows[rows])
    if whole.schema != pl.Schema(grain.schema) or whole.height != len(rows):
        raise ValueError(f"grain {grain.name}: {whole.schema} of {whole.height} rows is not as declared for {len(rows)}")
    if whole["unit_id"].n_unique() != whole.height:
        raise ValueError(f"grain {grain.name}: unit_id is not unique")
    return whole


def _dated(r: Rule, parameters: Parameters) -> Dated:
    return Dated(parameters, GRAINS[r.grain].date_column)


def _verdict(r: Rule, parameters: Parameters) -> pl.Expr:
    condition = r.condition(_dated(r, parameters))
    return pl.when(pl.col("person_id").is_not_null()).then(condition) if r.needs_person else condition


def _month(column: str = "service_month") -> pl.Expr:
    return pl.col(column).dt.strftime("%Y-%m")


def _table_absent(r: Rule, rows: pl.DataFrame, table: str) -> pl.LazyFrame:
    units = rows.lazy().group_by("insurer_no", "service_month").agg(n=pl.len().cast(pl.Int64)).with_columns(month=_month())
    return units.select(rule_id=pl.lit(r.id), insurer_no="insurer_no", month="month", reason=pl.lit(f"table:{table}"), n="n")


def _reasons(r: Rule, unjudged: pl.DataFrame, parameters: Parameters) -> pl.LazyFrame:
    on, columns = pl.col(GRAINS[r.grain].date_column), set(unjudged.columns)
    reason: pl.Expr = pl.lit("undecided")
    for column in reversed([c for c in r.reads if c in columns]):
        reason = pl.when(pl.col(column).is_null()).then(pl.lit(f"missing:{column}")).otherwise(reason)
    for name in reversed(r.params):
        reason = pl.when(~parameters.defined(name, on)).then(pl.lit(f"parameter:{name}")).otherwise(reason)
    if r.needs_person:
        reason = pl.when(pl.col("person_id").is_null()).then(pl.lit("person_unmatched")).otherwise(reason)
    return (
        unjudged.lazy()
        .group_by("insurer_no", "service_month", reason=reason)
        .agg(n=pl.len().cast(pl.Int64))
        .select(rule_id=pl.lit(r.id), insurer_no="insurer_no", month=_month(), reason="reason", n="n")
        .select(NOT_EVALUATED.schema.keys())
    )


def _cleared_by(r: Rule, parameters: Parameters) -> pl.Expr:
    """Return the id of the mitigation that clears a hit; null: it stands."""
    dated, cleared_by = _dated(r, parameters), pl.lit(None, dtype=pl.String)
    for m in reversed([m for m in r.mitigations if m.effect == "clear"]):
        cleared_by = pl.when(m.when(dated).fill_null(False)).then(pl.lit(m.id)).otherwise(cleared_by)
    return cleared_by.alias(_CLEARED)


def _notes(r: Rule, dated: Dated) -> pl.Expr:
    """Return the texts of the mitigations that only note something."""
    notes = [pl.when(m.when(dated).fill_null(False)).then(pl.lit(m.text_ja)) for m in r.mitigations if m.effect == "note"]
    return pl.concat_list(notes).list.drop_nulls() if notes else pl.lit([], dtype=pl.List(pl.String))


def _cleared(r: Rule, cleared: pl.DataFrame, by: pl.Series) -> pl.LazyFrame:
    return (
        cleared.lazy()
        .group_by(rule_id=pl.lit(r.id), insurer_no=pl.col("insurer_no"), month=_month(), mitigation=by)
        .agg(n=pl.len().cast(pl.Int64))
        .select(MITIGATED.keys())
    )


def _findings(r: Rule, kept: pl.LazyFrame, parameters: Parameters) -> pl.LazyFrame:
    on, dated = pl.col(GRAINS[r.grain].date_column), _dated(r, parameters)
    provisional = pl.any_horizontal(*(parameters.provisional(n, on) for n in r.params)) if r.params else pl.lit(False)
    is_error = pl.lit(r.severity == "error")
    if r.severity_when is not None:
        is_error = is_error & r.severity_when(dated).fill_null(False)
    stake_unit = r.stake_unit(dated) if r.stake_unit else pl.col("stake_claim_id")
    yen = r.at_stake(dated).cast(pl.Float64).fill_null(0).clip(0).round(0, mode="half_away_from_zero").cast(pl.Int64)
    evidence = pl.struct(sorted(r.evidence)).struct.json_encode() if r.evidence else pl.lit("{}")
    values: dict[str, pl.Expr | str] = {n: n for n in STANDARD if n in FINDINGS.schema} | {"service_month": _month()}
    values |= {
        "finding_id": pl.concat_str(pl.lit(r.id), "insurer_no", "unit_id", separator="|"),
        "rule_id": pl.lit(r.id),
        "rule_version": pl.lit(r.version, dtype=pl.Int32),
        "severity": pl.when(is_error & ~provisional).then(pl.lit("error")).otherwise(pl.lit("suspicion")),
        "team": pl.lit(r.team),
        "stake_unit": stake_unit,
        "at_stake_yen": yen,
        "provisional": provisional,
        "evidence": evidence,
        "mitigations": _notes(r, dated),
        "message": _message(r, parameters, on),
        "basis": pl.lit(r.basis),
    }
    return kept.select(**{n: values[n] for n in FINDINGS.schema})


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
