"""The desk against a plain-Python model: any order of decisions, results, payments and repeated batches."""

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from audit import desk
from audit.desk.verifying import breaks
from tests.desk.world import AT, DAY, case_id, cases, events, run_of

N = 4
CASES = st.integers(0, N - 1)
YEN = st.none() | st.integers(0, 3).map(lambda n: 1000 * n)


class Desk(RuleBasedStateMachine):
    """What the office does, a day for each entry; the model keeps dicts."""

    fresh = None  # makes a home with an empty desk, on the engine that is tried

    @initialize()
    def publish(self):
        self.place, self.at, self.batches, self.seen = type(self).fresh(), AT, [], {}
        self.status, self.decision, self.memo = {}, {}, {}
        self.requests: list[dict] = []  # in order of their making
        self.money: list[tuple[int, int]] = []
        desk.publish(self.place, run_of(self.place, cases(N)), by="a", at=self.at)

    def _record(self, *rows):
        self.at += timedelta(days=1)
        frame, batch = events(*rows), f"b{len(self.batches)}"
        desk.record(self.place, frame, batch=batch, source="test", by="a", at=self.at, expect=dict(desk.state(self.place).select("case_id", "last_event_seq").rows()))
        self.batches.append((frame, batch))

    @rule(n=CASES, code=st.sampled_from(["open", "inquiring", "closed"]), memo=st.none() | st.text(max_size=3))
    def note(self, n, code, memo):
        self._record({"kind": "status", "case_id": case_id(n), "code": code}, {"kind": "memo", "case_id": case_id(n), "text": memo})
        self.status[n] = code
        # control characters are not kept, blank is none
        self.memo[n] = "".join(c for c in memo or "" if c in "\t\n\r" or ord(c) > 31) or None

    @rule(n=CASES, code=st.sampled_from(["upheld", "partly", "dismissed", "cannot_judge", None]), yen=YEN)
    def decide(self, n, code, yen):
        self._record({"kind": "decided", "case_id": case_id(n), "code": code, "yen": yen, "on_date": DAY})
        self.decision[n] = (code, yen) if code else None
        own = [r for r in self.requests if r["case"] == n]
        last = own[-1] if own else None
        asks = code in ("upheld", "partly") and bool(yen)
        if asks and (last is None or last["result"] == "withdrawn"):
            self.requests.append({"case": n, "yen": yen, "result": None, "upheld": None})
        elif asks and last["result"] is None:
            last["yen"] = yen
        elif not asks and last is not None and last["result"] is None:
            last |= {"result": "withdrawn", "upheld": 0}

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), code=st.sampled_from(["cut", "as_before", "returned", None]), yen=st.integers(0, 2000))
    def answer(self, data, code, yen):
        i = data.draw(st.integers(0, len(self.requests) - 1))
        request = desk.ledger(self.place, self.at.date()).requests["request_id"][i]
        self._record({"kind": "result", "request_id": request, "code": code, "yen": yen if code else None, "on_date": DAY})
        self.requests[i] |= {"result": code, "upheld": yen if code else None}

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), yen=st.integers(-500, 500))
    def pay(self, data, yen):
        i = data.draw(st.integers(0, len(self.requests) - 1))
        request = desk.ledger(self.place, self.at.date()).requests["request_id"][i]
        self._record({"kind": "money", "request_id": request, "yen": yen, "on_date": DAY})
        self.money.append((i, yen))

    @precondition(lambda self: self.batches)
    @rule(data=st.data())
    def again(self, data):
        frame, batch = data.draw(st.sampled_from(self.batches))
        assert desk.record(self.place, frame, batch=batch, source="test", by="b", at=self.at) == 0

    @rule()
    def publish_again(self):
        assert desk.publish(self.place, self.place / "runs" / "2026-10-aaaa", by="b", at=self.at) == 0

    @invariant()
    def the_same_as_the_model(self):
        state = {int(r["case_id"].split(":p")[1].split("|")[0]): r for r in desk.state(self.place).iter_rows(named=True)}
        assert {n: r["status"] for n, r in state.items()} == {n: self.status.get(n) for n in range(N)}
        assert {n: r["memo"] for n, r in state.items()} == {n: self.memo.get(n) for n in range(N)}
        assert {n: (r["decision"], r["requested_yen"]) if r["decision"] else None for n, r in state.items()} == {n: self.decision.get(n) for n in range(N)}
        held = desk.ledger(self.place, self.at.date() + timedelta(days=1))
        assert held.requests.select("requested_yen", "result", "upheld_yen").rows() == [(r["yen"], r["result"], r["upheld"]) for r in self.requests]
        ids = held.requests["request_id"].to_list()
        assert held.money.select("request_id", "yen").rows() == [(ids[i], yen) for i, yen in self.money]

    @invariant()
    def what_was_known_stays(self):
        """A day's ledger is the same whenever it is asked for: what was entered later is not in it."""
        yesterday = self.at.date() - timedelta(days=1)
        if yesterday in self.seen:
            assert desk.ledger(self.place, yesterday).requests.equals(self.seen[yesterday])
        self.seen[self.at.date()] = desk.ledger(self.place, self.at.date()).requests

    def teardown(self):
        if hasattr(self, "place"):
            assert breaks(self.place) == []
            outcomes = desk.outcomes(self.place, self.at.date())
            assert set(outcomes["case_id"]) == {case_id(n) for n, d in self.decision.items() if d}
            paid = {case_id(r["case"]): sum(yen for i, yen in self.money if self.requests[i]["case"] == r["case"]) for r in self.requests}
            assert {c: y for c, y in outcomes.select("case_id", "collected_yen").rows() if y} == {c: y for c, y in paid.items() if y and c in set(outcomes["case_id"])}


def test_any_order_of_entries(fresh):
    Desk.fresh = staticmethod(fresh)
    run_state_machine_as_test(Desk, settings=settings(max_examples=4, stateful_step_count=12, derandomize=True))


@pytest.mark.slow
def test_any_order_of_many_entries(fresh):
    Desk.fresh = staticmethod(fresh)
    run_state_machine_as_test(Desk, settings=settings(max_examples=100, stateful_step_count=30, derandomize=True))
