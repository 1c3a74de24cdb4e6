"""The identities of the real 医科 sample, through our tables (shared data README)."""

import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.intake.result import ReadResult
from audit.intake.uke import read_uke
from tests.intake.uke.build import plan

pytestmark = pytest.mark.real

ROOT = Path(__file__).resolve().parents[3]
FILE = Path(os.environ.get("KOKUHO_AUDIT_REAL_DATA", ROOT.parent / "shared" / "data")) / "uke" / "RECEIPTC_GAIRAI_SAMPLE.UKE"
IDS = ["insurer_no", "claim_id", "version_no"]


@pytest.fixture(scope="module")
def sample() -> ReadResult:
    if not FILE.exists():
        pytest.skip("no real data here")
    return read_uke(plan(FILE, insurer_no="00000000"), None)


def test_records(sample: ReadResult) -> None:
    """IR 1, RE 75, HO 69, KO 71, SN 2, SY 9, SI 320, IY 32, CO 56, GO 1."""
    assert sample.rows_in == sample.rows_in_tables == 1 + 75 + 69 + 71 + 2 + 9 + 320 + 32 + 56 + 1
    assert sample.quarantine.is_empty()
    tables = sample.tables
    assert tables["claims"].height == 75
    assert tables["claims"].select(IDS).is_unique().all()
    assert dict(tables["payers"]["record"].value_counts().iter_rows()) == {"HO": 69, "KO": 71}
    assert dict(tables["lines"]["record"].value_counts().iter_rows()) == {"SI": 320, "IY": 32}
    assert tables["diagnoses"].height == 9
    assert tables["dispensings"].is_empty()
    assert tables["claims"]["branch"].drop_nulls().sort().to_list() == ["00", "03"]


def test_points_of_each_receipt(sample: ReadResult) -> None:
    """Sum of points x times over the lines = points of HO, or of the first KO: 75 of 75."""
    lines = sample.tables["lines"]
    sums = lines.group_by(IDS).agg((pl.col("points") * pl.col("times")).sum().alias("sum"))
    joined = sample.tables["claims"].join(sums, on=IDS, how="left")
    assert joined.filter(pl.col("sum") == pl.col("points")).height == 75


def test_units(sample: ReadResult) -> None:
    """Points carried back over a unit give the same total, and times are equal on all lines of a unit."""
    lines = sample.tables["lines"]
    unit = lines.group_by([*IDS, "unit_no"]).agg(
        pl.col("unit_points").n_unique().alias("points"), pl.col("times").n_unique().alias("times"),
        pl.col("points").count().alias("ends"), pl.col("day_mask").n_unique().alias("days"),
    )
    assert (unit["points"] == 1).all()
    assert (unit["times"] == 1).all()
    assert (unit["days"] == 1).all()
    assert (unit["ends"] == 1).all()


def test_points_of_each_payer(sample: ReadResult) -> None:
    """Over the lines whose 負担区分 takes part, each payer's points: HO by the codes with 医, KO by their number."""
    shares = {"1": "0", "5": "1", "6": "2", "B": "3", "C": "4", "2": "01", "3": "02", "E": "03", "G": "04", "7": "12", "4": "012"}
    lines = sample.tables["lines"]
    assert set(lines["payer_code"]) <= set(shares)
    has_ho = pl.col("record").first() == "HO"
    payers = sample.tables["payers"].with_columns(
        (pl.col("seq") + pl.when(has_ho.over(IDS)).then(0).otherwise(1)).cast(pl.String).alias("share")
    )
    per = lines.select(
        *IDS, (pl.col("points") * pl.col("times")).alias("sum"),
        pl.col("payer_code").replace_strict(shares).str.split("").alias("share"),
    ).explode("share", empty_as_null=True).group_by([*IDS, "share"]).agg(pl.col("sum").sum())
    checked = payers.filter(pl.col("points").is_not_null()).join(per, on=[*IDS, "share"], how="left")
    wrong = checked.filter(pl.col("points") != pl.col("sum").fill_null(0))
    assert wrong.is_empty(), wrong.select("seq", "record", "points", "sum")


def test_control_totals(sample: ReadResult) -> None:
    assert sample.controls["go_count"] == sample.controls["go_count_seen"] == 140
    assert sample.controls["go_points"] == sample.controls["go_points_seen"] == 86_392
    payers = sample.tables["payers"].filter(pl.col("seq") == 0)
    assert payers.filter(pl.col("record") == "HO")["points"].sum() == 81_880
    assert payers.filter(pl.col("record") == "KO")["points"].sum() == 4_512


def test_day_cells_are_the_times(sample: ReadResult) -> None:
    both = sample.tables["lines"].filter(pl.col("times").is_not_null() & pl.col("day_total").is_not_null())
    assert both.height == 352
    assert (both["times"] == both["day_total"]).all()


def test_check_digits(sample: ReadResult) -> None:
    """All valid but one deliberately bad 公費 number."""
    bad = sample.tables["payers"].filter(~pl.col("check_digit_ok"))
    assert bad["payer_no"].n_unique() == 1
    assert set(bad["record"]) == {"KO"}


def test_diagnoses(sample: ReadResult) -> None:
    without = sample.tables["claims"].join(sample.tables["diagnoses"], on=IDS, how="anti")
    assert without.height == 70
    assert sample.tables["diagnoses"]["started_on"].null_count() == 0


def test_limits_per_month(sample: ReadResult) -> None:
    """113002850 and 160061910 are each billed twice in a receipt, where once is the limit."""
    times = sample.tables["lines"].group_by([*IDS, "code"]).agg(pl.col("times").sum())
    for code in ("113002850", "160061910"):
        assert times.filter(pl.col("code") == code)["times"].max() == 2


def test_codes_of_their_time(sample: ReadResult) -> None:
    assert {"111014070", "113033370"} <= set(sample.tables["lines"]["code"])
    assert sample.tables["claims"]["service_month"].unique().to_list() == [date(2021, 10, 1)]
