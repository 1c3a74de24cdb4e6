"""Results and ledgers as CSV: matched to requests, what is not matched is listed, malformed files leave nothing."""

import csv
from datetime import date

import polars as pl
import pytest

from audit import desk
from audit.desk.outcome_files import OutcomeProblems, kinds, read_outcomes, tuning
from audit.desk.outcome_import import import_outcomes
from audit.errors import EmptyFileError, EncodingError, FileKindError, LayoutError, UsageError
from tests.desk.world import AT, DAY, INSURER, case_id, cases, decided, events, later, run_of

LATE = later(200)


def search_no(n: int) -> str:
    return str(202608000000 + n)


@pytest.fixture
def asked(home):
    """Requests of 900 yen for case 0, 1800 for 1, 2700 for 2 (re-review), 3600 for 3 (repayment), 4500 for 4 (subrogation)."""
    desk.publish(home, run_of(home, cases(6)), by="a", at=AT)
    rows = [decided(n, yen=900 * (n + 1), reason={3: "U07", 4: "U05"}.get(n), on_date=DAY) for n in range(5)]
    desk.record(home, events(*rows), batch="1", source="test", by="a", at=AT)
    return home


def requests(home) -> dict[int, dict]:
    found = desk.ledger(home, LATE.date()).requests
    return {int(r["case_id"].split(":p")[1].split("|")[0]): r for r in found.iter_rows(named=True)}


def file(folder, name, text, encoding="cp932"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return path


def take(home, path, kind="rereview", at=LATE, **more):
    return import_outcomes(home, path, kind, mapping=more.pop("mapping", None), out=more.pop("out", None), by="a", at=at)


HEAD = "申出番号,検索番号,診療年月,医療機関コード,申出額,申出点数,結果,増減点事由,増減額,増減点数,結果通知日,処理年月\n"


def test_results_by_number_receipt_and_place(asked, tmp_path):
    number = requests(asked)[0]["request_id"]
    path = file(tmp_path, "結果.csv", HEAD + (  # the last line tells another institution than that of the 2,700 yen
        f"{number},,,,,,査定,Ｂ,-500,,R9.2.1,\n"
        f",{search_no(1)},令和8年8月,,,,原審どおり,,,,令和9年2月1日,\n"
        ",,2026-08,1310000002,2700,,返戻,,,,,202702\n"
        ",,2026-08,1310000003,2700,,返戻,,,,,202702\n"
    ))
    done = take(asked, path)
    assert (done.lines, done.found, done.results, done.listed) == (4, 3, 3, {"none": 1})
    now = requests(asked)
    assert (now[0]["result"], now[0]["reason"], now[0]["upheld_yen"], now[0]["result_on"]) == ("cut", "B", 500, date(2027, 2, 1))
    assert (now[1]["result"], now[1]["upheld_yen"]) == ("as_before", 0)
    assert (now[2]["result"], now[2]["upheld_yen"], now[2]["result_on"]) == ("returned", None, date(2027, 2, 1))
    with done.file.open(encoding="utf-8-sig", newline="") as stream:
        (listed,) = csv.DictReader(stream)
    assert (listed["行"], listed["状態"], listed["申出額"]) == ("5", "該当する申出なし", "2700")


def test_the_same_file_again_does_nothing(asked, tmp_path):
    path = file(tmp_path, "r.csv", HEAD + f",{search_no(0)},,,,,査定,B,500,,20270201,\n")
    assert take(asked, path).results == 1
    again = take(asked, path)
    assert (again.results, again.payments, again.found) == (0, 0, 1)
    assert "登録済み" in again.text()
    assert desk.verify(asked) == []


def test_a_later_file_corrects_a_result(asked, tmp_path):
    take(asked, file(tmp_path, "r.csv", HEAD + f",{search_no(0)},,,,,原審どおり,,,,20270201,\n"))
    done = take(asked, file(tmp_path, "r2.csv", HEAD + f",{search_no(0)},,,,,査定,D,900,,20270301,\n"))
    assert (done.results, done.changed) == (1, 1)
    assert requests(asked)[0]["result"] == "cut"


def test_acts_of_one_receipt_add_up(asked, tmp_path):
    head = HEAD.strip() + ",行番号\n"
    lines = f",{search_no(2)},,,,,査定,B,600,,20270201,,1\n,{search_no(2)},,,,,査定,D,600,,20270201,,2\n,{search_no(2)},,,,,原審どおり,,,,20270201,,3\n"
    take(asked, file(tmp_path, "r.csv", head + lines))
    assert (requests(asked)[2]["upheld_yen"], requests(asked)[2]["reason"]) == (1200, "B,D")


def test_points_take_their_share_of_the_request(asked, tmp_path):
    # 2,700 yen of 386 points (70 %): 193 points are half of it
    take(asked, file(tmp_path, "r.csv", HEAD + f",{search_no(2)},,,,386,査定,B,,-193,20270201,\n"))
    assert requests(asked)[2]["upheld_yen"] == 1350


def test_what_is_not_sure_is_listed_and_not_taken(asked, tmp_path):
    desk.record(asked, events({"kind": "requested", "case_id": case_id(0), "code": "correction", "yen": 900, "on_date": DAY}), batch="more", source="test", by="a", at=AT)
    number = desk.ledger(asked, LATE.date()).requests.filter(pl.col("case_id") == case_id(1))["request_id"][0]
    path = file(tmp_path, "r.csv", HEAD + (
        f",{search_no(0)},,,900,,査定,B,900,,20270201,\n"  # two requests of 900 yen
        f",{search_no(1)},,,5000,,査定,B,900,,20270201,\n"  # another amount
        f"{number},{search_no(2)},,,,,査定,B,900,,20270201,\n"  # number and receipt of two cases
        f",{search_no(2)},,,,,原審どおり,,,,20270201,\n,{search_no(2)},,,,,取下げ,,,,20270201,\n"  # two results
        ",999999999999,,,,,査定,B,900,,20270201,\n"
    ))
    done = take(asked, path)
    assert done.listed == {"several": 1, "amount": 1, "contradiction": 3, "none": 1}
    assert done.results == 0
    assert done.found + sum(done.listed.values()) == done.lines
    listed = pl.read_csv(done.file, infer_schema=False)
    assert listed.height == 6
    assert len(listed["候補の申出"][0].split()) == 2


def test_more_than_was_asked_is_taken_and_listed(asked, tmp_path):
    done = take(asked, file(tmp_path, "r.csv", HEAD + f",{search_no(0)},,,,,査定,B,5000,,20270201,\n"))
    assert (done.results, done.listed) == (1, {"above": 1})
    assert requests(asked)[0]["upheld_yen"] == 5000


def test_a_receipt_of_another_insurer_is_not_ours(asked, tmp_path):
    head = HEAD.replace("検索番号", "保険者番号,検索番号")
    other = f",00999999,{search_no(0)},,,,,査定,B,900,,20270201,\n,{int(INSURER)},{search_no(1)},,,,,査定,B,900,,20270201,\n"
    assert take(asked, file(tmp_path, "r.csv", head + other)).listed == {"none": 1}


def test_a_file_is_taken_again_when_its_requests_are_known(asked, tmp_path):
    path = file(tmp_path, "r.csv", HEAD + f",{search_no(5)},,,,,査定,B,100,,20270201,\n")
    assert take(asked, path).listed == {"none": 1}
    desk.record(asked, events({"kind": "requested", "case_id": case_id(5), "code": "rereview", "yen": 100, "on_date": DAY}), batch="late", source="test", by="a", at=AT)
    assert take(asked, path).results == 1


def test_what_is_taken_off_the_next_bill_is_money(asked, tmp_path):
    head = "検索番号,結果,増減額,結果通知日,調整額,調整年月\n"
    done = take(asked, file(tmp_path, "r.csv", head + f"{search_no(0)},査定,900,20270201,,\n"))
    assert (done.results, done.payments) == (1, 0)
    assert desk.outcomes(asked, LATE.date()).filter(pl.col("case_id") == case_id(0))["collected_yen"].to_list() == [None], "upheld is not collected"
    done = take(asked, file(tmp_path, "r2.csv", head + f"{search_no(0)},査定,900,20270201,900,令和9年3月\n{search_no(1)},,,,1800,202704\n"))
    assert (done.results, done.payments, done.yen) == (0, 2, 2700)
    assert desk.ledger(asked, LATE.date()).money["collected_on"].to_list() == [date(2027, 3, 1), date(2027, 4, 1)]


LEDGER = "申出番号,検索番号,調定状況,調定額,調定日,収納額,収納日,収納番号\n"


def test_payments_and_reversals(asked, tmp_path):
    n = search_no(3)
    first = LEDGER + f",{n},調定,3600,R9.1.10,\"1,000\",R9.2.1,1\n,{n},調定,3600,R9.1.10,1000,R9.2.1,2\n"
    done = take(asked, file(tmp_path, "l.csv", first, "utf-8-sig"), "repayment")
    assert (done.results, done.payments, done.yen) == (1, 2, 2000)
    # next month's ledger holds the old entries, too
    done = take(asked, file(tmp_path, "l2.csv", first + f",{n},調定,3600,R9.1.10,△1000,R9.3.1,3\n"), "repayment")
    assert (done.results, done.payments, done.yen) == (0, 1, -1000)
    outcome = desk.outcomes(asked, LATE.date()).filter(pl.col("case_id") == case_id(3)).row(0, named=True)
    assert (outcome["upheld_yen"], outcome["collected_yen"], outcome["collected_on"], outcome["decision"]) == (3600, 1000, date(2027, 3, 1), "upheld")


def test_equal_payments_without_a_number(asked, tmp_path):
    path = file(tmp_path, "l.csv", LEDGER + f",{search_no(3)},,,,1000,R9.2.1,\n")
    assert take(asked, path, "repayment").yen == 1000
    assert take(asked, path, "repayment").yen == 0


def test_a_total_so_far_gives_the_difference(asked, tmp_path):
    head = "検索番号,求償結果,決定額,決定日,収納累計額,最終収納日\n"
    done = take(asked, file(tmp_path, "k.csv", head + f"{search_no(4)},示談成立,4000,20270110,1500,20270201\n"), "subrogation")
    assert (done.results, done.yen) == (1, 1500)
    done = take(asked, file(tmp_path, "k2.csv", head + f"{search_no(4)},示談成立,4000,20270110,4000,20270301\n"), "subrogation")
    assert (done.results, done.yen) == (0, 2500)
    done = take(asked, file(tmp_path, "k3.csv", head + f"{search_no(4)},示談成立,4000,20270110,3900,20270401\n"), "subrogation")
    assert done.yen == -100, "a refund is a row of its own"
    assert desk.ledger(asked, LATE.date()).money["yen"].to_list() == [1500, 2500, -100]


def test_a_file_of_one_kind_answers_no_request_of_another(asked, tmp_path):
    assert take(asked, file(tmp_path, "l.csv", LEDGER + f",{search_no(0)},,,,1000,R9.2.1,\n"), "repayment").listed == {"none": 1}


def test_every_problem_is_told_at_once_and_nothing_is_recorded(asked, tmp_path):
    good = f",{search_no(0)},,,,,査定,B,900,,20270201,\n"
    path = file(tmp_path, "r.csv", HEAD + good + (
        f",{search_no(1)},,,,,査定,E,900,,20270201,\n"
        f",{search_no(1)},,,,,減額,B,9x0,,2027/13/45,\n"
        ",,,,,,査定,B,900,,20270201,\n"
        f",{search_no(2)},,,,,原審どおり,,100,,,\n"
        f",{search_no(2)},,,,,査定,B,,,20280101,\n"
        f",1.23E+11,,,,,査定,B,900,,20270201,\n"
        f"{good}{good}"
    ))
    with pytest.raises(OutcomeProblems) as refused:
        take(asked, path)
    rows = refused.value.problems.select("row", "column").rows()
    assert {(3, "増減点事由"), (4, "結果"), (4, "増減額"), (4, "結果通知日"), (5, "申出番号"), (6, "増減額"), (6, "結果通知日"), (7, "増減額"), (7, "結果通知日"), (8, "検索番号"), (2, None), (9, None), (10, None)} == set(rows)
    assert refused.value.exit_code == 52
    assert "9x0" not in str(refused.value)
    assert set(requests(asked)[0].values()) >= {None}
    assert desk.ledger(asked, LATE.date()).requests["result"].null_count() == 5


@pytest.mark.parametrize(("content", "error"), [
    (b"", EmptyFileError), (HEAD.encode("cp932"), EmptyFileError), (b"PK\x03\x04[Content_Types].xml xl/", FileKindError), ("a,b\n\u3042,1\n".encode("utf-16"), EncodingError),
    ("別,の,列\n1,2,3\n".encode(), LayoutError),
])
def test_what_is_no_such_file(tmp_path, content, error):
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(error):
        read_outcomes(tmp_path / "x.csv", "rereview", None, DAY)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_outcomes(tmp_path / "x.csv", "rereview", None, DAY)


@pytest.mark.parametrize(("text", "problem"), [
    ('[rereview.columns]\nsearch_no = "検"\nresult = "結"\n[rereview.values.result]\n"査" = "agreed"\n', "results"),
    ('[rereview.columns]\nresult = "結"\n', "no column finds"),
    ('[rereview.columns]\nsearch_no = "検"\n', "tells a result"),
    ('[rereview.columns]\nsearch_no = "検"\nresult = "結"\npaid_yen = "収"\n', "neither paid_on nor paid_month"),
    ('[rereview.columns]\nsearch_no = "検"\nresult = "結"\nnothing = "x"\n', "unknown fields"),
    ('[rereview]\nhead = true\n', "unknown key"),
    ('[leads.columns]\nname = "氏名"\n', "no section"),
])
def test_a_mapping_that_cannot_be(tmp_path, text, problem):
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    (tmp_path / "x.csv").write_text("検,結,収,日\n1,査,1,20270101\n", encoding="utf-8")
    with pytest.raises(LayoutError, match=problem):
        read_outcomes(tmp_path / "x.csv", "rereview", tmp_path / "m.toml", DAY)


def test_money_is_told_once(tmp_path):
    (tmp_path / "m.toml").write_text('[repayment.columns]\nsearch_no = "検"\npaid_yen = "収"\npaid_total_yen = "累"\n', encoding="utf-8")
    (tmp_path / "x.csv").write_text("検,収,累\n1,2,3\n", encoding="utf-8")
    with pytest.raises(LayoutError, match=r"both mapped.*neither paid_on"):
        read_outcomes(tmp_path / "x.csv", "repayment", tmp_path / "m.toml", DAY)


def test_an_offices_own_mapping_by_position(asked, tmp_path):
    mapping = tmp_path / "own.toml"
    mapping.write_text('[rereview]\nheader = false\n[rereview.columns]\nsearch_no = 2\nresult = 3\nupheld_yen = 4\nresult_on = 5\n[rereview.values.result]\n"1" = "cut"\n"2" = "as_before"\n', encoding="utf-8")
    path = file(tmp_path, "o.csv", f"x,{search_no(0)},1,900,5050101\nx,{search_no(1)},2,,5050101\n")
    assert take(asked, path, mapping=mapping).results == 2
    assert requests(asked)[0]["result_on"] == date(2023, 1, 1)


@pytest.mark.parametrize("kind", kinds())
def test_the_shipped_examples_load_and_say_that_they_are_untested(kind, tmp_path):
    from audit.desk import outcome_files

    text = (outcome_files.Path(outcome_files.__file__).parent / "layouts" / f"{kind}_example.toml").read_text(encoding="utf-8")
    assert "UNTESTED" in text
    assert tuning()["trust"] == "assumed"
    (tmp_path / "x.csv").write_text("申出番号\n", encoding="utf-8")
    with pytest.raises((EmptyFileError, LayoutError)):
        read_outcomes(tmp_path / "x.csv", kind, None, DAY)
