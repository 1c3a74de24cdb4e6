"""`kokuho-audit recovery` and `rules shadow` as a user calls them."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from audit import desk
from audit.cli import main
from audit.home import write_json, write_parquet
from audit.reports.recovery import publish
from audit.tables import ALL


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder whose desk holds one published case."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    run = tmp_path / "home" / "runs" / "2026-04-x"
    case = {
        "case_id": "review|00119999|2026-04|p|q", "team": "review", "insurer_no": "00119999", "person_id": "00119999-1", "provider_id": "1110000000", "service_month": "2026-04",
        "rule_ids": ["RC01"], "finding_ids": ["f"], "claim_ids": ["med:00119999:1"], "severity": "error", "at_stake_yen": 5000, "p_upheld": 0.5, "expected_yen": 2500, "minutes": 10.0,
        "selection": "rule", "inclusion_probability": 1.0, "rank": 1,
    }
    schema = ALL["cases"].schema
    write_parquet(run / "cases.parquet", pl.DataFrame([{c: case.get(c) for c in schema}], schema=schema, orient="row"))
    write_json(run / "manifest.json", {"month": "2026-04", "run_id": "2026-04-x", "inputs": [], "rows": {"rows_in": 1}, "gate": {"status": "ok"}, "parameters_sha256": "0" * 64})
    assert desk.publish(tmp_path / "home", run, by="a", at=datetime(2026, 6, 12, tzinfo=UTC)) == 1
    return tmp_path / "home"


def test_the_report_is_written_from_the_desk(home, tmp_path, capsys):
    assert main(["recovery", "--home", str(home), "--as-of", "2026-06-30", "--out", str(tmp_path / "out")]) == 0
    told, names = capsys.readouterr().out, sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["recovery-2026-06-30.html", "recovery-2026-06-30.xlsx"]
    assert all(name in told for name in names)
    page = (tmp_path / "out" / names[0]).read_text(encoding="utf-8")
    assert "2026-04-x" in page
    assert "review|00119999" not in page


def test_the_public_report_is_remembered_in_the_home_folder(home, tmp_path, monkeypatch):
    assert publish.write_public(home, date(2026, 6, 30), out=tmp_path / "out")[0].name == "recovery-public-2026-06-30.html"
    assert [p.suffix for p in (home / "reports" / "public").iterdir()] == [".json"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["recovery", "--as-of", "2026-05-01"], "no published case"), (["recovery", "--as-of", "1.5.2026"], "is not a date"), (["recovery", "--from", "2026-13"], "is not a date"),
        (["recovery", "--as-of", "2026-06-30", "--from", "2025-01", "--to", "2025-02"], "no case of the months"), (["rules", "shadow", "RC01"], "needs rules and months"),
        (["rules", "shadow", "ZZ9", "--months", "2026-04"], "no rule ZZ9"), (["rules", "show"], "needs a rule"), (["rules", "show", "RC01", "ZZ9"], "no rule 'ZZ9'"),
    ],
)
def test_wrong_calls_are_one_line_and_code_2(home, capsys, arguments, told):
    assert main([*arguments, "--home", str(home)]) == 2
    error = capsys.readouterr().err.strip()
    assert told in error
    assert len(error.splitlines()) == 1
