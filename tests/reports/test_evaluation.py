"""`evaluate` and `fairness` on small homes: tables stored, a month ranked, labels beside it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.cases import build_cases
from audit.cli import main
from audit.errors import UsageError
from audit.reports.evaluation import pairs
from audit.runs import find_run
from audit.tables import ALL, FINDINGS
from audit.view import StoredView
from models.monthly import features_of_month
from models.ranking import make_ranking
from models.store import save_teams
from models.team_model import fit_team
from tests.models.small_town import INSURERS, MONTH, tables


def make_home(home: Path, seed: int) -> Path:
    """Store a month, rank it, leave run and labels; return the run folder."""
    held = tables(persons=150, seed=seed, lines=2)
    who = held["judo_claims"]["person_id"].drop_nulls().unique().sort()
    held["eligibility"] = ALL["eligibility"].conform(pl.DataFrame({
        "insurer_no": who.str.slice(0, 8), "person_id": who, "addressee_no": who.str.slice(9), "sex": ["1", "2"] * (len(who) // 2) + ["1"] * (len(who) % 2),
        "birth_date": [date(1950 + i % 50, 1, 1) for i in range(len(who))], "gained_on": [date(2020, 1, 1)] * len(who),
    }))
    for name, frame in held.items():
        for insurer in INSURERS if "insurer_no" in frame.columns else ("_all",):
            part = frame.filter(pl.col("insurer_no") == insurer) if insurer != "_all" else frame
            folder = home / "tables" / name / (f"insurer={insurer}/month={MONTH:%Y-%m}" if insurer != "_all" else "")
            folder.mkdir(parents=True, exist_ok=True)
            part.write_parquet(folder / "part.parquet")
    claims = held["judo_claims"].filter(pl.col("person_id").is_not_null()).sort("claim_id")
    found = claims.gather_every(3)
    findings = FINDINGS.conform(found.select(
        pl.concat_str(pl.lit("JD14|"), "claim_id").alias("finding_id"), pl.lit("JD14").alias("rule_id"), pl.lit(1).alias("rule_version"), pl.lit("suspicion").alias("severity"),
        pl.lit("judo").alias("team"), "insurer_no", "person_id", pl.col("clinic_id").alias("provider_id"), pl.lit(f"{MONTH:%Y-%m}").alias("service_month"),
        pl.concat_list("claim_id").alias("claim_ids"), pl.col("claim_id").alias("stake_claim_id"), pl.col("claim_id").alias("stake_unit"),
        pl.col("insurer_yen").alias("stake_cap_yen"), pl.col("insurer_yen").alias("at_stake_yen"), pl.lit("{}").alias("evidence"),
    ))
    features = features_of_month(StoredView(home / "tables", MONTH))
    models = {"judo": fit_team("judo", features["judo"], seed=seed)}
    ranked = make_ranking(build_cases(findings), features, models, month=f"{MONTH:%Y-%m}", seed=seed, capacity_hours={"judo": 4.0})
    run = home / "runs" / f"{MONTH:%Y-%m}-{seed:08d}"
    run.mkdir(parents=True)
    save_teams(models, run / "model")
    ranked.cases.write_parquet(run / "cases.parquet")
    findings.write_parquet(run / "findings.parquet")
    (run / "manifest.json").write_text(json.dumps({"month": f"{MONTH:%Y-%m}", "inputs": [{"sha256": f"{seed}"}]}))
    planted = claims.gather_every(6)
    planted.select(
        pl.concat_str(pl.lit("p"), "claim_id").alias("plant_id"), pl.lit("JD14").alias("catalogue_id"), pl.lit(value=False).alias("is_decoy"), "insurer_no", "person_id",
        pl.col("clinic_id").alias("provider_id"), pl.lit(f"{MONTH:%Y-%m}").alias("service_month"), pl.concat_list("claim_id").alias("claim_ids"),
        pl.col("insurer_yen").cast(pl.Int64).alias("expected_yen"),
    ).write_parquet(home / "labels.parquet")
    return run


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("homes")
    for name, seed in (("a", 1), ("b", 2)):
        make_home(folder / name, seed)
    return folder


def test_one_run_is_shown_without_an_interval_and_the_page_says_what_it_is_not(homes, tmp_path, capsys):
    run = next((homes / "a" / "runs").iterdir())
    page = tmp_path / "evaluation.html"
    assert main(["evaluate", run.name, str(homes / "a" / "labels.parquet"), "--home", str(homes / "a"), "--html", str(page)]) == 0
    told, html = capsys.readouterr().out, page.read_text(encoding="utf-8")
    for text in (told, html):
        assert "実際の自治体" in text
        assert "IsolationForestのみ" in text
        assert "不正" not in text
        assert not any(f"{insurer}-" in text for insurer in INSURERS)  # nobody's number
    assert "～" not in told.split("■ 並べ方の比較")[1].split("■")[0]
    assert html.count("<svg") == 3
    assert "公平性" in html
    assert "src=" not in html
    assert "href=\"http" not in html


def test_a_folder_of_homes_gives_intervals(homes, capsys):
    assert main(["evaluate", str(homes)]) == 0
    told = capsys.readouterr().out
    assert "架空の町 2" in told
    assert "～" in told.split("■ 並べ方の比較")[1].split("■")[0]


def test_fairness_by_labels_and_by_nothing_decided(homes, tmp_path, capsys):
    run = next((homes / "a" / "runs").iterdir())
    assert main(["fairness", str(run), "--labels", str(homes / "a" / "labels.parquet"), "--html", str(tmp_path / "f.html")]) == 0
    assert "誤警報率" in capsys.readouterr().out
    assert "仮定値" in (tmp_path / "f.html").read_text(encoding="utf-8")
    assert main(["fairness", str(run)]) != 0
    assert "no case of this run is decided" in capsys.readouterr().err


def test_what_is_not_there_is_said(homes, tmp_path):
    run = next((homes / "a" / "runs").iterdir())
    for given, words in (([tmp_path], "no run with labels"), ([run, homes / "nope"], "no labels"), ([run, homes / "a" / "labels.parquet", run], "a run without labels")):
        with pytest.raises(UsageError, match=words):
            pairs(given, homes)
    with pytest.raises(UsageError, match="no run"):
        find_run(Path("nope"), homes)
    assert find_run(Path(run.name), run.parent) == run.parent / run.name


def test_a_run_away_from_its_home_is_refused(homes, tmp_path, capsys):
    run = next((homes / "a" / "runs").iterdir())
    away = tmp_path / "x" / "y" / run.name
    away.parent.mkdir(parents=True)
    away.symlink_to(run)
    assert main(["evaluate", str(away), str(homes / "a" / "labels.parquet")]) != 0
    assert "not in its home folder" in capsys.readouterr().err
