"""The office's list of judo clinics' practitioners, their families and employees."""

from datetime import date

import polars as pl
import pytest

from audit.errors import LayoutError
from audit.intake.link import link_people
from audit.intake.practitioners import read_practitioners
from audit.tables import ALL

INSURER = "00110221"
HEADER = "登録記号番号,宛名番号,関係,開始日,終了日"


def listed(delivered, *lines, header=HEADER):
    return read_practitioners(delivered("\n".join([header, *lines]) + "\n", "practitioners", insurer_no=INSURER), frozenset({INSURER}))


def test_people_of_a_clinic(delivered, accounted):
    result = listed(delivered, "協１２３４５６７８９０,12,本人,R4.6.1,", "協1234567890,13,家族,,20260930", "協1234567890,14,従業員,,")
    assert accounted(result) == {}
    assert result.tables["practitioners"].rows() == [
        (INSURER, "協1234567890", "12", "self", date(2022, 6, 1), None),
        (INSURER, "協1234567890", "13", "family", None, date(2026, 9, 30)),
        (INSURER, "協1234567890", "14", "employee", None, None),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("協2,2,友人,,", "unknown_value"),
        ("協2,,家族,,", "missing_value"),
        ("協2,1.2E+10,家族,,", "scientific_number"),
        ("協2,2,家族,5061301,", "bad_date"),
        ("協2,2,家族,20260401,20260331", "dates_reversed"),
        ("協1,1,本人,20200101,", "duplicate_row"),
    ],
)
def test_line_that_is_refused(delivered, accounted, line, reason):
    result = listed(delivered, "協1,1,本人,,", line)
    assert accounted(result) == {3: reason}
    assert result.tables["practitioners"].height == 1


def test_missing_columns(delivered):
    with pytest.raises(LayoutError, match="required columns are missing: 登録記号番号, 関係"):
        listed(delivered, "1", header="宛名番号")


def test_persons_are_those_of_the_register_and_leading_zeros_do_not_matter(delivered):
    people = ALL["eligibility"].conform(pl.DataFrame({"insurer_no": [INSURER], "person_id": [f"{INSURER}-0000012"], "addressee_no": ["0000012"], "number": ["1"], "sex": ["1"], "birth_date": [date(1970, 1, 1)], "gained_on": [date(2020, 4, 1)]}))
    tables = listed(delivered, "協1,12,本人,,", "協1,13,家族,,").tables
    linked = link_people(tables | {"eligibility": people})["practitioners"]
    assert linked["person_id"].to_list() == [f"{INSURER}-0000012", None]
