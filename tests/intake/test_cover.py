"""Lists of overlapping cover and of settlements between insurers."""

from datetime import date

import polars as pl
import pytest

from audit.errors import LayoutError
from audit.intake.cover import read_cover_overlaps, read_insurer_settlements
from audit.intake.link import link_people
from audit.intake.redelivery import complete
from audit.intake.sniff import guess
from audit.tables import ALL

INSURER = "00110221"
OVERLAPS = "宛名番号,記号,番号,枝番,性別,生年月日,重複区分,他保険者番号,重複開始日,重複終了日"
SETTLEMENTS = "検索番号,診療年月,調整先保険者番号,調整状況,依頼日,同意日,精算日,精算額"


def overlaps(delivered, *lines, header=OVERLAPS, **given):
    return read_cover_overlaps(delivered("\n".join([header, *lines]) + "\n", "cover_overlaps", insurer_no=INSURER, **given), frozenset({INSURER}))


def settlements(delivered, *lines, header=SETTLEMENTS, **given):
    return read_insurer_settlements(delivered("\n".join([header, *lines]) + "\n", "insurer_settlements", insurer_no=INSURER, **given), frozenset({INSURER}))


def test_overlaps_by_number_or_certificate(delivered, accounted):
    result = overlaps(
        delivered,
        "0000012,,,,,,資格重複,6110011,R8.4.1,",
        ",埼国,１２３,1,男,S30.1.1,二重加入,06110011,20260401,20260531",
    )
    assert accounted(result) == {}
    rows = result.tables["cover_overlaps"]
    assert rows["kind"].to_list() == ["duplicate", "double"]
    assert rows["other_insurer_no"].to_list() == ["06110011"] * 2
    assert rows.select("from_on", "to_on").rows() == [(date(2026, 4, 1), None), (date(2026, 4, 1), date(2026, 5, 31))]
    assert rows["source_line"].to_list() == [2, 3]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",,,,,,資格重複,06110011,20260401,", "missing_value"),
        ("12,,,,,,重なり,06110011,20260401,", "unknown_value"),
        ("12,,,,,,資格重複,06110011,5061301,", "bad_date"),
        ("12,,,,,,資格重複,06110011,20260401,20260331", "dates_reversed"),
        ("12,,,,,,資格重複,061100111,20260401,", "bad_code"),
        ("1.2E+10,,,,,,資格重複,06110011,20260401,", "scientific_number"),
        ("0000012,,,,,,資格重複,06110011,20260401,", "duplicate_row"),
    ],
)
def test_overlap_line_that_is_refused(delivered, accounted, line, reason):
    result = overlaps(delivered, "0000012,,,,,,資格重複,06110011,20260401,", line)
    assert accounted(result) == {3: reason}
    assert result.tables["cover_overlaps"].height == 1


def test_overlaps_without_addressee_column(delivered, accounted):
    result = overlaps(delivered, "123,資格重複,06110011,20260401", header="番号,重複区分,他保険者番号,重複開始日")
    assert accounted(result) == {}
    with pytest.raises(LayoutError, match="required columns are missing: 重複区分"):
        overlaps(delivered, "1", header="番号,他保険者番号,重複開始日")


def test_settlements(delivered, accounted):
    result = settlements(
        delivered,
        "20260710000000001,202605,06110011,依頼,R8.8.1,,,",
        '20260710000000002,令和8年5月,,精算済,20260801,20260810,20260920,"12,340"',
        "20260710000000001,202605,06110011,不成立,,,,",
        "20260710000000003,202605,06110011,相談,,,,",
    )
    assert accounted(result) == {4: "duplicate_row", 5: "unknown_value"}
    assert result.tables["insurer_settlements"].select("search_no", "state", "settled_yen", "service_month").rows() == [
        ("20260710000000001", "open", None, date(2026, 5, 1)), ("20260710000000002", "settled", 12340, date(2026, 5, 1)),
    ]


@pytest.mark.parametrize(("kind", "header"), [("cover_overlaps", OVERLAPS), ("insurer_settlements", SETTLEMENTS)])
def test_kind_is_told_from_the_header(kind, header):
    assert guess((header + "\n").encode("cp932"), "cp932").kind == kind


def test_overlaps_find_their_person(delivered):
    people = [
        {"insurer_no": INSURER, "person_id": f"{INSURER}-{n}", "addressee_no": n, "symbol": "埼国", "number": "123", "branch": b, "sex": "1", "birth_date": date(1960, 5, 1), "gained_on": date(2020, 4, 1)}
        for n, b in (("0012", "01"), ("0013", "02"))
    ]
    register = ALL["eligibility"].conform(pl.DataFrame(people))
    listed = overlaps(
        delivered, "12,,,,,,資格重複,06110011,20260401,", ",埼国,123,02,1,19600501,資格重複,06110011,20260401,", ",埼国,123,,1,19600501,資格重複,06110011,20260401,",
        "99,,,,,,資格重複,06110011,20260401,",
    ).tables["cover_overlaps"]
    linked = link_people({"eligibility": register, "cover_overlaps": listed})["cover_overlaps"]
    assert linked.select("person_id", "match_state").rows() == [
        (f"{INSURER}-0012", "register"), (f"{INSURER}-0013", "exact"), (None, "ambiguous"), (None, "none"),
    ]


def test_a_list_stands_until_the_next_one(delivered):
    old = ALL["insurer_settlements"].conform(settlements(delivered, "7,202605,06110011,依頼,,,,").tables["insurer_settlements"])

    def last(name):
        return old if name == "insurer_settlements" else ALL[name].empty()

    assert complete({}, lambda name: ALL[name].empty(), last).tables["insurer_settlements"]["search_no"].to_list() == ["7"]
    new = old.with_columns(state=pl.lit("settled"))
    assert complete({"insurer_settlements": new}, lambda name: ALL[name].empty(), last).tables["insurer_settlements"]["state"].to_list() == ["settled"]
