"""医科 and DPC files: the envelope shared by all receipt kinds, and the records of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from synthetic.claimset import Frames
from synthetic.config import Month, TownConfig, catalog, fee, rate
from synthetic.outpatient import HOSPITAL_BASE
from synthetic.population import People, check_digit
from synthetic.providers import Providers
from synthetic.render.book import VOLUME_CLAIMS, Book, Volume, prefixed, write_volume
from synthetic.render.persons import PersonTexts, receipt_class
from synthetic.render.text import day_cells, day_text, decimal, number, padded, record

PUBLIC_PAYER = "5411601" + check_digit("5411601")  # 法別 54 of prefecture 11
STEM = {"med": "RECEIPTC", "dpc": "RECEIPTD", "den": "RECEIPTS", "pha": "RECEIPTY", "nur": "RECEIPTH"}


def volumes(frames: Frames) -> Iterator[Frames]:
    """Cut the claims of a kind into volumes, sorted by institution, billing month and person; keys are their places.

    Memory stays bounded: the text of one volume at a time is made.
    """
    order = frames.claims.sort("inst", "billing", "month", "person", "key")
    place = np.empty(int(order["key"].max()) + 1, dtype=np.int64)
    place[order["key"].to_numpy()] = np.arange(order.height)
    for start in range(0, order.height, VOLUME_CLAIMS):
        claims = order.slice(start, VOLUME_CLAIMS)
        stop = start + claims.height

        def cut(frame: pl.DataFrame, start: int = start, stop: int = stop) -> pl.DataFrame:
            at = place[frame["key"].to_numpy()]
            use = (at >= start) & (at < stop)
            return frame.filter(pl.Series(use)).with_columns(pl.Series("key", at[use] - start))

        extra = {n: cut(f) for n, f in frames.extra.items()}
        numbered = claims.with_columns(pl.Series("key", np.arange(claims.height)))
        yield Frames(numbered, cut(frames.diagnoses), cut(frames.lines), cut(frames.comments), extra)


def institutions(providers: Providers, kind: str, inst: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and names of the institutions of a kind's receipts, by their indices."""
    group = {"den": "dental", "pha": "pharmacy", "nur": "station"}.get(kind)
    if group:
        g = getattr(providers, group)
        return g.code[inst], g.name[inst]
    clinic, hospital = providers.clinic, providers.hospital
    code = np.concatenate([clinic.code, hospital.code])
    name = np.concatenate([clinic.name, hospital.name])
    at = np.where(inst >= HOSPITAL_BASE, inst - HOSPITAL_BASE + clinic.n, inst)
    return code[at], name[at]


class Sheet:
    """One volume of a kind made ready for writing, with the texts of its persons and institutions.

    Attributes:
        claims: in the order of the file, `key` = place; columns of `Frames.claims` plus text columns.

    """

    def __init__(self, cfg: TownConfig, kind: str, frames: Frames, people: People, texts: PersonTexts, providers: Providers, volume: int = 0) -> None:
        self.cfg, self.kind, self.frames, self.volume = cfg, kind, frames, volume
        self.providers = providers
        order = frames.claims
        place = np.arange(order.height)
        person = order["person"]
        inst = order["inst"].to_numpy()
        code, name = institutions(providers, kind, inst)
        unknown = order["unknown"]
        wide = order["wide"]
        strange = (90_000_000 + person).cast(pl.String).str.slice(1)
        digits = texts.number.gather(person)
        digits = digits.zip_with(~unknown, strange)
        full = digits
        for i, w in enumerate("０１２３４５６７８９"):
            full = full.str.replace_all(str(i), w, literal=True)
        inpatient = order["inpatient"].to_numpy()
        day = int((Month.parse("2026-01")).first) if order.is_empty() else _first_of(int(order["month"].max()))
        last_digit = receipt_class(people, person.to_numpy(), inpatient, day)
        group = {"med": 1, "dpc": 1, "den": 3, "pha": 4, "nur": 6}[kind]
        payers = 1 + order["public"].cast(pl.Int64)
        rtype = pl.Series(group * 1000 + 100 + last_digit) + payers * 10
        birth = texts.birth.gather(person).zip_with(~order["era"], texts.birth_era.gather(person))
        self.claims = order.with_columns(
            pl.Series("place", place), pl.Series("inst_code", code), pl.Series("inst_name", name),
            ("  " + texts.insurer8.gather(person).str.slice(2)).alias("insurer"), texts.symbol_wide.gather(person).alias("symbol"),
            digits.zip_with(~wide, full).alias("number"), texts.branch.gather(person).alias("branch"),
            texts.name.gather(person).alias("name"), texts.kana.gather(person).alias("kana"), birth.alias("birth"),
            pl.Series("sex", people.sex[person.to_numpy()].astype(np.int64)), rtype.alias("rtype"),
            pl.Series("benefit", people.rate[person.to_numpy()]),
            pl.concat_str([pl.when(pl.col("special") > 0).then(pl.col("special").cast(pl.String)).otherwise(pl.lit("")),
                           pl.when(pl.col("area") > 0).then(pl.col("area").cast(pl.String)).otherwise(pl.lit(""))]).alias("special"),
        )
        self.book = Book(place)
        self.serial = pl.Series(place + 1)

    def put(self, rank: int, text: pl.Expr, frame: pl.DataFrame | None = None, order: str | int = 0) -> None:
        """Add one line per row of a frame (the claims by default)."""
        source = self.claims if frame is None else frame
        if source.is_empty():
            return
        sequence = source[order].to_numpy() if isinstance(order, str) else order
        self.book.put(source["key"], rank, sequence, source.with_columns(text.alias("_t"))["_t"])

    def month_text(self) -> pl.Expr:
        """Month of care as YYYYMM, or GYYMM for the receipts with era dates."""
        month = pl.col("month")
        era = (month // 100 - 2018 + 500) * 100 + month % 100
        return pl.when(pl.col("era")).then(era).otherwise(month).cast(pl.String)

    def confirm(self, rank: int) -> None:
        """Add SN, JD, MF where the receipt has them."""
        claims = self.claims.with_columns(day_cells(self.claims["mask"]).alias("days31"))
        self.put(rank, record("SN", 9, {1: pl.lit("1"), 2: pl.lit("01"), 6: "branch"}), claims.filter("sn"))
        self.put(rank + 1, pl.concat_str([pl.lit("JD,1,"), pl.col("days31")]), claims.filter("jd"))
        self.put(rank + 2, record("MF", 33, {1: pl.lit("00")}), claims.filter("mf"))

    def header(self, head: pl.Expr, per_receipt: pl.Expr | None = None) -> None:
        """Put the institution's record before its first receipt of a volume (before every receipt with the prefix)."""
        changes = (pl.col("inst_code") != pl.col("inst_code").shift(1)).fill_null(True)
        changes |= pl.col("billing") != pl.col("billing").shift(1)
        if self.cfg.prefix:
            mn = record("MN", 7, {1: pl.col("search").cast(pl.String).str.slice(1)})
            self.put(0, mn)
            self.put(1, head)
        else:
            self.put(1, head, self.claims.filter(changes))
        if per_receipt is not None:
            self.put(2, per_receipt)

    def totals(self) -> tuple[int, int]:
        """Return what GO says: HO and KO records, points of the first payers."""
        return int((1 + self.claims["public"].cast(pl.Int64)).sum()), int(self.claims["points"].sum())

    def lines(self) -> pl.Series:
        """Return all lines but GO, in order."""
        lines = self.book.lines()
        return (prefixed(lines) if self.cfg.prefix else lines)["text"]

    def write(self, folder: Path, *, last: bool) -> Volume:
        """Write the volume; returns what its GO record says."""
        rng = self.cfg.rng("eof-" + self.kind, int(self.claims["billing"].max()), self.volume)
        payers, points = self.totals()
        go = f"GO,{payers},{points},{'99' if last else f'{self.volume:02d}'}"
        name = f"{STEM[self.kind]}_{self.volume:02d}.UKE"
        mark = rng.random() >= rate("oddness.no_eof") or not self.cfg.dirt
        write_volume(folder / name, self.lines(), go, end_mark=bool(mark))
        return Volume(name, payers, points)


def _first_of(yyyymm: int) -> int:
    return Month((yyyymm // 100) * 12 + yyyymm % 100 - 1).first


def institution_head(name: str, table: str, cells: dict[int, pl.Expr | str], width: int) -> pl.Expr:
    """Return IR, YK, UK or HM: 審査支払機関 2, prefecture, fee table, code, and what is special to it."""
    base: dict[int, pl.Expr | str] = {
        1: pl.lit("2"), 2: pl.col("inst_code").str.slice(0, 2), 3: pl.lit(table), 4: pl.col("inst_code").str.slice(3), **cells,
    }
    return record(name, width, base)


def line_records(sheet: Sheet, rank: int) -> None:
    """Add SI, IY and TO of a medical receipt, with the category written where it changes."""
    lines = sheet.frames.lines.sort("key", "category", "unit", "part")
    lines = lines.with_columns(
        (pl.int_range(pl.len()) * 2).alias("order"),
        ((pl.col("key") != pl.col("key").shift(1)) | (pl.col("category") != pl.col("category").shift(1))).fill_null(True).alias("head"),
    )
    order = lines["order"] - lines["order"].filter(lines["key"] != lines["key"].shift(1).fill_null(-1)).gather(
        pl.Series(np.cumsum((lines["key"] != lines["key"].shift(1).fill_null(-1)).to_numpy()) - 1)
    ) if lines.height else lines["order"]
    lines = lines.with_columns(order.alias("order"), day_cells(lines["mask"], lines["per_day"]).alias("cells"))
    shared: list[pl.Expr] = [
        pl.lit(","), pl.when("head").then(padded("category", 2)).otherwise(pl.lit("")), pl.lit(",1,"), pl.col("code").cast(pl.String),
        pl.lit(","), decimal("amount"), pl.lit(","), number("points"), pl.lit(","), number("times"),
    ]
    kind = pl.when(pl.col("record") == 0).then(pl.lit("SI")).otherwise(pl.lit("IY"))
    text = pl.concat_str([kind, *shared, pl.lit(",,,,,,,"), pl.col("cells")])
    sheet.put(rank, text, lines, "order")
    comments = sheet.frames.comments
    if comments.height:
        sheet.put(rank + 1, record("CO", 5, {2: pl.lit("1"), 3: padded("code", 9), 4: "text"}), comments, "seq")


def again_note(sheet: Sheet, rank: int) -> None:
    """Add the note of a resubmitted receipt."""
    sheet.put(rank, pl.lit("CO,99,1,810000001,再請求"), sheet.claims.filter(pl.col("again") == 1), 60_000_000)


def _receipt_basics(sheet: Sheet) -> dict[int, pl.Expr | str]:
    admitted = day_text(sheet.claims["admitted"])
    sheet.claims = sheet.claims.with_columns(admitted.alias("admitted_text"), sheet.serial.alias("serial"))
    return {
        1: pl.col("serial").cast(pl.String), 2: pl.col("rtype").cast(pl.String), 3: sheet.month_text(), 4: "name", 5: pl.col("sex").cast(pl.String),
        6: "birth", 8: "admitted_text", 11: "special",
    }


def _payer_records(sheet: Sheet, month: Month, *, dpc: bool) -> None:
    meal = int(fee("meal_yen", month))
    has = pl.col("meals") > 0
    blank = pl.lit("")
    cells: dict[int, pl.Expr | str] = {
        1: "insurer", 2: "symbol", 3: "number", 4: pl.col("days").cast(pl.String), 5: pl.col("points").cast(pl.String),
        7: pl.when(has).then(pl.col("meals").cast(pl.String)).otherwise(blank),
        8: pl.when(has).then((pl.col("meals") * meal).cast(pl.String)).otherwise(blank),
    }
    sheet.put(5, record("HO", 16 if dpc else 15, cells))
    ko = record("KO", 13 if dpc else 12, {1: pl.lit(PUBLIC_PAYER), 2: pl.lit("0012345"), 4: pl.col("days").cast(pl.String)})
    sheet.put(6, ko, sheet.claims.filter("public"))


def medical_lines(sheet: Sheet, month: Month) -> None:
    """Fill the book with 医科 receipts."""
    sheet.header(institution_head("IR", "1", {6: "inst_name", 7: pl.col("billing").cast(pl.String), 8: pl.lit(f"{sheet.volume:02d}")}, 10))
    cells = _receipt_basics(sheet)
    cells |= {18: pl.col("search").cast(pl.String), 36: "kana"}
    sheet.put(4, record("RE", 38, cells))
    _payer_records(sheet, month, dpc=False)
    sheet.confirm(7)
    disease = sheet.frames.diagnoses.with_columns(day_text(sheet.frames.diagnoses["start"]).alias("from"))
    era = sheet.claims.filter("era")["key"]
    era_text = day_text(disease["start"], "era")
    disease = disease.with_columns(disease["from"].zip_with(~disease["key"].is_in(era.implode()), era_text).alias("from"))
    text = record("SY", 8, {1: padded("code", 7), 2: "from", 3: number("outcome"),
                            4: pl.when(pl.col("modifier") > 0).then(padded("modifier", 4)).otherwise(pl.lit("")),
                            6: pl.when(pl.col("main") == 1).then(pl.lit("01")).otherwise(pl.lit(""))})
    sheet.put(12, text, disease, "seq")
    line_records(sheet, 13)
    again_note(sheet, 15)


def dpc_lines(sheet: Sheet, month: Month) -> None:
    """Fill the book with DPC receipts."""
    sheet.header(institution_head("IR", "1", {6: "inst_name", 7: pl.col("billing").cast(pl.String), 8: pl.lit(f"{sheet.volume:02d}")}, 10))
    cells = _receipt_basics(sheet)
    cells |= {18: pl.lit("0"), 20: pl.col("search").cast(pl.String)}
    sheet.put(4, record("RE", 30, cells))
    _payer_records(sheet, month, dpc=True)
    sheet.confirm(7)
    left = day_text(sheet.claims["discharged"])
    stay = sheet.frames.extra["stay"].join(
        sheet.claims.select("key", "admitted_text", left.alias("left_text"), "month"), on="key", how="inner", maintain_order="left"
    )
    done = pl.when(pl.col("left_text") == "").then(pl.lit("")).otherwise(pl.lit("2"))
    sheet.put(10, record("BU", 6, {1: "dpc", 2: "admitted_text", 3: "left_text", 4: done}), stay)
    diseases = sheet.frames.extra["dpc_diseases"].filter(pl.col("code") >= 0)
    icd = dict(_icd())
    named = diseases.with_columns(pl.col("code").replace_strict(icd, default="").alias("icd"))
    sheet.put(11, record("SB", 8, {1: padded("code", 7), 4: "icd", 5: padded("class", 2)}), named, "seq")
    day = pl.col("month").cast(pl.String)
    sheet.put(12, record("GA", 7, {1: day, 2: pl.lit("2"), 3: pl.lit("0" * 31), 4: "dpc", 5: pl.lit("1.3000")}), stay)
    sheet.put(13, record("HH", 9, {1: day, 2: pl.lit("2"), 3: pl.lit("1"), 4: pl.lit("1"), 5: pl.lit("1"), 6: number("day_price"), 7: number("bundled_days"), 8: number("bundle")}), stay)
    sheet.put(14, record("GT", 12, {1: day, 2: pl.lit("2"), 3: pl.lit("1"), 4: pl.lit("1"), 5: number("bundle"), 6: number("total"), 7: pl.lit("0"), 8: number("total"), 9: pl.lit("93")}), stay)
    line_records(sheet, 15)
    coding = sheet.frames.extra["coding"]
    coding = coding.with_columns(day_text(coding["day"]).alias("when"))
    text = record("CD", 11, {1: "when", 2: padded("category", 2), 3: (pl.col("seq") + 1).cast(pl.String), 4: pl.lit("1"), 5: pl.col("code").cast(pl.String), 7: pl.lit("1"), 9: pl.lit("1")})
    sheet.put(18, text, coding, "seq")
    again_note(sheet, 17)


def _icd() -> list[tuple[int, str]]:
    frame = catalog("diseases")
    return list(zip(frame["code"].cast(pl.Int64).to_list(), frame["icd10"].to_list(), strict=True))
