"""The prefecture's re-review results per act, laid over the prior rates of content checks.

The table tells how often insurers won a re-review of an act, once they had asked for it; a prior is the rate among findings,
before anybody has looked. So the table does not replace the prior: it tells which acts are won more or less often than
the others, and moves the prior by that, as odds:

    odds(case) = odds(prior of the rule) x odds(act) / odds(all acts)
    act        = (strength x all acts + upheld) / (strength + asked)

An act that was asked for twice hardly moves anything, one that was asked for a thousand times speaks for itself.
"""

from __future__ import annotations

import polars as pl

from models.priors import Priors

KEPT_MONTHS = 11  # how long a table counts that was not delivered anew
CONTENT = ("RC", "RV")  # rules whose findings are about an act's payment; the table says nothing of others
_EDGE = 0.01  # rates nearer to 0 or 1 are taken as this near


def results_by_act(rows: pl.DataFrame) -> pl.DataFrame:
    """Return code, asked and upheld, one row per act, from each insurer's last table.

    Insurers of a prefecture deliver the same table: equal rows count once, and of unequal ones that with most cases.

    Args:
        rows: insurer_no, code, asked, upheld, delivery_month.

    """
    last = rows.filter(pl.col("delivery_month") == pl.col("delivery_month").max().over("insurer_no"))
    told = last.filter(pl.col("asked") > 0).select("code", "asked", "upheld").unique()
    return told.sort("code", "asked", "upheld").unique("code", keep="last", maintain_order=True)


def case_rates(cases: pl.DataFrame, findings: pl.DataFrame, results: pl.DataFrame, priors: Priors) -> pl.DataFrame:
    """Return case_id and p_upheld of the cases with a content finding on an act of the table.

    As in models.valuation a case has the largest rate of its rules; those of content rules are moved by their acts.

    Args:
        cases: case_id, rule_ids, finding_ids, severity.
        findings: finding_id, rule_id, stake_unit, evidence (JSON text).
        results: see results_by_act.
        priors: rates, and the strength of the mean over all acts.

    """
    schema = {"case_id": pl.String, "p_upheld": pl.Float64}
    if results.is_empty() or cases.is_empty():
        return pl.DataFrame(schema=schema)
    mean = _inside(results["upheld"].sum() / results["asked"].sum())
    acts = results.with_columns(act=(priors.rereview_strength * mean + pl.col("upheld")) / (priors.rereview_strength + pl.col("asked"))).select("code", "act")
    content = findings.filter(pl.any_horizontal(pl.col("rule_id").str.starts_with(p) for p in CONTENT)).select("finding_id", code=_acts())
    told = content.explode("code").drop_nulls().join(acts, on="code", how="inner").group_by("finding_id").agg(pl.col("act").mean())
    default = pl.when(pl.col("severity") == "error").then(priors.default["error"].rate).otherwise(priors.default["suspicion"].rate)
    listed = (
        cases.select("case_id", "severity", "rule_ids", finding_id="finding_ids").explode("finding_id")
        .join(told, on="finding_id", how="left")
        .with_columns(rule_id=pl.col("finding_id").str.split("|").list.first())
    )
    touched = listed.filter(pl.col("act").is_not_null()).select("case_id").unique()
    prior = pl.coalesce(pl.col("rule_id").replace_strict({k: p.rate for k, p in priors.rules.items()}, default=None, return_dtype=pl.Float64), default)
    moved = _odds(prior.clip(_EDGE, 1 - _EDGE)) * _odds(pl.col("act").clip(_EDGE, 1 - _EDGE)) / (mean / (1 - mean))
    rate = pl.when(pl.col("act").is_null()).then(prior).otherwise(moved / (1 + moved))
    return (
        listed.join(touched, on="case_id", how="semi").with_columns(p_upheld=rate)
        .group_by("case_id").agg(pl.col("p_upheld").max()).sort("case_id").cast(schema)
    )


def _acts() -> pl.Expr:
    """The act at stake, as the finding's part of the claim; where that names none, all nine-digit codes of the evidence."""
    of_unit = pl.col("stake_unit").str.extract(r"#.*?([0-9]{9})(?:[^0-9]|$)", 1)
    shown = pl.col("evidence").str.extract_all(r'"[0-9]{9}"').list.eval(pl.element().str.strip_chars('"'))
    return pl.when(of_unit.is_not_null()).then(pl.concat_list(of_unit)).otherwise(shown)


def _odds(rate: pl.Expr) -> pl.Expr:
    return rate / (1 - rate)


def _inside(rate: float) -> float:
    return min(max(rate, _EDGE), 1 - _EDGE)
