"""ICD-10 ranges and body regions."""

from __future__ import annotations

import re
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.enrich import injury_codes
from audit.errors import ParameterError
from audit.params import load

DAY = date(2026, 10, 1)


def judged(*codes: str | None) -> pl.DataFrame:
    return injury_codes.classify(pl.DataFrame({"icd10": list(codes)}, schema={"icd10": pl.String}), DAY, "icd10")


@pytest.mark.parametrize(
    ("code", "injury", "region"),
    [
        ("S000", True, "頭部"), ("S134", True, "頸部"), ("s13.4", True, "頸部"), ("T793", True, "全身"), ("T80", False, None),
        ("T889", False, None), ("T900", True, "頭部"), ("T983", True, "全身"), ("R99", False, None), ("U071", False, None),
        ("M542", False, None), ("V010", False, None),
    ],
)  # fmt: skip
def test_ranges_and_regions(code: str, injury: bool, region: str | None) -> None:
    assert judged(code).select("injury", "region").row(0) == (injury, region)


def test_no_code_is_neither_injury_nor_not() -> None:
    assert judged(None).select("injury", "region").row(0) == (None, None)


def test_the_injury_of_two_columns_is_taken() -> None:
    frame = pl.DataFrame({"a": ["M2416", "A499", "S010"], "b": ["T939", None, "T793"]})
    found = injury_codes.classify(frame, DAY, "a", "b")
    assert found.select("icd", "injury").rows() == [("T939", True), ("A499", False), ("S010", True)]


def test_every_injury_code_has_exactly_one_region() -> None:
    parameters = load()
    codes = [f"{letter}{n:02d}" for letter in "ST" for n in range(100)]
    found = judged(*codes).filter("injury")
    assert found.filter(pl.col("region").is_null())["icd"].to_list() == []
    spans = [e.partition("=")[0] for e in parameters.value("third_party.regions", DAY)]
    for code in found["icd"]:
        assert sum(low <= code <= high for low, high in (s.split("-") for s in spans)) == 1, code


@settings(deadline=None, max_examples=40)
@given(st.text(alphabet="ABST0123456789.", max_size=6))
def test_any_text_is_read_without_an_error(code: str) -> None:
    is_code = re.match("[A-Z][0-9]{2}", code) is not None
    expected = ("S00" <= code[:3] <= "T79" or "T90" <= code[:3] <= "T98") if is_code else None
    assert judged(code)["injury"][0] is expected


@pytest.mark.parametrize("span", ["S00", "S00-", "S99-S00", "S0-S9"])
def test_a_range_of_another_form_is_the_authors_error(span: str) -> None:
    with pytest.raises(ParameterError, match="ICD range"):
        injury_codes.in_blocks(pl.col("x"), (span,))
