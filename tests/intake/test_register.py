"""Eligibility register and person link."""

from datetime import date

import pytest

from audit.errors import LayoutError
from audit.intake.eligibility import read_eligibility
from audit.intake.person_link import read_person_link

INSURER = "00110221"
HEADER = "宛名番号,世帯番号,記号,番号,枝番,氏名,カナ氏名,性別,生年月日,資格取得日,資格喪失日,喪失事由,給付割合,介護保険者番号,介護被保険者番号,要介護状態区分,認定開始日,認定終了日"


def register(delivered, *lines, header=HEADER, **given):
    return read_eligibility(delivered("\n".join([header, *lines]) + "\n", "eligibility", insurer_no=INSURER, **given), frozenset({INSURER}))


def test_spells_and_names(delivered, accounted):
    result = register(
        delivered,
        "0000012,77,埼国,１２３,1,髙﨑　太郎,ﾀｶｻｷ ﾀﾛｳ,1,S30.1.1,H30.4.1,R2.4.1,05,,,,,,",
        "0000012,77,埼国,456,1,髙﨑　次郎,,男,昭和30年1月1日,20210401,99999999,,8,112219,77,21,R6.4.1,R7.3.31",
    )
    assert accounted(result) == {}
    spells = result.tables["eligibility"]
    assert spells["person_id"].unique().to_list() == [f"{INSURER}-0000012"]
    assert spells.select("gained_on", "lost_on", "benefit_rate").rows() == [(date(2018, 4, 1), date(2020, 4, 1), None), (date(2021, 4, 1), None, 80)]
    assert spells.row(1, named=True)["care_no"] == "0000000077"
    assert (spells["number"].to_list(), spells["branch"].to_list(), spells["loss_reason"].to_list()) == (["123", "456"], ["01", "01"], ["05", None])
    assert result.tables["persons"].select("name", "kana").rows() == [("髙﨑　次郎", None)]
    assert not {"name", "kana"} & set(spells.columns)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,,,123,,,,1,19550101,20200401,20200301,,,,,,,", "dates_reversed"),
        ("1,,,123,,,,1,19550101,5061301,,,,,,,,", "bad_date"),
        ("1,,,123,,,,1,19550101,,,,,,,,,", "missing_value"),
        ("1.2E+10,,,123,,,,1,19550101,20200401,,,,,,,,", "scientific_number"),
        ("1,,,123,,,,3,19550101,20200401,,,,,,,,", "unknown_value"),
        ("1,,,123,,,,1,19550101,20200401,,,,,12345678901,,,", "bad_code"),
        ("0000012,,,123,,,,1,19550101,20210401,,,,,,,,", "duplicate_row"),
    ],
)
def test_line_that_is_refused(delivered, accounted, line, reason):
    result = register(delivered, "0000012,,,123,,,,1,19550101,20210401,,,,,,,,", line)
    assert accounted(result) == {3: reason}
    assert result.tables["eligibility"].height == 1


def test_missing_columns(delivered):
    with pytest.raises(LayoutError, match="required columns are missing: 性別, 資格取得日"):
        register(delivered, "1,2,19550101", header="宛名番号,番号,生年月日")


def links(delivered, *lines):
    return read_person_link(delivered("\n".join(["宛名番号,介護保険者番号,介護被保険者番号", *lines]) + "\n", "person_link", insurer_no=INSURER))


def test_links(delivered, accounted):
    result = links(delivered, "1,112219,0000000001", "2,112219,1", "3,112219,3", "3,112219,0000000003", "4,112219,x", "4,00112227,1")
    assert accounted(result) == {2: "two_people", 3: "two_people", 5: "duplicate_row", 6: "bad_code"}
    assert result.tables["person_link"].rows() == [(INSURER, "3", "00112219", "0000000003"), (INSURER, "4", "00112227", "0000000001")]


def test_large_files_are_read_as_small_ones_are(delivered, monkeypatch):
    """Distinct values of large columns are converted apart; the result must not show it."""
    from audit.intake import fields

    lines = ["１,,,１２３,,山田,,男,S30.1.1,R2.4.1,99999999,,７割,,,,,", "2,,,0124,1,,,1,5061301,20200401,,,,,,,,", "3,,,125,,,,9,19550101,20200401,,,170,,,,,", "4,,,1.2E+10,,,,2,19550101,20200401,20210401,05,70,112219,1.2E+9,,,"] * 3
    small = register(delivered, *lines)
    monkeypatch.setattr(fields._Columns, "LARGE", 0)
    large = register(delivered, *lines)
    assert small.quarantine.equals(large.quarantine)
    assert set(small.quarantine["reason"]) == {"bad_date", "unknown_value", "scientific_number", "duplicate_row"}
    for name, table in small.tables.items():
        assert table.equals(large.tables[name]), name
