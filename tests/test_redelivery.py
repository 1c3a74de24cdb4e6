"""A stored month gets further deliveries: late files, corrected ones, single claims, a late register. Nothing else of it is lost."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from audit import pipeline
from audit.errors import MonthError
from audit.intake.versions import CHILDREN
from audit.pipeline import RunSpec, store_only
from audit.tables import ALL
from tests.town import generate

MONTH = "2026-10"
TABLES = ("claims", "payers", "diagnoses", "lines", "dispensings", "judo_claims", "judo_parts", "care_claims", "care_lines", "care_totals", "eligibility", "persons", "person_link", "superseded")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("town"), insured=1000) / "delivery"


@pytest.fixture(scope="module")
def whole(town, tmp_path_factory):
    """A home that holds two months, each delivered at once."""
    home = tmp_path_factory.mktemp("home")
    for month in ("2026-09", MONTH):
        take_in(town / month, home, month=month)
    return home


@pytest.fixture
def home(whole, tmp_path):
    return Path(shutil.copytree(whole, tmp_path / "home"))


def take_in(delivery: Path, home: Path, *, month: str = MONTH) -> None:
    """Read, link and store, without the gate, which takes most of the time."""
    work = pipeline.begin(RunSpec(delivery, month, home))
    with pipeline.discarded_on_error(work):
        for step in (pipeline.intake, pipeline.link, pipeline.store):
            step(work)
    pipeline.discard(work)


def part(town: Path, to: Path, pick: Callable[[str], bool]) -> Path:
    """Return a delivery of some of the month's files, with their mappings; kinds are told by content."""
    to.mkdir(parents=True)
    for file in (town / MONTH).iterdir():
        if file.name.endswith("mapping.toml") or (file.name != "delivery.toml" and pick(file.name)):
            (to / file.name).write_bytes(file.read_bytes())
    return to


def stored(home: Path) -> dict[str, str]:
    return {p.relative_to(home).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted((home / "tables").rglob("*.parquet"))}


def rows(home: Path, table: str) -> pl.DataFrame:
    return pl.concat([ALL[table].empty(), *(pl.read_parquet(f) for f in sorted((home / "tables" / table).glob(f"insurer=*/month={MONTH}/part.parquet")))])


@pytest.mark.parametrize("name", ["RECEIPTY", "RECEIPTC", "judo_2026", "judo_parts", "care_", "shikaku", "person_link"])
def test_a_file_delivered_again_alone_changes_nothing(name, town, home, tmp_path):
    before = stored(home)
    take_in(part(town, tmp_path / "again", lambda n: n.startswith(name)), home)
    assert stored(home) == before


@pytest.mark.parametrize("name", ["RECEIPTY", "judo_", "care_", "shikaku"])
def test_a_late_file_completes_its_month(name, town, whole, tmp_path):
    home = tmp_path / "home"
    take_in(town / "2026-09", home, month="2026-09")
    take_in(part(town, tmp_path / "first", lambda n: not n.startswith(name)), home)
    assert stored(home) != stored(whole)
    take_in(part(town, tmp_path / "late", lambda n: n.startswith(name)), home)
    assert stored(home) == stored(whole)


def test_the_gate_looks_at_the_whole_month(town, home, tmp_path):
    before = stored(home)
    store_only(RunSpec(part(town, tmp_path / "again", lambda n: n.startswith("RECEIPTY")), MONTH, home))  # would stop for a month of 調剤 only
    assert stored(home) == before


def halves(raw: bytes) -> tuple[bytes, bytes]:
    """Return a 調剤 file in two volumes, cut between two pharmacies."""
    lines = raw.split(b"\r\n")
    pharmacies = [i for i, line in enumerate(lines) if line.startswith(b"YK,")]
    end = next(i for i, line in enumerate(lines) if line.startswith(b"GO,"))
    middle = pharmacies[len(pharmacies) // 2]
    return b"\r\n".join(lines[:middle] + lines[end:]), b"\r\n".join(lines[middle:])


def test_a_late_volume_of_one_kind_stands_beside_the_first(town, whole, tmp_path):
    home = tmp_path / "home"
    first, second = halves((town / MONTH / "RECEIPTY_00.UKE").read_bytes())
    delivery, late = part(town, tmp_path / "first", lambda _: True), tmp_path / "late"
    late.mkdir()
    (delivery / "RECEIPTY_00.UKE").write_bytes(first)
    (late / "RECEIPTY_00.UKE").write_bytes(second)  # the same name, as these files are called all over the country
    take_in(town / "2026-09", home, month="2026-09")
    take_in(delivery, home)
    take_in(late, home)
    for table in ("claims", "dispensings", "payers", "superseded"):
        drop = [c for c in ("source_file", "source_line", "receipt_no") if c in ALL[table].schema]
        mine, other = rows(home, table).drop(drop), rows(whole, table).drop(drop)
        assert mine.join(other, on=mine.columns[:3], how="anti").is_empty()
        assert mine.equals(other), [c for c in mine.columns if not mine[c].equals(other[c])]


def test_a_corrected_file_replaces_the_stored_one(town, home, tmp_path):
    raw = (town / MONTH / "RECEIPTY_00.UKE").read_bytes().split(b"\r\n")
    receipts = [i for i, line in enumerate(raw) if line.startswith(b"RE,")]
    before = rows(home, "claims")
    gone = raw[receipts[3]: receipts[4]]
    delivery = tmp_path / "corrected"
    delivery.mkdir()
    (delivery / "RECEIPTY_00.UKE").write_bytes(b"\r\n".join(raw[: receipts[3]] + raw[receipts[4]:]))
    take_in(delivery, home)
    after = rows(home, "claims")
    assert len(gone) > 3
    assert after.height == before.height - 1
    assert after.filter(pl.col("kind") != "pha").equals(before.filter(pl.col("kind") != "pha"))
    lost = before.join(after, on="claim_id", how="anti")["claim_id"].to_list()
    assert rows(home, "dispensings").filter(pl.col("claim_id").is_in(lost)).is_empty()


def test_a_claim_delivered_again_alone_becomes_the_version_that_stands(town, home, tmp_path):
    raw = (town / MONTH / "RECEIPTC_00.UKE").read_bytes().split(b"\r\n")
    receipts = [i for i, line in enumerate(raw) if line.startswith(b"RE,")]
    end = next(i for i, line in enumerate(raw) if line.startswith(b"GO,"))
    delivery = tmp_path / "single"
    delivery.mkdir()
    (delivery / "RECEIPTC_00.UKE").write_bytes(b"\r\n".join(raw[: receipts[0]] + raw[receipts[5]: receipts[6]] + raw[end:]))
    before = rows(home, "claims")
    for _ in range(2):  # and once more: nothing is counted twice
        take_in(delivery, home)
        after = rows(home, "claims")
        versions = after.filter(pl.col("claim_id").is_duplicated()).sort("version_no")
        assert after.height == before.height + versions.height - versions["claim_id"].n_unique()
        (claim,) = versions["claim_id"].unique()
        assert versions["is_current"].to_list() == [False] * (versions.height - 1) + [True]
        fallen = rows(home, "superseded").filter(pl.col("claim_id") == claim)
        assert fallen["version_no"].to_list() == versions["version_no"].to_list()[:-1]
        lines = rows(home, "lines").filter(pl.col("claim_id") == claim).group_by("version_no").len()
        assert lines["len"].n_unique() == 1  # each version has its own lines
        assert set(lines["version_no"]) == set(versions["version_no"])


def test_part_lines_go_with_their_forms(town, home, tmp_path):
    before = rows(home, "judo_parts")
    text = next(p for p in (town / MONTH).iterdir() if p.name.startswith("judo_parts")).read_bytes().split(b"\r\n")
    delivery = part(town, tmp_path / "parts", lambda _: False)
    dropped = text[1].split(b",")[0]
    (delivery / "judo_parts_202610.csv").write_bytes(b"\r\n".join([text[0], *(line for line in text[1:] if not line.startswith(dropped) or line == text[1])]))
    take_in(delivery, home)
    after = rows(home, "judo_parts")
    assert after.filter(pl.col("claim_id").str.ends_with(dropped.decode())).height == 1
    assert after.filter(~pl.col("claim_id").str.ends_with(dropped.decode())).equals(before.filter(~pl.col("claim_id").str.ends_with(dropped.decode())))


def test_no_child_without_its_claim(town, home, tmp_path):
    for n, name in enumerate(("RECEIPTC", "judo_2026", "care_")):
        take_in(part(town, tmp_path / str(n), lambda f, name=name: f.startswith(name)), home)
    for head, children in CHILDREN.items():
        for child in children:
            key = ["insurer_no", "claim_id", "version_no"]
            assert rows(home, child).join(rows(home, head), on=key, how="anti").is_empty()


def test_a_register_alone_for_a_month_that_is_not_stored(town, tmp_path):
    with pytest.raises(MonthError):
        take_in(part(town, tmp_path / "register", lambda n: n.startswith("shikaku")), tmp_path / "home")


def test_a_file_of_another_month_for_a_stored_month(town, home, tmp_path):
    (tmp_path / "wrong").mkdir()
    raw = (town / "2026-09" / "RECEIPTY_00.UKE").read_bytes()
    (tmp_path / "wrong" / "RECEIPTY.UKE").write_bytes(raw.replace(b"\x1a", b""))
    before = stored(home)
    late = pl.read_parquet(next((home / "tables" / "claims").glob("insurer=*/month=2026-09/part.parquet")))
    assert not (late.filter(pl.col("kind") == "pha")["service_month"].dt.month() == 10).any()
    with pytest.raises(MonthError):
        take_in(tmp_path / "wrong", home)
    assert stored(home) == before


def test_a_delivery_without_settings_belongs_to_the_one_insurer(town, whole, tmp_path):
    """Care claims do not name the NHI insurer; the register says that there is only one."""
    home = tmp_path / "home"
    take_in(part(town, tmp_path / "all", lambda _: True), home)
    assert rows(home, "care_claims").height == rows(whole, "care_claims").height > 0
