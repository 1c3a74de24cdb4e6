"""Text that looks like a formula stays text, and every protection can be taken away again."""

import csv
import io

import openpyxl
import polars as pl
import pytest
import xlsxwriter
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audit.worklists import text_safety as ts

# Mostly the characters that hurt, in short strings, so that they meet each other.
NASTY = st.text(alphabet=st.sampled_from(list("=+-@＝＋－＠−﹣'\"\t\r\n␥␣ⓧ␢␦␡_x05FDr<>/ 国ｶ1,;|") + ["\x00", "\x1b", "\ufffe", "\uffff", "𠮷"]), max_size=12)
ANY = st.text(max_size=40)


@given(NASTY | ANY)
@example("'")
@example("''=1")
def test_unprotect_takes_away_what_protect_put_there(text):
    assert ts.unprotect(ts.protect(text)) == text


@given(NASTY | ANY)
def test_protected_text_never_begins_like_a_formula(text):
    assert not ts.is_dangerous(ts.protect(text))


@given(NASTY | ANY)
@example("_x000D_")
@example("__x000D_x0041_")
@example("_x005F_x000D_")
@example("<r><t>x</t></r>")
def test_unescape_gives_back_what_escape_was_given(text):
    assert ts.unescape(ts.escape(text)) == text


@pytest.mark.parametrize("first", list("=+-@\t\r＝＋－＠"))
def test_each_first_character_of_the_brief_is_protected(first):
    assert ts.protect(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize("text", ["", "国保 太郎", "00131001", "1+1", "a=b", "ー", "(-1)", " =1"])
def test_harmless_text_is_left_alone(text):
    assert ts.protect(text) == text
    assert ts.escape(text) == text


@settings(max_examples=60, deadline=None)
@given(st.lists(NASTY, min_size=1, max_size=20))
def test_the_column_forms_do_the_same_as_the_single_ones(texts):
    frame = pl.DataFrame({"t": [*texts, None]}, schema={"t": pl.String})
    got = frame.select(p=ts.protect_expr(pl.col("t")), c=ts.cell_expr(pl.col("t")))
    assert got["p"].to_list() == [*(ts.protect(t) for t in texts), None]
    assert got["c"].to_list() == [*(ts.cell(t) for t in texts), None]


@settings(max_examples=40, deadline=None)
@given(st.lists(NASTY, min_size=1, max_size=20, unique=True))
def test_text_survives_a_csv_file(texts):
    column = pl.Series("t", texts)
    lines = column.to_frame().select(ts.protect_expr(ts.cell_expr(pl.col("t"))).str.replace_all('"', '""', literal=True)).to_series()
    content = "".join(f'"{line}"\r\n' for line in lines)
    read = [row[0] for row in csv.reader(io.StringIO(content, newline=""))]
    assert [ts.unescape(ts.unprotect(cell)) for cell in read] == texts


@settings(max_examples=25, deadline=None)
@given(st.lists(NASTY.filter(bool), min_size=1, max_size=20))
def test_text_survives_a_workbook(texts):
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    for i, text in enumerate(texts):
        sheet.write_string(i, 0, ts.cell(text))
    book.close()
    read = openpyxl.load_workbook(io.BytesIO(target.getvalue())).active
    assert [ts.unescape(read.cell(i, 1).value) for i in range(1, len(texts) + 1)] == texts


def test_a_text_longer_than_a_cell_is_cut_and_says_so():
    long = "国\x01" * ts.CELL_MAX
    assert len(ts.cell(long)) <= 32_767
    assert ts.cell(long).endswith(ts.CUT)


def test_cp932_exchanges_twins_and_counts_what_it_lacks():
    content, lost = ts.to_cp932("髙橋〜𠮷野−吉−🦴𠮷")
    assert content.decode("cp932") == "髙橋～〓野－吉－〓〓"
    assert lost == 3
