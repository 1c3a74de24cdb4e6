"""Decisions, requests, results and money: what is recorded, what follows from it, what is refused."""

from datetime import date

import pytest

from audit import desk
from audit.errors import DeskConflict, DeskError
from audit.tables.ledger import DECISIONS, MONEY, REQUESTS
from tests.desk.world import AT, DAY, case_id, cases, decided, events, later, run_of


@pytest.fixture
def published(home):
    desk.publish(home, run_of(home, cases(4)), by="a", at=AT)
    return home


def put(home, *rows, batch, at=AT, **more):
    return desk.record(home, events(*rows), batch=batch, source="test", by="佐藤", at=at, **more)


def test_the_last_entry_of_each_kind_stands(published):
    put(published, {"kind": "status", "case_id": case_id(0), "code": "inquiring"}, {"kind": "assigned", "case_id": case_id(0), "code": "佐藤"}, batch="1")
    put(published, {"kind": "status", "case_id": case_id(0), "code": "closed"}, {"kind": "due", "case_id": case_id(0), "on_date": date(2026, 12, 10)}, {"kind": "memo", "case_id": case_id(0), "text": '電話で確認、"済"\n=1+1'}, batch="2")
    row = desk.state(published).row(0, named=True)
    assert (row["status"], row["assignee"], row["due_on"], row["memo"]) == ("closed", "佐藤", date(2026, 12, 10), '電話で確認、"済"\n=1+1')
    assert row["decision"] is None
    assert row["last_event_seq"] == 6  # the publication was the first event


def test_the_same_batch_does_nothing(published):
    assert put(published, decided(0, yen=500), batch="file") > 0
    before = desk.state(published)
    assert put(published, decided(0, "dismissed"), batch="file") == 0
    assert desk.state(published).equals(before)


def test_an_upheld_decision_opens_a_request(published):
    put(published, decided(0, yen=900, reason="U01", minutes=7.5, on_date=date(2026, 11, 27)), decided(1, "dismissed"), decided(2, "partly"), batch="1")
    found = desk.ledger(published, DAY)
    assert {n: dict(getattr(found, n).schema) for n in ("decisions", "requests", "money")} == {"decisions": DECISIONS.schema, "requests": REQUESTS.schema, "money": MONEY.schema}
    assert found.decisions["decision"].to_list() == ["upheld", "dismissed", "partly"]
    (asked,) = found.requests.rows(named=True)
    assert (asked["case_id"], asked["way"], asked["requested_yen"], asked["requested_on"]) == (case_id(0), "rereview", 900, date(2026, 11, 27))
    # care of August is billed in September; six months from October end with March
    assert asked["due_on"] == date(2027, 3, 31)
    assert asked["result"] is None


def test_the_reason_may_say_another_way(published):
    put(published, decided(0, yen=900, reason="U05"), batch="1")
    (asked,) = desk.ledger(published, DAY).requests.rows(named=True)
    assert (asked["way"], asked["due_on"]) == ("subrogation", None)


def test_the_reviewers_status_says_the_way(published):
    put(published, {"kind": "status", "case_id": case_id(0), "code": "returned"}, decided(0, yen=900), batch="1")
    put(published, decided(1, yen=500), batch="2")
    asked = desk.ledger(published, DAY).requests
    assert asked.select("way", "due_on").rows() == [("return", None), ("rereview", date(2027, 3, 31))]
    put(published, {"kind": "status", "case_id": case_id(1), "code": "corrected"}, {"kind": "status", "case_id": case_id(0), "code": "closed"}, batch="3")
    turned = desk.ledger(published, DAY).requests
    assert turned.select("way", "due_on", "requested_yen").rows() == [("rereview", date(2027, 3, 31), 900), ("correction", None, 500)]
    assert turned["request_id"].equals(asked["request_id"])
    put(published, {"kind": "status", "case_id": case_id(3), "code": "returned"}, batch="4")
    assert desk.ledger(published, DAY).requests.height == 2, "nothing was decided"


def test_a_team_that_only_advises_asks_for_nothing(home):
    desk.publish(home, run_of(home, cases(1, team="health")), by="a", at=AT)
    put(home, {"kind": "decided", "case_id": case_id(0, "health"), "code": "upheld", "yen": 100}, batch="1")
    assert desk.ledger(home, DAY).requests.is_empty()


def test_a_changed_amount_changes_the_pending_request(published):
    put(published, decided(0, yen=900), batch="1")
    put(published, decided(0, "partly", yen=400), batch="2")
    put(published, decided(0, "partly", yen=400, minutes=3), batch="3")
    (asked,) = desk.ledger(published, DAY).requests.rows(named=True)
    assert (asked["requested_yen"], asked["due_on"]) == (400, date(2027, 3, 31))


def test_a_decision_taken_back_withdraws_it_and_a_new_one_asks_again(published):
    put(published, decided(0, yen=900), batch="1")
    put(published, decided(0, None), batch="2", at=later(1))
    assert desk.state(published).row(0, named=True)["decision"] is None
    assert desk.ledger(published, later(1).date()).decisions.is_empty()
    assert desk.ledger(published, later(1).date()).requests["result"].to_list() == ["withdrawn"]
    assert desk.ledger(published, DAY).requests["result"].to_list() == [None], "on that day it was still pending"
    put(published, decided(0, yen=700), batch="3", at=later(2))
    found = desk.ledger(published, later(2).date()).requests
    assert found.select("result", "requested_yen").rows() == [("withdrawn", 900), (None, 700)]


def test_an_answered_request_is_not_made_again(published):
    put(published, decided(0, yen=900), batch="1")
    request = desk.ledger(published, DAY).requests["request_id"][0]
    put(published, {"kind": "result", "request_id": request, "code": "as_before", "yen": 0}, batch="2")
    put(published, decided(0, yen=800), batch="3")
    assert desk.ledger(published, DAY).requests.height == 1


def test_the_last_decision_of_a_batch_counts(published):
    put(published, decided(0, yen=900), decided(0, "dismissed"), batch="1")
    assert desk.ledger(published, DAY).requests.is_empty()


def test_requests_by_hand_results_and_reversals(published):
    put(published, {"kind": "requested", "case_id": case_id(3), "code": "repayment", "yen": 4000, "on_date": DAY}, batch="1")
    request = desk.ledger(published, DAY).requests["request_id"][0]
    put(
        published, {"kind": "result", "request_id": request, "code": "agreed", "yen": 4000, "on_date": DAY},
        {"kind": "money", "request_id": request, "yen": 4000, "on_date": DAY}, {"kind": "money", "request_id": request, "yen": -1000, "on_date": DAY}, batch="2",
    )
    money = desk.ledger(published, DAY).money
    assert money["yen"].to_list() == [4000, -1000]
    assert money["case_id"].to_list() == [case_id(3)] * 2
    assert money["money_id"].n_unique() == 2
    put(published, {"kind": "result", "request_id": request}, batch="3")
    assert desk.ledger(published, DAY).requests["result"].to_list() == [None], "a result entered by mistake is taken back"


def test_somebody_else_was_first(published):
    seen = dict(desk.state(published).select("case_id", "last_event_seq").rows())
    put(published, decided(1, "dismissed"), batch="theirs", expect=seen)
    with pytest.raises(DeskConflict) as refused:
        put(published, decided(0, yen=1), decided(1, yen=1), batch="mine", expect=seen)
    assert refused.value.case_ids == [case_id(1)]
    assert "p1" not in str(refused.value)
    assert desk.state(published)["decision"].to_list() == [None, "dismissed", None, None], "all or nothing"
    now = dict(desk.state(published).select("case_id", "last_event_seq").rows())
    assert put(published, decided(0, yen=1), decided(1, yen=1), batch="mine", expect=now) > 0


def test_money_is_no_conflict_for_a_row(published):
    put(published, decided(0, yen=900), batch="1")
    seen = dict(desk.state(published).select("case_id", "last_event_seq").rows())
    request = desk.ledger(published, DAY).requests["request_id"][0]
    put(published, {"kind": "money", "request_id": request, "yen": 900, "on_date": DAY}, batch="2")
    assert put(published, decided(0, yen=900, minutes=5), batch="3", expect=seen) > 0


REFUSED = [
    ({"kind": "decided", "case_id": "nobody", "code": "upheld"}, "no run published"),
    ({"kind": "decided", "case_id": case_id(0), "run_id": "another", "code": "upheld"}, "no run published"),
    ({"kind": "decided", "code": "upheld"}, "no known case"),
    ({"kind": "decided", "case_id": case_id(0), "code": "guilty"}, "code that their kind"),
    ({"kind": "published", "case_id": case_id(0)}, "unknown kind"),
    ({"kind": "forgotten", "case_id": case_id(0)}, "unknown kind"),
    ({"kind": "money", "case_id": case_id(0), "yen": 1, "on_date": DAY}, "name no request"),
    ({"kind": "money", "request_id": "R99999999", "yen": 1, "on_date": DAY}, "no known case or request"),
    ({"kind": "requested", "case_id": case_id(0), "yen": 1, "on_date": DAY}, "code that their kind"),
    ({"kind": "requested", "case_id": case_id(0), "code": "rereview", "yen": 1}, "without their day"),
    ({"kind": "requested", "case_id": case_id(0), "code": "rereview", "on_date": DAY}, "without an amount"),
    ({"kind": "decided", "case_id": case_id(0), "code": "upheld", "yen": -1}, "below 0"),
    ({"kind": "decided", "case_id": case_id(0), "code": "upheld", "minutes": -1.0}, "minutes below 0"),
]


def test_what_cannot_be_is_refused_and_nothing_is_recorded(published):
    before = desk.state(published)
    for row, problem in REFUSED:
        with pytest.raises(DeskError, match=problem) as refused:
            put(published, decided(1, yen=5), row, batch="1")
        assert "p0" not in str(refused.value)
    assert desk.state(published).equals(before)
    assert desk.verify(published) == []


def test_an_empty_batch_leaves_nothing(published):
    assert put(published, batch="1") == 0
    assert desk.verify(published) == []
