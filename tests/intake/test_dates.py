from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.intake.dates import open_date, parse_dates, parse_months

ERAS = [("明治", "M", "1", 1867, 45), ("大正", "T", "2", 1911, 15), ("昭和", "S", "3", 1925, 64), ("平成", "H", "4", 1988, 31), ("令和", "R", "5", 2018, 99)]
FULL_WIDTH = str.maketrans("0123456789./-R", "０１２３４５６７８９．／－Ｒ")


def one(text, function=parse_dates):
    return pl.DataFrame({"x": [text]}, schema={"x": pl.String}).select(function(pl.col("x"))).item()


@pytest.mark.parametrize(
    "text",
    ["20240601", "5060601", "R060601", "R6.6.1", "r6.6.1", "R06/06/01", "R 6. 6. 1", "令和6年6月1日", "令 6.6.1", "２０２４／６／１", "2024-06-01",
     "2024年6月1日", "2024/6/1 0:00", "2024-06-01T00:00:00", " 20240601 ", "㋿6年6月1日"],
)
def test_forms_of_one_day(text):
    assert one(text) == date(2024, 6, 1)


@pytest.mark.parametrize(
    "text",
    ["5061301", "20241301", "20240230", "5060631", "平成32年1月1日", "S650101", "6060601", "0060601", "R0.6.1", "1.23E+11", "45566", "2024", "24/6/1",
     "2024/6", "20240601x", "x", "昭和100年1月1日", "18670101", "令和6年6月", "2024-06-01 25", "＊"],
)
def test_no_date(text):
    assert one(text) is None


def test_blank_and_open_are_told_from_illegible():
    frame = pl.DataFrame({"x": ["", None, "00000000", "99999999", "0", "9999999", "9999-12-31", "5061301"]}, schema={"x": pl.String})
    read = frame.select(d=parse_dates(pl.col("x")), o=open_date(pl.col("x")))
    assert read["d"].to_list() == [None] * 8
    assert read["o"].to_list() == [None, None, True, True, True, True, True, False]


@pytest.mark.parametrize(("text", "month"), [("202406", 6), ("50606", 6), ("R6.6", 6), ("令和6年6月", 6), ("令和６年６月分", 6), ("2024/06", 6), ("2024-6", 6), ("20240615", 6), ("R6.12", 12)])
def test_months(text, month):
    assert one(text, parse_months) == date(2024, month, 1)


@pytest.mark.parametrize("text", ["202413", "50613", "5061301", "R6.13", "2024", "6", "令和6年"])
def test_no_month(text):
    assert one(text, parse_months) is None


@given(st.dates(date(1868, 1, 1), date(2116, 12, 31)), st.sampled_from(range(7)), st.booleans())
def test_every_day_survives_every_era_form(day, form, wide):
    """Each day is written in each era that can name its year, and read back."""
    for name, letter, digit, before, last in ERAS:
        year = day.year - before
        if not 1 <= year <= last:
            continue
        texts = [
            f"{digit}{year:02}{day:%m%d}", f"{letter}{year:02}{day:%m%d}", f"{letter}{year}.{day.month}.{day.day}", f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日",
            f"{name[0]}{year}/{day.month}/{day.day}", f"{day:%Y%m%d}", f"{letter}{year:02}-{day:%m-%d}",
        ]
        text = texts[form].translate(FULL_WIDTH) if wide else texts[form]
        assert one(text) == day


@given(st.text(max_size=14))
def test_any_text_is_a_day_or_null(text):
    read = one(text)
    assert read is None or date(1868, 1, 1) <= read <= date(2199, 12, 31)
    assert one(text, parse_months) is None or one(text, parse_months).day == 1


@given(st.integers(0, 99_999_999))
def test_digits_are_read_as_python_reads_them(number):
    text = f"{number:08}"
    try:
        expected = date.fromisoformat(text)
    except ValueError:
        expected = None
    if expected is not None and not 1868 <= expected.year <= 2199:
        expected = None
    assert one(text) == expected
