"""調剤, 歯科 and 訪問看護 files."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import Month
from synthetic.outpatient import HOSPITAL_BASE
from synthetic.render.text import day_cells, day_text, decimal, number, padded, record
from synthetic.render.uke import PUBLIC_PAYER, Sheet, again_note, institution_head

BASIC_FEE, GUIDANCE_FEE, WORK_FEE, CONTROL_FEE = "410000110", "440010110", "430000110", "440009810"


def pharmacy_lines(sheet: Sheet, month: Month) -> None:
    """Fill the book with 調剤 receipts."""
    del month
    sheet.header(institution_head("YK", "4", {5: "inst_name", 6: pl.col("billing").cast(pl.String), 7: pl.lit(f"{sheet.volume:02d}")}, 9))
    clinic, hospital = sheet.providers.clinic, sheet.providers.hospital
    code = np.concatenate([clinic.code, hospital.code])
    name = np.concatenate([clinic.name, hospital.name])
    inst = sheet.claims["prescriber"].to_numpy()
    at = np.where(inst >= HOSPITAL_BASE, inst - HOSPITAL_BASE + clinic.n, inst)
    sheet.claims = sheet.claims.with_columns(pl.Series("from_code", code[at]), pl.Series("from_name", name[at]), sheet.serial.alias("serial"))
    from_code = pl.col("from_code")
    sheet.put(4, record("RE", 42, {
        1: pl.col("serial").cast(pl.String), 2: pl.col("rtype").cast(pl.String), 3: sheet.month_text(), 4: "name", 5: pl.col("sex").cast(pl.String),
        6: "birth", 8: "special", 9: from_code.str.slice(0, 2), 10: from_code.str.slice(2, 1), 11: from_code.str.slice(3), 12: "from_name",
        14: pl.lit("医師一"), 37: pl.col("search").cast(pl.String), 41: "kana",
    }))
    sheet.put(5, record("HO", 14, {1: "insurer", 2: "symbol", 3: "number", 4: pl.col("days").cast(pl.String), 5: pl.col("points").cast(pl.String)}))
    sheet.put(6, record("KO", 10, {1: pl.lit(PUBLIC_PAYER), 2: pl.lit("0012345"), 4: pl.col("days").cast(pl.String)}), sheet.claims.filter("public"))
    sheet.confirm(7)
    groups = sheet.frames.extra["groups"].with_columns((pl.col("group") * 1000).alias("order"), (pl.col("group") * 1000 + 1).alias("order_cz"))
    no = (pl.col("group") % 10 + (pl.col("visit") - 1) * 2).cast(pl.String)
    usage = padded("usage", 3)
    sheet.put(12, record("SH", 10, {1: no, 2: number("form"), 3: usage, 5: number("unit_points")}), groups, "order")
    groups = groups.with_columns(day_text(groups["prescribed"]).alias("p"), day_text(groups["dispensed"]).alias("d"))
    control = pl.col("control_points") > 0
    blank = pl.lit("")
    total = pl.col("work_points") + pl.col("drug_points") + pl.col("control_points")
    sheet.put(12, record("CZ", 71, {
        1: pl.lit("1"), 2: "p", 3: "d", 4: number("visit"), 5: number("quantity"), 6: pl.lit("1"), 7: pl.lit("1"), 9: pl.lit(WORK_FEE), 10: number("work_points"),
        13: number("drug_points"), 57: pl.when(control).then(pl.lit("1")).otherwise(blank), 58: pl.when(control).then(pl.lit("1")).otherwise(blank),
        60: pl.when(control).then(pl.lit(CONTROL_FEE)).otherwise(blank), 61: pl.when(control).then(number("control_points")).otherwise(blank), 66: total.cast(pl.String),
    }), groups, "order_cz")
    drugs = sheet.frames.extra["drugs"].with_columns((pl.col("group") * 1000 + 2 + pl.col("seq")).alias("order"))
    sheet.put(12, record("IY", 10, {1: pl.lit("1"), 2: pl.col("code").cast(pl.String), 3: decimal("amount"), 9: pl.lit("")}), drugs, "order")
    basics = sheet.frames.extra["basics"]
    basics = basics.with_columns(day_text(basics["day"]).alias("when"))
    sheet.put(13, record("KI", 114, {
        1: "when", 2: number("visit"), 3: pl.lit("1"), 4: pl.lit(BASIC_FEE), 5: number("base"), 7: pl.lit("1"), 8: pl.lit(GUIDANCE_FEE), 9: pl.lit("1"), 10: number("guide"),
    }), basics, "visit")
    sheet.put(14, pl.lit("TK,810000001,再請求"), sheet.claims.filter(pl.col("again") == 1), 9)


def dental_lines(sheet: Sheet, month: Month) -> None:
    """Fill the book with 歯科 receipts."""
    del month
    billing = pl.col("billing").cast(pl.String)
    sheet.header(
        institution_head("UK", "3", {6: "inst_name", 7: billing, 9: pl.lit(f"{sheet.volume:02d}")}, 10),
        institution_head("IR", "3", {6: billing}, 9),
    )
    teeth = sheet.frames.extra["teeth"]
    start = teeth.select("key", day_text(teeth["start"]).alias("start_text"))
    sheet.claims = sheet.claims.join(start, on="key", how="left", maintain_order="left").with_columns(sheet.serial.alias("serial"))
    sheet.put(4, record("RE", 27, {
        1: pl.col("serial").cast(pl.String), 2: pl.col("rtype").cast(pl.String), 3: sheet.month_text(), 4: "name", 5: pl.col("sex").cast(pl.String),
        6: "birth", 9: "start_text", 10: pl.lit("1"), 13: "special", 19: pl.col("search").cast(pl.String), 25: "kana",
    }))
    sheet.put(5, record("HO", 14, {1: "insurer", 2: "symbol", 3: "number", 4: pl.col("days").cast(pl.String), 5: pl.col("points").cast(pl.String)}))
    sheet.put(6, record("KO", 10, {1: pl.lit(PUBLIC_PAYER), 2: pl.lit("0012345"), 4: pl.col("days").cast(pl.String)}), sheet.claims.filter("public"))
    sheet.confirm(7)
    sheet.put(11, record("HS", 13, {3: pl.col("tooth").cast(pl.String), 4: padded("code", 7)}), teeth)
    lines = sheet.frames.lines.sort("key", "category", "unit", "part")
    lines = lines.with_columns(day_cells(lines["mask"], lines["per_day"]).alias("cells"), (pl.col("category") * 10_000 + pl.col("unit") * 10 + pl.col("part")).alias("order"))
    head = ((pl.col("key") != pl.col("key").shift(1)) | (pl.col("category") != pl.col("category").shift(1))).fill_null(True)
    text = pl.concat_str([
        pl.lit("SS,"), pl.when(head).then(padded("category", 2)).otherwise(pl.lit("")), pl.lit(",1,"), pl.col("code").cast(pl.String),
        pl.lit("," * 73), number("points"), pl.lit(","), number("times"), pl.lit(","), pl.col("cells"),
    ])
    sheet.put(12, text, lines, "order")
    again_note(sheet, 15)


def nursing_lines(sheet: Sheet, month: Month) -> None:
    """Fill the book with 訪問看護 receipts; amounts are yen."""
    sheet.header(institution_head("HM", "6", {5: "inst_name", 6: pl.col("billing").cast(pl.String)}, 8))
    sheet.claims = sheet.claims.with_columns(sheet.serial.alias("serial"))
    sheet.put(4, record("RE", 15, {
        1: pl.col("serial").cast(pl.String), 2: pl.col("rtype").cast(pl.String), 3: sheet.month_text(), 4: "name", 5: "kana", 6: pl.col("sex").cast(pl.String),
        7: "birth", 11: "special", 14: pl.col("search").cast(pl.String),
    }))
    sheet.put(5, record("HO", 12, {1: "insurer", 2: "symbol", 3: "number", 4: pl.col("days").cast(pl.String), 5: pl.col("points").cast(pl.String)}))
    sheet.put(6, record("KO", 8, {1: pl.lit(PUBLIC_PAYER), 2: pl.lit("0012345"), 4: pl.col("days").cast(pl.String)}), sheet.claims.filter("public"))
    sheet.confirm(7)
    orders = sheet.frames.extra["orders"]
    hospital = sheet.providers.hospital.code[0]
    sheet.put(11, pl.lit(f"IH,{hospital[:2]},{hospital[2]},{hospital[3:]},総合病院,医師一,{month.yyyymm}01"), orders)
    orders = orders.with_columns(
        day_text(orders["from"]).alias("a"), day_text(orders["to"]).alias("b"), day_text(orders["special_from"]).alias("sa"), day_text(orders["special_to"]).alias("sb")
    )
    sheet.put(12, record("HJ", 4, {1: padded("order", 2), 2: "a", 3: "b"}), orders, 0)
    sheet.put(12, record("HJ", 4, {1: pl.lit("02"), 2: "sa", 3: "sb"}), orders.filter(pl.col("special") > 0), 1)
    listed = pl.when(pl.col("sheet") > 0).then(padded("sheet", 3)).otherwise(pl.lit(""))
    sheet.put(13, record("JS", 6, {1: pl.lit("状態は安定している"), 2: padded("listed", 2), 3: listed}), orders)
    sheet.put(14, record("SY", 5, {1: padded("code", 7)}), sheet.frames.diagnoses, "seq")
    months = sheet.claims.select("key", "month")
    kinds = orders.select("key", "order")
    lines = sheet.frames.lines.join(months, on="key", how="inner", maintain_order="left").join(kinds, on="key", how="left", maintain_order="left")
    for day in range(31):
        on = lines.filter((pl.col("mask") // (1 << day)) % 2 == 1).with_columns((pl.lit(day * 100) + pl.col("unit") * 10).alias("at"))
        when = (pl.col("month") * 100 + day + 1).cast(pl.String)
        text = record("KA", 9, {1: when, 2: pl.lit("1"), 3: pl.col("code").cast(pl.String), 5: number("points"), 6: pl.lit("01"), 7: pl.lit("01"), 8: padded("order", 2)})
        sheet.put(15, text, on, "at")
    sheet.put(16, pl.lit("CO,810000001,再請求,"), sheet.claims.filter(pl.col("again") == 1))
