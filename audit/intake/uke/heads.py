"""The head of each receipt: RE, HO, KO, SN, JD, and what DPC adds (BU, GA); the institution and total records."""

from __future__ import annotations

import numpy as np
import polars as pl

from audit.intake.uke.chunk import Chunk
from audit.intake.uke.fields import Fields, digit_groups, half_width, read_fields, to_day, to_month
from audit.intake.uke.lines import by_shape

RECEIPT: dict[str, pl.DataType | type[pl.DataType]] = {
    "receipt": pl.Int32, "line": pl.Int64, "receipt_no": pl.Int32, "receipt_type": pl.String, "service_month": pl.Date,
    "sex": pl.String, "birth_date": pl.Date, "benefit_rate": pl.Int32, "admitted_on": pl.Date,
    "special_codes": pl.List(pl.String), "search_no": pl.String, "prescriber_id": pl.String,
}
PAYER: dict[str, pl.DataType | type[pl.DataType]] = {
    "receipt": pl.Int32, "line": pl.Int64, "record": pl.String, "payer_no": pl.String, "symbol": pl.String,
    "number": pl.String, "days": pl.Int32, "points": pl.Int64, "copay_yen": pl.Int64, "meal_yen": pl.Int64,
}
INSTITUTION: dict[str, pl.DataType | type[pl.DataType]] = {
    "line": pl.Int64, "institution_id": pl.String, "institution_name": pl.String, "billing_month": pl.Date,
    "volume": pl.String,
}


def _shaped(frame: pl.DataFrame, schema: dict[str, pl.DataType | type[pl.DataType]]) -> pl.DataFrame:
    """Return the frame with exactly these columns; one that the format lacks is null."""
    return frame.select(
        pl.col(n).cast(t) if n in frame.columns else pl.lit(None, dtype=t).alias(n) for n, t in schema.items()
    )


def _at(chunk: Chunk, fields: Fields) -> pl.DataFrame:
    return fields.frame.with_columns(
        pl.Series("line", fields.lines, dtype=pl.Int64), pl.Series("receipt", chunk.receipt[fields.lines], dtype=pl.Int32)
    )


def _institution_id(prefecture: str, table: str, code: str) -> pl.Expr:
    """Prefecture 2 + 点数表 1 + code 7; null where one of them is blank or no number (old data have 5-digit codes)."""
    text = pl.concat_str(
        pl.col(prefecture).str.strip_chars().str.zfill(2), pl.col(table).str.strip_chars(),
        pl.col(code).str.strip_chars().str.zfill(7),
    )
    return pl.when(text.str.contains(r"^\d{10}$")).then(text)


def read_institutions(chunk: Chunk) -> pl.DataFrame:
    """Return one row per institution record (IR, UK, YK, HM) with the columns `INSTITUTION`."""
    parts = []
    for layouts in by_shape(chunk.layout.of_role("institution")):
        frame = _at(chunk, read_fields(chunk, layouts, refuse=False))
        parts.append(_shaped(frame.with_columns(
            _institution_id("prefecture", "point_table", "institution").alias("institution_id"),
            to_month(frame["billing_month"], chunk.layout.eras),
            *([half_width(frame["volume"])] if "volume" in frame.columns else []),
            *([pl.col("institution_name").str.strip_chars().replace("", None)] if "institution_name" in frame.columns else []),
        ), INSTITUTION))
    return pl.concat(parts).sort("line")


def read_receipts(chunk: Chunk) -> pl.DataFrame:
    """Return one row per RE record with the columns `RECEIPT`; an illegible date or type is null here."""
    frame = _at(chunk, read_fields(chunk, chunk.layout.of_role("receipt"), refuse=False))
    eras = chunk.layout.eras
    sex = pl.col("sex").str.strip_chars()
    kind = pl.col("receipt_type").str.strip_chars()
    frame = frame.with_columns(
        to_month(frame["service_month"], eras), to_day(frame["birth_date"], eras), digit_groups(frame["special_codes"], 2),
        pl.col("search_no").str.strip_chars().replace("", None), pl.when(sex.is_in(["1", "2"])).then(sex).alias("sex"),
        pl.when(kind.str.contains(r"^\d{4}$")).then(kind).alias("receipt_type"),
    )
    if "admitted_on" in frame.columns:
        frame = frame.with_columns(to_day(frame["admitted_on"], eras))
    if "prescriber" in frame.columns:
        frame = frame.with_columns(
            _institution_id("prescriber_prefecture", "prescriber_table", "prescriber").alias("prescriber_id")
        )
    return _shaped(frame, RECEIPT)


def read_payers(chunk: Chunk) -> pl.DataFrame:
    """Return one row per HO or KO record, in file order, with the columns `PAYER`."""
    parts = []
    for layouts in by_shape(chunk.layout.of_role("payer")):
        frame = _at(chunk, read_fields(chunk, layouts))
        names = [n for n in ("symbol", "number") if n in frame.columns]
        number = half_width(frame["payer_no"]).str.replace_all(" ", "", literal=True).str.zfill(8)
        parts.append(_shaped(frame.with_columns(number, *(half_width(frame[n]) for n in names)), PAYER))
    return pl.concat(parts).sort("line")


def read_branches(chunk: Chunk) -> pl.DataFrame:
    """Return `receipt` and what SN says of the insured (負担者種別 1): 枝番, 確認区分, insurer of the online check.

    Of several records of a receipt the first that gives a value counts; null where none does.
    """
    fields = read_fields(chunk, chunk.layout.of_role("branch"), refuse=False, repeated=True)
    names = ["branch", "confirmation", "confirmed_insurer_no"]
    frame = _at(chunk, fields).with_columns(pl.col("payer_class", *names).str.strip_chars()).filter(pl.col("payer_class") == "1")
    given = frame.select("receipt", *(pl.when(pl.col(n).str.len_bytes() > 0).then(pl.col(n)).alias(n) for n in names))
    if given["receipt"].is_duplicated().any():
        given = given.group_by("receipt", maintain_order=True).agg(pl.col(n).drop_nulls().first() for n in names)
    return given.with_columns(pl.col("branch", "confirmation").str.zfill(2), pl.col("confirmed_insurer_no").str.zfill(8))


def read_visit_days(chunk: Chunk) -> pl.DataFrame:
    """Return `receipt`, `mask` of JD records: days that the institution gives as visits (1, 2 or 9)."""
    fields = read_fields(chunk, chunk.layout.of_role("visits"), refuse=False, repeated=True)
    return pl.DataFrame({
        "receipt": pl.Series(chunk.receipt[fields.lines], dtype=pl.Int32), "mask": pl.Series(fields.mask, dtype=pl.UInt32),
    }).filter(pl.col("mask") > 0)


def read_stays(chunk: Chunk) -> pl.DataFrame:
    """Return `receipt`, `admitted_on`, `discharged_on` of DPC BU records; the last BU of a receipt stands."""
    empty = pl.DataFrame(schema={"receipt": pl.Int32, "admitted_on": pl.Date, "discharged_on": pl.Date})
    if not chunk.layout.of_role("stay"):
        return empty
    frame = _at(chunk, read_fields(chunk, chunk.layout.of_role("stay"), refuse=False))
    eras = chunk.layout.eras
    return frame.with_columns(to_day(frame["admitted_on"], eras), to_day(frame["discharged_on"], eras)).unique(
        "receipt", keep="last", maintain_order=True
    ).select(empty.columns)


def read_absences(chunk: Chunk, months: pl.Series) -> pl.DataFrame:
    """Return `receipt`, `mask`: days out of the hospital (GA, states 8 and 9) in the receipt's own month."""
    empty = pl.DataFrame(schema={"receipt": pl.Int32, "mask": pl.UInt32})
    if not chunk.layout.of_role("absence"):
        return empty
    frame = _at(chunk, read_fields(chunk, chunk.layout.of_role("absence"), refuse=False))
    frame = frame.with_columns(to_month(frame["month"], chunk.layout.eras))
    own = months.gather(frame["receipt"].cast(pl.UInt32))
    out = pl.sum_horizontal(
        pl.col("states").str.slice(d, 1).is_in(["8", "9"]).cast(pl.UInt32) * pl.lit(1 << d, dtype=pl.UInt32) for d in range(31)
    )
    return frame.with_columns(own.alias("own")).filter(pl.col("month") == pl.col("own")).select(
        "receipt", out.alias("mask")
    ).group_by("receipt", maintain_order=True).agg(pl.col("mask").bitwise_or())


def read_totals(chunk: Chunk) -> pl.DataFrame:
    """Return `count`, `points` of the GO records."""
    return read_fields(chunk, chunk.layout.of_role("total"), refuse=False).frame.select("count", "points")


def read_outside_accident(chunk: Chunk) -> pl.DataFrame:
    """Return `receipt`, `points`: 事故外点数 written in a comment or 症状詳記, in any width; the largest of a receipt.

    Only lines whose bytes hold the phrase are decoded.
    """
    empty = pl.DataFrame(schema={"receipt": pl.Int32, "points": pl.Int64})
    if not chunk.has_accident_phrase:
        return empty
    phrase = chunk.layout.outside_accident_phrase
    import pyarrow as pa
    import pyarrow.compute as pc

    raw = pa.BinaryArray.from_buffers(
        pa.binary(), chunk.size, [None, pa.py_buffer(chunk.offsets), pa.py_buffer(chunk.data)]
    )
    hits = pc.match_substring(raw, phrase.encode("cp932")).to_numpy(zero_copy_only=False) & (chunk.receipt >= 0) & (chunk.record > 255)
    lines = np.flatnonzero(hits)
    text = pl.Series("text", chunk.gather(lines).decode("cp932").split("\n")[: len(lines)], dtype=pl.String)
    # Only signs may stand between the phrase and its number.
    number = text.str.normalize("NFKC").str.extract(phrase + r"[^0-9,\p{L}]*([0-9][0-9,]*)").str.replace_all(",", "")
    return pl.DataFrame({
        "receipt": pl.Series(chunk.receipt[lines], dtype=pl.Int32), "points": number.cast(pl.Int64, strict=False),
    }).drop_nulls().group_by("receipt", maintain_order=True).agg(pl.col("points").max())
