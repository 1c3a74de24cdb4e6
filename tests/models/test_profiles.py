"""Cases on a clinic as a whole (JC01) are compared with clinics, never with persons; clinics are on no list by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import polars as pl
import pytest

from audit.tables import ALL, CASES
from models.features import build_features
from models.features.clinic import clinic_units
from models.forest import fit_forest
from models.priors import load_priors
from models.ranking import Ranking, make_ranking
from models.reasons import reason_text_ja
from models.spec import PROFILES, features_of, labels
from models.team_model import TeamModel, fit_teams
from models.uphold_features import of_cases, of_month
from tests.models.small_town import INSURERS, MONTH, tables

ODD = "協1100000099"


def town() -> dict[str, pl.DataFrame]:
    """Random clinics, and one of 30 people who all come on 20 days for three parts."""
    held = tables(persons=1_500, judo=0.6)
    n = 30
    odd = ALL["judo_claims"].conform(pl.DataFrame({
        "insurer_no": [INSURERS[0]] * n, "claim_id": [f"judo:odd{i}" for i in range(n)], "version_no": [0] * n, "is_current": [True] * n, "service_month": [MONTH] * n,
        "clinic_id": [ODD] * n, "person_id": [f"{INSURERS[0]}-odd{i}" for i in range(n)], "part_count": [3] * n, "actual_days": [20] * n, "total_yen": [30_000] * n,
        "insurer_yen": [21_000] * n, "first_exam_on": [MONTH.replace(month=1)] * n,
    }))
    return held | {"judo_claims": pl.concat([held["judo_claims"], odd])}


@pytest.fixture(scope="module")
def features() -> dict[str, pl.DataFrame]:
    return build_features(town(), MONTH)


@pytest.fixture(scope="module")
def models(features: dict[str, pl.DataFrame]) -> Iterator[dict[str, TeamModel]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.team_model.fit_forest", partial(fit_forest, trees=30))
        yield fit_teams({k: features[k] for k in ("judo", "judo_clinic")})


def on_clinic(units: pl.DataFrame) -> pl.DataFrame:
    """JC01 cases on these clinics, as audit.cases makes them: no person, no claims."""
    return CASES.conform(units.select(
        pl.format("judo|{}", "unit_id").alias("case_id"), pl.lit("judo").alias("team"), "insurer_no", "provider_id", "service_month", pl.lit(["JC01"]).alias("rule_ids"),
        pl.concat_list(pl.format("JC01|{}", "unit_id")).alias("finding_ids"), pl.lit([], dtype=pl.List(pl.String)).alias("claim_ids"),
        pl.lit("suspicion").alias("severity"), pl.lit(90_000).alias("at_stake_yen"),
    ))


@pytest.fixture(scope="module")
def ranking(features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> Ranking:
    return make_ranking(on_clinic(features["judo_clinic"]), features, models, month="2025-06", seed=1, capacity_hours={"judo": 20.0})


def test_a_clinic_by_hand() -> None:
    n = 12
    units = pl.DataFrame({
        "insurer_no": ["i"] * n, "service_month": ["2025-06"] * n, "clinic_id": ["契1"] * n, "claim_ids": [[f"c{k:02d}"] for k in range(n)], "stake_yen": [100] * n,
        "parts": [3, 3, 3] + [2] * 9, "visit_days": [10] * 6 + [4] * 6, "first_exam_on": [MONTH.replace(month=3, day=1)] * 3 + [MONTH.replace(month=3, day=16)] * 9,
        "months_since_first_exam": [3] * n, "yen_per_month": [6000] * n, "yen_per_visit": [600.0] * 6 + [1500.0] * 6, "same_day_injury_share": [1.0] * 9 + [None] * 3,
        "clinic_same_parts_share": [0.5] * n, "months_treated_12m": [4] * n, "clinics_of_person": [2, 1] * 6,
    })
    [one] = clinic_units(units).to_dicts()
    assert (one["unit_id"], one["person_id"], one["provider_id"], one["peer_group"]) == ("i|2025-06|-|契1", None, "契1", "clinic|契|S")
    assert (one["stake_yen"], one["claim_ids"]) == (1200, [f"c{k:02d}" for k in range(n)])
    assert (one["multi_part_share"], one["frequent_share"], one["other_clinic_share"]) == (0.25, 0.5, 0.5)
    # the fourth month by 備考4 is June only for an examination before the 16th
    assert one["long_share"] == 0.25
    assert (one["mean_visits"], one["mean_yen"], one["mean_yen_per_visit"], one["same_parts_mean"]) == (7, 6000, 1050, 0.5)
    assert one["same_day_all_share"] is None  # nine of the forms say something: too few


def test_few_people_say_nothing(features: dict[str, pl.DataFrame]) -> None:
    small = features["judo_clinic"].join(features["judo"].group_by(provider_id="provider_id", insurer_no="insurer_no").len(), on=["provider_id", "insurer_no"]).filter(pl.col("len") < 10)
    assert small.height > 5
    assert all(small[f.name].null_count() == small.height for f in features_of("judo_clinic"))


def test_a_case_on_a_clinic_has_scores_and_reasons_of_clinics(ranking: Ranking, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    units, model = features["judo_clinic"], models["judo_clinic"]
    scored = units.select(pl.format("judo|{}", "unit_id").alias("case_id"), tail=pl.Series(model.tail.score(units)), forest=pl.Series(model.forest.score(units)))
    cases = ranking.cases.filter(pl.col("rule_ids").list.contains("JC01")).join(scored, on="case_id", how="left", validate="1:1")
    assert cases.height == units.height
    assert (cases["anomaly_score"] == cases["tail"]).all()
    assert (cases["forest_score"] == cases["forest"]).all()
    top = cases.sort("anomaly_score", descending=True).head(1)
    assert top["provider_id"].to_list() == [ODD]
    assert set(top["reasons"].explode().struct.field("feature")) <= {f.name for f in features_of("judo_clinic")}
    text = top.select(reason_text_ja("judo")).item()
    assert "頻回の方の割合 100%（" in text or "1人当たりの施術日数 20.0日（" in text


def test_clinics_are_drawn_for_no_list(ranking: Ranking, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    keys = ("judo|" + features["judo_clinic"]["unit_id"]).implode()
    none = make_ranking(CASES.empty(), features, models, month="2025-06", seed=1, capacity_hours={"judo": 20.0})
    assert none.cases.height > 0
    assert none.cases.filter(pl.col("case_id").is_in(keys)).is_empty()
    assert none.control.filter(pl.col("case_id").is_in(keys)).is_empty()
    # and a case on a clinic takes none of its people off the lists
    assert ranking.cases.filter(pl.col("selection") == "model")["case_id"].to_list() == none.cases.filter(pl.col("selection") == "model")["case_id"].to_list()


def test_without_a_fitted_profile_a_clinics_case_stays_without_a_score(features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    cases = make_ranking(on_clinic(features["judo_clinic"]), features, {"judo": models["judo"]}, month="2025-06", capacity_hours={"judo": 20.0}).cases
    assert cases.filter(pl.col("rule_ids").list.contains("JC01"))["anomaly_score"].null_count() == features["judo_clinic"].height


def test_what_is_learnt_of_clinics_is_what_was_stored_of_them(ranking: Ranking, features: dict[str, pl.DataFrame], models: dict[str, TeamModel]) -> None:
    """A model of outcomes sees a clinic's numbers as a clinic's, the same in the month and read back from the run."""
    cases = ranking.cases.filter(pl.col("finding_ids").list.len() > 0).sort("case_id")
    now, later = of_month(cases, features, models, load_priors()), of_cases(cases, load_priors())
    assert now.equals(later)
    odd = now.filter(pl.col("case_id").str.ends_with(ODD))
    assert odd["clinic/score"].item() > 1
    assert odd["judo/score"].item() == 0


def test_names_of_a_profile_are_not_those_of_the_team() -> None:
    for team, profile in PROFILES.items():
        assert {f.name for f in features_of(team)} & {f.name for f in features_of(profile)} == set()
        assert all(labels()[f"{team}/{f.name}"] == f for f in features_of(profile))
