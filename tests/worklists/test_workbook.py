"""The workbook as a program that reads it back sees it."""

import csv
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date, datetime

import openpyxl
import polars as pl
import pytest

from audit.worklists import RuleText, export_worklists, text_safety
from audit.worklists.layout import INPUTS, NUMBERS, layout
from tests.worklists.samples import INSURER, MONTH, RULES, make

HOSTILE = ["=1+1", "+81-3", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝１", "＋１", "－１", "＠x", "'=1", "_x0041_", "<r><t>x</t></r>", "000123", "1E5", "2026-09", "TRUE", "https://x", "𠮷野 〓"]


def workbook(tmp_path, *made, **changes):
    cases, findings, context = made or make(10)
    export_worklists(cases, findings, replace(context, **changes), tmp_path)
    return openpyxl.load_workbook(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.xlsx")


def meta(book):
    return {k.value: v.value for k, v in book["_meta"].iter_rows(max_col=2)}


def cells(book):
    """Values of the list by column key, through the hidden sheet, as an import would read them."""
    info = meta(book)
    keys, first = json.loads(info["columns"]), int(info["first_row"])
    rows = [[c.value for c in row] for row in book["一覧"].iter_rows(min_row=first)]
    return [dict(zip(keys, row, strict=True)) for row in rows]


def test_the_sheets_are_in_the_order_of_work_and_the_technical_ones_hidden(tmp_path):
    book = workbook(tmp_path)
    assert [(s.title, s.sheet_state) for s in book] == [
        ("一覧", "visible"), ("根拠", "visible"), ("ルール", "visible"), ("説明", "visible"), ("_choices", "veryHidden"), ("_meta", "veryHidden"),
    ]


def test_list_and_csv_hold_the_same_values(tmp_path):
    book = workbook(tmp_path)
    text = (tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv").read_bytes().decode("utf-8-sig")
    records = list(csv.DictReader(io.StringIO(text, newline="")))
    shown = cells(book)
    assert len(shown) == len(records) == 10
    for spec in layout().columns_for("judo"):
        if spec.kind != "link":
            for row, record in zip(shown, records, strict=True):
                value, text = row[spec.key], record[spec.ja]
                assert (value in (None, "") and text == "") or value == text or float(value) == pytest.approx(float(text), abs=5e-5), spec.key


def test_codes_are_text_and_numbers_are_numbers(tmp_path):
    for row in cells(workbook(tmp_path)):
        for spec in layout().columns_for("judo"):
            value = row[spec.key]
            if spec.kind in NUMBERS:
                assert value is None or isinstance(value, int | float) or (spec.blind and value == "ー")
            elif value is not None:
                assert isinstance(value, str)
        assert re.fullmatch(r"\d{11}", row["addressee"])


def test_the_hidden_sheet_tells_the_list(tmp_path):
    info = meta(book := workbook(tmp_path))
    assert {k: info[k] for k in ("application", "run_id", "month", "insurer_no", "team", "rows", "pseudonymised")} == {
        "application": "kokuho-audit", "run_id": "20261121-0001", "month": MONTH, "insurer_no": INSURER, "team": "judo", "rows": "10",
        "pseudonymised": "false",
    }
    assert re.fullmatch(r"[0-9a-f]{64}", info["list_hash"])
    properties = {p.name: p.value for p in book.custom_doc_props.props}
    assert all(properties[f"kokuho_{k}"] == info[k] for k in ("run_id", "insurer_no", "team", "schema_version", "list_hash"))
    assert book.properties.created == datetime(2026, 9, 1)
    header = [c.value for c in book["一覧"][int(info["header_row"])]]
    assert header == [c.ja for c in layout().columns_for("judo")]


def test_the_header_is_frozen_filtered_and_repeated_in_print(tmp_path):
    sheet = workbook(tmp_path)["一覧"]
    assert sheet.freeze_panes == "E3"
    assert sheet.auto_filter.ref == "A2:AL12"
    assert (sheet.print_title_rows, sheet.print_title_cols) == ("$1:$2", "$A:$D")
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert "&P / &N" in sheet.oddFooter.right.text
    assert all(sheet.column_dimensions[c].hidden for c in ("AJ", "AK", "AL"))


def test_the_sheet_is_protected_but_can_be_sorted_filtered_and_filled(tmp_path):
    sheet = workbook(tmp_path)["一覧"]
    p = sheet.protection
    assert p.sheet
    assert p.password is None
    assert not p.sort  # in the file format false means: not forbidden
    assert not p.autoFilter
    assert p.insertRows
    assert p.deleteRows
    assert p.insertColumns
    # One locked cell in the range, and Excel refuses to sort it.
    assert not any(c.protection.locked for row in sheet[sheet.auto_filter.ref] for c in row)


def test_read_only_cells_refuse_typing_and_decision_cells_offer_their_choices(tmp_path):
    book = workbook(tmp_path)
    sheet = book["一覧"]
    columns = layout().columns_for("judo")
    rules = {str(v.sqref): v for v in sheet.data_validations.dataValidation}
    for at, spec in enumerate(columns, start=1):
        letter = openpyxl.utils.get_column_letter(at)
        if spec.kind not in INPUTS:
            guard = rules[f"{letter}2:{letter}12"]
            assert (guard.type, guard.formula1, guard.allow_blank) == ("custom", "FALSE", False)
        elif spec.kind == "choice":
            listed = rules[f"{letter}3:{letter}12"].formula1
            column, end = re.fullmatch(r"'_choices'!\$([A-Z])\$2:\$[A-Z]\$(\d+)", listed).groups()
            got = [book["_choices"][f"{column}{i}"].value for i in range(2, int(end) + 1)]
            assert got == [c.ja for c in layout().choices_for(spec.choices, "judo")]
        elif spec.kind != "text_in":
            assert rules[f"{letter}3:{letter}12"].type in ("whole", "date")


def test_decision_labels_map_to_the_codes_of_outcomes():
    lay = layout()
    got = {label: lay.code_of("decision", label) for label in ("認容", "一部認容", "棄却", "他へ回付", "判定不能", "", " 認容 ")}
    assert got == {"認容": "upheld", "一部認容": "partly", "棄却": "dismissed", "他へ回付": "referred", "判定不能": "cannot_judge", "": None, " 認容 ": "upheld"}
    with pytest.raises(KeyError):
        lay.code_of("decision", "不明")


def test_decision_cells_are_empty_and_look_different(tmp_path):
    sheet = workbook(tmp_path)["一覧"]
    for row in sheet.iter_rows(min_row=3):
        for cell, spec in zip(row, layout().columns_for("judo"), strict=True):
            assert (cell.fill.fgColor.rgb == "FFFFF9DB") == (spec.kind in INPUTS)
            if spec.kind in INPUTS:
                assert cell.value == ("未" if spec.key == "status" else None)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_stays_text_and_comes_back(tmp_path, text):
    cases, findings, context = make(2)
    findings = findings.with_columns(message=pl.lit(text), mitigations=pl.lit([text]), evidence=pl.lit(json.dumps({text: text})))
    context = replace(
        context, names=context.names.with_columns(name=pl.lit(text)), providers=context.providers.with_columns(provider_name=pl.lit(text)),
        rules={k: RuleText(text, text, text, r.severity, text) for k, r in RULES.items()},
    )
    book = workbook(tmp_path, cases, findings, context)
    assert {text_safety.unescape(r["name"]) for r in cells(book)} == {text}
    formulas = {c.value for s in book for row in s.iter_rows() for c in row if c.data_type == "f"}
    assert all(f.startswith("=HYPERLINK(\"#'") for f in formulas)
    if text_safety.is_dangerous(text_safety.cell(text)):
        name = [c.key for c in layout().columns_for("judo")].index("name")
        assert book["一覧"].cell(3, name + 1).quotePrefix


def test_no_text_becomes_a_number_an_url_or_a_date(tmp_path):
    workbook(tmp_path, *make(2), run_id="20261121")
    with zipfile.ZipFile(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.xlsx") as z:
        assert not [n for n in z.namelist() if "externalLink" in n or n.endswith(".bin")]
        assert not any(b"hyperlink " in z.read(n) for n in z.namelist())
        assert {i.date_time for i in z.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_rules_are_explained_with_their_basis(tmp_path):
    rows = [[c.value for c in r] for r in workbook(tmp_path)["ルール"].iter_rows(min_row=2)]
    assert [r[0] for r in rows] == sorted({r[0] for r in rows})
    assert all(r[1:6] == [RULES[r[0]].title_ja, layout().severity[RULES[r[0]].severity], RULES[r[0]].explanation_ja, RULES[r[0]].basis, RULES[r[0]].next_action_ja] for r in rows)


def test_the_guide_says_what_the_list_is_and_is_not(tmp_path):
    text = "\n".join(str(c.value) for row in workbook(tmp_path)["説明"].iter_rows() for c in row if c.value is not None)
    for word in ("要確認", "抽出", "申出", "認容", "収納", *(c.help for c in layout().columns_for("judo"))):
        assert word in text
    assert "不正" not in text


def test_an_insurer_named_with_an_ampersand_prints_as_written(tmp_path):
    sheet = workbook(tmp_path, insurers={INSURER: "A&B市"})["一覧"]
    assert "A&&B市" in sheet.oddHeader.left.text


def test_other_teams_have_no_judo_columns():
    keys = [c.key for c in layout().columns_for("care")]
    assert "part_count" not in keys
    assert "course_months" not in keys


def test_person_data_never_touches_a_temporary_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.mkstemp", lambda *_, **__: pytest.fail("a temporary file was made"))
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_, **__: pytest.fail("a temporary file was made"))
    workbook(tmp_path)


def test_a_reviewers_entries_are_found_again_by_key_after_sorting(tmp_path):
    book = workbook(tmp_path)
    sheet, keys = book["一覧"], json.loads(meta(book)["columns"])
    rows = [[c.value for c in r] for r in sheet.iter_rows(min_row=3)]
    rows.sort(key=lambda r: r[keys.index("provider_id")], reverse=True)
    rows[0][keys.index("decision")], rows[0][keys.index("decided_on")] = "認容", date(2026, 11, 24)
    for i, row in enumerate(rows, start=3):
        for j, value in enumerate(row, start=1):
            sheet.cell(i, j).value = value
    saved = io.BytesIO()
    book.save(saved)
    again = cells(openpyxl.load_workbook(saved))
    decided = [r for r in again if r["decision"]]
    assert [r["case_key"] for r in decided] == [rows[0][keys.index("case_key")]]
    assert {r["row_check"] for r in again} == {r[keys.index("row_check")] for r in rows}
