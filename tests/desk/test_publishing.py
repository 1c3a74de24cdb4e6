"""A run's cases come to the desk once, and what is known of them stays."""

import polars as pl
import pytest

from audit import desk
from audit.errors import UsageError
from audit.tables.ledger import LEDGER_CASES
from tests.desk.world import AT, DAY, INSURER, case_id, cases, decided, events, later, run_of


def test_a_run_is_published_once(home):
    run = run_of(home, cases(3))
    assert desk.publish(home, run, by="佐藤", at=AT) == 3
    assert desk.publish(home, run, by="鈴木", at=later(1)) == 0
    published = desk.ledger(home, DAY).cases
    assert dict(published.schema) == LEDGER_CASES.schema
    assert published["case_id"].to_list() == [case_id(0), case_id(1), case_id(2)]
    assert published["rule_ids"].to_list() == [[], ["RC01"], ["RC01", "MC07"]]
    assert published.row(0, named=True)["published_on"] == DAY
    assert published["provider_kind"].unique().to_list() == ["med"]
    assert published["month"].unique().to_list() == ["2026-10"]
    assert desk.verify(home) == []


def test_a_day_before_it_was_published_nobody_knew_it(home):
    desk.publish(home, run_of(home, cases(1)), by="a", at=AT)
    assert desk.ledger(home, DAY.replace(day=27)).cases.is_empty()


def test_the_random_arm_brings_its_strata(home):
    drawn = pl.DataFrame({"case_id": [case_id(0), case_id(1)], "stratum": [0, 1], "role": ["sample", "spare"], "draw_order": [1, 1], "universe_n": [50, 7], "sample_n": [5, 2], "inclusion_probability": [0.1, 2 / 7]})
    desk.publish(home, run_of(home, cases(3, selection="random"), control=drawn), by="a", at=AT)
    found = desk.ledger(home, DAY).cases.select("stratum", "universe_n", "sample_n", "role").rows()
    assert found == [(0, 50, 5, "sample"), (1, 7, 2, "spare"), (None, None, None, None)]


def test_a_later_run_leaves_the_history_of_a_case(home):
    desk.publish(home, run_of(home, cases(2)), by="a", at=AT)
    desk.record(home, events(decided(0, yen=900)), batch="b1", source="worklist", by="a", at=AT)
    assert desk.publish(home, run_of(home, cases(3), "2026-11-bbbb"), by="a", at=later(30)) == 3
    now = desk.state(home)
    assert now["case_id"].to_list() == [case_id(0), case_id(1), case_id(2)]
    first = now.row(0, named=True)
    assert (first["run_id"], first["decision"], first["decided_run_id"]) == ("2026-11-bbbb", "upheld", "2026-10-aaaa")
    assert desk.state(home, run_id="2026-10-aaaa")["case_id"].to_list() == [case_id(0), case_id(1)]
    assert desk.ledger(home, later(30).date()).cases.height == 5


def test_a_run_made_anew_under_its_id_adds_what_is_new(home):
    desk.publish(home, run_of(home, cases(2)), by="a", at=AT)
    again = cases(3).with_columns(at_stake_yen=pl.lit(7, dtype=pl.Int64))
    assert desk.publish(home, run_of(home, again), by="a", at=later(1)) == 1
    assert desk.state(home)["at_stake_yen"].to_list() == [1000, 2000, 7]
    assert desk.verify(home) == []


def test_a_run_cut_off_before_its_publication_is_published_later(home):
    first, second = run_of(home, cases(2)), run_of(home, cases(2, month="2026-09"), "2026-11-bbbb")
    desk.publish(home, first, by="a", at=AT)
    (home / "runs" / ".work-2026-12-cccc").mkdir()
    assert desk.publish_missing(home, by="a", at=later(1)) == [second.name]
    assert desk.publish_missing(home, by="a", at=later(1)) == []
    assert desk.state(home).height == 4


def test_a_folder_that_is_no_run_is_refused(home):
    with pytest.raises(UsageError, match="no finished run"):
        desk.publish(home, home / "runs" / "2026-10-none", by="a", at=AT)


def test_a_run_without_cases_is_published_too(home):
    assert desk.publish(home, run_of(home, cases(0)), by="a", at=AT) == 0
    assert desk.publish_missing(home, by="a", at=AT) == []
    assert desk.state(home).is_empty()
    assert desk.verify(home) == []


def test_states_of_named_cases(home):
    desk.publish(home, run_of(home, cases(4)), by="a", at=AT)
    assert desk.state(home, case_ids=[case_id(2), "nobody"])["case_id"].to_list() == [case_id(2)]
    assert desk.state(home, case_ids=[]).is_empty()
    assert desk.state(home)["insurer_no"].unique().to_list() == [INSURER]


def test_without_a_desk_everything_is_empty(tmp_path):
    assert not desk.exists(tmp_path)
    assert desk.outcomes(tmp_path, DAY).is_empty()
    assert desk.ledger(tmp_path, DAY).money.is_empty()
    assert not desk.exists(tmp_path), "looking makes no database"
