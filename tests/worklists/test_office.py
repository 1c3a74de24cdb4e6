"""A reviewer's program opens the workbook, saves it, and nothing has changed."""

import json
import shutil
import subprocess
from dataclasses import replace

import openpyxl
import polars as pl
import pytest

from audit.worklists import export_worklists, text_safety
from audit.worklists.layout import layout
from tests.worklists.samples import INSURER, MONTH, make

OFFICE = shutil.which("soffice")
pytestmark = [pytest.mark.office, pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed")]

HOSTILE = ["=1+1", "+81-3", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝１＋１", "＋１", "－１", "＠x", "'=1", "''", "_x000D_", "000123", "1E5", "国保\r\n太郎", "𠮷野 〓", "<r>x</r>"]


def convert(folder, source, *options):
    """Let LibreOffice open a file and save it as a workbook."""
    (folder / "again").mkdir(exist_ok=True)
    run = subprocess.run(
        [OFFICE, f"-env:UserInstallation=file://{folder}/profile", "--headless", *options, "--convert-to", "xlsx", "--outdir", str(folder / "again"), str(source)],
        capture_output=True, text=True, timeout=180, check=False,
    )
    again = folder / "again" / source.with_suffix(".xlsx").name
    assert again.exists(), run.stderr
    return openpyxl.load_workbook(again)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder of a list with hostile names, one per case."""
    folder = tmp_path_factory.mktemp("office")
    cases, findings, context = make(len(HOSTILE))
    on = cases.filter(pl.col("rank").is_not_null()).sort("rank")
    names = on.select("insurer_no", "person_id").with_columns(name=pl.Series(HOSTILE), kana=pl.Series(HOSTILE))
    export_worklists(cases, findings, replace(context, names=names), folder)
    return folder


@pytest.fixture(scope="module")
def saved(written):
    """The workbook before and after LibreOffice saved it, both read by openpyxl."""
    book = written / f"worklist_{INSURER}_{MONTH}_judo.xlsx"
    return openpyxl.load_workbook(book), convert(written, book)


def keys(book):
    return {k.value: v.value for k, v in book["_meta"].iter_rows(max_col=2)}


def test_every_value_comes_back(saved):
    before, after = saved
    assert after.sheetnames == before.sheetnames
    for sheet in before:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    assert (cell.value or None) == (after[sheet.title][cell.coordinate].value or None), (sheet.title, cell.coordinate)


def test_hostile_names_come_back_as_they_were(saved):
    for book in saved:
        columns = json.loads(keys(book)["columns"])
        for key in ("name", "kana"):
            got = [text_safety.unescape(r[columns.index(key)].value) for r in book["一覧"].iter_rows(min_row=3, max_row=2 + len(HOSTILE))]
            assert got == HOSTILE
            assert {r[columns.index(key)].data_type for r in book["一覧"].iter_rows(min_row=3, max_row=2 + len(HOSTILE))} == {"s"}


def test_the_list_can_still_be_recognised(saved):
    before, after = saved
    assert keys(after) == keys(before)
    assert [s.sheet_state for s in after][-2:] != ["visible", "visible"]
    assert {p.name: p.value for p in after.custom_doc_props.props} == {p.name: p.value for p in before.custom_doc_props.props}


def test_dropdowns_guards_filter_and_protection_survive(saved):
    before, after = saved

    def rules(book):
        return {str(part): (v.type, str(v.formula1).replace("'", "").replace("$", "")) for v in book["一覧"].data_validations.dataValidation for part in v.sqref.ranges}

    def choices(book):
        return {k: v for k, v in rules(book).items() if v[0] == "list"}

    assert len(choices(after)) == len(layout().choices)
    assert choices(after) == choices(before)
    guards = [v for v in after["一覧"].data_validations.dataValidation if v.type == "custom"]
    assert {v.formula1.rstrip("()") for v in guards} <= {"FALSE", "0"}  # LibreOffice writes false as 0
    assert guards
    sheet = after["一覧"]
    assert sheet.auto_filter.ref == before["一覧"].auto_filter.ref
    assert sheet.protection.sheet


def test_the_links_point_to_the_cases_block(saved):
    _, after = saved
    columns = json.loads(keys(after)["columns"])
    formulas = [r[columns.index("link")].value for r in after["一覧"].iter_rows(min_row=3, max_row=4)]
    assert all("HYPERLINK" in f and "MATCH" in f for f in formulas)


def test_a_csv_opened_in_an_office_program_runs_nothing(written):
    # 44,34,76: comma, double quote, UTF-8; the rest as a double click would have it.
    sheet = convert(written, written / f"worklist_{INSURER}_{MONTH}_judo.csv", "--infilter=CSV:44,34,76,1").active
    header = [c.value for c in sheet[1]]
    names = [sheet.cell(i, header.index("氏名") + 1) for i in range(2, 2 + len(HOSTILE))]
    assert not [c.coordinate for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    dangerous = [i for i, text in enumerate(HOSTILE) if text_safety.is_dangerous(text_safety.cell(text))]
    assert dangerous
    assert [text_safety.unescape(text_safety.unprotect(names[i].value)) for i in dangerous] == [HOSTILE[i] for i in dangerous]
