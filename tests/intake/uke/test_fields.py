"""Dates, widths, codes, day cells and units against slow references."""

from datetime import date

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.intake.uke.assemble import check_digit
from audit.intake.uke.chunk import joined
from audit.intake.uke.days import day_cells, split_lines
from audit.intake.uke.fields import digit_groups, half_width, to_day, to_month
from audit.intake.uke.layout import load_layout
from audit.intake.uke.lines import span_mask, units

ERAS = load_layout("uke_med").eras
_BASE = {"1": (1867, 45), "2": (1911, 15), "3": (1925, 64), "4": (1988, 31), "5": (2018, 99)}


def slow_day(text: str) -> date | None:
    text = text.strip()
    if not (text.isascii() and text.isdigit()):
        return None
    if len(text) == 7 and text[0] in _BASE:
        base, last = _BASE[text[0]]
        if not 1 <= int(text[1:3]) <= last:
            return None
        text = f"{base + int(text[1:3])}{text[3:]}"
    if len(text) != 8 or not 1868 <= int(text[:4]) <= 2199:
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


@given(st.lists(st.one_of(
    st.dates(date(1860, 1, 1), date(2210, 12, 31)).map(lambda d: d.strftime("%Y%m%d")),
    st.integers(0, 9999999).map(lambda n: f"{n:07}"), st.from_regex(r"[1-5]\d{2}[01]\d[0-3]\d", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=9), st.just(" 20260401 "),
), min_size=1, max_size=30))
def test_days(texts: list[str]) -> None:
    assert to_day(pl.Series("day", texts), ERAS).to_list() == [slow_day(t) for t in texts]


@pytest.mark.parametrize(("text", "month"), [
    ("202604", date(2026, 4, 1)), ("50804", date(2026, 4, 1)), ("50613", None), ("202613", None), ("", None), (None, None),
    ("20260", None), ("43104", date(2019, 4, 1)), ("43204", None), ("00000", None), ("2026040", None),
])
def test_months(text: str | None, month: date | None) -> None:
    assert to_month(pl.Series("month", [text], dtype=pl.String), ERAS).to_list() == [month]


@pytest.mark.parametrize("text", ["5061301", "20260230", "99999999", "0", "50229"])
def test_no_such_day(text: str) -> None:
    assert to_day(pl.Series("day", [text]), ERAS).to_list() == [None]


def test_half_width() -> None:
    texts = ["１２３", "Ａ－１", "名古屋・１", " 12 ", "　", "", None, "ｱｲｳ"]
    assert half_width(pl.Series("x", texts)).to_list() == ["123", "A-1", "名古屋・1", "12", None, None, None, "アイウ"]


def test_digit_groups() -> None:
    texts = ["20568048", "8002", "", None, "800", "80022"]
    assert digit_groups(pl.Series("x", texts), 4).to_list() == [["2056", "8048"], ["8002"], [], [], [], ["8002"]]


@given(st.lists(st.integers(0, 9999999), min_size=1, max_size=20))
def test_check_digit(bodies: list[int]) -> None:
    def digit(body: str) -> int:
        total = 0
        for place, char in enumerate(reversed(body)):
            value = int(char) * (2 if place % 2 == 0 else 1)
            total += value // 10 + value % 10
        return -total % 10

    numbers = [f"{b:07}" for b in bodies]
    right = [n + str(digit(n)) for n in numbers]
    wrong = [n + str((digit(n) + 1) % 10) for n in numbers]
    frame = pl.DataFrame({"no": [*right, *wrong, "1234567", "0023001X", None]})
    expected = [True] * len(right) + [False] * len(wrong) + [False, False, None]
    assert frame.select(check_digit("no")).to_series().to_list() == expected


_cell = st.one_of(st.just(""), st.just(""), st.integers(0, 999).map(str))
_head = st.tuples(
    st.sampled_from(["", "12", "21"]), st.sampled_from(["", "1"]), st.just("112007410"), st.sampled_from(["", "1", "0.5"]),
    st.sampled_from(["", "75"]), st.sampled_from(["", "1", "14"]),
)
_comments = st.one_of(st.just([""] * 6), st.just([""] * 6), st.lists(st.sampled_from(["", "840000098", "abc"]), min_size=6, max_size=6))


@settings(max_examples=150)
@given(st.lists(st.tuples(_head, _comments, st.lists(_cell, min_size=31, max_size=31), st.integers(0, 31)), min_size=1, max_size=20))
def test_split_lines_never_reads_another_day(rows: list) -> None:
    """A line that is cut gives exactly its own cells; where the cut is not certain it is left to the full reader."""
    texts, cells = [], []
    for head, comments, days, dropped in rows:
        fields = ["SI", *head, *comments, *days]
        kept = fields[: len(fields) - dropped] if not any(days[31 - dropped:]) else fields
        texts.append(",".join(kept) + "\r\n")
        cells.append([int(d or 0) for d in days])
    lines = pa.array(texts, pa.string()).filter(pa.array([True] * len(texts)))
    split = split_lines(lines, 6, 7)
    if split is None:
        return
    at = np.flatnonzero(split.cut)
    assert split.total.tolist() == [sum(cells[i]) for i in at]
    assert split.mask.tolist() == [sum(1 << d for d in range(31) if cells[i][d] > 0) for i in at]
    assert split.heads.decode().splitlines() == [",".join(texts[i].split(",")[:7]) for i in at]
    assert joined(lines).decode() == "".join(texts)


def test_day_cells() -> None:
    frame = pl.DataFrame({f"d{d}": [1 if d in (1, 31) else None, 0, 999] for d in range(1, 32)}, schema_overrides={f"d{d}": pl.UInt16 for d in range(1, 32)})
    mask, total = day_cells(frame)
    assert mask.tolist() == [1 | 1 << 30, 0, (1 << 31) - 1]
    assert total.tolist() == [2, 0, 999 * 31]


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 500))), max_size=40))
def test_units(rows: list[tuple[int, int | None]]) -> None:
    rows = sorted(rows, key=lambda r: r[0])
    numbers, carried, number = [], [None] * len(rows), 1
    open_rows: list[int] = []
    for i, (receipt, points) in enumerate(rows):
        if i and rows[i - 1][0] != receipt:
            number, open_rows = 1, []
        numbers.append(number)
        open_rows.append(i)
        if points is not None:
            for j in open_rows:
                carried[j] = points
            number, open_rows = number + 1, []
    got = units(np.array([r for r, _ in rows], np.int32), pl.Series("points", [p for _, p in rows], dtype=pl.Int64))
    assert got[0].tolist() == numbers
    assert got[1].to_list() == carried


@given(st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.integers(1, 12))
def test_span_mask(first: date, last: date, month: int) -> None:
    frame = pl.DataFrame({"a": [first], "b": [last], "m": [date(2026, month, 1)]})
    got = frame.select(span_mask(pl.col("a"), pl.col("b"), pl.col("m"))).item()
    days = [d for d in range(1, 32) if _exists(month, d) and first <= date(2026, month, d) <= last]
    assert got == (sum(1 << (d - 1) for d in days) or None)


def _exists(month: int, day: int) -> bool:
    try:
        date(2026, month, day)
    except ValueError:
        return False
    return True
