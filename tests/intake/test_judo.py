from datetime import date

import pytest

from audit.errors import EmptyFileError, EncodingError, LayoutError, TruncatedFileError
from audit.intake.judo import read_judo_claims, read_judo_parts

INSURER = "00110221"
HEADER = "整理番号,保険者番号,施術年月,請求年月,登録記号番号,施術所名,記号,番号,枝番,性別,生年月日,部位数,実日数,初検年月日,初検料,合計金額,一部負担金,請求金額,給付割合,長期理由書,施術日"
GOOD = {
    "整理番号": "A1", "保険者番号": "110221", "施術年月": "R6.10", "請求年月": "202411", "登録記号番号": "協１１０００００００１", "施術所名": "みなみ接骨院", "記号": "埼国",
    "番号": "１２３４", "枝番": "1", "性別": "男", "生年月日": "S30.1.1", "部位数": "2", "実日数": "3", "初検年月日": "5061001", "初検料": '"1,550"',
    "合計金額": '"12,345"', "請求金額": "8642円", "給付割合": "7割", "長期理由書": "有", "施術日": '"1,3,5"',
}
PARTS_HEADER = "整理番号,保険者番号,部位順,負傷名,負傷年月日,初検年月日,転帰,後療料等"


def line(header=HEADER, **given):
    values = GOOD | given
    return ",".join(values.get(c, "") for c in header.split(","))


def claims(delivered, *lines, header=HEADER, known=frozenset({INSURER}), **given):
    return read_judo_claims(delivered("\n".join([header, *lines]) + "\n", "judo_claims", **given), known)


def test_one_claim_in_office_notation(delivered, accounted):
    result = claims(delivered, line())
    assert accounted(result) == {}
    row = result.tables["judo_claims"].row(0, named=True)
    assert row["claim_id"] == f"judo:{INSURER}:A1"
    assert (row["service_month"], row["billing_month"]) == (date(2024, 10, 1), date(2024, 11, 1))
    assert (row["clinic_id"], row["number"], row["branch"], row["sex"]) == ("協1100000001", "1234", "01", "1")
    assert (row["birth_date"], row["first_exam_on"]) == (date(1955, 1, 1), date(2024, 10, 1))
    assert (row["initial_fee_yen"], row["total_yen"], row["claimed_yen"], row["benefit_rate"]) == (1550, 12345, 8642, 70)
    assert (row["visit_days"], row["actual_days"], row["part_count"], row["long_reason"], row["has_parts"]) == (0b10101, 3, 2, True, False)
    assert (row["source_file"], row["source_line"]) == ("file.csv", 2)


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"施術年月": "5061301"}, "施術年月", "bad_month"),
        ({"生年月日": "5061301"}, "生年月日", "bad_date"),
        ({"生年月日": ""}, "生年月日", "missing_value"),
        ({"生年月日": "00000000"}, "生年月日", "missing_value"),
        ({"初検年月日": "20240230"}, "初検年月日", "bad_date"),
        ({"保険者番号": "119999"}, "保険者番号", "unknown_insurer"),
        ({"保険者番号": ""}, "保険者番号", "missing_value"),
        ({"保険者番号": "1.10E+05"}, "保険者番号", "scientific_number"),
        ({"整理番号": "1.23E+11"}, "整理番号", "scientific_number"),
        ({"整理番号": "１．２３Ｅ＋１１"}, "整理番号", "scientific_number"),
        ({"番号": ""}, "番号", "missing_value"),
        ({"性別": "不"}, "性別", "unknown_value"),
        ({"合計金額": "一万円"}, "合計金額", "bad_amount"),
        ({"合計金額": "-5"}, "合計金額", "bad_amount"),
        ({"実日数": "32"}, "実日数", "bad_amount"),
        ({"給付割合": "170"}, "給付割合", "bad_rate"),
        ({"施術日": "1-5"}, "施術日", "bad_days"),
        ({"施術日": '"0,3"'}, "施術日", "bad_days"),
        ({"施術年月": "202409", "施術日": "31"}, "施術日", "day_not_in_month"),
        ({"枝番": "100"}, "枝番", "bad_code"),
    ],
)
def test_line_that_is_refused(delivered, accounted, given, field, reason):
    result = claims(delivered, line(), line(**{"整理番号": "A2"} | given), line(整理番号="A3"))
    assert accounted(result) == {3: reason}
    assert result.quarantine["field"].to_list() == [field]
    assert result.tables["judo_claims"]["claim_id"].to_list() == [f"judo:{INSURER}:A1", f"judo:{INSURER}:A3"]


@pytest.mark.parametrize(
    ("written", "mask"),
    [('"1日,3日"', 0b101), ("1、3", 0b101), ("1 3", 0b101), ("１・３", 0b101), ("31", 1 << 30), ('"3,1,3"', 0b101), ("", None), ("1.3", 0b101)],
)
def test_days_as_text(delivered, written, mask):
    assert claims(delivered, line(施術日=written)).tables["judo_claims"]["visit_days"].to_list() == [mask]


def test_visits_are_counted_where_they_are_not_stated(delivered, accounted):
    result = claims(delivered, line(実日数="", 施術日='"2,4"'), line(整理番号="A2", 実日数="", 施術日=""))
    assert result.tables["judo_claims"]["actual_days"].to_list() == [2]
    assert accounted(result) == {3: "missing_value"}


def test_a_form_twice_and_forms_without_a_number(delivered, accounted):
    result = claims(delivered, line(), line(合計金額="1"), line(整理番号=""), line(整理番号="", 初検年月日=""))
    assert accounted(result) == {3: "duplicate_claim"}
    assert result.tables["judo_claims"]["claim_id"].to_list()[1:] == [
        f"judo:{INSURER}:協1100000001:202410:1234:01:1955-01-01:2024-10-01", f"judo:{INSURER}:協1100000001:202410:1234:01:1955-01-01:",
    ]


def test_ten_per_cent_broken_lines(delivered, accounted):
    lines = [line(整理番号=f"A{i}") for i in range(100)]
    lines[::10] = [x[:30] for x in lines[::10]]
    result = claims(delivered, *lines)
    assert set(accounted(result).values()) == {"too_few_fields"}
    assert (result.rows_in, result.rows_in_tables) == (100, 90)


def test_insurer_of_the_delivery(delivered):
    header = HEADER.replace("保険者番号,", "")
    result = claims(delivered, line(header), header=header, insurer_no=INSURER)
    assert result.tables["judo_claims"]["insurer_no"].to_list() == [INSURER]


def test_all_missing_columns_are_named_at_once(delivered):
    header = ",".join(c for c in HEADER.split(",") if c not in ("番号", "生年月日", "施術所名"))
    with pytest.raises(LayoutError, match=r"^file\.csv:1: required columns are missing: 番号, 生年月日 → .*judo_example\.toml$"):
        claims(delivered, line(header), header=header)


def test_a_column_named_twice(delivered):
    with pytest.raises(LayoutError, match="columns named twice: 番号"):
        claims(delivered, line() + ",1", header=HEADER + ",番号")


def test_whole_file_errors(delivered):
    with pytest.raises(EmptyFileError):
        claims(delivered)
    with pytest.raises(EncodingError):
        claims(delivered, *[line()] * 5, encoding="utf-8", as_bytes="cp932")
    with pytest.raises(TruncatedFileError, match=r"file\.csv:3:"):
        read_judo_claims(delivered(f"{HEADER}\n{line()}\nA2,1102", "judo_claims"))


# -- other shapes ---------------------------------------------------------------------------------------------------
WIDE = "整理番号,施術年月,登録記号番号,番号,性別,生年月日,実日数,合計金額," + ",".join(f"{d}日" for d in range(1, 32)) + ",負傷名1,負傷年月日1,転帰1,負傷名2,負傷年月日2,転帰2"


def wide(delivered, *rows):
    lines = []
    for number, days, parts in rows:
        marks = ",".join("○" if d in days else "" for d in range(1, 32))
        lines.append(f"{number},202410,協1,123,1,19600101,{len(days) or 1},5000,{marks},{parts}")
    return read_judo_claims(delivered("\n".join([WIDE, *lines]) + "\n", "judo_claims", layout="judo_example_wide", insurer_no=INSURER))


def test_parts_and_days_in_columns(delivered, accounted):
    result = wide(delivered, ("B1", {1, 3, 31}, "腰部捻挫,20241001,治癒,右膝関節捻挫,,"), ("B2", set(), ",,,,,"), ("B3", {2}, "頸部捻挫,20241301,,,,"))
    assert accounted(result) == {4: "bad_date"}
    head = result.tables["judo_claims"]
    assert head["visit_days"].to_list() == [1 | 4 | 1 << 30, None]
    assert head["has_parts"].to_list() == [True, False]
    assert head["part_count"].to_list() == [2, None]
    parts = result.tables["judo_parts"].select("claim_id", "part_no", "site", "injured_on", "outcome").sort("part_no").rows()
    assert parts == [(f"judo:{INSURER}:B1", 1, "腰部", date(2024, 10, 1), "cured"), (f"judo:{INSURER}:B1", 2, "膝関節", None, None)]


def test_a_mark_that_is_none(delivered, accounted):
    header = WIDE.split(",")
    row = dict.fromkeys(header, "") | {"整理番号": "B1", "施術年月": "202410", "登録記号番号": "協1", "番号": "1", "性別": "1", "生年月日": "19600101", "実日数": "1", "合計金額": "1", "4日": "？"}
    spec = delivered(WIDE + "\n" + ",".join(row.values()) + "\n", "judo_claims", layout="judo_example_wide", insurer_no=INSURER)
    assert accounted(read_judo_claims(spec)) == {2: "bad_days"}


def own_layout(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


POSITIONS = """
[judo_claims]
header = false
[judo_claims.columns]
claim_no = 1
service_month = 2
clinic_id = 3
number = 4
sex = 5
birth_date = 6
total_yen = 7
actual_days = 8
[judo_claims.days]
form = "bits"
column = 9
"""


def test_positions_and_bit_days(delivered, accounted, tmp_path):
    layout = own_layout(tmp_path, POSITIONS)
    rows = [["P1", "202410", "協1", "7", "1", "19600101", "500", "2", "101" + "0" * 28], ["P2", "202410", "協1", "7", "1", "19600101", "500", "2", "1.01E+30"]]
    result = read_judo_claims(delivered(rows, "judo_claims", layout=layout, insurer_no=INSURER))
    assert result.tables["judo_claims"]["visit_days"].to_list() == [0b101]
    assert accounted(result) == {2: "bad_days"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[judo_claims.columns]", "[judo_claims.colums]"), "unknown key judo_claims.colums; judo_claims.columns is missing"),
        (("claim_no = 1", "clam_no = 1"), "unknown fields ['clam_no']"),
        (("number = 4", ""), "required fields not mapped ['number']"),
        (("number = 4", 'number = "番号"'), "every column is a position"),
        (("number = 4", "number = 0"), "neither a header name nor a position"),
        (('form = "bits"', 'form = "hex"'), "form is none of"),
        (("column = 9", "column = 9\nmark = 1"), "unknown key judo_claims.days.mark"),
        (("header = false", "header = maybe"), "not readable as TOML"),
        (("[judo_claims.days]", '[judo_claims.values.sex]\n"男" = "male"\n[judo_claims.days]'), "values.sex has meanings ['male']"),
        (("[judo_claims]", "[judo]"), "no section [judo_claims]"),
    ],
)
def test_mistakes_in_a_mapping(delivered, tmp_path, change, problem):
    layout = own_layout(tmp_path, POSITIONS.replace(*change) if change[1] != "[judo]" else "[judo_parts]\n")
    with pytest.raises(LayoutError) as error:
        read_judo_claims(delivered([["P1", "202410", "協1", "7", "1", "19600101", "500", "2", "1" * 31]], "judo_claims", layout=layout, insurer_no=INSURER))
    assert problem in str(error.value)
    assert str(error.value).startswith("own.toml: ")


def test_unknown_layout(delivered):
    with pytest.raises(LayoutError, match=r"nothing\.toml: no such layout file → .*judo_example\.toml"):
        read_judo_claims(delivered("a\n1\n", layout="nothing.toml"))


# -- part lines -----------------------------------------------------------------------------------------------------
def parts(delivered, *lines, header=PARTS_HEADER):
    return read_judo_parts(delivered("\n".join([header, *lines]) + "\n", "judo_parts"), frozenset({INSURER}))


def test_part_lines(delivered, accounted):
    result = parts(
        delivered, "A1,110221,1,右肩関節捻挫,R6.10.1,,治癒,1010", "A1,110221,2,腰部捻挫,,,継続,", "A2,110221,1,,,,,", "A2,110221,1,腰部捻挫,5061301,,,",
        "A1,110221,2,頸部捻挫,,,,", "A3,119999,1,腰部捻挫,,,,", "A4,110221,1,腰部捻挫,,,中断,",
    )
    assert accounted(result) == {4: "missing_value", 5: "bad_date", 6: "duplicate_part", 7: "unknown_insurer", 8: "unknown_value"}
    table = result.tables["judo_parts"]
    assert table.select("claim_id", "part_no", "site", "side", "outcome", "aftercare_yen").rows() == [
        (f"judo:{INSURER}:A1", 1, "肩関節", "right", "cured", 1010), (f"judo:{INSURER}:A1", 2, "腰部", None, "open", None),
    ]


def test_parts_without_numbers_are_counted_in_file_order(delivered):
    header = PARTS_HEADER.replace("部位順,", "")
    result = parts(delivered, "A1,110221,腰部捻挫,,,,", "B1,110221,腰部捻挫,,,,", "A1,110221,頸部捻挫,,,,", header=header)
    assert result.tables["judo_parts"].select("claim_id", "part_no").rows() == [(f"judo:{INSURER}:A1", 1), (f"judo:{INSURER}:B1", 1), (f"judo:{INSURER}:A1", 2)]


def test_no_value_of_a_person_is_in_quarantine(delivered):
    result = claims(delivered, line(番号="SECRET1", 生年月日="SECRET2", 性別="SECRET3"))
    assert "SECRET" not in str(result.quarantine.rows())
