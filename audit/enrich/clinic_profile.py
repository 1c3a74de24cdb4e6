"""Grain `clinic_profile`: a judo clinic's month beside the other clinics of the insurer.

For each tendency (a share of claims, or the mean of visits) the clinic's value is held against its peers: mean and spread of
all other clinics, the spread between clinics by moments (method of DerSimonian and Laird), the clinic itself left out,
since in a small town one outlier would widen the very spread that it is measured by. What chance does to one claim is taken
from all claims (a share: p(1 - p), p smoothed by half a claim on either side; visits: the variance within the clinics).
`z` is the distance in standard deviations of what chance in the clinic, chance in its peers' mean and the spread between
clinics allow. The amount rests on the *shrunken* tendency (empirical Bayes: pulled to the mean of all clinics, by the
spread between all of them, the more, the fewer claims there are; without the clinic itself an outlier among equal peers
would be pulled to them entirely). Small clinics are not judged. Sources: JUDO_CLAIMS, JUDO_PARTS, ELIGIBILITY; only claims
of the delivery, so that a month is compared with the same month.

"Same set of parts" is, for each form with several parts, the share of the clinic's other such forms with that set. "Goes on
with another injury": of forms with an injury first examined in the month, those whose person came in the month before.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.clinic_household import CLINIC, paired
from audit.enrich.judo_source import JudoSource, months_counted, part_key, read
from audit.params import Parameters, load
from audit.rules.grains import Grain, declare
from audit.view import View

GRAIN = declare(
    Grain(
        "clinic_profile",
        "施術所1か所・1か月",
        ("judo_claims",),
        {
            "clinic_claims": pl.Int32(),
            "clinic_yen": pl.Int64(),  # insurer share of all of them
            "peers": pl.Int32(),  # clinics compared with, for the tendency that stands out most; null: none can be compared
            "z": pl.Float64(),  # its distance; null: same
            "tendency": pl.String(),  # its name; null: same
            "own_value": pl.Float64(),
            "peer_value": pl.Float64(),
            "shrunken_value": pl.Float64(),
            "tendencies": pl.List(pl.String()),  # every tendency at or above the criterion, farthest first, with its values
            "excess_yen": pl.Int64(),  # (shrunken - peers) x claims, in yen of the clinic's mean claim or visit
        },
    )
)
_MEAN = "1人当たりの施術回数"
_TENDENCIES = {
    "parts3": "3部位以上の割合",
    "long": "長期（3か月超）の割合",
    "visits": _MEAN,
    "same_onset": "全部位が同じ負傷日の割合（複数部位）",
    "same_set": "負傷名の組合せが同じ割合（複数部位）",
    "paired": "同じ世帯の人と同じ日に通う割合",
    "heap": "長期頻回の基準のすぐ下の回数の割合",
    "sixteenth": "初検日が16日の割合（初検）",
    "next_injury": "前月から続けて別の負傷で通う割合（新しい負傷）",
}
_TOLD = 5  # decimals are of no use to a reader


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain."""
    source, parameters = read(view), load()
    if source.current.is_empty():
        return GRAIN.empty()
    claims = _claims(source, view, parameters)
    compared = _compare(claims, parameters)
    limit = parameters.expr("clinics.profile.z", pl.col("service_month"))
    shown = pl.format("{} {}（他の施術所 {}、隔たり{}）", "tendency", pl.col("own_value").round(2), pl.col("peer_value").round(2), pl.col("z").round(1))
    best = (
        compared.filter(pl.col("z").is_not_null())
        .sort("z", "tendency", descending=[True, False])
        .group_by(CLINIC, maintain_order=True)
        .agg(pl.col("tendency", "z", "own_value", "peer_value", "shrunken_value", "peers", "excess", "mean").first(), tendencies=shown.filter(pl.col("z") >= limit))
    )
    totals = claims.group_by(CLINIC).agg(
        clinic_claims=pl.len().cast(pl.Int32), clinic_yen=pl.col("insurer_yen").sum(), _visits=pl.col("visits").sum()
    )
    per_unit = pl.when("mean").then(pl.col("clinic_yen") / pl.col("_visits")).otherwise(pl.col("clinic_yen") / pl.col("clinic_claims"))
    return (
        totals.join(best, on=CLINIC, how="left", validate="1:1")
        .with_columns(
            unit_id=pl.format("{}|{}", "clinic_id", pl.col("service_month").dt.strftime("%Y-%m")),
            provider_id=pl.col("clinic_id"),
            person_id=pl.lit(None, dtype=pl.String),
            # a tendency is no receipt's: the clinic's claims stay free for the other lists and the control sample
            claim_ids=pl.lit([], dtype=pl.List(pl.String)),
            stake_claim_id=pl.lit(None, dtype=pl.String),
            stake_cap_yen=pl.col("clinic_yen"),
            excess_yen=(pl.col("excess") * per_unit).clip(0).round(0, mode="half_away_from_zero"),
        )
        .select(pl.col(n).cast(t) for n, t in GRAIN.schema.items())
    )


def _claims(source: JudoSource, view: View, parameters: Parameters) -> pl.DataFrame:
    """Current claims with one column per tendency: 0 or 1 (visits: their number), null where it says nothing."""
    month = pl.col("service_month")
    end = month.dt.month_end()
    parts = (
        source.parts.join(source.current.select("c", "service_month"), on="c", how="inner", validate="m:1")
        .group_by("c")
        .agg(
            _lines=pl.len(),
            _first=pl.col("first_exam_on").min(),
            _new=pl.col("first_exam_on").is_between(month, end).any(),
            _new_only=pl.col("first_exam_on").is_between(month, end).all(),
            # two days that differ are enough to say no
            _onset=pl.when(pl.col("injured_on").drop_nulls().n_unique() > 1).then(False).when(pl.col("injured_on").is_not_null().all()).then(True),
            _set=pl.when(pl.col("site").is_not_null().all()).then(part_key().unique().sort().str.join("+")),
        )
    )
    before = source.claims.filter(pl.col("g").is_not_null()).select("g", month=pl.col("month") + 1, _before=pl.lit(True)).unique()
    several = pl.col("_lines") >= 2
    same_set = [*CLINIC, "_set"]
    n_set = pl.col("_set").count().over(CLINIC)
    return (
        source.current.join(parts, on="c", how="left", validate="1:1")
        .join(before, on=["g", "month"], how="left", validate="m:1")
        .join(source.first_month, on="insurer_no", how="left", validate="m:1")
        .join(paired(view), on="unit", how="left", validate="1:1")
        .with_columns(_first=pl.coalesce("_first", "first_exam_on"), _set=pl.when(several).then("_set"))
        .with_columns(_opened=pl.col("_first").is_between(month, end))
        .select(
            *CLINIC, "insurer_yen",
            parts3=(pl.coalesce("part_count", pl.col("_lines").cast(pl.Int32)) >= 3).cast(pl.Float64),
            long=(months_counted(pl.col("_first"), month, parameters) >= parameters.expr("judo.long.months", month)).cast(pl.Float64),
            visits=pl.col("actual_days").cast(pl.Float64),
            same_onset=pl.when(several).then(pl.col("_onset").cast(pl.Float64)),
            same_set=pl.when(pl.col("_set").is_not_null() & (n_set > 1)).then((pl.len().over(same_set) - 1) / (n_set - 1)),
            paired=pl.col("paired").cast(pl.Float64),
            heap=(pl.col("actual_days") == parameters.expr("clinics.heap.visits", month)).cast(pl.Float64),
            sixteenth=pl.when("_opened").then((pl.col("_first").dt.day() == parameters.expr("judo.counting.next_month_from_day", month)).cast(pl.Float64)),
            # an injury of this month of somebody who was there the month before: the months before must be delivered
            next_injury=pl.when(pl.col("_new") & pl.col("g").is_not_null() & (pl.col("stored_from") < pl.col("month"))).then(pl.col("_before").fill_null(False).cast(pl.Float64)),
        )
    )  # fmt: skip


def _compare(claims: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """One row per clinic and tendency with enough claims and peers: own, peer and shrunken value, z, excess claims or visits."""
    month = pl.col("service_month")
    long = claims.unpivot(list(_TENDENCIES), index=CLINIC, variable_name="tendency", value_name="x").drop_nulls("x")
    own = (
        long.group_by(*CLINIC, "tendency")
        .agg(n=pl.len().cast(pl.Float64), s=pl.col("x").sum(), ss=(pl.col("x") * pl.col("x")).sum())
        .sort(*CLINIC, "tendency")  # sums of floats in one order
        .with_columns(p=pl.col("s") / pl.col("n"))
    )
    group = ["insurer_no", "service_month", "tendency"]
    n, s, p = pl.col("n"), pl.col("s"), pl.col("p")
    total = {"N": n, "S": s, "P": n * p * p, "N2": n * n, "SS": pl.col("ss"), "K": pl.lit(1.0)}
    sums = own.group_by(group, maintain_order=True).agg(**{name: (pl.len().cast(pl.Float64) if name == "K" else e.sum()) for name, e in total.items()})
    frame = own.join(sums, on=group, how="left", validate="m:1").with_columns(mean=pl.col("tendency") == "visits")
    all_n, all_s, all_p, all_n2, k = (pl.col(c) for c in ("N", "S", "P", "N2", "K"))
    smoothed = (all_s + 0.5) / (all_n + 1)  # a share of none or all would leave no spread at all
    within = pl.when("mean").then((pl.col("SS") - all_p) / (all_n - k)).otherwise(smoothed * (1 - smoothed))
    rest_n, rest_s = all_n - n, all_s - s
    peer = rest_s / rest_n
    rest_spread = _spread(all_p - n * p * p, rest_s, rest_n, all_n2 - n * n, k - 1, within)
    whole_spread = _spread(all_p, all_s, all_n, all_n2, k, within)
    pull = whole_spread / (whole_spread + within / n)
    shrunken = all_s / all_n + pull * (p - all_s / all_n)
    enough = (
        (n >= parameters.expr("clinics.profile.claims", month))
        & (k - 1 >= parameters.expr("clinics.profile.peers", month))
        & (within > 0)
    )
    return frame.filter(enough).select(
        *CLINIC, "mean", tendency=pl.col("tendency").replace_strict(_TENDENCIES, return_dtype=pl.String),
        peers=(k - 1).cast(pl.Int32), own_value=p.round(_TOLD), peer_value=peer.round(_TOLD), shrunken_value=shrunken.round(_TOLD),
        z=((p - peer) / (within / n + within / rest_n + rest_spread).sqrt()).round(_TOLD),
        excess=((shrunken - peer) * n).round(_TOLD),
    )


def _spread(np2: pl.Expr, total: pl.Expr, n: pl.Expr, n2: pl.Expr, k: pl.Expr, within: pl.Expr) -> pl.Expr:
    """Variance between clinics by moments, never below 0."""
    q = np2 - total * total / n
    return ((q - (k - 1) * within) / (n - n2 / n)).clip(0)
