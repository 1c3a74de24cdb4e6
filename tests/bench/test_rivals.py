"""Our rules, the SQL and the pandas flag the same keys: on a small town, and on the same town with holes and double versions."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from audit import pipeline
from audit.home import Home, write_parquet
from audit.pipeline import RunSpec, parse_month
from audit.rules import all_rules
from audit.tables import ALL
from tests.bench import rivals_duckdb, rivals_pandas, rules_rivals

# the month from which every rule can flag: the criterion of JD16B begins with 2027
MONTHS, MONTH = "2026-12..2027-01", "2027-01"
ROOT = Path(__file__).parents[2]
HELD_BACK = {"insurer_no", "service_month"}  # who pays and when: without these a row could not have been stored


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home folder of a town of 3,000, two months and a year of judo claims stored; not judged."""
    town, home = tmp_path_factory.mktemp("rivals") / "town", tmp_path_factory.mktemp("rivals_home")
    wanted = ["--insured", "3000", "--months", MONTHS, "--judo-history", "12", "--seed", "4", "--as-of", "2027-02-21"]
    subprocess.run([sys.executable, "-m", "synthetic", "town", *wanted, "--out", str(town)], cwd=ROOT, check=True, capture_output=True)
    for delivery in sorted((town / "delivery").iterdir()):
        work = pipeline.begin(RunSpec(delivery, delivery.name, home))
        for step in (pipeline.intake, pipeline.link, pipeline.store):
            step(work)
    return home


@pytest.fixture(scope="session")
def worn_home(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same home with every twelfth cell of each nullable column emptied and a second version of some claims."""
    home = tmp_path_factory.mktemp("rivals_worn")
    for file in sorted((small_home / "tables").glob("*/*=*/**/part.parquet")):
        name = file.relative_to(small_home / "tables").parts[0]
        write_parquet(home / file.relative_to(small_home), _worn(name, pl.read_parquet(file)))
    return home


def _worn(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    table = ALL[name]
    if name == "superseded":
        return frame
    if "version_no" in table.schema and name != "payers":
        number = pl.col("claim_id").str.extract(r"(\d+)\D*$").cast(pl.Int64, strict=False)
        again = frame.filter((pl.col("version_no") == 0) & (number % 23 == 0)).with_columns(version_no=pl.lit(7, dtype=pl.Int32))
        frame = pl.concat([frame, again])
    nullable = [c.name for c in table.columns if c.null and c.name not in HELD_BACK | set(table.key)]
    row = pl.int_range(pl.len())
    holes = [pl.when((row * 7 + 5 * i) % 12 > 0).then(pl.col(c)).alias(c) for i, c in enumerate(nullable)]
    return table.conform(frame.with_columns(holes))


@pytest.mark.parametrize("month", ["2026-12", MONTH])
def test_rivals_flag_the_same_keys_as_our_rules(small_home: Path, month: str) -> None:
    day, mine = parse_month(month), rules_rivals.keys(rules_rivals.ours(small_home, month))
    assert rules_rivals.differences(mine, rules_rivals.keys(rivals_duckdb.flagged(small_home, day))) == {}
    assert rules_rivals.differences(mine, rules_rivals.keys(rivals_pandas.flagged(small_home, day))) == {}


def test_rivals_flag_the_same_keys_where_values_are_missing(worn_home: Path) -> None:
    day, mine = parse_month(MONTH), rules_rivals.keys(rules_rivals.ours(worn_home, MONTH))
    assert rules_rivals.differences(mine, rules_rivals.keys(rivals_duckdb.flagged(worn_home, day))) == {}
    assert rules_rivals.differences(mine, rules_rivals.keys(rivals_pandas.flagged(worn_home, day))) == {}


def test_comparison_covers_the_five_families_and_tells_no_ids(small_home: Path) -> None:
    result = rules_rivals.compare(small_home, MONTH, repeat=1)
    assert set(result["flagged"]) == rules_rivals.COMPARED <= set(all_rules())
    assert min(result["flagged"].values()) > 0  # equality of nothing would prove nothing
    assert result["equal"] == {"duckdb": True, "pandas": True}
    assert set(result["seconds"]) == {"ours", "duckdb", "pandas"}
    persons = pl.read_parquet(next(Home(small_home).tables.glob(f"eligibility/insurer=*/month={MONTH}/part.parquet")))["person_id"]
    assert not any(p in str(result) for p in persons.head(50))


def test_differences_are_counted_by_rule_and_side() -> None:
    mine = pl.DataFrame({"rule_id": ["A", "A", "B"], "unit": ["1", "2", "3"], "severity": ["error"] * 3})
    other = pl.DataFrame({"rule_id": ["A", "B", "C"], "unit": ["1", "3", "4"], "severity": ["error", "suspicion", "error"]})
    assert rules_rivals.differences(mine, mine) == {}
    assert rules_rivals.differences(mine, other) == {
        "A": {"only_ours": 1, "only_rival": 0},
        "B": {"only_ours": 1, "only_rival": 1},  # the same unit with another severity
        "C": {"only_ours": 0, "only_rival": 1},
    }
