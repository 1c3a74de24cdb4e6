"""Lists whatever the cases: hours, caps and rest periods hold, groups stay together, the order of rows does not matter."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.tables import CASES
from audit.tables.ledger import OUTCOMES
from models.lists_fill import most_unusual_units
from models.lists_past import in_peace, look_back
from models.past import Past
from models.priors import Priors, load_priors
from models.ranking import Ranking, make_ranking, rank_cases

MONTH = "2026-10"
PRIORS = load_priors()
RULES = {"judo": ["JD01", "JD12", "JD14", "JD17"], "health": ["RX01", "RX03"], "review": ["RC01", "RC03", "RC06"], "eligibility": ["EL01", "EL03"], "third_party": ["TP02", "TP05C"]}


def case(n: int, team: str, rules: list[str], stake: int, *, person: int = 0, provider: str | None = "p0", insurer: str = "00110015", severity: str = "suspicion", findings: list[str] | None = None) -> dict:
    return {
        "case_id": f"{team}|{insurer}|{MONTH}|{person}|{n}", "team": team, "insurer_no": insurer, "person_id": f"{insurer}-{person}", "provider_id": provider,
        "service_month": MONTH, "rule_ids": sorted(rules), "finding_ids": findings or [f"{r}|{n}" for r in sorted(rules)], "claim_ids": [f"x:{n}"],
        "severity": severity, "at_stake_yen": stake,
    }


def frame(*rows: dict) -> pl.DataFrame:
    return CASES.conform(pl.DataFrame(list(rows), schema_overrides=CASES.schema)) if rows else CASES.empty()


def earlier(cases: pl.DataFrame, month: str = "2026-09", listed: bool = True) -> pl.DataFrame:
    """The same cases as an earlier month's list."""
    return cases.with_columns(run_id=pl.lit(f"{month}-x"), month=pl.lit(month), rank=pl.lit(1 if listed else None, dtype=pl.Int32))


def outcomes(cases: pl.DataFrame, known_on: date, decision: str = "dismissed") -> pl.DataFrame:
    return OUTCOMES.conform(cases.select("case_id", "rule_ids", "selection", decision=pl.lit(decision), decided_on=pl.lit(known_on), processed_on=pl.lit(known_on)))


def past(cases: pl.DataFrame, decided: pl.DataFrame | None = None, as_of: date = date(2026, 12, 12)) -> Past:
    return Past(as_of, OUTCOMES.empty() if decided is None else decided, cases)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, float]]:
    """Cases of a month, cases of the month before (some the same), hours."""
    rows = []
    for n in range(draw(st.integers(0, 40))):
        team = draw(st.sampled_from(sorted(RULES)))
        rows.append(case(
            n, team, draw(st.lists(st.sampled_from(RULES[team]), min_size=1, max_size=3, unique=True)), draw(st.sampled_from([0, 300, 5000, 5000, 40_000, 900_000])),
            person=draw(st.integers(0, 15)), provider=draw(st.sampled_from(["p0", "p0", "p1", "p2", None])),
            insurer=draw(st.sampled_from(["00110015", "00110023"])), severity=draw(st.sampled_from(["error", "suspicion"])),
        ))
    cases = frame(*rows)
    before = frame(*[r for r in rows if draw(st.integers(0, 5)) == 0])
    return cases, before, {t: draw(st.sampled_from([0.0, 0.3, 1.0, 3.0, 50.0])) for t in RULES}


@settings(max_examples=20)
@given(worlds(), st.integers(0, 3))
def test_limits_hold_whatever_the_cases(world: tuple[pl.DataFrame, pl.DataFrame, dict[str, float]], seed: int) -> None:
    cases, before, hours = world
    lists = PRIORS.lists
    known = past(earlier(before))
    ranked = make_ranking(cases, {}, month=MONTH, seed=seed, capacity_hours=hours, past=known).cases
    assert sorted(ranked["case_id"]) == sorted(cases["case_id"])
    on = ranked.filter(pl.col("rank").is_not_null())
    for (team, _), part in on.partition_by("team", "insurer_no", as_dict=True).items():
        assert sorted(part["rank"]) == list(range(1, len(part) + 1))
        assert part["minutes"].sum() <= hours[team] * 60 + 1e-9
        by_value = part.filter(pl.col("selection") == "rule", pl.col("provider_id").is_not_null())
        for provider in by_value.partition_by("provider_id"):
            assert len(provider) <= lists.provider_least or provider["minutes"].sum() <= lists.provider_share * hours[team] * 60 + 1e-9
    # nobody is asked twice: not after last month's list, and not by two teams in one month
    asking = on.filter(pl.col("team").is_in(lists.contact_teams))
    bound = pl.col("rule_ids").list.eval(pl.element().is_in(list(lists.burden_exempt))).list.any()
    assert set(asking.filter(~bound)["person_id"]).isdisjoint(look_back(known, MONTH, lists).asked)
    for team in lists.contact_teams:
        mine = set(asking.filter(~bound, pl.col("team") == team)["person_id"])
        turn = lists.contact_teams.index(team)
        assert mine.isdisjoint(asking.filter(pl.col("team").is_in(lists.contact_teams[:turn]))["person_id"])
    # what stands on last month's list is not listed again
    assert set(on["case_id"]).isdisjoint(before["case_id"])
    assert set(ranked["held_back"].drop_nulls()) <= {"standing", "burden", "provider_cap"}
    assert on["held_back"].null_count() == len(on)


@settings(max_examples=8)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(world: tuple[pl.DataFrame, pl.DataFrame, dict[str, float]], random) -> None:
    cases, before, hours = world

    def mixed(f: pl.DataFrame) -> pl.DataFrame:
        return f[random.sample(range(len(f)), len(f))]

    one = make_ranking(cases, {}, month=MONTH, seed=1, capacity_hours=hours, past=past(earlier(before)))
    two = make_ranking(mixed(cases), {}, month=MONTH, seed=1, capacity_hours=hours, past=past(mixed(earlier(before))))
    assert one.cases.equals(two.cases)
    assert one.control.equals(two.control)
    assert one.account.equals(two.account)


def plain(**lists: object) -> Priors:
    """The shipped priors without quotas, with some limits changed."""
    teams = {t: replace(p, model_share=0.0, random_share=0.0, explore_share=0.0) for t, p in PRIORS.teams.items()}
    return replace(PRIORS, teams=teams, lists=replace(PRIORS.lists, **lists))


def ranked(cases: pl.DataFrame, hours: float = 100.0, before: Past | None = None, **lists: object) -> dict[str, dict]:
    done = rank_cases(cases, {}, month=MONTH, capacity_hours=dict.fromkeys(RULES, hours), past=before, priors=plain(**lists))
    return {r["case_id"].rsplit("|", 1)[1]: r for r in done.to_dicts()}


def test_a_provider_stops_at_its_share_and_the_next_one_moves_up() -> None:
    # 2 hours = 6 cases of 20 minutes; a quarter = 30 minutes, but 2 cases are never too many
    dear = [case(n, "judo", ["JD14"], 90_000 - n, person=n) for n in range(5)]
    rest = [case(10 + n, "judo", ["JD14"], 100 - n, person=10 + n, provider=f"q{n}") for n in range(7)]
    got = ranked(frame(*dear, *rest), 2.0, provider_least=2)
    assert [got[str(n)]["rank"] for n in range(5)] == [1, 2, None, None, None]
    assert [got[str(n)]["held_back"] for n in range(5)] == [None, None, "provider_cap", "provider_cap", "provider_cap"]
    assert [got[str(10 + n)]["rank"] for n in range(5)] == [3, 4, 5, 6, None]
    assert got["14"]["held_back"] is None  # below capacity is no reason of its own


def test_the_cap_is_not_named_where_capacity_ends_the_list_first() -> None:
    got = ranked(frame(*[case(n, "judo", ["JD14"], 90_000 - n, person=n, provider="p0" if n > 2 else f"q{n}") for n in range(20)]), 1.0, provider_least=1)
    assert [got[str(n)]["rank"] for n in range(4)] == [1, 2, 3, None]
    assert all(got[str(n)]["held_back"] is None for n in range(4, 20))


def test_a_person_asked_by_one_team_is_not_asked_by_the_next_unless_a_deadline_runs() -> None:
    cases = frame(
        case(1, "judo", ["JD14"], 1000, person=7), case(2, "health", ["RX01"], 1000, person=7), case(3, "third_party", ["TP05C"], 1000, person=7),
        case(4, "health", ["RX01"], 1000, person=8), case(5, "review", ["RC01"], 1000, person=7),
    )
    got = ranked(cases)
    assert {n: r["held_back"] for n, r in got.items()} == {"1": None, "2": "burden", "3": None, "4": None, "5": None}
    assert got["2"]["rank"] is None


@pytest.mark.parametrize(("month", "held"), [("2026-09", "burden"), ("2026-08", "burden"), ("2026-07", None)])
def test_the_rest_period_counts_delivery_months(month: str, held: str | None) -> None:
    then = earlier(frame(case(1, "health", ["RX01"], 1000, person=7)), month)
    got = ranked(frame(case(2, "judo", ["JD14"], 1000, person=7)), before=past(then), burden_months=3)
    assert got["2"]["held_back"] == held


def test_a_late_decision_counts_as_asking() -> None:
    then = frame(case(1, "judo", ["JD14"], 1000, person=7))
    late = outcomes(then, date(2026, 11, 20))
    got = ranked(frame(case(2, "judo", ["JD14"], 1000, person=7)), before=past(earlier(then, "2026-03"), late), burden_months=3)
    assert got["2"]["held_back"] == "burden"


def test_a_decided_case_comes_back_only_with_a_new_finding() -> None:
    then = frame(case(1, "review", ["RC01"], 1000), case(2, "review", ["RC01"], 1000))
    now = frame(case(1, "review", ["RC01"], 1000), case(2, "review", ["RC01", "RC06"], 1000, findings=["RC01|2", "RC06|2"]))
    got = ranked(now, before=past(earlier(then), outcomes(then, date(2026, 12, 1))))
    assert (got["1"]["held_back"], got["1"]["rank"]) == ("decided", None)
    assert (got["2"]["held_back"], got["2"]["rank"], got["2"]["listed_before"]) == (None, 1, "2026-09")


def test_an_outcome_of_a_later_day_is_not_seen() -> None:
    then = frame(case(1, "review", ["RC01"], 1000))
    got = ranked(then, before=past(earlier(then), outcomes(then, date(2026, 12, 13))))
    assert got["1"]["held_back"] == "standing"


def test_a_case_that_waited_long_is_listed_again() -> None:
    then = frame(case(1, "review", ["RC01"], 1000))
    got = ranked(then, before=past(earlier(then, "2026-06")), standing_months=4)
    assert (got["1"]["held_back"], got["1"]["rank"]) == (None, 1)
    got = ranked(then, before=past(earlier(then, "2026-07")), standing_months=4)
    assert got["1"]["held_back"] == "standing"


def test_like_cases_are_grouped_and_cost_less_after_the_first() -> None:
    cases = frame(
        case(1, "review", ["RC01"], 9000, person=1), case(2, "review", ["RC01"], 100, person=2), case(3, "review", ["RC01"], 5000, person=3),
        case(4, "review", ["RC01", "RC03"], 8000, person=4), case(5, "review", ["RC01"], 7000, person=5, provider="p1"),
    )
    got = ranked(cases)
    assert [got[str(n)]["group_id"] for n in range(1, 6)] == ["review|00110015|p0|RC01"] * 3 + [None, None]
    assert [got[str(n)]["minutes"] for n in range(1, 6)] == [10, 5, 5, 13, 10]
    assert [got[str(n)]["rank"] for n in (1, 3, 2)] == [1, 2, 3]  # together, although case 2 is worth least of all


def test_what_must_be_asked_of_each_person_is_no_group() -> None:
    got = ranked(frame(*[case(n, "judo", ["JD14"], 1000, person=n) for n in range(3)], *[case(9 + n, "judo", ["JD01"], 1000, person=9 + n, severity="error") for n in range(3)]))
    assert [got[str(n)]["group_id"] for n in range(3)] == [None] * 3
    assert {got[str(9 + n)]["group_id"] for n in range(3)} == {"judo|00110015|p0|JD01"}


def account(cases: pl.DataFrame, before: Past | None, superseded: pl.Series | None = None) -> dict[str, tuple]:
    done: Ranking = make_ranking(cases, {}, month=MONTH, capacity_hours=dict.fromkeys(RULES, 100.0), past=before, priors=plain(), superseded=superseded)
    return {r["case_id"].rsplit("|", 1)[1]: (r["state"], r["reason"], r["new_findings"]) for r in done.account.to_dicts()}


def test_the_account_says_what_became_of_every_case() -> None:
    then = frame(*[case(n, "review", ["RC01"], 1000, person=n) for n in range(1, 7)])
    listed = earlier(then.filter(pl.col("person_id").str.ends_with("6").not_()))
    below = earlier(then.filter(pl.col("person_id").str.ends_with("6")), listed=False)
    old = earlier(frame(case(8, "review", ["RC01"], 1000, person=8)), "2026-04")
    decided = outcomes(then.filter(pl.col("person_id").str.contains("-[14]$")), date(2026, 12, 1))
    now = frame(
        case(1, "review", ["RC01"], 1000, person=1), case(2, "review", ["RC01"], 1000, person=2),
        case(3, "review", ["RC01", "RC06"], 1000, person=3, findings=["RC01|3", "RC06|3"]), case(6, "review", ["RC01"], 1000, person=6), case(7, "review", ["RC01"], 1000, person=7),
    )
    got = account(now, past(pl.concat([listed, below, old]), decided), pl.Series(["x:5"]))
    assert got == {
        "1": ("dropped", "decided", 0), "2": ("kept", "standing", 0), "3": ("new", "new_finding", 1), "4": ("dropped", "decided", 0), "5": ("dropped", "gone", 0),
        "6": ("new", "rose", 0), "7": ("new", "first", 0), "8": ("dropped", "expired", 0),
    }


def test_without_a_past_everything_is_new() -> None:
    assert set(account(frame(case(1, "judo", ["JD14"], 1000)), None).values()) == {("new", "first", 0)}


def test_units_without_a_finding_are_left_in_peace_too() -> None:
    then = earlier(frame(case(1, "judo", ["JD14"], 1000, person=7), case(2, "judo", ["JD14"], 1000, person=8)), "2026-08")
    before = look_back(past(then), MONTH, PRIORS.lists)
    units = pl.DataFrame({"case_id": [then["case_id"][0], "judo|new", "judo|asked", "judo|nobody"], "person_id": ["00110015-1", "00110015-2", "00110015-7", None]})
    assert in_peace(units, "judo", before, before.asked, PRIORS.lists)["case_id"].to_list() == ["judo|new", "judo|nobody"]
    assert in_peace(units, "review", before, before.asked, PRIORS.lists)["case_id"].to_list() == ["judo|new", "judo|asked", "judo|nobody"]


@pytest.mark.parametrize("providers", [1, 2, 300])
def test_the_model_list_is_not_one_provider_and_the_short_way_finds_the_same(providers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    n = 600
    units = pl.DataFrame({
        "case_id": [f"judo|u{i:03d}" for i in range(n)], "unit_id": [f"u{i:03d}" for i in range(n)], "insurer_no": ["00110015", "00110023"] * (n // 2),
        # the first provider holds the highest scores
        "provider_id": [None if i % 50 == 7 else f"p{0 if i > 300 else i % providers}" for i in range(n)], "anomaly_score": [float(i) for i in range(n)],
    })
    quota = pl.DataFrame({"insurer_no": ["00110015", "00110023"], "n_model": [8, 0]})
    chosen = most_unusual_units(units, quota, PRIORS.lists)
    assert chosen["insurer_no"].unique().to_list() == ["00110015"]
    assert chosen["provider_id"].drop_nulls().value_counts()["count"].max() <= 2
    assert chosen["place"].to_list() == list(range(len(chosen)))
    assert chosen["anomaly_score"].is_sorted(descending=True)
    monkeypatch.setattr("models.lists_fill._AMONG", 10**6)
    assert most_unusual_units(units, quota, PRIORS.lists).equals(chosen)
