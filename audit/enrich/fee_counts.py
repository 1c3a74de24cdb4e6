"""Counts of a code in a day, week, month or several months against its limits.

Receipts write the days of a line and the sum of their counts, not the count of each day. Where that leaves it open how many
fell on one day or into one week, the least that is sure is counted, and what is not over by it is not decided.
"""

from __future__ import annotations

import polars as pl

from audit.enrich.fee_in_force import days_in_force
from audit.enrich.fee_lines import Billed, billed
from audit.enrich.fee_names import with_days
from audit.enrich.fee_pairs import WEEK, days_of, masks
from audit.enrich.fee_receipts import KEY, WHO, standing
from audit.view import View

ROWS = {
    "c": pl.UInt32, "code": pl.UInt32, "service_month": pl.Date, "unit_name": pl.String, "most": pl.Int32, "limit_source": pl.String, "counted": pl.Int32,
    "excess": pl.Int32, "window_from": pl.Date, "window_to": pl.Date, "billed_days": pl.String, "special": pl.Boolean, "over": pl.Boolean, "certain": pl.Boolean,
    "window_complete": pl.Boolean, "unit_points": pl.Int64, "earlier_claims": pl.List(pl.String),
}
_TABLE, _MASTER = "電子点数表05算定回数", "診療行為マスター上限回数"
_MONTH_JA = "月"
_FISCAL_FROM = 4  # 年度 begins in April


def _rows(frame: pl.DataFrame) -> pl.DataFrame:
    frame = with_days(frame, "mask", "billed_days")
    columns = frame.columns
    month = pl.col("service_month")
    defaults = {
        "limit_source": pl.lit(_TABLE), "window_from": month, "window_to": month.dt.month_end(), "window_complete": pl.lit(True),
        "earlier_claims": pl.lit([], dtype=pl.List(pl.String)),
    }
    return frame.with_columns(**{n: e for n, e in defaults.items() if n not in columns}).select(pl.col(n).cast(t) for n, t in ROWS.items())


def _several(data: Billed) -> pl.DataFrame:
    """Codes billed more than once (or unknown) in a group, with their month: no limit is below one."""
    more = data.sums.filter((pl.max_horizontal("times", "day_total") > 1) | pl.col("times").is_null())
    return more.join(data.claims.select("c", "service_month"), on="c", how="left", validate="m:1")


def _whole_month() -> pl.Expr:
    month = pl.col("service_month")
    return pl.col("held").bitwise_count_ones().cast(pl.Int64) == (month.dt.month_end() - month).dt.total_days() + 1


def in_month(data: Billed, limits: pl.DataFrame, maxima: pl.DataFrame) -> pl.DataFrame:
    """Return codes over their limit of a calendar month: 05, and column 36 of the master beside it or where 05 has none.

    Where the two differ, more than the larger is certain, and what lies between them is a question.
    """
    of_table = limits.filter((pl.col("window") == "month") & (pl.col("length") == 1)).select("service_month", "code", "unit_name", "special", "starts_on", "ends_on", table="most")
    of_master = maxima.select("service_month", "code", master="most")
    both = of_table.join(of_master, on=["service_month", "code"], how="full", coalesce=True)
    met = _several(data).join(both, on=["service_month", "code"], how="inner")
    held = pl.when(pl.col("starts_on").is_null()).then(pl.lit((1 << 31) - 1, pl.UInt32)).otherwise(days_in_force(pl.col("service_month"), pl.col("starts_on"), pl.col("ends_on")))
    least, largest = pl.min_horizontal("table", "master"), pl.max_horizontal("table", "master")
    everything = pl.col("starts_on").is_null() | _whole_month()
    counted = pl.when(everything).then(pl.col("times")).otherwise((pl.col("mask") & pl.col("held")).bitwise_count_ones().cast(pl.Int32))
    sure = pl.col("counted") > largest
    most = pl.when(sure).then(largest).otherwise(least)
    differ = pl.col("table") != pl.col("master")
    source = (
        pl.when(differ).then(pl.concat_str(pl.lit(f"{_TABLE}は"), "table", pl.lit(f"回、{_MASTER}は"), "master", pl.lit("回")))
        .when(pl.col("table").is_null()).then(pl.lit(_MASTER)).otherwise(pl.lit(_TABLE))
    )
    return _rows(
        met.with_columns(held=held).filter(pl.col("held") > 0).with_columns(counted=counted)
        .with_columns(over=pl.col("counted") > least, most=most, limit_source=source)
        .filter(pl.col("over").fill_null(True))
        .with_columns(
            excess=pl.col("counted") - pl.col("most"), certain=sure & (pl.col("receipts") == 1), unit_name=pl.col("unit_name").fill_null(_MONTH_JA), special=pl.col("special").fill_null(False),
        )
    )


def in_day(data: Billed, limits: pl.DataFrame) -> pl.DataFrame:
    """Return codes over their limit of a day, and those whose counts of single days leave it open."""
    of_table = limits.filter(pl.col("window") == "day").select("service_month", "code", "unit_name", "special", "starts_on", "ends_on", "most")
    met = _several(data).join(of_table, on=["service_month", "code"], how="inner")
    held = days_in_force(pl.col("service_month"), pl.col("starts_on"), pl.col("ends_on"))
    total, days = pl.col("day_total"), pl.col("mask").bitwise_count_ones().cast(pl.Int32)
    # days on which the row does not hold may carry any of the counts
    inside = (pl.col("mask") & ~pl.col("held")) == 0
    sure = (total - pl.col("most") * days).clip(0)  # no spread over the days has fewer beyond the limit
    possible = total - (days - 1) > pl.col("most")
    over = pl.when(inside & (sure > 0)).then(True).when(possible.fill_null(True)).then(None).otherwise(False)
    return _rows(
        met.with_columns(held=held).filter(pl.col("held") > 0).with_columns(over=over, excess=sure, counted=total)
        .filter(pl.col("over").fill_null(True))
        .with_columns(certain=pl.col("receipts") == 1)
    )


def in_week(view: View, limits: pl.DataFrame) -> pl.DataFrame:
    """Return codes over their limit of a calendar week (Sunday to Saturday) or of 14 days.

    No text says where two weeks begin: more than the limit inside 14 days in a row is a question, inside one calendar week
    it is certain.
    """
    data = billed(view)
    of_table = limits.filter(pl.col("window") == "week").select("service_month", "code", "unit_name", "special", "starts_on", "ends_on", "most", "length")
    codes = data.sums.filter(pl.col("code").is_in(of_table["code"].unique().implode()))["code"].unique()
    if codes.is_empty():
        return pl.DataFrame(schema=ROWS)
    rows, claims = masks(view, codes)
    # nearly all stand once: within any limit
    several = rows.group_by(*WHO, "code").agg(n=pl.col("times").sum(), blank=pl.col("times").is_null().any()).filter((pl.col("n") > 1) | pl.col("blank"))
    days = days_of(rows.join(several, on=[*WHO, "code"], how="semi"))
    n_days = pl.col("mask").bitwise_count_ones().cast(pl.Int32)
    one_day = n_days == 1
    days = days.with_columns(count=pl.when(one_day).then(pl.col("times").fill_null(1)).otherwise(1), slack=pl.when(one_day).then(0).otherwise(pl.col("times") - n_days))
    sunday = pl.col("day") - pl.duration(days=pl.col("day").dt.weekday() % WEEK)
    whose = [*WHO, "code"]
    lines = (
        days.join(of_table, on=["service_month", "code"], how="inner").filter(pl.col("day").is_between("starts_on", "ends_on"))
        .join(claims.select("c", "claim_id"), on="c", how="left", validate="m:1")
    )
    # a week may begin in the month before: what 05 says of the receipt's own month holds for both
    windows = pl.concat([
        lines.filter("now").select(*whose, "c", "service_month", "unit_name", "special", "most", "length", "mask", "unit_points", start=sunday, sure=pl.lit(True)),
        lines.filter(pl.col("now") & (pl.col("length") > 1)).select(
            *whose, "c", "service_month", "unit_name", "special", "most", "length", "mask", "unit_points",
            start=pl.col("day") - pl.duration(days=WEEK * pl.col("length") - 1), sure=pl.lit(False)),
    ]).unique([*whose, "c", "unit_name", "most", "special", "start", "sure"])
    width = pl.when("sure").then(WEEK).otherwise(WEEK * pl.col("length"))
    all_days = days.join(claims.select("c", "claim_id"), on="c", how="left", validate="m:1").select(*whose, "day", "count", slack="slack", other="claim_id", other_c="c")
    counted = (
        windows.join(all_days, on=whose, how="inner").filter(pl.col("day").is_between(pl.col("start"), pl.col("start") + pl.duration(days=width - 1)))
        .group_by(*whose, "c", "service_month", "unit_name", "most", "length", "special", "start", "sure")
        .agg(
            pl.col("mask", "unit_points").first(), counted=pl.col("count").sum(), slack=pl.col("slack").max() * pl.col("other_c").n_unique(), blank=pl.col("slack").is_null().any(), own=pl.col("count").filter(pl.col("other_c") == pl.col("c")).sum(),
            last=pl.col("day").max(), earlier_claims=pl.col("other").unique().sort(),
        )
    )
    # counts whose day is not written may all be of this window
    over = pl.when(pl.col("counted") > pl.col("most")).then(True).when(~pl.col("blank") & (pl.col("counted") + pl.col("slack") <= pl.col("most"))).then(False)
    judged = counted.with_columns(over=over).filter(pl.col("over").fill_null(True))
    # of a receipt's windows the calendar weeks stand; two weeks in a row only where none of these is over
    judged = judged.sort(*whose, "c", "unit_name", "most", "special", pl.col("over").fill_null(False), "sure", "start", descending=[False] * 8 + [True, True, False])
    one = pl.col("sure") & pl.col("over").fill_null(False)
    key = [*whose, "c", "unit_name", "most", "special"]
    judged = judged.filter(one | (~one.any().over(key) & (pl.int_range(pl.len()).over(key) == 0)))
    return _rows(judged.with_columns(
        excess=pl.min_horizontal(pl.col("counted") - pl.col("most"), "own"), certain=pl.col("sure"), window_from="start", window_to=pl.col("start") + pl.duration(days=width - 1),
    ))


def in_months(view: View, data: Billed, limits: pl.DataFrame) -> pl.DataFrame:
    """Return codes with a limit of several calendar months, or of a fiscal year, up to the receipt's month.

    ３月 with a receipt of October counts August, September and October.
    """
    long = ((pl.col("window") == "month") & (pl.col("length") > 1)) | (pl.col("window") == "fiscal_year")
    of_table = limits.filter(long).select("service_month", "code", "unit_name", "special", "starts_on", "ends_on", "most", "length", "window")
    own = (
        data.sums.join(data.claims.select("c", "service_month", "person_id", *WHO), on="c", how="left", validate="m:1")
        .join(of_table, on=["service_month", "code"], how="inner")
        .with_columns(held=days_in_force(pl.col("service_month"), pl.col("starts_on"), pl.col("ends_on")))
        .filter((pl.col("held") > 0) & (pl.col("mask").is_null() | ((pl.col("mask") & pl.col("held")) > 0)))
    )
    if own.is_empty():
        return pl.DataFrame(schema=ROWS)
    month = pl.col("service_month")
    fiscal = (month.dt.month().cast(pl.Int32) - _FISCAL_FROM) % 12
    back = pl.when(pl.col("window") == "fiscal_year").then(fiscal).otherwise(pl.col("length") - 1)
    own = own.with_columns(back=back).with_columns(window_from=month.dt.offset_by(pl.concat_str(-pl.col("back"), pl.lit("mo"))))
    reach = (view.month.year - own["window_from"].min().year) * 12 + view.month.month - own["window_from"].min().month
    past = _history(view, data, own["code"].unique(), reach)
    seen = _delivered(view, own, reach)
    counted = (
        own.lazy().select("c", *WHO, "code", "window_from", "service_month", "unit_name")
        .join(past.lazy(), on=[*WHO, "code"], how="inner")
        .filter((pl.col("month") >= pl.col("window_from")) & (pl.col("month") <= pl.col("service_month")))
        .filter(~(pl.col("now") & (pl.col("month") == pl.col("service_month"))))  # the receipt itself
        .group_by("c", "code", "unit_name", "window_from")
        .agg(before=pl.col("past_times").sum(), earlier_claims=pl.col("claim_id").unique().sort())
        .collect()
    )
    rows = (
        own.join(counted, on=["c", "code", "unit_name", "window_from"], how="left", validate="m:1")
        .join(seen, on=["insurer_no", "window_from", "service_month"], how="left", validate="m:1")
        .with_columns(counted=pl.col("times") + pl.col("before").fill_null(0), earlier_claims=pl.col("earlier_claims").fill_null([]))
    )
    over = pl.col("counted") > pl.col("most")
    return _rows(rows.with_columns(
        over=over, excess=pl.min_horizontal(pl.col("counted") - pl.col("most"), "times").clip(0), certain=pl.lit(True), window_to=month.dt.month_end(),
        window_complete=pl.when(over | (pl.col("complete") & pl.col("person_id").is_not_null())).then(True),
    ))


def _history(view: View, data: Billed, codes: pl.Series, reach: int) -> pl.DataFrame:
    """Return WHO, code, claim_id, month, past_times, now (of this delivery) of all receipts so far."""
    shape = [*WHO, "code", "claim_id", "month", "past_times", "now"]
    here = data.sums.filter(pl.col("code").is_in(codes.implode())).join(data.claims.select("c", *WHO, "claim_id", "service_month"), on="c", how="left", validate="m:1")
    here = here.with_columns(month="service_month", past_times="times", now=pl.lit(True)).select(shape)
    lines = (
        view.earlier_children("lines", reach)
        .filter((pl.col("record") == "SI") & pl.col("code").is_in(codes.cast(pl.String).implode()))
        .select(*KEY, past_times="times", code=pl.col("code").cast(pl.UInt32))
        .collect()
    )
    if lines.is_empty():
        return here
    claims = standing(view, reach).filter((pl.col("delivery_month") < view.month) & pl.col("claim_id").is_in(lines["claim_id"].unique().implode()))
    past = claims.join(lines.lazy(), on=KEY, how="inner").with_columns(month="service_month", now=pl.lit(False)).select(shape).collect()
    return pl.concat([here, past])


def _delivered(view: View, own: pl.DataFrame, reach: int) -> pl.DataFrame:
    """Return insurer_no, window_from, service_month, complete: whether every month of the window was delivered."""
    months = view.scan("claims", reach).select("insurer_no", "delivery_month").unique().collect()
    windows = own.select("insurer_no", "window_from", "service_month").unique()
    n = (pl.col("service_month").dt.year() - pl.col("window_from").dt.year()).cast(pl.Int32) * 12 + (pl.col("service_month").dt.month().cast(pl.Int32) - pl.col("window_from").dt.month().cast(pl.Int32)) + 1
    return (
        windows.join(months, on="insurer_no", how="left")
        .filter(pl.col("delivery_month").is_between("window_from", "service_month"))
        .group_by("insurer_no", "window_from", "service_month")
        .agg(held=pl.len())
        .with_columns(complete=pl.col("held") >= n)
        .select("insurer_no", "window_from", "service_month", "complete")
    )

