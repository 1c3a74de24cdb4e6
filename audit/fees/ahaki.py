"""Fees of acupuncture and massage (あはき療養費) computed anew, line by line.

All revisions began on the first of a month, so a form has one table. A line whose price is not known on its date, or whose
count was not keyed, has no expected amount: null, never 0. Source: audit/parameters/ahaki_fees.yaml.
"""

from __future__ import annotations

import polars as pl

from audit.params import Parameters

LINES = {
    "initial": "初検料", "treatment": "施術料", "electro": "電療料", "warm": "温罨法", "correction": "変形徒手矯正術", "home": "訪問施術料",
    "outcall": "往療料", "special_area": "特別地域加算", "report": "施術報告書交付料", "total": "合計",
}
"""Lines of a form in its order, with their Japanese names; `total` is the sum."""
HOME = ("home1_count", "home2_count", "home3_count", "home4_count", "home5_count")
_BILLED = {
    "initial": "initial_fee_yen", "treatment": "treatment_yen", "electro": "electro_yen", "warm": "warm_yen", "correction": "correction_yen",
    "home": "home_yen", "outcall": "outcall_yen", "special_area": "special_area_yen", "report": "report_fee_yen",
}
_OF_KIND = {"initial": "acupuncture", "electro": "acupuncture", "warm": "massage", "correction": "massage"}
_REDUCED = ("treatment", "electro", "warm", "correction", "home")  # which of them the reduction of 2026-07 touches is not known
_NEAR_KM = 4.0
_PRICES = (
    "initial.one", "initial.two", "treatment.one", "treatment.two", "site", "electro", "warm", "warm_light", "correction", "home.1", "home.2", "home.3", "home.4", "home.5",
    "outcall.near", "outcall.far", "special_area", "report",
)


def fee_lines(claims: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Return the billed and the expected amount of each line of the claims.

    Args:
        claims: columns of `ahaki_claims`, one row per form, with any row id columns named `unit*`.
        parameters: dated fees.

    Returns:
        One row per form and keyed line, and one per form for the total: the columns of `claims`, `line` (see LINES),
        `line_count` (null: not keyed), `billed_yen`, `expected_yen` (10割; null: cannot be computed). The expected total is
        the sum of the lines as billed (as computed where a line was not keyed), so that an error is told once.

    """
    # few months, so each price is looked up once a month and not once a form
    priced = claims.join(_prices(claims["service_month"], parameters), on="service_month", how="left", maintain_order="left", validate="m:1")
    wide = priced.with_columns(_line_columns())
    known = [pl.coalesce(f"_billed_{n}", f"_expected_{n}") for n in _BILLED]
    total = pl.sum_horizontal(*known, pl.col("other_yen"), ignore_nulls=False)
    wide = wide.with_columns(_count_total=pl.lit(None, dtype=pl.Int32), _billed_total=pl.col("total_yen"), _expected_total=pl.when(~_reduced() | (pl.col("total_yen") > total)).then(total))
    parts = [
        wide.filter(pl.col(f"_billed_{n}").is_not_null()).select(
            *claims.columns, line=pl.lit(n), line_count=f"_count_{n}", billed_yen=f"_billed_{n}", expected_yen=f"_expected_{n}",
        )
        for n in LINES
    ]
    return pl.concat(parts)


def _prices(months: pl.Series, parameters: Parameters) -> pl.DataFrame:
    """Return service_month and a column per price (and `reduced_from`, visits); null where it is not known in the month."""
    names = {p: f"ahaki_fees.{p}" for p in _PRICES} | {"reduced_from": "ahaki.reduction.visits"}
    rows = [{"service_month": m, **{f"_price_{n}": parameters.value(p, m) for n, p in names.items()}} for m in months.unique().sort()]
    return pl.DataFrame(rows, schema={"service_month": pl.Date, **{f"_price_{n}": pl.Float64 for n in names}})


def _price(name: str) -> pl.Expr:
    return pl.col(f"_price_{name}")


def _treatment_price() -> pl.Expr:
    """Yen of one treatment without travel: by 術数 (acupuncture) or 局所数 (massage); null where not keyed."""
    return pl.when(pl.col("kind") == "acupuncture").then(_by_methods("treatment")).otherwise(pl.col("body_sites") * _price("site"))


def _line_columns() -> list[pl.Expr]:
    counts, expected = _counts(), _expected()
    out: list[pl.Expr] = []
    for name, column in _BILLED.items():
        other_kind = pl.col("kind") != _OF_KIND[name] if name in _OF_KIND else pl.lit(False)
        count = pl.when(other_kind).then(0).otherwise(counts[name]).cast(pl.Int32)
        # nothing billed costs nothing, whether or not the price is known
        amount = pl.when(count == 0).then(0).otherwise(expected[name])
        if name in _REDUCED:
            # the reduction only lowers: what is above the full price is too much however it is applied
            amount = pl.when(~_reduced() | (pl.col(column) > amount)).then(amount)
        billed = pl.when(other_kind).then(pl.coalesce(column, pl.lit(0))).otherwise(pl.col(column))
        out += [count.alias(f"_count_{name}"), amount.cast(pl.Int64).alias(f"_expected_{name}"), billed.cast(pl.Int64).alias(f"_billed_{name}")]
    return out


def _counts() -> dict[str, pl.Expr]:
    col = pl.col
    return {
        "initial": pl.coalesce("initial_count", pl.when(col("initial_fee_yen") > 0).then(1).when(col("initial_fee_yen") == 0).then(0)),
        "treatment": col("treatment_count"), "electro": col("electro_count"),
        "warm": pl.sum_horizontal("warm_count", "warm_light_count", ignore_nulls=False),
        "correction": col("correction_limbs"), "home": home_total(), "outcall": col("outcall_count"),
        "special_area": col("special_area_count"), "report": col("report_count"),
    }


def _expected() -> dict[str, pl.Expr]:
    col, price = pl.col, _price
    sites = pl.coalesce("site_treatments", col("body_sites") * col("treatment_count"))
    near, far = price("outcall.near"), price("outcall.far")
    far_count = pl.coalesce(
        "outcall_far_count", pl.when(near == far).then(0), pl.when(col("distance_km") <= _NEAR_KM).then(0).when(col("distance_km") > _NEAR_KM).then("outcall_count")
    )
    each = _treatment_price()
    home = [pl.when(col(c).fill_null(0) == 0).then(0).otherwise(col(c) * (each + price(f"home.{i}"))) for i, c in enumerate(HOME, 1)]
    # a blank 0 times an unknown price is 0: warm and light are taken apart
    warm = [pl.when(col(c) == 0).then(0).otherwise(col(c) * price(p)) for c, p in (("warm_count", "warm"), ("warm_light_count", "warm_light"))]
    return {
        "initial": col("initial_count").fill_null(1) * _by_methods("initial"),
        "treatment": pl.when(col("kind") == "acupuncture").then(col("treatment_count") * _by_methods("treatment")).otherwise(sites * price("site")),
        "electro": col("electro_count") * price("electro"),
        "warm": pl.sum_horizontal(*warm, ignore_nulls=False),
        "correction": col("correction_limbs") * price("correction"),
        "home": pl.sum_horizontal(*home, ignore_nulls=False),
        "outcall": (col("outcall_count") - far_count) * near + far_count * far,
        "special_area": col("special_area_count") * price("special_area"),
        "report": col("report_count").clip(0, 1) * price("report"),  # one fee a month, also where two treatments report
    }


def home_total() -> pl.Expr:
    """Return the number of 訪問施術料 of a form over all classes; null where no class was keyed."""
    return pl.when(pl.any_horizontal(pl.col(c).is_not_null() for c in HOME)).then(pl.sum_horizontal(HOME)).cast(pl.Int32)


def _by_methods(item: str) -> pl.Expr:
    return pl.when(pl.col("methods") == 1).then(_price(f"{item}.one")).when(pl.col("methods") == 2).then(_price(f"{item}.two"))


def _reduced() -> pl.Expr:
    """Whether the reduction from the 16th visit on may touch the form: its exact rule is not known yet."""
    return (pl.col("actual_days") >= _price("reduced_from")).fill_null(False)
