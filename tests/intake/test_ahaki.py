"""The reader of acupuncture and massage forms: office notation, refused lines, versions and persons."""

from datetime import date

import polars as pl
import pytest

from audit.errors import LayoutError
from audit.intake.ahaki import read_ahaki_claims
from audit.intake.link import link_people
from audit.intake.sniff import guess
from audit.tables import AHAKI_CLAIMS, ELIGIBILITY

INSURER = "00110221"
HEADER = (
    "整理番号,保険者番号,施術種類,施術年月,請求年月,登録記号番号,施術所名,記号,番号,枝番,性別,生年月日,傷病名,同意年月日,初療年月日,実日数,施術日,術数,施術回数,"
    "局所数,往療回数,往療日,往療距離,16km超の理由,訪問2回数,訪問日,施設・建物コード,1年以上月16回記入書,施術料,合計金額,給付割合"
)
GOOD = {
    "整理番号": "H1", "保険者番号": "110221", "施術種類": "はり・きゅう", "施術年月": "R8.6", "請求年月": "202607", "登録記号番号": "１２３４５６７", "記号": "埼国", "番号": "１２３４",
    "性別": "女", "生年月日": "S30.1.1", "傷病名": "腰痛症", "同意年月日": "R8.4.10", "初療年月日": "20250410", "実日数": "3", "施術日": "3 10 17", "術数": "2", "施術回数": "1",
    "往療回数": "1", "往療日": "17", "往療距離": "４．２km", "16km超の理由": "無", "訪問2回数": "2", "訪問日": '"3,10"', "施設・建物コード": "A-1", "1年以上月16回記入書": "有",
    "施術料": '"1,770"', "合計金額": "9910", "給付割合": "7割",
}


def line(**given):
    return ",".join((GOOD | given).get(c, "") for c in HEADER.split(","))


def forms(delivered, *lines, header=HEADER, **given):
    return read_ahaki_claims(delivered("\n".join([header, *lines]) + "\n", "ahaki_claims", **given), frozenset({INSURER}))


def test_one_form_in_office_notation(delivered, accounted):
    result = forms(delivered, line())
    assert accounted(result) == {}
    row = AHAKI_CLAIMS.conform(result.tables["ahaki_claims"]).row(0, named=True)
    assert (row["claim_id"], row["kind"], row["service_month"]) == (f"ahaki:{INSURER}:H1", "acupuncture", date(2026, 6, 1))
    assert (row["consented_on"], row["first_treated_on"]) == (date(2026, 4, 10), date(2025, 4, 10))
    assert (row["visit_days"], row["home_days"], row["outcall_days"], row["actual_days"]) == (1 << 2 | 1 << 9 | 1 << 16, 1 << 2 | 1 << 9, 1 << 16, 3)
    assert (row["methods"], row["treatment_count"], row["home2_count"], row["treatment_yen"]) == (2, 1, 2, 1770)
    assert (row["distance_km"], row["far_reason"], row["long_sheet"], row["building_id"]) == (4.2, False, True, "A-1")
    assert (row["home1_count"], row["electro_yen"], row["body_sites"]) == (None, None, None), "a blank cell is not keyed"


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"施術種類": "柔整"}, "施術種類", "unknown_value"),
        ({"施術種類": ""}, "施術種類", "missing_value"),
        ({"同意年月日": "5061301"}, "同意年月日", "bad_date"),
        ({"施術日": "1-5"}, "施術日", "bad_days"),
        ({"往療日": "3-5"}, "往療日", "bad_days"),
        ({"訪問日": "31"}, "訪問日", "day_not_in_month"),
        ({"往療距離": "遠い"}, "往療距離", "bad_amount"),
        ({"術数": "3"}, "術数", "bad_amount"),
        ({"局所数": "6"}, "局所数", "bad_amount"),
        ({"実日数": "32"}, "実日数", "bad_amount"),
        ({"合計金額": "-5"}, "合計金額", "bad_amount"),
        ({"整理番号": "1.23E+11"}, "整理番号", "scientific_number"),
    ],
)
def test_line_that_is_refused(delivered, accounted, given, field, reason):
    result = forms(delivered, line(), line(**({"整理番号": "H2"} | given)))
    assert accounted(result) == {3: reason}
    assert result.quarantine["field"].to_list() == [field]


def test_a_form_twice_and_forms_without_a_number(delivered, accounted):
    result = forms(delivered, line(), line(), line(整理番号=""), line(整理番号="", 施術種類="マッサージ"))
    assert accounted(result) == {3: "duplicate_claim"}
    assert result.tables["ahaki_claims"]["claim_id"].n_unique() == 3


def test_only_the_basic_columns(delivered, accounted):
    header = "保険者番号,施術種類,施術年月,登録記号番号,番号,性別,生年月日,施術日,合計金額"
    result = forms(delivered, ",".join(GOOD[c] for c in header.split(",")), header=header)
    assert accounted(result) == {}
    assert result.tables["ahaki_claims"]["actual_days"].to_list() == [3]


def test_missing_columns_are_named_at_once(delivered):
    with pytest.raises(LayoutError, match=r"施術種類.*合計金額"):
        forms(delivered, "1", header="整理番号,施術年月,登録記号番号,番号,性別,生年月日,実日数,施術日,往療日,訪問日")


def test_the_header_tells_the_kind():
    found = guess((HEADER + "\n" + line() + "\n").encode("cp932"), "cp932")
    assert (found.kind, found.layout, found.missing) == ("ahaki_claims", "ahaki_example.toml", ())


def test_person_share_and_versions(delivered):
    rows = forms(
        delivered, line(), line(整理番号="H2", 請求年月="202608"), line(整理番号="H3", 施術種類="マッサージ"),
    ).tables["ahaki_claims"]
    person = {
        "insurer_no": INSURER, "addressee_no": "9", "person_id": f"{INSURER}-9", "symbol": "埼国", "number": "1234", "sex": "2", "birth_date": date(1955, 1, 1),
        "gained_on": date(2000, 1, 1), "benefit_rate": 80,
    }
    linked = link_people({"ahaki_claims": rows, "eligibility": ELIGIBILITY.conform(pl.DataFrame([person]))})["ahaki_claims"].sort("claim_id")
    assert linked["person_id"].unique().to_list() == [f"{INSURER}-9"]
    assert linked.select("version_no", "is_current").rows() == [(0, False), (1, True), (0, True)], "billed again a month later; massage is a form of its own"
    assert linked["insurer_yen"].to_list() == [6937] * 3
