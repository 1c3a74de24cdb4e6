"""Grain `cover_claim`: receipts on which cover is in question, with the days and the money that it concerns.

Nearly every receipt is of a person whose cover, age and rate are plain: these are no units at all. Receipts of earlier
deliveries come back where the register now says that cover had ended (遡及喪失), where a list of overlaps newly names their
person, and where the two years in which insurers can settle run out.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from audit.enrich.cover_days import UNIT, after_cover, beside_cover, full_month
from audit.enrich.cover_money import benefits_beside_fee
from audit.params import Parameters, load
from audit.rules.grains import Grain, declare
from audit.view import View, months_before

_QUESTIONS = ("after", "duplicate", "double", "elderly")
GRAIN = declare(
    Grain(
        "cover_claim",
        "A receipt whose person's cover, age or rate is in question, and every receipt of nobody known.",
        ("claims",),
        {
            "kind": pl.String(),
            "points": pl.Int64(),  # yen for nur
            "judged": pl.Boolean(),  # delivered now, or its person's loss or overlap is new; else only its time limit is looked at
            "delivered_before": pl.Boolean(),
            "lost_on": pl.Date(),  # last loss up to the month's end; null: none
            "loss_reason": pl.String(),  # as the office writes it
            "visits": pl.Int32(),  # days of the receipt; null: not known
            # per question: is the receipt concerned, on how many of its days, by proof or by month only, insurer's yen
            **{f"{q}_hit": pl.Boolean() for q in _QUESTIONS},  # null: not matched, or no birth date
            **{f"{q}_days": pl.Int32() for q in _QUESTIONS},  # null: days not known
            **{f"{q}_sure": pl.Boolean() for q in _QUESTIONS},
            **{f"{q}_yen": pl.Int64() for q in _QUESTIONS},
            "partly": pl.Boolean(),  # some days of the receipt lie before the end of cover: its money is divided by days
            "meal_benefit_yen": pl.Int64(),  # insurer's part of the meals
            "high_cost_yen": pl.Int64(),  # 高額療養費 in kind, where the receipt says the person's share
            "other_insurers": pl.List(pl.String()),
            "elderly_on": pl.Date(),  # 75th birthday
            "welfare_payer": pl.Boolean(),  # 生活保護 stands as second payer
            "billed_rate": pl.Int32(),  # 給付割合 written, else by the receipt type; null: unknown
            "rate_written": pl.Boolean(),
            "register_rate": pl.Int32(),  # null: no spell of the month has one
            "rate_yen": pl.Int64(),  # insurer's yen beyond the register's rate; below it 0
            "rate_settled": pl.Boolean(),  # the delivery's own month, and not around the 70th birthday
            "confirmation": pl.String(),
            "moved_elsewhere": pl.Boolean(),  # the online check names another insurer
            "settlement": pl.String(),  # open, settled, refused; null: not on the list
            "window_months": pl.Int32(),  # months from the month of care to the month of work
        },
    )
)
_COLUMNS = (
    *UNIT, "claim_id", "version_no", "kind", "receipt_type", "institution_id", "birth_date", "benefit_rate", "insurer_rate", "points", "meal_yen",
    "insurer_yen", "visit_days", "confirmation", "confirmed_insurer_no", "search_no", "delivery_month",
)
_CLASSES = {"standard": "1256", "preschool": "34", "elderly_general": "78", "elderly_active": "90"}
_PERSON = ["insurer_no", "person_id"]


def build(view: View) -> pl.DataFrame:
    """Return the grain's frame."""
    parameters = load()
    register, lists = _registers(view)
    claims = _claims(view, register, lists, parameters)
    if claims.is_empty():
        return GRAIN.empty()
    units = claims.filter(pl.col("person_id").is_not_null()).select(UNIT).unique()
    spells = _spells(view, units)
    lost = spells.join(spells.filter(pl.col("lost_on").is_not_null()).select(_PERSON).unique(), on=_PERSON, how="semi")
    frame = (
        claims.join(after_cover(units, lost), on=UNIT, how="left", validate="m:1")
        .join(beside_cover(units, lists), on=UNIT, how="left", validate="m:1")
        .join(_rates(units, spells), on=UNIT, how="left", validate="m:1")
        .join(_settlements(view, claims), on=["insurer_no", "search_no"], how="left", validate="m:1")
        .with_columns(pl.col("after", "duplicate", "double").fill_null(0), *_ages(parameters), _judged(view), _window(view, parameters))
        # days after the end of our cover are a matter of the end, whatever a list of overlaps says
        .with_columns(pl.col("duplicate", "double") & ~pl.col("after"))
    )
    frame = benefits_beside_fee(view, frame, parameters)
    return (
        frame.with_columns(*(e for q in _QUESTIONS for e in _question(q)), *_rate_question(view))
        .with_columns(
            visits=pl.col("visit_days").bitwise_count_ones().cast(pl.Int32),
            partly=(pl.col("after_days") < pl.col("visit_days").bitwise_count_ones()).fill_null(False),
            moved_elsewhere=(pl.col("confirmed_insurer_no") != pl.col("insurer_no")).fill_null(False),
            provider_id=pl.col("institution_id"),
            unit_id=pl.col("claim_id"),
            claim_ids=pl.concat_list("claim_id"),
            stake_claim_id=pl.col("claim_id"),
            stake_cap_yen=pl.col("payable_yen"),
        )
        .sort("unit_id", "delivery_month", "version_no")
        .unique("unit_id", keep="last", maintain_order=True)
        .select(GRAIN.schema.keys())
        .cast(GRAIN.schema)
    )


def _registers(view: View) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return losses and overlaps as of now, each with `new`: not said a month ago, or with an earlier end (false where nothing was said then)."""
    losses = (
        view.scan("eligibility", 1)
        .filter(pl.col("lost_on").is_not_null())
        .select(*_PERSON, "gained_on", from_on="lost_on", to_on=pl.lit(None, dtype=pl.Date), delivery_month="delivery_month")
    )
    overlaps = (
        view.scan("cover_overlaps", 1)
        .filter(pl.col("person_id").is_not_null())
        .select(*_PERSON, "kind", "other_insurer_no", "from_on", "to_on", "delivery_month")
    )
    said = pl.collect_all([losses, overlaps])
    return _news(said[0], [*_PERSON, "gained_on", "from_on"], view.month), _news(said[1], [*_PERSON, "kind", "from_on"], view.month)


def _news(rows: pl.DataFrame, key: list[str], month: date) -> pl.DataFrame:
    now, before = rows.filter(pl.col("delivery_month") == month), rows.filter(pl.col("delivery_month") < month)
    far = pl.col("to_on").fill_null(date.max)
    known = before.group_by(key).agg(_known=far.max())
    told = before.select("insurer_no").unique().with_columns(_told=pl.lit(True))
    return (
        now.join(known, on=key, how="left", nulls_equal=True, validate="m:1")
        .join(told, on="insurer_no", how="left", validate="m:1")
        .with_columns(new=pl.col("_told").fill_null(False) & (pl.col("_known").is_null() | (far > pl.col("_known"))))
        .drop("_known", "_told")
    )


def _claims(view: View, losses: pl.DataFrame, overlaps: pl.DataFrame, parameters: Parameters) -> pl.DataFrame:
    """Collect the receipts in question: of this delivery, and of earlier ones where something new is said of them."""
    persons = pl.concat([losses["person_id"], overlaps["person_id"]]).unique().sort()
    prefixes = sorted({p for period in parameters["eligibility.welfare.payers"].periods for p in period.value})
    welfare = (
        view.scan("payers")
        .filter((pl.col("seq") > 0) & pl.col("payer_no").str.head(2).is_in(prefixes))
        .select("claim_id")
        .collect()["claim_id"].unique().sort()
    )
    month = pl.col("service_month")
    own = pl.col("receipt_type").str.slice(1, 1) != "2"
    rate_open = pl.col("benefit_rate").is_not_null() | _billed_rate(parameters).ne_missing(pl.col("insurer_rate"))
    age = parameters.value("eligibility.elderly_age", view.month)
    # before the age has a value every receipt stays, and is not evaluated
    old = pl.lit(True) if age is None else pl.col("birth_date") <= pl.date(view.month.year - age, view.month.month, 1).dt.month_end()
    asked = pl.col("person_id").is_null() | pl.col("person_id").is_in(persons.implode()) | (own & rate_open) | old | pl.col("claim_id").is_in(welfare.implode())
    parts = [view.scan("claims").filter(asked).select(_COLUMNS)]
    news = [f.filter("new") for f in (losses, overlaps)]
    if since := min((f["from_on"].min() for f in news if f.height), default=None):
        limit = parameters.value("eligibility.settlement.limit_months", view.month) or 0
        back = min((view.month.year - since.year) * 12 + view.month.month - since.month, limit)
        named = pl.concat([f["person_id"] for f in news]).unique().sort()
        if back > 0:
            parts.append(view.scan("claims", back).filter((pl.col("delivery_month") < view.month) & pl.col("person_id").is_in(named.implode())).select(_COLUMNS))
    # receipts whose two years run out now: only those of persons who lost their cover by then
    lag, alarm, limit = (parameters.value(f"eligibility.settlement.{n}_months", view.month) or 0 for n in ("work_lag", "alarm", "limit"))
    first, last = months_before(view.month, limit - lag), months_before(view.month, alarm - lag)
    lapsed = losses.filter(pl.col("from_on") <= pl.lit(last).dt.month_end())["person_id"].unique().sort()
    if lapsed.len():
        parts.append(
            view.scan("claims", limit - lag)
            .filter((pl.col("delivery_month") < view.month) & month.is_between(first, last) & pl.col("person_id").is_in(lapsed.implode()))
            .select(_COLUMNS)
        )
    frames = pl.collect_all(parts)
    newly = pl.concat([f.select(_PERSON) for f in news]).unique().with_columns(newly=pl.lit(True))
    return pl.concat(frames).unique(["insurer_no", "claim_id", "version_no", "delivery_month"]).join(newly, on=_PERSON, how="left", validate="m:1")


def _spells(view: View, units: pl.DataFrame) -> pl.DataFrame:
    """Return the register's spells of the persons in question."""
    return (
        view.scan("eligibility")
        .filter(pl.col("person_id").is_in(units["person_id"].unique().sort().implode()))
        .select(*_PERSON, "gained_on", "lost_on", "loss_reason", "benefit_rate")
        .collect()
    )


def _rates(units: pl.DataFrame, spells: pl.DataFrame) -> pl.DataFrame:
    """Return the rate of the spell that covers any day of the month; of several the latest gained."""
    month = pl.col("service_month")
    holds = (pl.col("gained_on") <= month.dt.month_end()) & (pl.col("lost_on").is_null() | (pl.col("lost_on") > month))
    return (
        units.join(spells.filter(pl.col("benefit_rate") > 0), on=_PERSON, how="inner")
        .filter(holds)
        .sort(*UNIT, "gained_on", "benefit_rate")
        .unique(UNIT, keep="last", maintain_order=True)
        .select(*UNIT, register_rate="benefit_rate")
    )


def _settlements(view: View, claims: pl.DataFrame) -> pl.DataFrame:
    return (
        view.scan("insurer_settlements")
        .filter(pl.col("search_no").is_in(claims["search_no"].drop_nulls().unique().sort().implode()))
        .select("insurer_no", "search_no", settlement="state")
        .collect()
    )


def _billed_rate(parameters: Parameters) -> pl.Expr:
    """Return 給付割合 as written, else what the receipt type's last digit stands for."""
    digit, month = pl.col("receipt_type").str.slice(3, 1), pl.col("service_month")
    by_class = [pl.when(digit.is_in(list(digits))).then(parameters.expr(f"nhi.benefit_rate.{name}", month)) for name, digits in _CLASSES.items()]
    return pl.coalesce(pl.when(pl.col("benefit_rate") > 0).then("benefit_rate"), *by_class).cast(pl.Int32)


def _ages(parameters: Parameters) -> list[pl.Expr]:
    birth, month = pl.col("birth_date"), pl.col("service_month")
    reached = pl.date(birth.dt.year() + parameters.expr("eligibility.elderly_age", month), birth.dt.month(), pl.lit(1)).dt.offset_by(
        pl.concat_str(birth.dt.day().cast(pl.Int64) - 1, pl.lit("d"))
    )
    seventy = birth.dt.offset_by("70y").dt.month_start()
    return [
        reached.alias("elderly_on"),
        seventy.is_between(month.dt.offset_by("-1mo"), month.dt.offset_by("1mo")).fill_null(True).alias("_turning"),
        _billed_rate(parameters).alias("billed_rate"),
    ]


def _judged(view: View) -> pl.Expr:
    return ((pl.col("delivery_month") == view.month) | pl.col("newly").fill_null(False)).alias("judged")


def _window(view: View, parameters: Parameters) -> pl.Expr:
    month, lag = pl.col("service_month"), parameters.value("eligibility.settlement.work_lag_months", view.month) or 0
    return ((view.month.year - month.dt.year()) * 12 + view.month.month - month.dt.month().cast(pl.Int32) + lag).cast(pl.Int32).alias("window_months")


def _question(name: str) -> list[pl.Expr]:
    """Return hit, days, proof and yen of one question from its mask of days."""
    mask, visit = pl.col(name), pl.col("visit_days").cast(pl.UInt64)
    days, all_days = (visit & mask).bitwise_count_ones().cast(pl.Int64), visit.bitwise_count_ones().cast(pl.Int64)
    known = visit.is_not_null()
    # who is not matched has no cover to compare; age needs the birth date only
    judged = mask.is_not_null() if name == "elderly" else pl.col("person_id").is_not_null()
    yen = pl.when(known).then((2 * pl.col("payable_yen") * days + all_days) // (2 * all_days)).when(mask > 0).then("payable_yen").otherwise(0)
    return [
        pl.when(judged).then(pl.when(known).then(days > 0).otherwise(mask > 0)).alias(f"{name}_hit"),
        days.alias(f"{name}_days"),
        (known | (mask == full_month(pl.col("service_month")))).fill_null(False).alias(f"{name}_sure"),
        yen.alias(f"{name}_yen"),
    ]


def _rate_question(view: View) -> list[pl.Expr]:
    more = (pl.col("billed_rate") - pl.col("register_rate")).clip(0).cast(pl.Int64) * pl.col("points")
    return [
        (pl.col("benefit_rate") > 0).fill_null(False).alias("rate_written"),
        pl.when(pl.col("kind") == "nur").then((more + 50) // 100).otherwise((more + 5) // 10).alias("rate_yen"),
        ((pl.col("service_month") == view.month) & ~pl.col("_turning")).alias("rate_settled"),
        (pl.col("delivery_month") < view.month).alias("delivered_before"),
    ]
