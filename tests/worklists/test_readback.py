"""A returned list against the published one: what counts as an edit, what does not, and what the entries must say together."""

import io
import json
import re
import zipfile
from datetime import date

import openpyxl
import polars as pl
import pytest
import xlsxwriter

from audit.worklists import readback
from audit.worklists.layout import layout
from audit.worklists.readback_published import case_keys, from_run
from tests.worklists.filled import DISMISSED, TODAY, UPHELD, fill, office, places
from tests.worklists.samples import INSURER, MONTH


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    return office(tmp_path_factory.mktemp("readback"))


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """The same lists, their CSV in CP932."""
    return office(tmp_path_factory.mktemp("narrow"), csv_encoding="cp932")


def published(desk, parsed):
    told, wrong = readback.identity(parsed)
    assert told is not None, wrong["what"].to_list()
    return from_run(desk.run / "worklists", run_id=desk.run.name, month=MONTH, insurer_no=INSURER, team="judo",
                    cases=case_keys(desk.cases["case_id"], None), list_hash=told.list_hash, returned_sha256=parsed.sha256)


def check(desk, path, today=TODAY):
    parsed = readback.parse(path.name, path.read_bytes())
    assert parsed.grid is not None, parsed.problems["what"].to_list()
    return readback.check(parsed, published(desk, parsed), today)


def told(returned):
    """(row, heading, what) of every problem."""
    return returned.problems.select("row", "column", "what").rows()


def entered(returned):
    """Case -> what was entered, blanks left out."""
    rows = returned.entries.filter("touched").select("case_id", *(c.key for c in layout().columns if c.band == "decision")).to_dicts()
    return {r.pop("case_id"): {k: v for k, v in r.items() if v is not None and v != "open"} for r in rows}


ENTRIES = {0: UPHELD | {"requested_yen": 300, "memo": "施術録で確認\n二行目", "spent_minutes": 20}, 2: DISMISSED, 5: {"status": "照会中", "due_on": date(2026, 12, 10)}}
EXPECTED = [
    {"decision": "upheld", "reason_code": "U01", "requested_yen": 300, "decided_on": date(2026, 11, 24), "assignee": "点検 一郎", "spent_minutes": 20.0, "memo": "施術録で確認\n二行目"},
    {"decision": "dismissed", "reason_code": "D01", "decided_on": date(2026, 11, 24), "assignee": "点検 花子"},
    {"status": "inquiring", "due_on": date(2026, 12, 10)},
]


def assert_as_entered(desk, path):
    returned = check(desk, path)
    assert told(returned) == []
    assert entered(returned) == {desk.ids[at]: said for at, said in zip(ENTRIES, EXPECTED, strict=True)}
    assert returned.missing == 0
    return returned


@pytest.fixture(scope="module")
def filled(desk, tmp_path_factory):
    return fill(desk.book(), tmp_path_factory.mktemp("filled") / "返却.xlsx", ENTRIES)


# -- what does not matter -------------------------------------------------------------------------------------------
def test_an_untouched_list_says_nothing(desk):
    for path in (desk.book(), desk.csv()):
        returned = check(desk, path)
        assert told(returned) == []
        assert entered(returned) == {}


def test_entries_come_back_as_codes_and_values(desk, filled):
    assert_as_entered(desk, filled)


def rebuilt(source, target, *, order=None, columns=None, inline=False, serial_dates=False, numbers_as_text=False, blank_rows=0, extra=False, names=("_meta",)):
    """Write a workbook anew as other programs would: other order, other kinds of cells, more around the list."""
    book = openpyxl.load_workbook(source)
    out = xlsxwriter.Workbook(target, {"constant_memory": inline, "strings_to_formulas": False, "strings_to_numbers": False})
    day = out.add_format({"num_format": "yyyy/mm/dd"})
    rows = [[c.value for c in r] for r in book["一覧"].iter_rows()]
    head, body = rows[:2], rows[2:]
    body = [body[i] for i in order] if order else body
    at = columns or range(len(head[1]))
    sheet = out.add_worksheet("一覧")
    number_keys = {i for i, key in enumerate(places(book)) if key in ("rank", "at_stake_yen", "p_upheld", "minutes", "requested_yen", "spent_minutes")}
    for i, row in enumerate([*head, *body, *([None] * len(at) for _ in range(blank_rows))]):
        for j, k in enumerate(at):
            value = row[k]
            if hasattr(value, "year") and serial_dates:
                sheet.write_number(i, j, (value.date() - date(1899, 12, 30)).days)
            elif hasattr(value, "year"):
                sheet.write_datetime(i, j, value, day)
            elif isinstance(value, int | float) and numbers_as_text and k in number_keys:
                sheet.write_string(i, j, str(value))
            elif value is None:
                sheet.write_blank(i, j, None, day)
            elif isinstance(value, str) and value.startswith("=HYPERLINK"):
                sheet.write_formula(i, j, value)
            else:
                (sheet.write_string if isinstance(value, str) else sheet.write_number)(i, j, value)
        if extra and i >= 1:
            sheet.write(i, len(at) + 1, "自分用の印" if i == 1 else i)
            sheet.write_formula(i, len(at) + 2, "=1+1")
    for name in names:
        more = out.add_worksheet(name)
        for i, (k, v) in enumerate(r for r in book[name].iter_rows(max_col=2, values_only=True)):
            more.write_string(i, 0, k)
            more.write_string(i, 1, v)
        more.hide()
    out.close()
    return target


@pytest.mark.parametrize("way", [
    {"order": [5, 2, 7, 0, 1, 3, 6, 4]}, {"columns": "reversed"}, {"inline": True}, {"serial_dates": True}, {"numbers_as_text": True}, {"blank_rows": 500}, {"extra": True},
], ids=lambda w: next(iter(w)))
def test_how_a_program_saves_a_list_does_not_matter(desk, filled, tmp_path, way):
    if way.get("columns"):
        way = {"columns": list(reversed(range(openpyxl.load_workbook(filled)["一覧"].max_column)))}
    assert_as_entered(desk, rebuilt(filled, tmp_path / "again.xlsx", **way))


def test_readings_and_runs_of_texts_are_no_part_of_them(desk, filled, tmp_path):
    """Excel keeps the reading (furigana) of typed Japanese beside it, and splits a text whose letters differ in colour."""
    target = tmp_path / "furigana.xlsx"
    with zipfile.ZipFile(filled) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename == "xl/sharedStrings.xml":
                content = re.sub("<si><t>点検 一郎</t></si>", '<si><r><rPr><b/></rPr><t xml:space="preserve">点検 </t></r><r><t>一郎</t></r><rPh sb="0" eb="2"><t>テンケン</t></rPh><phoneticPr fontId="1"/></si>', content.decode()).encode()
                assert "テンケン".encode() in content
            new.writestr(part, content)
    assert_as_entered(desk, target)


def test_a_line_break_as_excel_writes_it_is_a_line_break(desk, filled, tmp_path):
    target = tmp_path / "cr.xlsx"
    with zipfile.ZipFile(filled) as old, zipfile.ZipFile(target, "w") as new:
        for part in old.infolist():
            new.writestr(part, old.read(part).replace("確認\n二行目".encode(), "確認_x000D_\n_x005F_x000D_ _xD800_".encode()))
    memo = [e["memo"] for e in entered(check(desk, target)).values() if "memo" in e]
    assert memo == ["施術録で確認\r\n_x000D_ _xD800_"]


def test_protection_filters_hidden_columns_and_a_renamed_sheet_do_not_matter(desk, tmp_path):
    def change(sheet, columns):
        sheet.protection.sheet = False
        sheet.auto_filter.add_filter_column(0, ["1"])
        for key in ("name", "why", "memo"):
            sheet.column_dimensions[openpyxl.utils.get_column_letter(columns[key])].hidden = True
        for row in (3, 4, 5):
            sheet.row_dimensions[row].hidden = True
        sheet.title = "一覧（点検済）"

    assert_as_entered(desk, fill(desk.book(), tmp_path / "a.xlsx", ENTRIES, change))


def test_a_list_filled_in_where_it_was_published_is_still_checked(desk, narrow, tmp_path):
    for where in (desk, narrow):
        copy = office(tmp_path / where.run.parent.parent.name, csv_encoding="cp932" if where is narrow else "utf-8-sig")
        fill(copy.book(), copy.book(), ENTRIES)
        assert_as_entered(copy, copy.book())
        fill(copy.book(), copy.book(), {1: {"name": "別の 人"}})
        assert ("氏名" in str(told(check(copy, copy.book()))))


def as_csv(desk, path, encoding, change=lambda rows: None, delimiter=","):
    import csv

    rows = list(csv.reader(io.StringIO(desk.csv().read_bytes().decode("utf-8-sig"), newline="")))
    heads = {c.key: rows[0].index(c.ja) for c in layout().columns if c.ja in rows[0]}
    for at, cells in ENTRIES.items():
        for key, value in cells.items():
            rows[at + 1][heads[key]] = f"{value:%Y/%m/%d}" if isinstance(value, date) else str(value)
    change([rows, heads])
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(rows)
    path.write_bytes(out.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8-sig", ","), ("cp932", ","), ("utf-16", "\t"), ("utf-8", ";")])
def test_a_csv_comes_back_in_any_form_that_excel_saves(desk, tmp_path, encoding, delimiter):
    assert_as_entered(desk, as_csv(desk, tmp_path / "a.csv", encoding, delimiter=delimiter))


def test_what_excel_does_to_a_csv_is_no_edit(desk, tmp_path):
    """Opened by a double click and saved: leading zeros and year-months go, long numbers are rounded."""
    def change(given):
        rows, at = given
        for row in rows[1:]:
            row[at["addressee"]] = row[at["addressee"]].lstrip("0") if row[0] != "1" else f"{float(row[at['addressee']]):.2E}"
            row[at["service_month"]] = {0: "Sep-26", 1: "2026/9/1", 2: "2026年9月"}[len(row[at["rule_ids"]]) % 3]
            row[at["at_stake_yen"]] = f"{int(row[at['at_stake_yen']]):,}"
            if row[at["p_upheld"]] not in ("", "ー"):
                row[at["p_upheld"]] = "35%"
        rows[1:] = rows[:0:-1]

    assert_as_entered(desk, as_csv(desk, tmp_path / "a.csv", "cp932", change))


def test_a_saved_copy_has_the_same_content(desk, filled, tmp_path):
    first = check(desk, filled).content
    assert check(desk, rebuilt(filled, tmp_path / "b.xlsx", order=[5, 2, 7, 0, 1, 3, 6, 4], inline=True)).content == first
    assert check(desk, fill(filled, tmp_path / "c.xlsx", {0: {"memo": "施術録で確認\r\n二行目"}})).content == first
    assert check(desk, fill(filled, tmp_path / "d.xlsx", {0: {"memo": "別"}})).content != first


# -- what does ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "value"), [("name", "別の 人"), ("at_stake_yen", 1), ("service_month", "2026-08"), ("why", ""), ("list_no", "柔-999"), ("addressee", "1"), ("row_check", "0" * 16),
                                            ("run_id", "2026-09-ffffffff"), ("claim_ids", "=1+1"), ("provider_name", None), ("minutes", 21)])
def test_an_edited_read_only_cell_is_named(desk, tmp_path, key, value):
    heading = next(c.ja for c in layout().columns if c.key == key)
    [(row, column, what)] = told(check(desk, fill(desk.book(), tmp_path / "a.xlsx", {3: {key: value}})))
    assert (row, column) == (6, heading)
    assert "変わっています" in what


def test_the_old_value_of_a_cell_is_not_told(desk, tmp_path):
    returned = check(desk, fill(desk.book(), tmp_path / "a.xlsx", {0: {"name": "別の 人", "memo": "=1"}}))
    assert not re.search("国保|別の", json.dumps(returned.problems.to_dicts(), ensure_ascii=False))


def test_rows_sorted_without_their_keys_are_told_as_rows(desk, tmp_path):
    def change(sheet, columns):
        facts = [c for k, c in columns.items() if k not in ("case_key", "row_check", "run_id") and c <= columns["link"]]
        for c in facts:
            a, b = sheet.cell(3, c).value, sheet.cell(4, c).value
            sheet.cell(3, c).value, sheet.cell(4, c).value = b, a

    problems = told(check(desk, fill(desk.book(), tmp_path / "a.xlsx", {}, change)))
    assert [(r, c) for r, c, _ in problems] == [(3, None), (4, None)]
    assert all("行の内容" in what and "「整理番号」" in what for _, _, what in problems)


def test_unknown_double_and_keyless_rows(desk, tmp_path):
    def change(sheet, columns):
        key = columns["case_key"]
        sheet.cell(4, key).value = sheet.cell(3, key).value
        sheet.cell(5, key).value = "judo|00131001|2026-08|x|y"
        sheet.cell(12, columns["at_stake_yen"]).value = 12345

    problems = told(check(desk, fill(desk.book(), tmp_path / "a.xlsx", {}, change)))
    assert [(r, w[:8]) for r, _, w in problems] == [(3, "同じ案件の行が2"), (4, "同じ案件の行が2"), (5, "公開した一覧にな"), (5, "行の内容が照合コ"), (12, "照合キーのない行")]


def test_rows_that_did_not_come_back_are_counted(desk, tmp_path):
    returned = check(desk, fill(desk.book(), tmp_path / "a.xlsx", {}, lambda sheet, _: sheet.delete_rows(3, 2)))
    assert (told(returned), returned.missing) == ([], 2)


@pytest.mark.parametrize(("cells", "heading", "word"), [
    ({"decision": "認容", "decided_on": date(2026, 11, 24)}, "理由コード", "空欄"), ({"decision": "認容", "reason_code": "U01"}, "判定日", "空欄"),
    (UPHELD | {"reason_code": "D01"}, "理由コード", "合わない"), (DISMISSED | {"reason_code": "N01"}, "理由コード", "合わない"), ({"decided_on": date(2026, 11, 24)}, "判定", "判定が空欄のまま"),
    (UPHELD | {"decided_on": date(2026, 11, 29)}, "判定日", "先の日付"), (UPHELD | {"decided_on": date(2025, 11, 24)}, "判定日", "前の日付"),
    (UPHELD | {"requested_yen": 9_000_000}, "請求予定額", "影響額"), (DISMISSED | {"requested_yen": 1}, "請求予定額", "申し出る額がありません"),
    (UPHELD | {"reason_code": "U99"}, "メモ", "その他"), (UPHELD | {"decision": "=IF(1,\"認容\",\"\")"}, "判定", "計算式"), (UPHELD | {"requested_yen": "=500"}, "請求予定額", "計算式"),
    (UPHELD | {"memo": "=HYPERLINK(\"http://x\")"}, "メモ", "計算式"), ({"status": "済"}, "状態", "選択肢にない"),
])
def test_what_the_cells_of_a_row_say_must_fit(desk, tmp_path, cells, heading, word):
    [(row, column, what)] = told(check(desk, fill(desk.book(), tmp_path / "a.xlsx", {0: cells})))
    assert (row, column) == (3, heading)
    assert word in what


@pytest.mark.parametrize("cells", [
    UPHELD | {"requested_yen": 0}, DISMISSED | {"requested_yen": 0}, UPHELD | {"reason_code": "U99", "memo": "電話で確認"}, UPHELD | {"decided_on": TODAY}, UPHELD | {"decided_on": date(2026, 9, 1)},
    {"decision": "他へ回付", "reason_code": "R01", "decided_on": "令和8年11月24日"}, {"decision": "判定不能", "reason_code": "N01", "decided_on": 46350}, {"memo": "電話した", "spent_minutes": "5分"},
])
def test_entries_that_fit(desk, tmp_path, cells):
    assert told(check(desk, fill(desk.book(), tmp_path / "a.xlsx", {0: cells}))) == []


def test_an_amount_is_limited_by_what_was_at_stake_where_that_is_known(desk, tmp_path):
    rows = published(desk, readback.parse("a", desk.book().read_bytes())).facts["at_stake_yen"].cast(pl.Int64).to_list()
    none = rows.index(0)  # a case of the random sample: what a reviewer finds there has no figure to be above
    known = next(i for i, y in enumerate(rows) if y > 0)
    assert told(check(desk, fill(desk.book(), tmp_path / "a.xlsx", {none: UPHELD | {"requested_yen": 50_000}, known: UPHELD | {"requested_yen": rows[known]}}))) == []
    problems = check(desk, fill(desk.book(), tmp_path / "b.xlsx", {known: UPHELD | {"requested_yen": rows[known] + 1}})).problems
    assert problems["allowed"].to_list() == [f"0〜{rows[known]}円"]


def test_every_problem_is_told_at_once(desk, tmp_path):
    cells = {0: {"decision": "x", "name": "y", "requested_yen": -1}, 1: {"decided_on": "13/45", "memo": "=1"}, 2: {"decision": "認容"}}
    assert len(told(check(desk, fill(desk.book(), tmp_path / "a.xlsx", cells)))) == 7


# -- files that are no longer the list -------------------------------------------------------------------------------
def says(path):
    told_, wrong = readback.identity(readback.parse(path.name, path.read_bytes()))
    assert told_ is None
    return wrong.row(0, named=True)


@pytest.mark.parametrize("key", ["case_key", "row_check", "run_id"])
def test_without_its_hidden_columns_a_list_is_refused(desk, tmp_path, key):
    wrong = says(fill(desk.book(), tmp_path / "a.xlsx", {}, lambda sheet, at: sheet.delete_cols(at[key])))
    assert "非表示の列がありません" in wrong["what"]
    assert wrong["column"] == next(c.ja for c in layout().columns if c.key == key)


def test_without_its_hidden_sheet_a_workbook_is_refused(desk, filled, tmp_path):
    assert "隠れたシート" in says(rebuilt(filled, tmp_path / "a.xlsx", names=()))["what"]


def test_a_missing_or_double_heading_is_named(desk, tmp_path):
    returned = check(desk, fill(desk.book(), tmp_path / "a.xlsx", {}, lambda sheet, at: sheet.delete_cols(at["memo"])))
    assert [(c, w) for _, c, w in told(returned)] == [("メモ", "見出しの列がありません")]

    def double(sheet, at):
        sheet.cell(2, len(at) + 2).value = "判定"

    assert [(c, w[:6]) for _, c, w in told(check(desk, fill(desk.book(), tmp_path / "b.xlsx", {}, double)))] == [("判定", "同じ見出しの")]


def test_a_list_of_another_form_is_refused(desk, tmp_path):
    def change(sheet, _):
        for row in sheet.parent["_meta"].iter_rows(max_col=2):
            if row[0].value == "schema_version":
                row[1].value = "99"

    assert "この版では" in says(fill(desk.book(), tmp_path / "a.xlsx", {}, change))["what"]


def test_a_copy_from_before_the_list_was_made_anew_is_no_published_list(desk, tmp_path):
    parsed = readback.parse("a", fill(desk.book(), tmp_path / "a.xlsx", {}, lambda sheet, _: setattr(next(r for r in sheet.parent["_meta"].iter_rows(max_col=2) if r[0].value == "list_hash")[1], "value", "0" * 64)).read_bytes())
    assert published(desk, parsed) is None
