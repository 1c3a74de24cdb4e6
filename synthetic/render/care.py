"""Care files: claims (7111 and 7131, 7183, 7195) or benefit records (給付実績, 1116)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from synthetic.care import FACILITY_BASE, CareMonth
from synthetic.config import Month, fee
from synthetic.population import People
from synthetic.providers import Providers
from synthetic.render.persons import PersonTexts
from synthetic.render.text import day_text, padded

HOME_PRICE_KINDS = (31, 17)  # paid at 10.00 yen a unit everywhere


def care_texts(people: People, texts: PersonTexts, providers: Providers, care: CareMonth) -> pl.DataFrame:
    """Return the claims with the texts of persons and providers, in the order of the file."""
    claims = care.claims.sort("provider", "form", "person", "month", "key")
    rows = claims["person"]
    person = rows.to_numpy()
    provider = claims["provider"].to_numpy()
    code = np.concatenate([providers.care.code, providers.facility.code])
    at = np.where(provider >= FACILITY_BASE, provider - FACILITY_BASE + providers.care.n, provider)
    return claims.with_columns(
        pl.Series("provider_id", code[at]), texts.care_insurer.gather(rows).alias("care_insurer"), texts.care_no.gather(rows).alias("care_no"),
        day_text(people.birth[person]).alias("birth"), pl.Series("sex", people.sex[person].astype(np.int64)), pl.Series("level", people.care_level[person]),
        day_text(people.cert_from[person]).alias("cert_from"), day_text(people.cert_to[person]).alias("cert_to"),
        day_text(claims["admitted"]).alias("admitted_text"), texts.insurer8.gather(rows).alias("nhi"), texts.addressee.gather(rows).alias("addressee"),
        pl.concat_str([texts.symbol.gather(rows), texts.number.gather(rows)], separator="").alias("certificate"),
        pl.Series("place", np.arange(claims.height)),
    )


def cells(count: int, filled: dict[int, pl.Expr | str]) -> pl.Expr:
    """Return `count` comma-separated cells, 1-based positions filled, others blank."""
    parts = []
    for i in range(1, count + 1):
        cell = filled.get(i, pl.lit(""))
        parts.append(pl.col(cell) if isinstance(cell, str) else cell)
    return pl.concat_str(parts, separator=",")


def _money(month: Month) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    price = pl.lit(int(fee("care_unit_yen_x100", month)))
    total = pl.col("units") * price // 100
    return price, total * 90 // 100, total - total * 90 // 100


def write_claims(people: People, texts: PersonTexts, providers: Providers, care: CareMonth, month: Month, path: Path) -> int:
    """Write 7111 and the claims of all providers in one file; returns the number of data rows."""
    claims = care_texts(people, texts, providers, care)
    price, benefit, user = _money(month)
    claims = claims.with_columns(price.alias("price"), benefit.alias("benefit"), user.alias("user"))
    facility = pl.col("form") != 7131
    number = pl.when(pl.col("stay_days") < 0).then(pl.lit("")).otherwise(pl.col("stay_days").cast(pl.String))
    absent = pl.when(pl.col("absence_days") < 0).then(pl.lit("")).otherwise(pl.col("absence_days").cast(pl.String))
    head: dict[int, pl.Expr | str] = {
        1: pl.col("form").cast(pl.String), 3: pl.col("month").cast(pl.String), 4: "provider_id", 5: "care_insurer", 6: "care_no",
    }
    basic = cells(56, {
        **head, 2: pl.lit("01"), 13: "birth", 14: pl.col("sex").cast(pl.String), 15: padded("level", 2), 17: "cert_from", 18: "cert_to",
        19: pl.when(facility).then(pl.lit("")).otherwise(pl.lit("1")), 24: "admitted_text", 26: number, 27: absent, 29: pl.lit("90"),
        33: pl.col("units").cast(pl.String), 34: pl.col("benefit").cast(pl.String), 35: pl.col("user").cast(pl.String),
    })
    claims = claims.with_columns(basic.alias("text"))
    lines = care.lines.join(claims.select("key", "place", "form", "month", "provider_id", "care_insurer", "care_no"), on="key", how="inner", maintain_order="left")
    detail = cells(18, {**head, 2: pl.lit("02"), 7: padded("kind", 2), 8: padded("item", 4), 9: pl.col("unit").cast(pl.String), 10: pl.col("times").cast(pl.String), 14: pl.col("units").cast(pl.String)})
    sums = lines.group_by("key", "kind", maintain_order=True).agg(
        pl.col("place", "form", "month", "provider_id", "care_insurer", "care_no").first(), pl.col("times").max(), pl.col("units").sum()
    ).with_columns(price.alias("price"), benefit.alias("benefit"), user.alias("user"))
    total = cells(38, {
        **head, 2: pl.lit("10"), 7: padded("kind", 2), 8: pl.col("times").cast(pl.String), 14: pl.col("units").cast(pl.String), 15: pl.col("price").cast(pl.String),
        16: pl.col("benefit").cast(pl.String), 17: pl.col("user").cast(pl.String),
    })
    bills = claims.group_by("provider_id", "month", maintain_order=True).agg(
        pl.len().alias("n"), pl.col("units").sum(), pl.col("benefit").sum(), pl.col("user").sum(), pl.col("place").min()
    )
    bill = cells(18, {
        1: pl.lit("7111"), 2: pl.col("month").cast(pl.String), 3: "provider_id", 4: pl.lit("1"), 5: pl.lit("0"), 6: pl.lit("01"), 7: pl.col("n").cast(pl.String),
        8: pl.col("units").cast(pl.String), 9: (pl.col("benefit") + pl.col("user")).cast(pl.String), 10: pl.col("benefit").cast(pl.String),
        11: pl.lit("0"), 12: pl.col("user").cast(pl.String),
    })
    place = pl.col("place").cast(pl.Int64)
    rows = pl.concat([
        bills.select((place * 1000).alias("sort"), bill.alias("text")), claims.select((place * 1000 + 1).alias("sort"), "text"),
        lines.select((place * 1000 + 2).alias("sort"), detail.alias("text")), sums.select((place * 1000 + 900).alias("sort"), total.alias("text")),
    ])
    return _write(rows, "711", month, path)


def write_records(people: People, texts: PersonTexts, providers: Providers, care: CareMonth, month: Month, path: Path) -> int:
    """Write benefit records (H1, D1, T1 of exchange id 1116) as the insurer gets them."""
    claims = care_texts(people, texts, providers, care)
    price, benefit, user = _money(month)
    claims = claims.with_columns(price.alias("price"), benefit.alias("benefit"), user.alias("user"))
    number = pl.when(pl.col("stay_days") < 0).then(pl.lit("")).otherwise(pl.col("stay_days").cast(pl.String))
    absent = pl.when(pl.col("absence_days") < 0).then(pl.lit("")).otherwise(pl.col("absence_days").cast(pl.String))
    review = pl.lit(str((month + 1).yyyymm))
    serial = (pl.col("place") + 1).cast(pl.String)
    form = pl.col("form").cast(pl.String)
    # positions are the 0-based indices of the line minus 1, because `cells` leaves out the leading "2" and serial
    def at(index: int) -> int:
        return index - 1

    h1 = cells(94, {
        at(2): pl.lit("1116"), at(3): form, at(4): pl.lit("H1"), at(5): pl.lit("1"), at(6): "care_insurer", at(7): "care_no", at(8): pl.col("month").cast(pl.String),
        at(9): pl.lit("1"), at(10): "provider_id", at(11): serial, at(18): "birth", at(19): pl.col("sex").cast(pl.String), at(20): padded("level", 2),
        at(22): "cert_from", at(23): "cert_to", at(28): "nhi", at(29): "certificate", at(30): "addressee", at(31): pl.lit("1"), at(36): "admitted_text",
        at(38): number, at(39): absent, at(41): pl.lit("90"), at(45): pl.col("units").cast(pl.String), at(46): pl.col("benefit").cast(pl.String),
        at(47): pl.col("user").cast(pl.String), at(69): pl.col("units").cast(pl.String), at(70): pl.col("benefit").cast(pl.String),
        at(71): pl.col("user").cast(pl.String), at(94): review,
    })
    keep = ("key", "place", "form", "month", "provider_id", "care_insurer", "care_no")
    lines = care.lines.join(claims.select(keep), on="key", how="inner", maintain_order="left")
    shared: dict[int, pl.Expr | str] = {
        at(2): pl.lit("1116"), at(3): form, at(5): "care_insurer", at(6): "care_no", at(7): pl.col("month").cast(pl.String), at(8): "provider_id", at(9): serial,
    }
    d1 = cells(32, {
        **shared, at(4): pl.lit("D1"), at(10): padded("kind", 2), at(11): padded("item", 4), at(12): pl.col("unit").cast(pl.String), at(13): pl.col("times").cast(pl.String),
        at(17): pl.col("units").cast(pl.String), at(31): pl.lit("0"), at(32): pl.lit("0"), at(33): review,
    })
    sums = lines.group_by("key", "kind", maintain_order=True).agg(
        pl.col("place", "form", "month", "provider_id", "care_insurer", "care_no").first(), pl.col("times").max(), pl.col("units").sum()
    ).with_columns(price.alias("price"), benefit.alias("benefit"), user.alias("user"))
    t1 = cells(60, {
        **shared, at(4): pl.lit("T1"), at(10): padded("kind", 2), at(11): pl.col("times").cast(pl.String), at(17): pl.col("units").cast(pl.String),
        at(18): pl.col("price").cast(pl.String), at(19): pl.col("benefit").cast(pl.String), at(20): pl.col("user").cast(pl.String), at(61): review,
    })
    place = pl.col("place").cast(pl.Int64)
    rows = pl.concat([
        claims.select((place * 1000 + 1).alias("sort"), h1.alias("text")), lines.select((place * 1000 + 2).alias("sort"), d1.alias("text")),
        sums.select((place * 1000 + 900).alias("sort"), t1.alias("text")),
    ])
    return _write(rows, "111", month, path)


def _write(rows: pl.DataFrame, kind: str, month: Month, path: Path) -> int:
    rows = rows.sort("sort", maintain_order=True)
    serial = pl.int_range(2, pl.len() + 2).cast(pl.String)
    body = rows.select(pl.concat_str([pl.lit("2"), serial, pl.col("text")], separator=",")).to_series()
    n = rows.height
    control = f"1,1,0,{n},{kind},0,0,0,11,1,{(month + 1).yyyymm},1"
    text = pl.concat([pl.Series([control]), body, pl.Series([f"3,{n + 2}"])]).str.join("\r\n").item() + "\r\n"
    path.write_bytes(text.encode("cp932"))
    return n
