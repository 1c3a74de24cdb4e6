"""Lists that an office keeps: placed doctors and drugs that must not meet."""

from __future__ import annotations

from datetime import date

import pytest

from audit.errors import DeliveryError, LayoutError
from audit.intake.detect import plan_delivery
from audit.intake.office_lists import read_drug_interactions, read_placed_doctors
from audit.tables import ALL

REVISION = date(2026, 6, 1)
PLACED = "介護事業所番号,医療機関コード,施設名,配置開始日,配置終了日\r\n"
PAIRS = "薬価基準収載医薬品コード1,薬価基準収載医薬品コード2,医薬品名1,医薬品名2,理由\r\n"


def test_placed_doctors(delivered, accounted):
    text = PLACED + (
        "1175000001,1112110001,緑苑,R6.4.1,\r\n"
        "1175000001,12110001,緑苑,,\r\n"  # no prefecture
        "1175000001,1132110001,緑苑,,\r\n"  # a dentist's
        "1175000001,1112110001,緑苑,令和6年4月1日,\r\n"
        "1175000001,1112110001,緑苑,20260401,20260331\r\n"
        ",1112110001,緑苑,,\r\n"
        "1175000001,1.11211E+09,緑苑,,\r\n"
        "1175000020,1112110001,旭苑,,20260331\r\n"
    )
    result = read_placed_doctors(delivered(text, "placed_doctors", revision=REVISION))
    assert accounted(result) == {3: "bad_code", 4: "bad_code", 5: "duplicate_row", 6: "dates_reversed", 7: "missing_value", 8: "scientific_number"}
    rows = ALL["placed_doctors"].conform(result.tables["placed_doctors"])
    assert rows.rows() == [
        (REVISION, "1175000001", "1112110001", "緑苑", date(2024, 4, 1), None),
        (REVISION, "1175000020", "1112110001", "旭苑", None, date(2026, 3, 31)),
    ]


def test_pairs_of_drugs_say_the_same_in_either_order(delivered, accounted):
    text = PAIRS + "6290004,1124007,イトラコナゾール,トリアゾラム,血中濃度上昇\r\n1124007,6290004,,,\r\n112,6290004,,,\r\n6290004,6290004,,,\r\n4291045f2023,2149040,,,\r\n"
    result = read_drug_interactions(delivered(text, "drug_interactions", revision=REVISION))
    assert accounted(result) == {3: "duplicate_row", 4: "bad_code", 5: "same_drug"}
    rows = ALL["drug_interactions"].conform(result.tables["drug_interactions"])
    assert rows.select("code_1", "code_2", "name_1", "name_2").rows() == [
        ("1124007", "6290004", "トリアゾラム", "イトラコナゾール"), ("2149040", "4291045F2023", None, None),
    ]


def test_a_list_without_its_day_or_its_columns(delivered):
    with pytest.raises(DeliveryError, match="date"):
        read_placed_doctors(delivered(PLACED, "placed_doctors"))
    with pytest.raises(LayoutError, match="医療機関コード"):
        read_placed_doctors(delivered("介護事業所番号,施設名\r\n1175000001,緑苑\r\n", "placed_doctors", revision=REVISION))


@pytest.mark.parametrize(("head", "kind"), [(PLACED + "1175000001,1112110001,緑苑,,\r\n", "placed_doctors"), (PAIRS + "6290004,1124007,,,\r\n", "drug_interactions")])
def test_lists_are_told_by_their_header(tmp_path, head, kind):
    (tmp_path / "list_20260601.csv").write_bytes(head.encode("cp932"))
    file, = plan_delivery(tmp_path).files
    assert (file.kind, file.revision) == (kind, REVISION)
