"""Who a claim belongs to, what the insurer pays of it, and which version stands."""

from datetime import date

import polars as pl
import pytest

from audit import params
from audit.intake.link import link_people, supersede
from audit.intake.link_match import comparable
from audit.tables import ALL
from audit.view import MemoryView

INSURER = "00110221"


def rows(table, *dicts):
    schema = ALL[table].schema
    return pl.DataFrame([{k: d.get(k) for k in schema} for d in dicts], schema=schema, orient="row")


def person(no="0001", **given):
    base = {
        "insurer_no": INSURER, "person_id": f"{INSURER}-{no}", "addressee_no": no, "symbol": "埼国", "number": "1234567", "branch": "01",
        "sex": "1", "birth_date": date(1960, 5, 1), "gained_on": date(2020, 4, 1),
    }
    return base | given


def claim(no="A", **given):
    base = {
        "insurer_no": INSURER, "claim_id": f"med:{INSURER}:{no}", "version_no": 0, "kind": "med", "receipt_type": "1112", "inpatient": False,
        "service_month": date(2026, 9, 1), "billing_month": date(2026, 10, 1), "institution_id": "1111234567", "symbol": "埼国",
        "number": "1234567", "branch": "01", "sex": "1", "birth_date": date(1960, 5, 1), "points": 1005, "source_file": "a.UKE", "source_line": 2,
    }
    return base | given


def judo(no="J1", **given):
    base = {
        "insurer_no": INSURER, "claim_id": f"judo:{INSURER}:{no}", "version_no": 0, "service_month": date(2026, 9, 1), "billing_month": date(2026, 10, 1),
        "clinic_id": "協1100000001", "symbol": "埼国", "number": "1234567", "branch": "01", "sex": "1", "birth_date": date(1960, 5, 1),
        "total_yen": 5005, "source_file": "j.csv", "source_line": 2,
    }
    return base | given


def care(**given):
    base = {"insurer_no": INSURER, "care_claim_id": "care:1", "care_insurer_no": "00112219", "care_no": "0000000077", "birth_date": date(1950, 1, 1), "sex": "2"}
    return base | given


def linked(claims=(), people=(), **more):
    tables = {"claims": rows("claims", *claims), "eligibility": rows("eligibility", *people)} | more
    return link_people(tables)


def states(result, table="claims"):
    return list(zip(result[table]["person_id"].to_list(), result[table]["match_state"].to_list(), strict=True))


@pytest.mark.parametrize(
    ("asked", "register", "expected"),
    [
        pytest.param({}, [{}], ("0001", "exact"), id="number and branch agree"),
        pytest.param({"number": "０１２３４５６７", "branch": "1"}, [{}], ("0001", "exact"), id="full width and lost or added zeros do not matter"),
        pytest.param({"branch": None}, [{}], ("0001", "exact"), id="no branch, one person under the number"),
        pytest.param({"branch": None}, [{}, {"no": "0002", "branch": "02", "birth_date": date(1990, 1, 1)}], ("0001", "tie_break"), id="no branch, the birth date decides"),
        pytest.param({"branch": None}, [{}, {"no": "0002", "branch": "02", "sex": "2"}], ("0001", "tie_break"), id="no branch, twins of different sex"),
        pytest.param({"branch": None}, [{}, {"no": "0002", "branch": "02"}], (None, "ambiguous"), id="no branch, twins of the same sex"),
        pytest.param({}, [{}, {"no": "0002", "branch": "02"}], ("0001", "exact"), id="the branch tells twins apart"),
        pytest.param({"branch": None, "birth_date": date(1999, 9, 9)}, [{}], (None, "none"), id="a stranger of another birth date under the number"),
        pytest.param({"birth_date": date(1960, 5, 2)}, [{}], ("0001", "exact"), id="the branch outweighs a mistyped birth date"),
        pytest.param({"birth_date": date(1999, 9, 9), "sex": "2"}, [{}], (None, "none"), id="birth date and sex both disagree with the branch"),
        pytest.param({"branch": "03"}, [{}], (None, "none"), id="another branch"),
        pytest.param({"symbol": None}, [{}], ("0001", "exact"), id="a receipt without symbol"),
        pytest.param({}, [{"symbol": None}], ("0001", "exact"), id="a register without symbols"),
        pytest.param({"symbol": "別"}, [{}], (None, "none"), id="another symbol"),
        pytest.param({}, [{}, {"gained_on": date(2024, 4, 1)}], ("0001", "exact"), id="two spells are one person"),
        pytest.param({}, [{"branch": None}, {"no": "0002", "branch": "01", "birth_date": date(1960, 5, 1)}], ("0002", "exact"), id="the member with the branch is preferred"),
        pytest.param({"number": None}, [{}], (None, "none"), id="no number"),
    ],
)
def test_certificate(asked, register, expected):
    people = [person(**{"no": "0001"} | r) for r in register]
    person_no, state = expected
    assert states(linked([claim(**asked)], people)) == [(person_no and f"{INSURER}-{person_no}", state)]


def test_people_of_another_insurer_are_not_found():
    assert states(linked([claim()], [person(insurer_no="00110239", person_id="00110239-0001")])) == [(None, "none")]


def test_comparable_keeps_letters_and_single_zero():
    assert comparable(pl.Series(["００１２", "0", "000", "a-01", " ア１ ", "", None])).to_list() == ["12", "0", "0", "A-01", "ア1", None, None]
    assert comparable(pl.Series(["0012", None, "", "0"])).to_list() == ["12", None, None, "0"]


CARE_PEOPLE = [person(number="55", branch=None, sex="2", birth_date=date(1950, 1, 1), care_insurer_no="00112219", care_no="0000000077"), person("0002", number="56", branch=None, care_no="0000000088")]
LINK = {"insurer_no": INSURER, "addressee_no": "2", "care_insurer_no": "00112219", "care_no": "0000000077"}


@pytest.mark.parametrize(
    ("asked", "link", "expected"),
    [
        pytest.param({"nhi_insurer_no": INSURER, "addressee_no": "0002"}, [LINK | {"addressee_no": "0001"}], ("0002", "record"), id="H1 before the link"),
        pytest.param({"nhi_insurer_no": INSURER, "nhi_number": "0055"}, [], ("0001", "record"), id="H1 number without 宛名番号"),
        pytest.param({"nhi_insurer_no": "00119999", "addressee_no": "0002"}, [], ("0001", "register"), id="H1 of another insurer is not believed"),
        pytest.param({}, [LINK], ("0002", "link"), id="the link before the register, zeros of 宛名番号 do not matter"),
        pytest.param({}, [], ("0001", "register"), id="the register's care number"),
        pytest.param({"care_no": "0000000099"}, [], (None, "none"), id="nobody"),
    ],
)
def test_care(asked, link, expected):
    result = linked([], CARE_PEOPLE, care_claims=rows("care_claims", care(**asked)), person_link=rows("person_link", *link))
    assert states(result, "care_claims") == [(expected[0] and f"{INSURER}-{expected[0]}", expected[1])]


def test_care_number_of_two_people_is_decided_by_birth_and_sex_or_not_at_all():
    two = [person("0001", care_no="0000000077"), person("0002", care_no="0000000077", sex="2", birth_date=date(1950, 1, 1))]
    both = rows("care_claims", care(), care(care_claim_id="care:2", birth_date=None))
    assert states(linked([], two, care_claims=both), "care_claims") == [(f"{INSURER}-0002", "tie_break"), (None, "ambiguous")]


def test_without_a_register_the_link_itself_is_believed():
    result = link_people({"care_claims": rows("care_claims", care()), "person_link": rows("person_link", LINK)})
    assert states(result, "care_claims") == [(f"{INSURER}-2", "link")]


@pytest.mark.parametrize(
    ("given", "register", "rate", "yen"),
    [
        pytest.param({"benefit_rate": 90}, {"benefit_rate": 80}, 90, 9045, id="the receipt first"),
        pytest.param({}, {"benefit_rate": 80}, 80, 8040, id="then the register"),
        pytest.param({}, {"benefit_rate": 80, "lost_on": date(2026, 9, 1)}, 70, 7035, id="not a spell that ended before the month"),
        pytest.param({}, {"benefit_rate": 80, "lost_on": date(2026, 9, 2)}, 80, 8040, id="a spell that ends in the month counts"),
        pytest.param({"receipt_type": "1114"}, {}, 80, 8040, id="preschool by type"),
        pytest.param({"receipt_type": "1118"}, {}, 80, 8040, id="elderly by type"),
        pytest.param({"receipt_type": "1110"}, {}, 70, 7035, id="active elderly by type"),
        pytest.param({"receipt_type": "1212"}, {}, 70, 0, id="public payers alone: nothing for the insurer"),
        pytest.param({"receipt_type": None, "birth_date": date(1955, 1, 1), "branch": "09"}, {}, 80, 8040, id="elderly by age"),
        pytest.param({"points": 1}, {}, 70, 7, id="one point"),
        pytest.param({"points": 3, "benefit_rate": 75}, {}, 75, 23, id="22.5 yen is rounded up"),
        pytest.param({"points": 50, "kind": "nur", "receipt_type": "6112"}, {}, 70, 35, id="nursing bills yen"),
        pytest.param({"service_month": date(2016, 5, 1), "receipt_type": "1118"}, {}, None, None, id="no single rate was in force"),
    ],
)
def test_share(given, register, rate, yen):
    result = linked([claim(**given)], [person(**register)])["claims"]
    assert (result["insurer_rate"][0], result["insurer_yen"][0]) == (rate, yen)


@pytest.mark.parametrize(
    ("birth", "month", "rate"),
    [
        (date(2020, 4, 1), date(2026, 3, 1), 80), (date(2020, 4, 1), date(2026, 4, 1), 70),  # born on 1 April: a school year earlier
        (date(2020, 4, 2), date(2027, 3, 1), 80), (date(2020, 4, 2), date(2027, 4, 1), 70),
        (date(1956, 9, 1), date(2026, 8, 1), 70), (date(1956, 9, 1), date(2026, 9, 1), 80),  # born on the 1st: reached on the day before
        (date(1956, 9, 2), date(2026, 9, 1), 70), (date(1956, 9, 2), date(2026, 10, 1), 80),
        (date(1956, 2, 29), date(2026, 3, 1), 80),
    ],
)
def test_rate_by_age(birth, month, rate):
    result = link_people({"judo_claims": rows("judo_claims", judo(birth_date=birth, service_month=month, total_yen=100))})["judo_claims"]
    assert result["insurer_yen"][0] == rate


def test_judo_share_and_parts():
    claims = rows("judo_claims", judo(), judo("J2", number="9", claimed_yen=111), judo("J3", number="8", part_count=3), judo("J4", number="7", benefit_rate=80))
    parts = rows("judo_parts", *[{"insurer_no": INSURER, "claim_id": f"judo:{INSURER}:{c}", "version_no": 0, "part_no": n} for c, n in (("J1", 1), ("J1", 2), ("J3", 1))])
    out = link_people({"judo_claims": claims, "judo_parts": parts})["judo_claims"].sort("claim_id")
    assert out["insurer_yen"].to_list() == [3504, 111, 3504, 4004]
    assert out["has_parts"].to_list() == [True, False, True, False]
    assert out["part_count"].to_list() == [2, None, 3, None]


def test_benefit_rates_are_parameters():
    loaded = params.load()
    assert {loaded.value(f"nhi.benefit_rate.{n}", date(2026, 9, 1)) for n in ("standard", "elderly_active")} == {70}
    assert loaded.value("nhi.benefit_rate.elderly_general", date(2016, 1, 1)) is None


# -- versions -------------------------------------------------------------------------------------------------------
def versions(frame):
    return [tuple(r) for r in frame.sort("claim_id", "version_no").select("claim_id", "version_no", "is_current").rows()]


def short(frame):
    return [(c.rsplit(":", 1)[1], v, cur) for c, v, cur in versions(frame)]


def lines(*ids):
    return rows("lines", *[{"insurer_no": INSURER, "claim_id": f"med:{INSURER}:{i}", "version_no": v, "line_no": n} for i, v, n in ids])


def test_a_later_billing_month_supersedes_and_children_follow():
    result = linked([claim("A"), claim("B", billing_month=date(2026, 11, 1), source_line=9)], [person()], lines=lines(("A", 0, 0), ("B", 0, 0), ("B", 0, 1)))
    assert short(result["claims"]) == [("A", 0, False), ("B", 1, True)]
    assert result["lines"].sort("claim_id", "line_no")["version_no"].to_list() == [0, 1, 1]


def test_two_in_one_billing_month_both_stand():
    assert short(linked([claim("A"), claim("B")], [person()])["claims"]) == [("A", 0, True), ("B", 0, True)]


@pytest.mark.parametrize("other", [{"institution_id": "1119999999"}, {"service_month": date(2026, 8, 1)}, {"receipt_type": "1111"}, {"branch": "02"}, {"prescriber_id": "1110000001"}])
def test_other_claims_are_no_versions(other):
    result = linked([claim("A"), claim("B", billing_month=date(2026, 11, 1), **other)], [person()])
    assert all(current for _, _, current in short(result["claims"]))


def test_one_id_in_two_files_becomes_two_versions_with_their_own_lines():
    tables = {"claims": [claim("A"), claim("A", source_file="b.UKE", billing_month=date(2026, 11, 1)), claim("C", number="5")]}
    result = linked(tables["claims"], [person()], lines=lines(("A", 0, 0), ("A", 0, 1), ("C", 0, 0), ("A", 0, 0), ("A", 0, 1), ("A", 0, 2)))
    assert short(result["claims"]) == [("A", 0, False), ("A", 1, True), ("C", 0, True)]
    assert result["lines"].group_by("claim_id", "version_no").len().sort("claim_id", "version_no")["len"].to_list() == [2, 3, 1]


def history(*claims):
    stored = linked(list(claims), [person()])["claims"]
    return MemoryView(date(2026, 9, 1), {"claims": stored})


def against(stored, new, **more):
    result = supersede(linked(new, [person()], **more), history(*stored))
    return short(result["claims"]), [(c.rsplit(":", 1)[1], v, by and by.rsplit(":", 1)[1]) for _, c, v, by in result["superseded"].rows()], result


JULY = {"service_month": date(2026, 7, 1), "billing_month": date(2026, 8, 1)}
LATER = {"service_month": date(2026, 7, 1), "billing_month": date(2026, 10, 1)}


def test_a_resubmitted_claim_supersedes_the_stored_one():
    claims, gone, result = against([claim("A", **JULY)], [claim("B", **LATER)], lines=lines(("B", 0, 0)))
    assert claims == [("B", 1, True)]
    assert gone == [("A", 0, "B")]
    assert result["lines"]["version_no"].to_list() == [1]


def test_the_same_search_number_in_a_later_delivery_supersedes():
    claims, gone, _ = against([claim("A", **JULY)], [claim("A", **JULY)])
    assert claims == [("A", 1, True)]
    assert gone == [("A", 0, "A")]


def test_same_billing_month_in_two_deliveries_both_stand():
    claims, gone, _ = against([claim("A", **JULY)], [claim("B", **JULY)])
    assert claims == [("B", 0, True)]
    assert gone == []


def test_an_earlier_version_that_comes_late_does_not_stand():
    claims, gone, _ = against([claim("A", **LATER)], [claim("B", **JULY)])
    assert claims == [("B", 0, False)]
    assert gone == [("B", 0, "A")]


def test_versions_inside_a_delivery_are_listed_and_a_reader_s_withdrawal_is_kept():
    withdrawn = rows("superseded", {"insurer_no": INSURER, "claim_id": "care:x", "version_no": 0})
    _, gone, _ = against([], [claim("A"), claim("B", billing_month=date(2026, 11, 1))], superseded=withdrawn)
    assert gone == [("x", 0, None), ("A", 0, "B")]


def test_superseding_nothing_leaves_an_empty_table():
    assert against([], [claim("A")])[1] == []


def test_order_of_rows_does_not_matter():
    claims = [claim("A"), claim("B", billing_month=date(2026, 11, 1)), claim("C", number="5"), claim("D", branch=None)]
    one, two = linked(claims, [person(), person("0002", branch="02")]), linked(claims[::-1], [person("0002", branch="02"), person()])
    assert ALL["claims"].conform(one["claims"]).equals(ALL["claims"].conform(two["claims"]))
