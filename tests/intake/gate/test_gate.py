"""The gate as a whole: verdict, override, both files, no person's value in them, where Great Expectations is imported."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

import audit
from audit.errors import MonthError, ParameterError, UsageError
from audit.intake.gate import CHECKS, Boundary, GateResult, run_gate
from audit.tables import ALL
from tests.intake.gate.samples import N, history, sample_quarantine, sample_reads, sample_tables, spoilt


@pytest.fixture(autouse=True)
def _one_boundary(monkeypatch: pytest.MonkeyPatch, boundary: Boundary) -> None:
    """Spare the set-up of Great Expectations per test; the checks stay real."""
    monkeypatch.setattr("audit.intake.gate.Boundary", lambda: boundary)


def gate(out: Path, tables: dict[str, pl.DataFrame] | None = None, *, refused: int = 0, **options: object) -> GateResult:
    reads = sample_reads(rows_in_tables=1000 - refused, quarantined=refused)
    given = sample_tables() if tables is None else tables
    return run_gate(given, reads, sample_quarantine(refused), history(), "2026-09", out, **options)


def bad(rows: int) -> dict[str, pl.DataFrame]:
    tables = sample_tables()
    tables["claims"] = spoilt(tables["claims"], {"sex": "3"}, rows)
    return tables


def test_ok(tmp_path: Path) -> None:
    result = gate(tmp_path)
    assert (result.status, result.verdict_ja) == ("ok", "続行できます")
    assert result.report == tmp_path / "gate" / "report.html"
    assert result.checks.schema == CHECKS
    assert sorted(p.name for p in result.report.parent.iterdir()) == ["checks.json", "report.html"]


def test_warn(tmp_path: Path) -> None:
    result = gate(tmp_path, bad(1))
    assert (result.status, result.verdict_ja) == ("warn", "注意して続行")
    fired = result.checks.filter(pl.col("status") != "ok")
    assert fired.select("check_id", "insurer_no", "table", "subject", "status", "observed").rows() == [
        ("codes.sex", "11100100", "claims", "sex", "warn", "100 行のうち 1 行（1 %）"),
    ]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> GateResult:
    """Return the result of a delivery with a column wholly wrong and some refused lines."""
    return gate(tmp_path_factory.mktemp("stopped"), bad(N), refused=20)


def test_a_stop_raises_nothing(stopped: GateResult) -> None:
    assert (stopped.status, stopped.verdict_ja) == ("stop", "停止")
    assert stopped.checks.filter(pl.col("status") == "stop").select("check_id", "observed").rows() == [("codes.sex", "100 行のうち 100 行（100 %）")]


def test_override_goes_on_and_records_the_reason(tmp_path: Path) -> None:
    reason = "国保連に確認済み <b>10/3 係長</b>"
    result = gate(tmp_path, {}, override=f" {reason} ")
    assert (result.status, result.override) == ("overridden", reason)
    written = json.loads((tmp_path / "gate" / "checks.json").read_text(encoding="utf-8"))
    assert (written["status"], written["override"]) == ("overridden", reason)
    html = result.report.read_text(encoding="utf-8")
    assert "続行した理由：国保連に確認済み &lt;b&gt;10/3 係長&lt;/b&gt;" in html
    assert "停止の判定を承知のうえで続行" in html
    assert (result.checks["status"] == "stop").any()  # the findings of the gate stay as they are


def test_an_override_that_was_not_needed_changes_nothing(tmp_path: Path) -> None:
    assert gate(tmp_path, override="念のため").status == "ok"
    assert "停止の項目がないため使われていません" in (tmp_path / "gate" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("reason", ["", "  ", "\t\n"])
def test_a_blank_reason_is_refused_before_anything_is_written(tmp_path: Path, reason: str) -> None:
    with pytest.raises(UsageError, match="blank"):
        gate(tmp_path, {}, override=reason)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("month", ["2026-13", "202609", "2026-9", "", "R8-09"])
def test_a_month_of_another_form_is_refused(tmp_path: Path, month: str) -> None:
    with pytest.raises(MonthError, match="YYYY-MM"):
        run_gate({}, [], sample_quarantine(0), history(), month, tmp_path)


def test_an_empty_delivery_stops_and_still_has_a_report(tmp_path: Path) -> None:
    result = run_gate({}, [], sample_quarantine(0), history().clear(), "2026-09", tmp_path)
    assert result.status == "stop"
    assert "停止" in result.report.read_text(encoding="utf-8")


def test_empty_tables_are_the_same_as_none(tmp_path: Path) -> None:
    tables = {name: ALL[name].empty() for name in sample_tables()}
    assert run_gate(tables, [], sample_quarantine(0), history().clear(), "2026-09", tmp_path).status == "stop"


def test_no_value_of_a_person_reaches_the_files(tmp_path: Path) -> None:
    """A marker stands in every text column (and a date in every date column) of all tables: both files stay without it."""
    marker, day = "標識ZQX", date(1911, 3, 7)
    tables = {}
    for name, frame in sample_tables().items():
        text = [c for c, t in frame.schema.items() if t == pl.String and c not in ("insurer_no", "source_file")]
        lists = [c for c, t in frame.schema.items() if t == pl.List(pl.String)]
        dates = [c for c, t in frame.schema.items() if t == pl.Date and c != "service_month"]
        tables[name] = frame.with_columns(
            *(pl.concat_str(pl.lit(marker), pl.int_range(pl.len()).cast(pl.String)).alias(c) for c in text),
            *(pl.lit([marker]).alias(c) for c in lists), *(pl.lit(day).alias(c) for c in dates),
        )
    result = gate(tmp_path, tables, refused=20)
    assert result.status == "stop"
    assert (result.checks["status"] != "ok").sum() > 20
    for file in sorted((tmp_path / "gate").iterdir()):
        content = file.read_text(encoding="utf-8")
        assert marker not in content
        assert "ZQX" not in content
        assert "1911" not in content
    assert marker not in str(result.checks.rows())


def test_the_report_shows_accounts_and_reasons(stopped: GateResult) -> None:
    html = stopped.report.read_text(encoding="utf-8")
    for text in ("2026年9月分", "11100100", "a.UKE", "医科レセプト", "1,000", "980", "一致", "生年月日を日付として読めません。", "bad_date", "性別コード"):
        assert text in html


def test_the_report_is_whole_and_loads_nothing(stopped: GateResult) -> None:
    seen: list[tuple[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.extend((tag, name) for name, _ in attrs if name in ("src", "href", "srcset", "data", "action"))
            seen.extend((tag, "tag") for t in ("script", "link", "iframe", "img") if t == tag)

    html = stopped.report.read_text(encoding="utf-8")
    Reader().feed(html)
    assert seen == []
    assert "url(" not in html
    assert "@import" not in html
    assert html.rstrip().endswith("</html>")


def test_words_stay_neutral(stopped: GateResult) -> None:
    assert "不正" not in stopped.report.read_text(encoding="utf-8")
    assert "不正" not in (stopped.report.parent / "checks.json").read_text(encoding="utf-8")


def test_same_delivery_same_bytes_whatever_the_order_of_rows_and_files(tmp_path: Path) -> None:
    one, two = bad(3), sample_tables("11100200")
    two["judo_claims"] = spoilt(two["judo_claims"], {"total_yen": None, "sex": None}, 5)
    tables, reads = {n: pl.concat([one[n], two[n]]) for n in one}, sample_reads() + sample_reads(name="b.UKE")[:1]
    other = random.Random(1)
    shuffled = {name: tables[name].sample(fraction=1, shuffle=True, seed=3) for name in other.sample(sorted(tables), len(tables))}
    first = run_gate(tables, reads, sample_quarantine(0), history(), "2026-09", tmp_path / "1")
    second = run_gate(shuffled, reads[::-1], sample_quarantine(0), history().sample(fraction=1, shuffle=True, seed=4), "2026-09", tmp_path / "2")
    for name in ("report.html", "checks.json"):
        assert (first.report.parent / name).read_bytes() == (second.report.parent / name).read_bytes()


def test_a_failed_write_leaves_the_earlier_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = gate(tmp_path, {}).report.read_bytes()

    def full_disk(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full_disk)
        with pytest.raises(OSError, match="No space"):
            gate(tmp_path, {}, refused=20)
    assert (tmp_path / "gate" / "report.html").read_bytes() == before


def test_own_expectations_can_be_given(tmp_path: Path) -> None:
    shipped = Path(audit.__file__).parent / "intake" / "gate_expectations.toml"
    own = tmp_path / "own.toml"
    own.write_text(shipped.read_text(encoding="utf-8").replace("stop_over = 0.05", "stop_over = 0.005"), encoding="utf-8")
    assert gate(tmp_path, bad(1), expectations=own).status == "stop"
    with pytest.raises(ParameterError, match=r"none\.toml.*cannot be read"):
        gate(tmp_path, expectations=tmp_path / "none.toml")


def test_an_expectation_that_cannot_be_evaluated_is_an_error_not_a_pass(boundary: Boundary) -> None:
    with pytest.raises(RuntimeError, match="expect_column_values_to_be_between could not be evaluated"):
        boundary._validate(pl.DataFrame({"row": [0]}).to_pandas(), [boundary._gxe.ExpectColumnValuesToBeBetween(column="value", min_value=0)], {"result_format": "BASIC"})


def test_great_expectations_is_imported_in_one_module_and_only_when_a_gate_runs() -> None:
    root = Path(audit.__file__).parents[1]
    importing = re.compile(r"^\s*(import|from)\s+great_expectations\b", re.MULTILINE)
    importers = {
        path.relative_to(root).as_posix()
        for folder in ("audit", "models", "flows", "synthetic") for path in (root / folder).rglob("*.py")
        if importing.search(path.read_text(encoding="utf-8"))
    }
    assert importers == {"audit/intake/gate.py"}
    code = "import sys, audit.intake.gate; raise SystemExit(int(bool({'great_expectations', 'pandas'} & set(sys.modules))))"
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
