"""Care claims and benefit records."""

from datetime import date

import pytest

from audit.errors import EmptyFileError, LayoutError, TruncatedFileError
from audit.intake.care import read_care_claims
from audit.intake.care_records import read_care_records

INSURER, CARE_INSURER = "00110221", "00112219"
CONTROL = [1, 1, 0, 4, 711, 0, 0, "1170000001", 0, 7, "202411", 1]
END = [3, 9]


def record(width, fields):
    return [fields.get(i, "") for i in range(width)]


def key(form, kind, no):
    return {0: 2, 1: 1, 2: form, 3: kind, 4: "202410", 5: "1170000001", 6: "112219", 7: no}


def head(no="0000000001", form="7131", **given):
    fields = key(form, "01", no) | {14: "19500101", 15: 1, 16: 21, 18: "20240401", 19: "00000000", 30: "090", 34: 1000, 35: 9000}
    return record(58, fields | {int(k[1:]): v for k, v in given.items()})


def line(no="0000000001", kind="02", form="7131", **given):
    return record(20, key(form, kind, no) | {8: "13", 9: "1111", 10: 500, 11: 2, 15: 1000} | {int(k[1:]): v for k, v in given.items()})


def total(no="0000000001", form="7131", **given):
    return record(40, key(form, "10", no) | {8: "13", 9: 2, 15: 1000, 16: 1000, 17: 9000, 18: 1000} | {int(k[1:]): v for k, v in given.items()})


def bill(**given):
    return record(20, {0: 2, 1: 1, 2: "7111", 3: "202410", 4: "1170000001", 5: 1, 7: "01", 8: 1, 9: 1000, 10: 10000, 11: 9000} | {int(k[1:]): v for k, v in given.items()})


def read(delivered, *rows, known=frozenset({INSURER}), **given):
    return read_care_claims(delivered([CONTROL, *rows, END], "care_claims", **{"insurer_no": INSURER} | given), known)


def test_a_claim_with_its_bill(delivered, accounted):
    result = read(delivered, bill(), head(), line(), total())
    assert accounted(result) == {}
    row = result.tables["care_claims"].row(0, named=True)
    assert row["care_claim_id"] == f"care:{CARE_INSURER}:1170000001:0000000001:202410:7131"
    assert (row["insurer_no"], row["care_insurer_no"], row["source"], row["form"]) == (INSURER, CARE_INSURER, "claim", "7131")
    assert (row["service_month"], row["review_month"], row["birth_date"]) == (date(2024, 10, 1), date(2024, 11, 1), date(1950, 1, 1))
    assert (row["certified_from"], row["certified_to"], row["benefit_rate"], row["units"], row["benefit_yen"]) == (date(2024, 4, 1), None, 90, 1000, 9000)
    assert result.tables["care_lines"].drop("insurer_no", "care_claim_id").rows() == [(1, "13", "1111", 500, 2, 1000)]
    assert result.tables["care_totals"].drop("insurer_no", "care_claim_id").rows() == [("13", 2, None, None, 1000, 1000, 9000, 1000)]
    assert result.controls == {
        "envelope": 2, "data_count": 4, "data_count_seen": 4, "bill_count": 1, "bill_count_seen": 1, "bill_units": 1000, "bill_units_seen": 1000,
        "bill_yen": 9000, "bill_yen_seen": 9000,
    }


def test_quoted_with_missing_trailing_fields_and_facility_dates(delivered, accounted):
    rows = [CONTROL, head(form="7183", _25="20241003", _26="0", _27=29, _28=2)[:36], line(form="7183")[:16], END]
    text = "".join(",".join(f'"{v}"' for v in row) + "\r\n" for row in rows)
    result = read_care_claims(delivered(text, insurer_no=INSURER))
    assert accounted(result) == {}
    row = result.tables["care_claims"].row(0, named=True)
    assert (row["form"], row["admitted_on"], row["discharged_on"], row["stay_days"], row["absence_days"]) == ("7183", date(2024, 10, 3), None, 29, 2)


def test_known_records_that_are_not_held_are_counted_by_name(delivered, accounted):
    result = read(delivered, head(), line(), line(kind="04"), line(kind="11"), line(kind="11"), line(kind="14", _8="15"))
    assert accounted(result) == {}
    assert (result.controls["unstored_04"], result.controls["unstored_11"]) == (1, 2)
    assert result.tables["care_lines"]["service_kind"].to_list() == ["13", "15"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (head("0000000002", form="9999"), "unknown_form"),
        (head("0000000002", form="8124"), "unknown_form"),
        (line("0000000001", kind="77"), "unknown_record"),
        ([7, 1, "7131"], "unknown_record"),
        (head("0000000002", _4="202413"), "bad_month"),
        (head("0000000002", _25="20241301"), "bad_date"),
        (head("", _4="202410"), "missing_value"),
        (head("1.23E+09"), "scientific_number"),
        (head("0000000002", _34="abc"), "bad_amount"),
        (line("0000000009"), "orphan_line"),
        (total("0000000009"), "orphan_line"),
        (total(), "duplicate_row"),
        (head(), "duplicate_claim"),
        (line(_8=""), "missing_value"),
    ],
)
def test_line_that_is_refused(delivered, accounted, row, reason):
    result = read(delivered, head(), line(), total(), row)
    assert accounted(result) == {5: reason}
    assert result.tables["care_claims"].height == 1


def test_lines_of_a_refused_or_repeated_claim_go_with_it(delivered, accounted):
    result = read(delivered, head("0000000002", _4="202413"), line("0000000002"), head(), line(), head(), line(), total())
    assert accounted(result) == {2: "bad_month", 3: "orphan_line", 6: "duplicate_claim", 7: "orphan_line", 8: "orphan_line"}


def test_lines_sorted_behind_all_claims_find_theirs(delivered, accounted):
    result = read(delivered, head("0000000001"), head("0000000002"), line("0000000001"), line("0000000002"), line("0000000001"))
    assert accounted(result) == {}
    assert sorted(result.tables["care_lines"].select("care_claim_id", "line_no").rows())[1][1] == 2


def test_an_illegible_birth_date_does_not_cost_the_claim(delivered, accounted):
    result = read(delivered, head(_14="5061301", _15="9"))
    assert accounted(result) == {}
    assert result.tables["care_claims"].select("birth_date", "sex").row(0) == (None, None)


def test_cut_off_and_empty(delivered):
    with pytest.raises(TruncatedFileError, match=r"file\.csv:2: .*end record → "):
        read_care_claims(delivered([CONTROL, head()], insurer_no=INSURER))
    with pytest.raises(EmptyFileError):
        read_care_claims(delivered("\r\n"))


def test_several_insurers_in_one_file(delivered, accounted):
    spec = delivered([CONTROL, head(), line(), head("0000000002", _6="112227"), END], options={"care_insurers": {"112219": "110221"}})
    result = read_care_claims(spec, frozenset({INSURER, "00110239"}))
    assert accounted(result) == {4: "unknown_insurer"}
    assert result.tables["care_claims"]["insurer_no"].to_list() == [INSURER]


def test_no_insurer_at_all(delivered, accounted):
    assert accounted(read_care_claims(delivered([CONTROL, head(), END]))) == {2: "unknown_insurer"}


def test_bill_without_forms_differs(delivered):
    controls = read(delivered, bill(_8=3, _11=27000), bill(_5=2, _8=9), bill(_7="02", _8=9), head()).controls
    assert (controls["bill_count"], controls["bill_count_seen"], controls["bill_yen"], controls["bill_yen_seen"]) == (3, 1, 27000, 9000)


# -- benefit records ------------------------------------------------------------------------------------------------
NHI = {28: "110221", 29: "0123456", 30: "000012"}


def h1(no, creation="1", review="202411", exchange="1116", width=96, form="7131", **given):
    fields = {0: 2, 1: 1, 2: exchange, 3: form, 4: "H1", 5: creation, 6: "112219", 7: no, 8: "202410", 10: "1170000001", 18: "19500101", 19: 2, 20: 21}
    fields |= (NHI | {36: "20241001", 38: 31, 41: 90, 45: 100, 46: 900, 94: review}) if width == 96 else {31: "20241001", 33: 31, 36: 90, 40: 100, 41: 900, 89: review}
    return record(width, fields | {int(k[1:]): v for k, v in given.items()})


def d1(no, kind="D1", exchange="1116", **given):
    fields = {0: 2, 1: 1, 2: exchange, 3: "7131", 4: kind, 5: "112219", 6: no, 7: "202410", 8: "1170000001", 10: "13", 11: "1111", 12: 500, 13: 2, 17: 1000}
    return record(34, fields | {int(k[1:]): v for k, v in given.items()})


def t1(no):
    return record(62, {0: 2, 1: 1, 2: "1116", 3: "7131", 4: "T1", 5: "112219", 6: no, 7: "202410", 8: "1170000001", 10: "13", 11: 2, 15: 3, 16: 4, 17: 1000, 18: 1000, 19: 9000, 20: 1000})


def records(delivered, *rows, known=frozenset({INSURER}), **given):
    return read_care_records(delivered([CONTROL, *rows, END], "care_records", **given), known)


def test_h1_carries_the_exact_join(delivered, accounted):
    result = records(delivered, h1("1"), d1("1"), t1("1"))
    assert accounted(result) == {}
    row = result.tables["care_claims"].row(0, named=True)
    assert (row["insurer_no"], row["nhi_insurer_no"], row["nhi_number"], row["addressee_no"]) == (INSURER, INSURER, "0123456", "000012")
    assert (row["source"], row["care_no"], row["admitted_on"], row["stay_days"], row["benefit_rate"], row["units"], row["benefit_yen"]) == ("record", "0000000001", date(2024, 10, 1), 31, 90, 100, 900)
    assert result.tables["care_totals"].drop("insurer_no", "care_claim_id").rows() == [("13", 2, 3, 4, 1000, 1000, 9000, 1000)]


def test_decided_amounts_win(delivered):
    row = records(delivered, h1("1", _69=80, _70=720)).tables["care_claims"].row(0, named=True)
    assert (row["units"], row["benefit_yen"]) == (80, 720)


def test_the_old_shape(delivered, accounted):
    result = records(delivered, h1("1", exchange="1113", width=91), d1("1", exchange="1113"), insurer_no=INSURER)
    assert accounted(result) == {}
    row = result.tables["care_claims"].row(0, named=True)
    assert (row.get("addressee_no"), row["admitted_on"], row["stay_days"], row["units"], row["review_month"]) == (None, date(2024, 10, 1), 31, 100, date(2024, 11, 1))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (h1("1", width=96)[:90], r"file\.csv:2: H1 has 90 columns where 96 are known → known widths: 91 \(old\), 96 \(new\)"),
        (h1("1", width=96) + ["", "x"], "H1 has 98 columns"),
        (h1("1", exchange="1114", width=96), "H1 has 96 columns where 91 are known"),
        (h1("1", exchange="1150"), r"file\.csv:2: exchange id 1150 is not known"),
        (h1("1", exchange="SECRET77"), r"exchange id \(blank or no id\) is not known"),
    ],
)
def test_other_widths_are_never_read_by_position(delivered, row, problem):
    with pytest.raises(LayoutError, match=problem):
        records(delivered, row)


def test_single_h1_of_another_width(delivered, accounted):
    result = records(delivered, h1("1"), h1("2"), h1("3")[:60], d1("3"))
    assert accounted(result) == {4: "bad_width", 5: "orphan_line"}


def test_correction_and_withdrawal(delivered, accounted):
    result = records(
        delivered, h1("1"), d1("1"), h1("1", "2", "202412", _45=50), d1("1"), d1("1"), t1("1"),  # corrected: the second stands
        h1("2"), d1("2"), t1("2"), h1("2", "3", "202412"),  # withdrawn
        h1("3", "3", "202411"), h1("3", "1", "202412"), d1("3"),  # withdrawn and made anew
        h1("4", "3"),  # withdraws a record of an earlier delivery
    )
    assert accounted(result) == {}
    table = result.tables["care_claims"].sort("care_no")
    assert table["care_no"].str.slice(9).to_list() == ["1", "3"]
    assert table["units"].to_list() == [50, 100]
    assert result.tables["care_lines"].group_by("care_claim_id").len().sort("care_claim_id")["len"].to_list() == [2, 1]
    assert [c.split(":")[3][-1] for c in sorted(result.tables["superseded"]["claim_id"])] == ["2", "4"]
    assert {k: v for k, v in result.controls.items() if "withdrawn" in k or "replaced" in k} == {"withdrawn": 2, "withdrawn_lines": 3, "replaced_lines": 5}


def test_records_that_are_known_unknown_or_orphans(delivered, accounted):
    result = records(delivered, h1("1"), d1("1", kind="DD"), d1("1", kind="D9"), d1("1", kind="Z9"), d1("7"), h1("5", creation=""))
    assert accounted(result) == {5: "unknown_record", 6: "orphan_line", 7: "missing_value"}
    assert result.controls["unstored_D9"] == 1
    assert result.tables["care_lines"].height == 1


def test_people_of_other_insurers_stay_under_the_delivery_s_insurer(delivered, accounted):
    result = records(delivered, h1("1", _28="39110001"), insurer_no=INSURER)
    assert accounted(result) == {}
    assert result.tables["care_claims"].select("insurer_no", "nhi_insurer_no").row(0) == (INSURER, "39110001")


def test_insurers_of_the_plan_stand_in(delivered):
    spec = delivered([CONTROL, h1("1"), h1("2", _28="119999"), END], options={"insurers": [INSURER]}, insurer_no="00110239")
    assert read_care_records(spec).quarantine["reason"].to_list() == ["unknown_insurer"]


def test_no_h1_at_all(delivered, accounted):
    assert accounted(records(delivered, d1("1"))) == {2: "orphan_line"}
