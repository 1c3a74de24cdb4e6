"""Rules in shadow on a stored month: what they would have flagged, what is known of it, and a home folder left as it was."""

from datetime import date

import polars as pl
import pytest

from audit import desk, pipeline
from audit.errors import UsageError
from audit.reports.recovery.shadow import months_between, shadow, shadow_lines
from tests.reports.recovery.ledgers import ledger
from tests.town import generate

DAY, MONTH = date(2026, 12, 20), "2026-10"
RULES = ("JD01", "JD12")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shadow")
    town = generate(folder / "town", insured=1000, months=f"{MONTH}..{MONTH}")
    work = pipeline.begin(pipeline.RunSpec(town / "delivery" / MONTH, MONTH, folder / "home"))
    for step in (pipeline.intake, pipeline.link, pipeline.store):  # the gate takes longer than all of it
        step(work)
    pipeline.discard(work)
    return folder / "home"


def files(home):
    return {p: p.stat().st_mtime_ns for p in home.rglob("*") if p.is_file() and p.name != ".lock"}


def test_a_rule_in_shadow_tells_what_it_flags_and_leaves_nothing_behind(home, monkeypatch):
    before = files(home)
    rows = shadow(home, RULES, [MONTH], DAY)
    assert files(home) == before
    assert rows["rule_id"].to_list() == list(RULES)
    assert (rows["judged"] > 0).all()
    assert (rows["known"] == 0).all()
    flagged = rows.filter(pl.col("cases") > 0).row(0, named=True)
    assert flagged["findings"] >= flagged["cases"] > 0

    # the desk knows two of its cases, one upheld and paid
    work = pipeline.judge_stored(home, MONTH, rules=[flagged["rule_id"]], until="check")
    ids = pl.read_parquet(work / "found_cases.parquet")["case_id"].sort().to_list()[:2]
    assert sorted(p.name for p in work.glob("*.parquet")) == ["findings.parquet", "found_cases.parquet", "mitigated.parquet", "not_evaluated.parquet", "outcomes.parquet"]
    pipeline.discard(work)
    known = ledger(
        [{"case_id": i} for i in ids], [{"case_id": ids[0]}, {"case_id": ids[1], "decision": "dismissed"}],
        [{"case_id": ids[0], "result": "cut", "result_on": date(2026, 8, 1), "upheld_yen": 700}],
    )
    monkeypatch.setattr(desk, "ledger", lambda home, as_of: known)
    seen = shadow(home, [flagged["rule_id"]], [MONTH], DAY).row(0, named=True)
    assert (seen["cases"], seen["known"], seen["decided"], seen["upheld"], seen["upheld_yen"]) == (flagged["cases"], 2, 2, 1, 700)
    text = "\n".join(shadow_lines(pl.DataFrame([seen])))
    assert "認容 1（50%）・700円" in text
    assert "何も公開・保存していません" in text


def test_what_cannot_be_is_told(home):
    with pytest.raises(UsageError, match="no rule ZZ99"):
        shadow(home, ["JD01", "ZZ99"], [MONTH], DAY)
    with pytest.raises(UsageError, match="nothing is stored of 2025-01"):
        shadow(home, ["JD01"], ["2025-01"], DAY)
    with pytest.raises(UsageError, match="ends before it begins"):
        months_between("2026-09..2026-04")


def test_months_between():
    assert months_between("2025-11..2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months_between("2026-04") == ["2026-04"]
