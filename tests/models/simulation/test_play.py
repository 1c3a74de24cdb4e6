"""A small slice of the simulation: a made-up town of two teams, half a year, all policies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audit.errors import ModelError
from audit.tables import CASES, FINDINGS
from models.priors import load_priors
from models.simulation.figures import answers, curves, half_way, ratio_of_means
from models.simulation.month import Town, see_town
from models.simulation.office import day_of, luck_of, review
from models.simulation.page import CAVEAT, as_html, as_text, state
from models.simulation.play import play, priors_of, rates
from models.simulation.runner import run_seeds
from models.simulation.settings import Settings, load_settings
from models.simulation.towns import FINDING, PLANT, UNITS
from models.uphold import Uphold

SETTINGS: Settings = replace(
    load_settings(), months=6, reviews=60, new_type_month=4, new_type_cases=3, persons=0.9, settled=(4, 6), steady=(6, 6), first_month="2026-01", delays=(1, 2),
)
# rule -> (team, severity, share that is true, yen); RC06 is the type that comes late
KINDS = {"RC01": ("review", "error", 1.0, 3000), "RC04": ("review", "suspicion", 0.1, 9000), "JD14": ("judo", "suspicion", 0.5, 6000), "JD16": ("judo", "suspicion", 0.0, 8000)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A town of a few hundred findings a month; its plants are the true ones."""
    out, rng = tmp_path_factory.mktemp("town"), np.random.default_rng(5)
    plants = []
    for m in range(1, 7):
        month, rows = f"2026-{m:02d}", []
        for rule, (team, severity, true, yen) in KINDS.items():
            for k in range(40):
                claim, person = f"med:{month}:{rule}:{k}", f"00110015-{int(rng.integers(5000))}"
                rows.append({
                    "finding_id": f"{rule}|{claim}", "rule_id": rule, "severity": severity, "team": team, "insurer_no": "00110015", "person_id": person,
                    "provider_id": f"p{k % 9}", "service_month": month, "claim_ids": [claim], "stake_claim_id": claim, "stake_unit": claim, "stake_cap_yen": 10**6,
                    "at_stake_yen": yen + 10 * k,
                })
                if k < 40 * true:
                    plants.append({"plant_id": claim, "catalogue_id": rule, "person_id": person, "provider_id": f"p{k % 9}", "service_month": month, "claim_ids": [claim], "expected_yen": yen})
        FINDINGS.conform(pl.DataFrame(rows, schema_overrides={c: FINDINGS.schema[c] for c in FINDING})).select(FINDING).write_parquet(out / f"findings-{month}.parquet")
        pl.DataFrame(schema=UNITS).write_parquet(out / f"units-{month}.parquet")
    pl.DataFrame(plants).select(PLANT).write_parquet(out / "plants.parquet")
    return out


@pytest.fixture(scope="module")
def town(folder: Path) -> Town:
    return see_town(folder, SETTINGS, load_priors(), np.random.default_rng(1))


@pytest.fixture(scope="module")
def plays(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    return run_seeds(folder, [1, 2], SETTINGS, load_priors(), tmp_path_factory.mktemp("kept"))


def test_the_new_type_is_found_from_its_month_on(town: Town) -> None:
    assert town.new_rule in ("RC01", "RC04", "JD14")  # those with enough true cases
    for month in town.months:
        rules = set(month.cases["rule_ids"].explode())
        assert (town.new_rule in rules) == (month.number >= SETTINGS.new_type_month)
        assert month.numbers["case_id"].to_list() == month.cases["case_id"].to_list()


def test_the_truth_is_what_was_planted(town: Town, folder: Path) -> None:
    plants = set(pl.read_parquet(folder / "plants.parquet")["plant_id"])
    month = town.months[-1]
    claims = month.cases.select("case_id", claim="claim_ids").explode("claim")
    true = claims.filter(pl.col("claim").is_in(sorted(plants)))["case_id"].unique()
    assert set(month.truth["case_id"]) == set(true)


def test_reviewers_are_wrong_as_often_as_said_and_alike_under_every_policy(town: Town) -> None:
    month = town.months[0]
    listed = month.cases.with_columns(selection=pl.lit("rule"), inclusion_probability=pl.lit(1.0))
    told = review(listed, month, SETTINGS, 3)
    true = told["case_id"].is_in(month.truth["case_id"].implode())
    wrong = ((told["decision"] == "upheld") != true).mean()
    assert wrong == pytest.approx(SETTINGS.wrong, abs=0.07)
    assert wrong == (luck_of(month, 3)["slip"] < SETTINGS.wrong).mean()
    some = review(listed.head(20), month, SETTINGS, 3)
    assert some.equals(told.join(some.select("case_id"), on="case_id", how="semi"))
    months_late = (told["processed_on"].dt.year() * 12 + told["processed_on"].dt.month()) - (day_of(month.name).year * 12 + day_of(month.name).month)
    assert set(months_late) == set(SETTINGS.delays)


def test_nothing_is_learnt_before_it_is_known(plays: pl.DataFrame) -> None:
    first = plays.filter(pl.col("month") <= min(SETTINGS.delays), pl.col("policy") != "learning")
    assert first["rung"].unique().to_list() == ["prior"]
    by = {p: first.filter(pl.col("policy") == p).drop("policy") for p in ("greedy", "fixed")}
    assert by["greedy"].equals(by["fixed"])  # the same lists as long as nothing is known
    assert plays.filter(pl.col("policy") == "fixed")["rung"].unique().to_list() == ["prior"]
    assert set(plays.filter(pl.col("policy") == "greedy", pl.col("month") > min(SETTINGS.delays))["rung"]) <= {"rates", "model"}


def test_only_the_learning_policy_explores(plays: pl.DataFrame) -> None:
    explored = dict(plays.group_by("policy").agg(pl.col("explored").sum()).iter_rows())
    assert explored["learning"] > 0
    assert (explored["greedy"], explored["fixed"]) == (0, 0)


def test_a_play_is_the_same_again_and_goes_on_where_it_stopped(folder: Path, town: Town, plays: pl.DataFrame, tmp_path: Path) -> None:
    policy = SETTINGS.policies["learning"]
    again = play(town, policy, load_priors(), SETTINGS, 1)
    assert again.equals(plays.filter(pl.col("seed") == 1, pl.col("policy") == "learning").select(again.columns))
    plays.filter(pl.col("seed") == 2).write_parquet(tmp_path / "2.parquet")
    assert run_seeds(folder, [2], SETTINGS, load_priors(), tmp_path).equals(plays.filter(pl.col("seed") == 2))


def test_the_list_is_true_to_its_hours(plays: pl.DataFrame) -> None:
    plans = load_priors().teams
    hours = sum(SETTINGS.reviews / len(plans) * p.minutes for p in plans.values())
    assert (plays["minutes"] <= hours).all()
    assert (plays["hits"] <= plays["reviews"]).all()
    assert (plays["new_found"] <= plays["new_cases"]).all()


def test_the_new_type_starts_with_the_default_of_its_severity(town: Town) -> None:
    priors = load_priors()
    assert priors_of(priors, SETTINGS.policies["learning"], town).rules[town.new_rule].rate == priors.default[town.new_severity].rate
    assert rates(Uphold("prior", "", priors), town.months[0]) is priors


def test_figures_and_page(plays: pl.DataFrame) -> None:
    found, table = answers(plays, SETTINGS), curves(plays)
    per_seed = plays.filter(pl.col("month").is_between(4, 6)).group_by("seed", "policy").agg(p=pl.col("hits").sum() / pl.col("reviews").sum()).pivot("policy", index="seed", values="p")
    assert found["gain"]["mean"] == pytest.approx((per_seed["learning"] - per_seed["fixed"]).mean())
    assert found["gain"]["n"] == 2
    assert half_way(table, SETTINGS, "learning") in (None, 0, 1, 2)
    page = as_html(found, table, plays, SETTINGS, "reporting")
    assert CAVEAT in page
    assert page.count("<svg") == 3
    assert "http" not in page.replace("http://www.w3.org", "")
    assert CAVEAT in as_text(found, table, SETTINGS)
    assert as_html(found, table, plays, SETTINGS, "reporting") == page


def test_what_was_tried_is_said_only_where_a_goal_is_missed(plays: pl.DataFrame) -> None:
    found, table = answers(plays, SETTINGS), curves(plays)
    for gain, said in ((0.2, False), (0.05, True)):
        page = as_html(found | {"gain": {"mean": gain, "low": gain, "high": gain, "n": 2}}, table, plays, SETTINGS, "reporting")
        assert (SETTINGS.tried["gain"].split("、")[0] in page) == said


def test_a_ratio_of_means_has_an_interval_over_seeds() -> None:
    each = pl.DataFrame({"seed": range(4), "value": [0.0, 0.2, 0.4, 0.6], "other": [0.0, 0.4, 0.4, 0.8]})
    told = ratio_of_means(each)
    assert told["mean"] == pytest.approx(0.75)
    assert told["low"] < 0.75 < told["high"]
    assert ratio_of_means(each.with_columns(other=pl.lit(0.0)))["mean"] is None


def test_a_goal_counts_as_reached_only_with_its_whole_interval() -> None:
    assert state("cost", {"mean": 0.01, "low": -0.02, "high": 0.04, "n": 9}) == ("reached", "達成")
    assert state("cost", {"mean": 0.01, "low": -0.02, "high": 0.06, "n": 9})[0] == "mean_only"
    assert state("gain", {"mean": 0.2, "low": 0.1, "high": 0.3, "n": 9})[0] == "mean_only"
    assert state("gain", {"mean": 0.1, "low": 0.1, "high": 0.3, "n": 9})[0] == "missed"


def test_half_way_is_counted_from_the_month_of_appearance() -> None:
    table = pl.DataFrame({"figure": "new_rate", "policy": "learning", "month": [4, 5, 6], "mean": [0.1, 0.4, 0.6]})
    assert half_way(table, SETTINGS, "learning") == 1
    assert half_way(table.with_columns(mean=pl.lit(0.0)), SETTINGS, "learning") is None


@pytest.mark.parametrize(("old", "new", "message"), [("wrong: 0.10", "wrong: 0.7", "out of bounds: wrong"), ("months: 18", "month: 18", "unknown key: month"), ("explores: true", "explore: true", "unknown key in policies.learning")])
def test_wrong_settings_are_refused_in_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    import models.simulation.settings as module

    text = (Path(module.__file__).parent / "settings.yaml").read_text(encoding="utf-8")
    file = tmp_path / "settings.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        load_settings(file)


def test_tuning_and_reporting_share_neither_town_nor_seeds() -> None:
    settings = load_settings()
    assert settings.tuning.town != settings.reporting.town
    assert set(range(settings.tuning.seeds[0], settings.tuning.seeds[1] + 1)).isdisjoint(range(settings.reporting.seeds[0], settings.reporting.seeds[1] + 1))
    assert set(CASES.schema) >= {"group_id", "held_back", "listed_before"}
