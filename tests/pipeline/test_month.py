"""The whole path on a small town: the account, the outputs' contracts, the same bytes whatever the order or threads."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from audit import pipeline
from audit.pipeline import RunSpec, run_month
from audit.pipeline.past import past_of
from audit.tables import CASES, FINDINGS, NOT_EVALUATED, QUARANTINE
from audit.tables.ledger import OUTCOMES
from synthetic.config import load_yaml
from tests.town import copy_of, generate

SAME_BYTES = ("findings.parquet", "cases.parquet", "not_evaluated.parquet", "quarantine.parquet")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("town"), "--judo-history", "12")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def runs(town, home):
    """Run every delivery of the town in order; return the run folders by month."""
    return {d.name: run_month(RunSpec(d, d.name, home)) for d in sorted((town / "delivery").iterdir())}


@pytest.fixture(scope="module")
def run(runs):
    return runs["2026-10"]


def test_rows_in_are_rows_in_tables_plus_quarantine(runs):
    for run in runs.values():
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        rows = manifest["rows"]
        assert rows["rows_in"] == rows["rows_in_tables"] + rows["rows_in_quarantine"]
        assert rows["rows_in_quarantine"] == pl.read_parquet(run / "quarantine.parquet")["rows"].sum()
        assert rows["rows_in"] == sum(i["rows_in"] for i in manifest["inputs"])
        assert all(len(i["sha256"]) == 64 for i in manifest["inputs"])


def test_outputs_have_the_contract_columns(run):
    for name, table in (("findings", FINDINGS), ("cases", CASES), ("not_evaluated", NOT_EVALUATED), ("quarantine", QUARANTINE)):
        assert pl.read_parquet(run / f"{name}.parquet").schema == pl.Schema(table.schema)


def test_dirt_lands_in_quarantine_with_its_place_and_reason(runs):
    refused = pl.concat([pl.read_parquet(r / "quarantine.parquet") for r in runs.values()])
    assert refused.height > 0
    assert refused.select(pl.all_horizontal(pl.col("file", "reason", "reason_ja").is_not_null())).to_series().all()
    assert refused["line"].drop_nulls().min() >= 1


def test_cases_are_unions_never_sums(run):
    cases, findings = pl.read_parquet(run / "cases.parquet"), pl.read_parquet(run / "findings.parquet")
    several = cases.filter(pl.col("finding_ids").list.len() > 1)
    assert several.height > 0
    sums = (
        several.select("case_id", "at_stake_yen", finding_id="finding_ids").explode("finding_id", empty_as_null=False, keep_nulls=False)
        .join(findings.select("finding_id", yen="at_stake_yen"), on="finding_id").group_by("case_id").agg(pl.col("at_stake_yen").first(), pl.col("yen").sum(), most=pl.col("yen").max())
    )
    assert (sums["at_stake_yen"] <= sums["yen"]).all()
    assert (sums["at_stake_yen"] < sums["yen"]).any()


def test_every_finding_is_in_one_case(run):
    cases, findings = pl.read_parquet(run / "cases.parquet"), pl.read_parquet(run / "findings.parquet")
    held = cases.explode("finding_ids", empty_as_null=False, keep_nulls=False)["finding_ids"]
    assert sorted(held) == sorted(findings["finding_id"])


def _whole(provider: str, month: str) -> pl.Expr:
    return pl.concat_str([provider, month], separator="|")


def plants(town, runs) -> pl.DataFrame:
    """Return one row per plant and decoy of the run months: was it found, and as an error?"""
    findings = pl.concat([pl.read_parquet(r / "findings.parquet") for r in runs.values()])
    found = findings.select("provider_id", "service_month", catalogue_id="rule_id", claim_id="claim_ids", error=pl.col("severity") == "error")
    # what concerns a provider as a whole names no claim: its plants are found by provider and month
    whole = found.filter(pl.col("claim_id").list.len() == 0).with_columns(claim_id=_whole("provider_id", "service_month"))
    found = pl.concat([found.explode("claim_id", empty_as_null=False, keep_nulls=False), whole]).group_by("catalogue_id", "claim_id").agg(pl.col("error").any())
    labels = pl.read_parquet(town / "labels.parquet").filter(pl.col("service_month").is_in(list(runs)))
    own = pl.when(pl.col("person_id").is_null()).then(pl.concat_list(_whole("provider_id", "service_month"))).otherwise("claim_ids")
    claims = labels.with_columns(claim_ids=own).explode("claim_ids", empty_as_null=False, keep_nulls=False)
    joined = claims.join(found, left_on=["catalogue_id", "claim_ids"], right_on=["catalogue_id", "claim_id"], how="left")
    return joined.group_by("plant_id", "plant_type", "catalogue_id", "is_decoy", "severity").agg(found=pl.col("error").is_not_null().any(), error=pl.col("error").fill_null(False).any())


def test_planted_errors_are_found_and_decoys_of_errors_are_not(town, runs):
    rows = plants(town, runs)
    planted = rows.filter(~pl.col("is_decoy"))
    kinds = load_yaml("plants.yaml")["kinds"]
    assert set(planted["catalogue_id"]) == {spec.get("catalogue", kind) for kind, spec in kinds.items() if spec.get("from", "") <= max(runs)}
    for severity, column, least in (("error", "error", 0.98), ("suspicion", "found", 0.90)):
        recall = planted.filter(pl.col("severity") == severity).group_by("plant_type").agg(pl.col(column).mean().alias("recall"), pl.len())
        assert recall.filter(pl.col("recall") < least).is_empty(), recall.filter(pl.col("recall") < least)
    decoys = rows.filter(pl.col("is_decoy"))
    assert decoys.height > 100
    assert decoys.filter((pl.col("severity") == "error") & pl.col("found")).is_empty()
    assert decoys.filter(pl.col("found")).height <= 0.05 * decoys.height


def test_random_arm_has_known_probabilities(run):
    drawn = pl.read_parquet(run / "cases.parquet").filter(pl.col("selection") == "random")
    assert drawn.height > 0
    assert drawn["inclusion_probability"].is_between(0, 1, closed="right").all()


def test_no_person_data_in_manifest_pages_and_checks(run, home):
    persons = pl.concat([pl.read_parquet(f) for f in (home / "tables" / "persons").rglob("*.parquet")])
    names = [n for n in persons["name"].drop_nulls().unique().sort().head(200) if len(n) > 2]
    assert len(names) > 50
    for page in ("manifest.json", "report.html", "gate/report.html", "gate/checks.json"):
        text = (run / page).read_text(encoding="utf-8")
        assert not [n for n in names if n in text], page


def digest(run: Path) -> dict[str, bytes]:
    files = [run / n for n in SAME_BYTES] + sorted((run / "worklists").iterdir())
    return {f.relative_to(run).as_posix(): f.read_bytes() for f in files}


def test_the_same_run_twice_gives_the_same_bytes(town, home, runs):
    before = digest(runs["2026-10"])
    again = run_month(RunSpec(town / "delivery" / "2026-10", "2026-10", home))
    assert again == runs["2026-10"]
    assert digest(again) == before


@pytest.mark.parametrize("threads", ["1", "2"])
def test_shuffled_files_and_threads_give_the_same_bytes(town, tmp_path, runs, threads):
    """A fresh process, the files under other names (so that they are read in another order), another number of threads."""
    code = "import sys; from pathlib import Path; from audit.pipeline import RunSpec, run_month\nfor d in sys.argv[2:]: run_month(RunSpec(Path(d), d[-7:], Path(sys.argv[1])))"
    deliveries = []
    for source in sorted((town / "delivery").iterdir()):
        copy = copy_of(source, tmp_path / "in" / source.name)
        settings = (copy / "delivery.toml").read_text(encoding="utf-8")
        for n, file in enumerate(sorted(p for p in copy.iterdir() if p.suffix != ".toml")):
            shuffled = f"{(n * 7 + 3) % 23:02d}_{file.name}"
            file.rename(copy / shuffled)
            settings = settings.replace(f'"{file.name}"', f'"{shuffled}"')
        (copy / "delivery.toml").write_text(settings, encoding="utf-8")
        deliveries.append(str(copy))
    home = tmp_path / "home"
    subprocess.run([sys.executable, "-c", code, str(home), *deliveries], check=True, env=os.environ | {"POLARS_MAX_THREADS": threads})
    there = next(p for p in (home / "runs").iterdir() if p.name.startswith("2026-10"))
    mine, other = digest(runs["2026-10"]), digest(there)
    run_ids = runs["2026-10"].name, there.name
    names = {n for n in mine if n.endswith(".csv") or n in ("findings.parquet", "cases.parquet", "not_evaluated.parquet")}
    assert run_ids[0] == run_ids[1]  # the id is of the bytes, not of the names
    assert {n for n in names if mine[n] != other[n]} == set()
    assert {n for n in mine if n.endswith(".xlsx") and mine[n] != other[n]} == set()


def _outcomes(run: Path, known_on: date, decision: str = "upheld") -> pl.DataFrame:
    listed = pl.read_parquet(run / "cases.parquet").filter(pl.col("rank").is_not_null()).sort("case_id").head(5)
    return OUTCOMES.conform(listed.select("case_id", "rule_ids", "selection", "inclusion_probability").with_columns(
        run_id=pl.lit(run.name), decision=pl.lit(decision), decided_on=known_on, processed_on=known_on,
    ))


def test_the_run_id_says_what_was_known_on_the_day(town, home, runs, monkeypatch):
    """A ledger that tells too much changes nothing: what is processed after the day of knowledge is not part of a run."""
    first, last = sorted(runs)[0], sorted(runs)[-1]
    day = RunSpec(town / "delivery" / last, last, home).day
    assert day == date(2026, 12, 12)
    before, after = _outcomes(runs[first], day), _outcomes(runs[first], day + timedelta(days=1), "dismissed")

    def run_id(told: pl.DataFrame, as_of: date | None = None) -> str:
        monkeypatch.setattr("audit.desk.outcomes", lambda _home, _day: told)
        work = pipeline.begin(RunSpec(town / "delivery" / last, last, home, as_of=as_of))
        past = past_of(work)
        assert past.as_of == (as_of or day)
        assert (past.outcomes["processed_on"] <= past.as_of).all()
        assert past.earlier["month"].max() < last
        assert past.earlier.filter(pl.col("case_id").is_in(past.outcomes["case_id"].implode()), pl.col("anomaly_score") > 0)["reasons"].list.len().gt(0).all()
        pipeline.discard(work)
        return work.name

    nothing, known = run_id(OUTCOMES.empty()), run_id(before)
    assert nothing == f".work-{runs[last].name}"
    assert known != nothing
    assert run_id(after) == nothing
    assert run_id(before.reverse()) == known
    assert run_id(after, day + timedelta(days=1)) not in (nothing, known)


@pytest.mark.slow
def test_a_list_does_not_change_by_what_is_processed_later(town, home, runs, monkeypatch):
    first, last = sorted(runs)[0], sorted(runs)[-1]
    day = RunSpec(town / "delivery" / last, last, home).day
    before = _outcomes(runs[first], day).head(3)
    after = _outcomes(runs[first], day + timedelta(days=1), "dismissed").tail(2)
    lists = []
    for told in (before, pl.concat([before, after])):
        monkeypatch.setattr("audit.desk.outcomes", lambda _home, _day, told=told: told)
        work = pipeline.judge_stored(home, last)
        lists.append((work / "cases.parquet").read_bytes())
        assert pipeline.counts_of(work, "rank")["uphold"]["decided"] == 3
    assert lists[0] == lists[1]
