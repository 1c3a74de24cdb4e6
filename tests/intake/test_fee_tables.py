"""The official electronic fee table, in lines of its public layout."""

from datetime import date

import pytest

from audit.errors import DeliveryError, FileKindError
from audit.intake.detect import plan_delivery
from audit.intake.drug_indications import read_drug_indications
from audit.intake.fee_tables import KINDS, fee_layouts, read_fee_table
from audit.tables import ALL

REVISION = date(2026, 6, 1)
GIVEN = {"change_class": "0", "starts_on": "20260601", "ends_on": "99999999", "special": "0", "payable": "1", "max_count": "1", "unit_code": "131", "unit_name": "月"}
CODES = {"code": "111000110", "code_1": "111000110", "code_2": "112007410", "group_no": "A001010"}


def line(kind, **given):
    table = "fee_exclusions" if kind.startswith("fee_exclusions") else kind
    layout = fee_layouts()[table]
    cells = ["0"] * layout["width"]
    if table == "fee_ward":
        given = {"group_no": "A01"} | given
    for name, value in (CODES | GIVEN | given).items():
        if name in layout["columns"]:
            cells[layout["columns"][name] - 1] = value
    return [f'"{c}"' for c in cells]


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_by_its_layout(delivered, accounted, kind):
    result = read_fee_table(delivered([line(kind), line(kind, starts_on="20240601", ends_on="20260531")], kind, revision=REVISION))
    assert accounted(result) == {}
    (name, table), = result.tables.items()
    table = ALL[name].conform(table)
    assert table.select("starts_on", "ends_on").rows() == [(date(2024, 6, 1), date(2026, 5, 31)), (date(2026, 6, 1), None)]
    if name == "fee_exclusions":
        assert table["span"].unique().to_list() == [kind.removeprefix("fee_exclusions_")]


def test_units_and_groups(delivered):
    rows = read_fee_table(delivered([line("fee_support", unit_1="02", group_1="A001010", unit_2="00", group_2="0000000")], "fee_support", revision=REVISION)).tables["fee_support"]
    assert rows.select("unit_1", "group_1", "unit_2", "group_2").row(0) == ("2", "A001010", None, None)
    units = [("121", "day", 1), ("131", "month", 1), ("138", "week", 1), ("142", "week", 2), ("144", "month", 3), ("148", "month", 60), ("162", "fiscal_year", 1), ("133", None, None), ("53", None, None)]
    limits = read_fee_table(delivered([line("fee_limits", unit_code=u) for u, _, _ in units], "fee_limits", revision=REVISION)).tables["fee_limits"]
    assert limits.select("unit_code", "window", "window_length").rows() == units


@pytest.mark.parametrize(
    ("kind", "given", "reason"),
    [
        ("fee_limits", {"code": "12345"}, "bad_code"), ("fee_limits", {"max_count": "x"}, "bad_number"), ("fee_limits", {"ends_on": "20261301"}, "bad_date"),
        ("fee_limits", {"special": "7"}, "unknown_value"), ("fee_exclusions_day", {"payable": "4"}, "unknown_value"), ("fee_limits", {}, "duplicate_row"),
    ],
)
def test_line_that_is_refused(delivered, accounted, kind, given, reason):
    result = read_fee_table(delivered([line(kind), line(kind, **given)], kind, revision=REVISION))
    assert accounted(result) == {2: reason}


def test_two_units_of_one_code_stand_beside_each_other(delivered, accounted):
    result = read_fee_table(delivered([line("fee_limits"), line("fee_limits", unit_code="121")], "fee_limits", revision=REVISION))
    assert accounted(result) == {}
    assert result.tables["fee_limits"].height == 2


def test_another_edition_is_one_clear_line(delivered, accounted):
    wide = [[*line("fee_limits"), '"0"'], [*line("fee_limits", unit_code="121"), '"0"']]
    result = read_fee_table(delivered(wide, "fee_limits", revision=REVISION))
    assert accounted(result) == {1: "other_edition"}
    assert result.quarantine["rows"].to_list() == [2]
    assert "14列" in result.quarantine["reason_ja"][0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("01補助マスターテーブル_20260601.csv", "fee_support"), ("02包括テーブル_20260601.csv", "fee_bundles"), ("03-1背反テーブル1_20260601.csv", "fee_exclusions_day"),
        ("03-2_20260331.csv", "fee_exclusions_month"), ("背反テーブル３_20260601.csv", "fee_exclusions_once"), ("03-4背反テーブル4_20260601.csv", "fee_exclusions_week"),
        ("x20260601.csv", "fee_ward"), ("y20260601.csv", "fee_limits"),
    ],
)
def test_kind_is_told_by_content_and_the_span_by_name(tmp_path, name, kind):
    (tmp_path / name).write_bytes((",".join(line(kind)) + "\r\n").encode("cp932"))
    file, = plan_delivery(tmp_path).files
    assert file.kind == kind
    assert file.revision is not None


def test_span_that_no_name_tells(tmp_path):
    (tmp_path / "haihan_20260331.csv").write_bytes((",".join(line("fee_exclusions_day")) + "\r\n").encode("cp932"))
    with pytest.raises(DeliveryError, match=r"03-1 to 03-4"):
        plan_delivery(tmp_path)
    entry = '[[file]]\nname = "haihan_20260331.csv"\nkind = "{}"\n'
    (tmp_path / "delivery.toml").write_text(entry.format("fee_exclusions_week"), encoding="utf-8")
    assert plan_delivery(tmp_path).files[0].kind == "fee_exclusions_week"
    (tmp_path / "delivery.toml").write_text(entry.format("fee_limits"), encoding="utf-8")
    with pytest.raises(FileKindError):
        plan_delivery(tmp_path)


HEAD = "薬価基準収載医薬品コード,適応ICD10自,適応ICD10至,医薬品名\r\n"


def test_indications(delivered, accounted):
    text = HEAD + "2171022,I10,I15,アムロジピン\r\n3961,e11,,\r\n217,I10,I15,\r\n2171022,X,I15,\r\n2171022,I15,I10,\r\n2171022,I10,I15,\r\n"
    result = read_drug_indications(delivered(text, "drug_indications", revision=REVISION))
    assert accounted(result) == {4: "bad_code", 5: "bad_code", 6: "range_reversed", 7: "duplicate_row"}
    rows = ALL["drug_indications"].conform(result.tables["drug_indications"])
    assert rows.select("price_code", "icd_from", "icd_to").rows() == [("2171022", "I10", "I15"), ("3961", "E11", "E11")]


def test_indications_are_told_by_their_header(tmp_path):
    (tmp_path / "tekio_20260601.csv").write_bytes((HEAD + "2171022,I10,I15,x\r\n").encode("cp932"))
    assert plan_delivery(tmp_path).files[0].kind == "drug_indications"
