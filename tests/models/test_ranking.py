from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise

import polars as pl
import pytest

from audit.tables import CASES
from models.features import build_features
from models.forest import fit_forest
from models.priors import Priors, load_priors
from models.ranking import Ranking, make_ranking, rank_cases
from models.team_model import TeamModel, fit_teams
from tests.models.small_town import INSURERS, MONTH, tables

HOURS = {"judo": 10.0, "review": 10.0, "care": 3.0, "health": 10.0, "third_party": 6.0, "eligibility": 2.0}
ALL_LIST = dict.fromkeys(HOURS, 1000.0)


def by_value_only() -> Priors:
    """The shipped priors without quotas for chance, the model and exploration."""
    priors = load_priors()
    plans = {t: replace(p, model_share=0.0, random_share=0.0, explore_share=0.0) for t, p in priors.teams.items()}
    return replace(priors, teams=plans)


def case(case_id: str, rules: list[str], stake: int, team: str = "judo", insurer: str = INSURERS[0], severity: str = "suspicion", **more: object) -> dict:
    return {
        "case_id": case_id, "team": team, "insurer_no": insurer, "person_id": f"{insurer}-1", "provider_id": "p", "service_month": "2025-06",
        "rule_ids": rules, "finding_ids": [f"{r}|{case_id}" for r in rules], "claim_ids": [f"x:{case_id}"], "severity": severity, "at_stake_yen": stake,
    } | more


def frame(*rows: dict) -> pl.DataFrame:
    return CASES.conform(pl.DataFrame(list(rows), schema_overrides=CASES.schema))


def of_units(units: pl.DataFrame, team: str, n: int, rules: list[str]) -> pl.DataFrame:
    """Cases on the n units with the most yen."""
    return CASES.conform(
        units.sort("stake_yen", "unit_id", descending=[True, False]).head(n).select(
            pl.format(team + "|{}", "unit_id").alias("case_id"), pl.lit(team).alias("team"), "insurer_no", "person_id", "provider_id", "service_month",
            pl.lit(rules).alias("rule_ids"), pl.lit(rules).alias("finding_ids"), "claim_ids", pl.lit("suspicion").alias("severity"),
            pl.col("stake_yen").alias("at_stake_yen"),
        )
    )


@pytest.fixture(scope="module")
def features() -> dict[str, pl.DataFrame]:
    return build_features(tables(persons=500), MONTH)


@pytest.fixture(scope="module")
def models(features: dict[str, pl.DataFrame]) -> Iterator[dict[str, TeamModel]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.team_model.fit_forest", partial(fit_forest, trees=30))
        yield fit_teams(features)


@pytest.fixture(scope="module")
def found(features: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([
        of_units(features["judo"], "judo", 60, ["JD14"]), of_units(features["health"], "health", 30, ["RX03"]).with_columns(at_stake_yen=pl.lit(0, dtype=pl.Int64)),
        of_units(features["care"], "care", 3, ["MC01"]), of_units(features["review"], "eligibility", 30, ["EL01"]),
        of_units(features["third_party"], "third_party", 10, ["TP02"]),
    ])


@pytest.fixture(scope="module")
def ranking(found: pl.DataFrame, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> Ranking:
    return make_ranking(found, features, models, month="2025-06", seed=5, capacity_hours=HOURS)


def test_every_case_is_kept_once_in_the_declared_shape(ranking: Ranking, found: pl.DataFrame) -> None:
    assert dict(ranking.cases.schema) == CASES.schema
    assert ranking.cases["case_id"].is_unique().all()
    assert set(found["case_id"]) <= set(ranking.cases["case_id"])
    new = ranking.cases.join(found, on="case_id", how="anti")
    assert set(new["selection"]) == {"model", "random"}
    assert new["rule_ids"].list.len().max() == 0
    for column in ("p_upheld", "expected_yen", "minutes", "selection", "inclusion_probability", "at_stake_yen"):
        assert ranking.cases[column].null_count() == 0, column


def test_ranks_count_from_one_in_every_list(ranking: Ranking) -> None:
    for part in ranking.cases.filter(pl.col("rank").is_not_null()).partition_by("team", "insurer_no"):
        assert part["rank"].to_list() == list(range(1, len(part) + 1))


def test_row_order_does_not_matter(ranking: Ranking, found: pl.DataFrame, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    def mix(f: pl.DataFrame) -> pl.DataFrame:
        return f.sample(fraction=1.0, shuffle=True, seed=11)

    again = make_ranking(mix(found), {t: mix(f) for t, f in features.items()}, models, month="2025-06", seed=5, capacity_hours=HOURS)
    assert again.cases.equals(ranking.cases)
    assert again.control.equals(ranking.control)


def test_another_seed_or_month_draws_others_and_changes_no_other_list(ranking: Ranking, found: pl.DataFrame, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    for month, seed in (("2025-06", 6), ("2025-07", 5)):
        other = make_ranking(found, features, models, month=month, seed=seed, capacity_hours=HOURS)
        assert not other.control["case_id"].equals(ranking.control["case_id"])

        def listed(r: Ranking, arm: str) -> list[str]:
            return r.cases.filter(pl.col("selection") == arm, pl.col("rank").is_not_null())["case_id"].to_list()

        assert listed(other, "model") == listed(ranking, "model")
        # by value, but for what chance took of either month
        chance = set(listed(other, "random") + listed(ranking, "random") + listed(other, "explore") + listed(ranking, "explore"))
        differ = set(listed(other, "rule")) ^ set(listed(ranking, "rule"))
        assert len(differ - chance) <= len(chance)


def test_hours_hold(ranking: Ranking) -> None:
    minutes = ranking.cases.filter(pl.col("rank").is_not_null()).group_by("team", "insurer_no").agg(pl.col("minutes").sum())
    for team, spent in zip(minutes["team"], minutes["minutes"], strict=True):
        assert spent <= HOURS[team] * 60
    assert ranking.cases.filter(pl.col("rank").is_null(), pl.col("selection") == "rule").height > 0


def test_the_list_takes_the_best_value_per_minute_first() -> None:
    cases = frame(
        case("judo|a", ["JD14"], 10_000), case("judo|b", ["JD17"], 10_000), case("judo|c", ["JD14", "JD15"], 10_000),
        case("judo|d", ["JD12"], 500_000), case("judo|e", ["JD12"], 0),
    )
    ranked = rank_cases(cases, {}, month="2025-06", capacity_hours=ALL_LIST, priors=by_value_only())
    by_rank = ranked.filter(pl.col("selection") == "rule").sort("rank")
    # d 500,000 x 0.05 / 20; b 10,000 x 0.35 / 20; c 10,000 x 0.12 / 24; a 10,000 x 0.08 / 20; e nothing
    assert by_rank["case_id"].to_list() == ["judo|d", "judo|b", "judo|c", "judo|a", "judo|e"]
    assert by_rank["expected_yen"].to_list() == [25000, 3500, 1200, 800, 0]
    assert by_rank["minutes"].to_list() == [20, 20, 24, 20, 20]


def test_rules_about_the_same_facts_are_not_added_up() -> None:
    [p] = rank_cases(frame(case("judo|c", ["JD12", "JD14", "JD15"], 1000)), {}, month="2025-06")["p_upheld"]
    assert p == load_priors().rules["JD15"].rate


def test_a_rule_without_a_prior_goes_by_severity() -> None:
    ranked = rank_cases(
        frame(case("judo|a", ["ZZ01"], 1000, severity="error"), case("judo|b", ["ZZ02"], 1000), case("judo|c", ["JD12", "ZZ03"], 1000)), {}, month="2025-06"
    ).sort("case_id")
    default = load_priors().default
    assert ranked["p_upheld"].to_list() == [default["error"].rate, default["suspicion"].rate, default["suspicion"].rate]


def test_advice_without_money_is_ranked_by_its_weight_and_reports_no_money() -> None:
    cases = frame(case("health|a", ["RX03"], 0, "health"), case("health|b", ["RX04"], 0, "health"), case("health|c", ["RX01"], 500, "health"))
    ranked = rank_cases(cases, {}, month="2025-06", capacity_hours=ALL_LIST, priors=by_value_only()).sort("rank")
    assert ranked["case_id"].to_list() == ["health|b", "health|c", "health|a"]
    assert ranked["expected_yen"].to_list() == [0, 50, 0]


def test_a_cheap_case_does_not_pass_a_better_one_that_no_longer_fits() -> None:
    many = [f"JD1{i}" for i in range(2, 8)]
    cases = frame(case("judo|a", ["JD17"], 90_000), case("judo|b", many, 80_000), case("judo|c", ["JD12"], 10))
    # 45 minutes: a 20; b needs 40 more
    ranked = rank_cases(cases, {}, month="2025-06", capacity_hours={"judo": 45 / 60}, priors=by_value_only())
    on = ranked.filter(pl.col("rank").is_not_null(), pl.col("selection") == "rule")
    assert on["case_id"].to_list() == ["judo|a"]


def test_model_cases_are_the_most_unusual_units_without_any_case(ranking: Ranking, found: pl.DataFrame, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    chosen = ranking.cases.filter(pl.col("selection") == "model", pl.col("team") == "judo", pl.col("insurer_no") == INSURERS[0])
    assert len(chosen) == int(10 * 60 * 0.05 / 20)
    units = features["judo"].filter(pl.col("insurer_no") == INSURERS[0])
    scored = units.with_columns(score=pl.Series(models["judo"].tail.score(units)))
    with_case = found.filter(pl.col("team") == "judo").select("claim_ids").explode("claim_ids")["claim_ids"].implode()
    free = scored.filter(~pl.col("claim_ids").list.eval(pl.element()).list.first().is_in(with_case))
    best = free.sort("score", "unit_id", descending=[True, False]).head(len(chosen))
    assert set(chosen["case_id"]) == set("judo|" + best["unit_id"])
    assert chosen["inclusion_probability"].unique().to_list() == [1.0]
    assert chosen["severity"].null_count() == len(chosen)


def test_the_control_sample_speaks_for_everything_that_may_be_looked_at(ranking: Ranking, features: dict[str, pl.DataFrame]) -> None:
    control = ranking.control.filter(pl.col("team") == "judo", pl.col("insurer_no") == INSURERS[0])
    listed = ranking.cases.filter(
        pl.col("rank").is_not_null(), pl.col("selection") != "random", pl.col("team") == "judo", pl.col("insurer_no") == INSURERS[0]
    )
    universe = control.select("stratum", "universe_n").unique()["universe_n"].sum()
    assert universe == features["judo"].filter(pl.col("insurer_no") == INSURERS[0]).height
    assert set(control.filter(pl.col("role") == "sample")["case_id"]).isdisjoint(listed["case_id"])
    drawn = ranking.cases.join(ranking.control.filter(pl.col("role") == "sample"), on="case_id")
    assert len(drawn) == (ranking.control["role"] == "sample").sum()
    assert drawn["selection"].unique().to_list() == ["random"]
    assert drawn["rank"].null_count() == 0
    assert (drawn["inclusion_probability"] == drawn["inclusion_probability_right"]).all()
    spares = ranking.cases.join(ranking.control.filter(pl.col("role") == "spare"), on="case_id")
    # a spare waits unlisted, unless another list has the case anyway
    assert (spares["rank"].is_null() == (spares["selection"] == "random")).all()


def test_a_case_below_capacity_can_be_drawn_and_keeps_its_findings(found: pl.DataFrame, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    no_time = {"judo": 1.0}
    drawn = [
        make_ranking(found, features, models, month="2025-06", seed=s, capacity_hours=no_time).cases.filter(
            pl.col("selection") == "random", pl.col("team") == "judo", pl.col("rule_ids").list.len() > 0)
        for s in range(6)
    ]
    cases = pl.concat(drawn)
    assert len(cases) > 0
    assert cases["finding_ids"].list.len().min() == 1


def test_the_arms_are_woven_evenly(ranking: Ranking) -> None:
    listed = ranking.cases.filter(pl.col("team") == "judo", pl.col("insurer_no") == INSURERS[0], pl.col("rank").is_not_null()).sort("rank")
    n = len(listed)
    for arm in ("model", "random"):
        places = listed.filter(pl.col("selection") == arm)["rank"]
        assert places.max() > n / 2 or len(places) == 1
        assert abs(places.mean() - n / 2) < n / 4
    rules = listed.filter(pl.col("selection") == "rule")
    value = (rules["expected_yen"] / rules["minutes"]).to_list()
    assert all(a >= b - 1 for a, b in pairwise(value))


def test_scores_and_reasons_add_up(ranking: Ranking) -> None:
    known = ranking.cases.filter(pl.col("anomaly_score").is_not_null())
    added = known["reasons"].list.eval(pl.element().struct.field("contribution")).list.sum()
    assert (added == known["anomaly_score"]).all()
    assert known["forest_score"].null_count() == 0
    assert set(known["team"]) == set(HOURS)


def test_a_unit_under_another_key_is_no_free_unit_and_the_case_takes_the_most_unusual(features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    units = features["judo"].filter(pl.col("insurer_no") == INSURERS[0])
    scored = units.with_columns(score=pl.Series(models["judo"].tail.score(units))).sort("score", "unit_id", descending=[True, False])
    claims = sorted(scored.head(20)["claim_ids"].explode().to_list())
    # one case of several clinics over the 20 most unusual units
    cases = frame(case(f"judo|{INSURERS[0]}|2025-06|someone|-", ["JD17"], 1000, claim_ids=claims, provider_id=None))
    ranked = rank_cases(cases, features, models, month="2025-06", capacity_hours=ALL_LIST, priors=by_value_only())
    [score] = ranked.filter(pl.col("selection") == "rule")["anomaly_score"]
    assert score == scored["score"][0]
    full = rank_cases(cases, features, models, month="2025-06", capacity_hours=ALL_LIST)
    others = full.filter(pl.col("rule_ids").list.len() == 0, pl.col("team") == "judo").explode("claim_ids")["claim_ids"]
    assert len(others) > 0
    assert set(others).isdisjoint(claims)


def test_claims_without_units_are_ranked_but_not_compared() -> None:
    ranked = rank_cases(frame(case("eligibility|a", ["EL01"], 9000, "eligibility", severity="error")), {}, month="2025-06")
    [row] = ranked.to_dicts()
    assert (row["anomaly_score"], row["forest_score"], row["reasons"], row["rank"]) == (None, None, [], 1)


def test_a_team_that_nobody_planned_for_keeps_its_cases() -> None:
    [row] = rank_cases(frame(case("other|a", ["ZZ"], 5, "other")), {}, month="2025-06").to_dicts()
    assert (row["selection"], row["rank"]) == ("rule", None)


def test_hours_can_be_set_for_one_insurer() -> None:
    cases = frame(*[case(f"judo|{i}|{k}", ["JD17"], 100 + k, insurer=i) for i in INSURERS for k in range(5)])
    ranked = rank_cases(cases, {}, month="2025-06", capacity_hours={"judo": 100.0, f"{INSURERS[1]}/judo": 0.0})
    on = ranked.filter(pl.col("rank").is_not_null())
    assert set(on["insurer_no"]) == {INSURERS[0]}


def test_no_cases_at_all_still_give_model_and_random_lists(features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    ranked = rank_cases(CASES.empty(), features, models, month="2025-06", capacity_hours=HOURS)
    assert set(ranked["selection"]) == {"model", "random"}


def test_no_cases_and_no_units_give_nothing() -> None:
    ranking = make_ranking(CASES.empty(), {}, month="2025-06")
    assert ranking.cases.is_empty()
    assert dict(ranking.cases.schema) == CASES.schema
    assert ranking.control.is_empty()


def test_quotas_follow_the_priors(found: pl.DataFrame, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    ranked = rank_cases(found, features, models, month="2025-06", priors=by_value_only())
    assert ranked["selection"].unique().to_list() == ["rule"]
    assert len(ranked) == len(found)
