"""A small town written once, and a plain reader of its files that owes nothing to the project's own readers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from synthetic.config import TownConfig, month_range
from synthetic.town import Town

SEARCH_FIELD = {"med": 18, "dpc": 20, "den": 19, "pha": 37, "nur": 14}
STEM = {"med": "RECEIPTC", "dpc": "RECEIPTD", "den": "RECEIPTS", "pha": "RECEIPTY", "nur": "RECEIPTH"}
HEAD = {"med": "IR", "dpc": "IR", "den": "UK", "pha": "YK", "nur": "HM"}


@dataclass
class Written:
    """A written town: its settings, folder and labels."""

    cfg: TownConfig
    folder: Path

    @property
    def labels(self) -> pl.DataFrame:
        """Labels as written."""
        return pl.read_parquet(self.folder / "labels.parquet")

    def delivery(self, month: str) -> Path:
        """Folder of a month."""
        return self.folder / "delivery" / month

    def csv(self, month: str, name: str) -> pl.DataFrame:
        """A CSV of a month with a header, every column as text."""
        text = (self.delivery(month) / name).read_bytes().decode("cp932")
        return pl.read_csv(text.encode(), infer_schema=False)

    def uke(self, month: str, kind: str) -> pl.DataFrame:
        """All records of a kind: `rec`, `f` (fields), `claim` (search number), `inst` (10 digits), `month` (YYYYMM)."""
        parts = []
        for path in sorted(self.delivery(month).glob(STEM[kind] + "_*.UKE")):
            lines = path.read_bytes().rstrip(b"\x1a").decode("cp932").removesuffix("\r\n").split("\r\n")
            frame = pl.DataFrame({"line": lines}).with_columns(pl.col("line").str.split(",").alias("f"))
            f = pl.col("f").list
            frame = frame.with_columns(f.get(0).alias("rec")).with_columns(
                pl.when(pl.col("rec") == "RE").then(f.get(SEARCH_FIELD[kind], null_on_oob=True)).forward_fill().alias("claim"),
                pl.when(pl.col("rec") == HEAD[kind]).then(pl.concat_str([f.get(2, null_on_oob=True), f.get(3, null_on_oob=True), f.get(4, null_on_oob=True)]))
                .forward_fill().alias("inst"),
                pl.when(pl.col("rec") == "RE").then(f.get(3, null_on_oob=True)).forward_fill().alias("month"),
            )
            parts.append(frame)
        return pl.concat(parts)

    def of(self, month: str, kind: str, record: str, **fields: int) -> pl.DataFrame:
        """Records of one type with the named fields as text columns, beside `claim`, `inst`, `month`."""
        frame = self.uke(month, kind).filter(pl.col("rec") == record)
        return frame.select("claim", "inst", "month", *[pl.col("f").list.get(i, null_on_oob=True).alias(n) for n, i in fields.items()])


def write_town(folder: Path, **settings: object) -> Written:
    """Write a town into a folder."""
    base = {"insured": 5000, "months": month_range("2026-09..2026-10"), "seed": 7, "as_of": date(2026, 11, 21)}
    cfg = TownConfig(**{**base, **settings})
    Town(cfg).write(folder)
    return Written(cfg, folder)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """5,000 insured, two months, eight months of judo history."""
    return write_town(tmp_path_factory.mktemp("town"), judo_history=8)


@pytest.fixture(scope="session")
def records_town(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """1,500 insured of two insurers, one month, benefit records, insurer-side prefix."""
    return write_town(tmp_path_factory.mktemp("records"), insured=1500, months=month_range("2026-10"), insurers=2, care_format="records", prefix=True)
