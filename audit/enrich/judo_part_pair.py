"""Grain `judo_part_pair`: two claims of one person and month at two clinics that bill the same part, or may do so.

Both claims have the same service month; at least one came with this delivery. The row is ordered: the claim with the
smaller insurer share is the one at stake (on a tie the smaller id). Two part lines are the same part when site and family
(fracture, dislocation, soft tissue) are equal, sides are equal or one is both, and the levels (上部, 下部) do not differ.
Where a site, side or type cannot be read, or a claim has no part lines, and no other part matches, `same_part` is null;
pairs whose parts all differ have no row. Sources: JUDO_CLAIMS, JUDO_PARTS.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.judo_source import CLOSED, JudoSource, read
from audit.enrich.month_days import days_text
from audit.rules.grains import Grain, declare
from audit.view import View

JUDO_PART_PAIR = declare(
    Grain(
        "judo_part_pair",
        "同じ人・同じ月の、2か所の施術所の申請書の組",
        ("judo_claims",),
        {
            "same_part": pl.Boolean(),  # true: a part in common; null: cannot be told
            "parts": pl.String(),  # 負傷名 in common as the claim at stake writes them, 「、」 between; null: not known
            "clinics": pl.List(pl.String()),  # 登録記号番号 of the claim at stake, then of the other
            "overlap_months": pl.Int32(),  # months up to this one in which both clinics billed the part; null: no part known
            "same_days": pl.Int32(),  # days on which both clinics treated while the part was open; null: day list not keyed
            "same_days_sure": pl.Int32(),  # the part was surely treated twice: days less visits that may be for other parts
            "same_dates": pl.String(),  # those days 「3・5・8日」, なし; null: not keyed
            "in_turn": pl.Boolean(),  # one clinic's treatment of the part ended before the other's began; null: days unknown
            "earlier_closed": pl.Boolean(),  # ... and the earlier one bears 治癒, 中止 or 転医; null: not in turn or not keyed
            "handed_over": pl.Boolean(),  # 転医 on either side; null: no part known
            "stake_yen": pl.Int64(),  # insurer share of the smaller claim
            "other_yen": pl.Int64(),  # insurer share of the other claim
        },
    )
)
_WHO = ["insurer_no", "person_id"]
_FAMILY = {"fracture": "fracture", "incomplete_fracture": "fracture", "dislocation": "dislocation", "sprain": "soft", "bruise": "soft", "strain": "soft"}


def build(view: View) -> pl.DataFrame:
    """Return the frame of the grain, sorted by insurer and unit."""
    source = read(view, several_clinics=True)
    pairs = _pairs(source, view)
    matches = _matches(pairs, source)
    summary = _summary(matches)
    # the other claim of the pair, and which of the two is at stake
    sides = source.claims.select("c", "claim_id", "version_no", "clinic_id", "insurer_yen")
    frame = (
        pairs.filter("is_current")
        .join(summary, on="pair", how="inner", validate="1:1")
        .join(sides.select(pl.all().name.suffix("_a")), on="c_a", how="left", validate="m:1")
        .join(sides.select(pl.all().name.suffix("_b")), on="c_b", how="left", validate="m:1")
    )
    yen_a, yen_b = (pl.col(f"insurer_yen_{s}").fill_null(2**62) for s in "ab")
    a_first = (yen_a < yen_b) | ((yen_a == yen_b) & (pl.col("claim_id_a") < pl.col("claim_id_b")))

    def stake(name: str) -> pl.Expr:
        return pl.when(a_first).then(f"{name}_a").otherwise(f"{name}_b")

    def other(name: str) -> pl.Expr:
        return pl.when(a_first).then(f"{name}_b").otherwise(f"{name}_a")

    ids = pl.concat_list("claim_id_a", "claim_id_b").list.sort()
    return (
        frame.sort("insurer_no", "claim_id_a", "claim_id_b", "version_no_a", "version_no_b")
        .unique(["insurer_no", "claim_id_a", "claim_id_b"], keep="last", maintain_order=True)
        .with_columns(
            unit_id=ids.list.join("+"),  # sorted ids: the same unit also when the amounts change
            provider_id=pl.lit(None, dtype=pl.String),
            claim_ids=pl.concat_list(stake("claim_id"), other("claim_id")),
            stake_claim_id=stake("claim_id"),
            stake_cap_yen=stake("insurer_yen"),
            stake_yen=stake("insurer_yen"),
            other_yen=other("insurer_yen"),
            clinics=pl.concat_list(stake("clinic_id"), other("clinic_id")),
            parts=stake("parts"),
        )
        .select(pl.col(n).cast(t) for n, t in JUDO_PART_PAIR.schema.items())
        .sort("insurer_no", "unit_id")
    )


def _pairs(source: JudoSource, view: View) -> pl.DataFrame:
    """Claims of one person and month at two clinics, for every two clinics that meet in a current claim.

    `a` is the clinic with the smaller number; `is_current`: one of the two was delivered this month; `pair`: row number.
    """
    claims = source.claims.filter(pl.col("person_id").is_not_null()).select(
        *_WHO, "service_month", "clinic_id", "c", here=pl.col("delivery_month") == view.month
    )
    return (
        claims.rename({"clinic_id": "clinic_a", "c": "c_a", "here": "here_a"})
        .join(claims.rename({"clinic_id": "clinic_b", "c": "c_b", "here": "here_b"}), on=[*_WHO, "service_month"])
        .filter(pl.col("clinic_a") < pl.col("clinic_b"))
        .with_columns(is_current=pl.col("here_a") | pl.col("here_b"))
        .sort(*_WHO, "service_month", "c_a", "c_b")
        .with_row_index("pair")
        .select("pair", *_WHO, "service_month", "clinic_a", "clinic_b", "c_a", "c_b", "is_current")
    )


def _sides(pairs: pl.DataFrame, source: JudoSource, side: str) -> pl.DataFrame:
    """Parts of one claim of each pair (a row of nulls where it has none), with the days on which each was treated."""
    month, first, last = pl.col("service_month"), pl.col("started_on"), pl.col("ended_on")
    begin = pl.when(first < month).then(1).otherwise(pl.when(first <= month.dt.month_end()).then(first.dt.day()).otherwise(32))
    end = pl.when(last > month.dt.month_end()).then(31).otherwise(pl.when(last >= month).then(last.dt.day()).otherwise(0))
    begin, end = pl.when(first.is_not_null()).then(begin), pl.when(last.is_not_null()).then(end)
    two = pl.lit(2, dtype=pl.Int64)
    mask = (two.pow(end.fill_null(31)) - two.pow(begin.fill_null(1) - 1)).clip(0).cast(pl.UInt32)
    days = pl.col("visit_days") & mask
    treated = days != 0
    lines = source.parts.select("c", "injury_name", "injury_type", "site", "side", "level", "started_on", "ended_on", "outcome", part_days="actual_days")
    return (
        pairs.select("pair", "service_month", c=f"c_{side}")
        .join(source.claims.select("c", "visit_days"), on="c", how="left", validate="m:1")
        .join(lines, on="c", how="left")
        .with_columns(days=days, family=pl.col("injury_type").replace_strict(_FAMILY, default=None, return_dtype=pl.String))
        .select(
            "pair",
            pl.col("injury_name", "site", "side", "level", "family", "outcome", "days").name.suffix(f"_{side}"),
            # visits of the claim in the part's time that may have been for other parts
            (pl.col("days").bitwise_count_ones().cast(pl.Int32) - pl.col("part_days")).clip(0).fill_null(0).alias(f"spare_{side}"),
            pl.when(treated).then(pl.col("days").bitwise_trailing_zeros().cast(pl.Int32) + 1).otherwise(begin).alias(f"first_{side}"),
            pl.when(treated).then(32 - pl.col("days").bitwise_leading_zeros().cast(pl.Int32)).otherwise(end).alias(f"last_{side}"),
        )
    )


def _matches(pairs: pl.DataFrame, source: JudoSource) -> pl.DataFrame:
    """Every part of one claim beside every part of the other, with `same` (null: cannot be told) and months in common."""
    a, b = pl.col("side_a"), pl.col("side_b")
    # one side written and the other not: null, unknown; both sides contain whichever was meant
    side = a.eq_missing(b) | (a == "both") | (b == "both")
    level = (pl.col("level_a") == pl.col("level_b")).fill_null(True)
    same = (pl.col("site_a") == pl.col("site_b")) & (pl.col("family_a") == pl.col("family_b")) & side & level
    found = (
        _sides(pairs, source, "a")
        .join(_sides(pairs, source, "b"), on="pair")
        .with_columns(same=same)
        .filter(pl.col("same").fill_null(True))
        .join(pairs.select("pair", *_WHO, "clinic_a", "clinic_b", "service_month", "is_current"), on="pair", how="left", validate="m:1")
    )
    history = [*_WHO, "clinic_a", "clinic_b", "site_a", "side_a", "family_a"]
    months = found.filter("same").select(*history, "service_month").unique().with_columns(
        overlap=pl.col("service_month").rank("dense").over(history).cast(pl.Int32)
    )
    current = found.filter("is_current").join(months, on=[*history, "service_month"], how="left", validate="m:1", nulls_equal=True)
    a_then_b, b_then_a = pl.col("last_a") < pl.col("first_b"), pl.col("last_b") < pl.col("first_a")
    closed = {s: pl.col(f"outcome_{s}").is_in(CLOSED) for s in "ab"}
    both = pl.col("days_a") & pl.col("days_b")
    return current.with_columns(
        both=both,
        sure=both.bitwise_count_ones().cast(pl.Int32) - pl.col("spare_a") - pl.col("spare_b"),
        in_turn=a_then_b | b_then_a,
        earlier_closed=pl.when(a_then_b).then(closed["a"]).when(b_then_a).then(closed["b"]),
        moved=(pl.col("outcome_a") == "moved").fill_null(False) | (pl.col("outcome_b") == "moved").fill_null(False),
    )


def _summary(matches: pl.DataFrame) -> pl.DataFrame:
    """One row per pair, over the parts in common; over nothing (all null) where only unknown parts are left."""
    known = matches.filter("same").sort("pair", "site_a", "side_a", "injury_name_a", "injury_name_b", nulls_last=True)
    common = known.group_by("pair", maintain_order=True).agg(
        same_part=pl.lit(True).first(),
        parts_a=pl.col("injury_name_a").unique(maintain_order=True).str.join("、"),
        parts_b=pl.col("injury_name_b").unique(maintain_order=True).str.join("、"),
        overlap_months=pl.col("overlap").max(),
        _both=pl.when(pl.col("both").is_not_null().all()).then(pl.col("both").bitwise_or()),
        same_days_sure=pl.col("sure").max().clip(0),
        in_turn=pl.col("in_turn").all(ignore_nulls=False),
        earlier_closed=pl.col("earlier_closed").all(ignore_nulls=False),
        handed_over=pl.col("moved").any(),
    )
    none = pl.col("_both") == 0
    return (
        matches.select("pair")
        .unique()
        .join(common, on="pair", how="left", validate="1:1")
        .with_columns(
            same_days=pl.col("_both").bitwise_count_ones().cast(pl.Int32),
            same_dates=pl.when(none).then(pl.lit("なし")).otherwise(days_text(pl.col("_both")) + "日"),
        )
    )
