"""The home folder never holds half a delivery, whatever moment the power goes."""

import errno
from datetime import date

import polars as pl
import pytest

from audit.errors import BusyError, StorageError, storage_errors
from audit.home import Home, write_json, write_parquet
from audit.tables import ALL

MONTH = date(2026, 10, 1)


def claims(*ids: str) -> pl.DataFrame:
    frame = pl.DataFrame({"claim_id": list(ids)}, schema={"claim_id": pl.String})
    return ALL["claims"].conform(frame.with_columns(service_month=pl.lit(MONTH), insurer_no=pl.lit("00110000"), version_no=0, kind=pl.col("claim_id").str.slice(0, 3)))


def ids(home: Home) -> list[str]:
    return pl.read_parquet(home.partition("claims", "00110000", MONTH))["claim_id"].to_list()


def test_store_and_volumes(tmp_path):
    home = Home(tmp_path)
    assert home.store("r1", MONTH, {"claims": claims("med:1", "pha:1")}) == {"claims": 2}
    assert home.volumes(date(2026, 11, 1)).rows() == [("00110000", "2026-10", "claims", 2)]
    assert home.volumes(MONTH).is_empty()
    assert home.insurers() == {"00110000"}
    assert not list(home.tables.glob(".*"))


def test_storing_replaces_the_tables_given_and_no_others(tmp_path):
    home = Home(tmp_path)
    other = claims("med:5").with_columns(insurer_no=pl.lit("00119999"))
    lines = ALL["lines"].conform(pl.DataFrame({"insurer_no": ["00110000"], "claim_id": ["med:1"], "version_no": [0], "line_no": [0]}))
    home.store("r1", MONTH, {"claims": pl.concat([claims("med:1", "med:2"), other]), "lines": lines})
    home.store("r2", MONTH, {"claims": claims("pha:7")})
    assert ids(home) == ["pha:7"]
    assert home.stored("claims", MONTH)["claim_id"].to_list() == ["pha:7"]
    assert home.stored("lines", MONTH).height == 1
    assert home.holds(MONTH)
    assert not home.holds(date(2026, 11, 1))


def test_cut_off_before_the_journal_leaves_what_was(tmp_path, monkeypatch):
    home = Home(tmp_path)
    home.store("r1", MONTH, {"claims": claims("med:1")})
    monkeypatch.setattr("audit.home.write_json", lambda *_: (_ for _ in ()).throw(OSError("power")))
    with pytest.raises(OSError, match="power"):
        home.store("r2", MONTH, {"claims": claims("med:9")})
    monkeypatch.undo()
    assert not list(home.tables.glob(".*"))
    assert home.recover() == []
    assert ids(home) == ["med:1"]
    assert not list(home.tables.glob(".*"))


def test_cut_off_after_the_journal_is_finished_later(tmp_path, monkeypatch):
    home = Home(tmp_path)
    home.store("r1", MONTH, {"claims": claims("med:1")})
    monkeypatch.setattr(Home, "_finish", lambda *_: (_ for _ in ()).throw(OSError("power")))
    with pytest.raises(OSError, match="power"):
        home.store("r2", MONTH, {"claims": claims("med:9")})
    monkeypatch.undo()
    assert ids(home) == ["med:1"]
    assert home.recover() == ["r2"]
    assert ids(home) == ["med:9"]
    assert not list(home.tables.glob(".*"))


def test_a_run_is_published_whole(tmp_path):
    home = Home(tmp_path)
    for n in (1, 2):
        work = home.work_folder("2026-10-aa")
        write_json(work / "manifest.json", {"run_id": "2026-10-aa", "n": n})
        home.publish(work, "2026-10-aa")
    assert [m["n"] for m in home.manifests()] == [2]
    assert [p.name for p in home.runs.iterdir()] == ["2026-10-aa"]


def test_masters_are_stored_by_revision(tmp_path):
    home = Home(tmp_path)
    frame = ALL["m_diseases"].conform(pl.DataFrame({"revision": [date(2024, 6, 1)], "code": ["8840100"]}))
    home.store("r1", MONTH, {"m_diseases": frame})
    assert (home.tables / "m_diseases" / "revision=2024-06-01" / "part.parquet").exists()


def test_a_backlog_is_not_a_usual_month(tmp_path):
    home = Home(tmp_path)
    backlog = pl.concat([claims("med:1"), claims("med:2", "med:3", "med:4").with_columns(service_month=date(2026, 7, 1))])
    lines = ALL["lines"].conform(pl.DataFrame({"insurer_no": ["00110000"] * 8, "claim_id": ["med:1"] * 8, "version_no": [0] * 8, "line_no": range(8)}))
    home.store("r1", MONTH, {"claims": backlog, "lines": lines})
    assert home.volumes(date(2026, 11, 1)).select("table", "rows").rows() == [("claims", 1), ("lines", 2)]


def test_one_run_at_a_time(tmp_path):
    home = Home(tmp_path)
    with home.alone(), pytest.raises(BusyError, match="another run"), Home(tmp_path).alone():
        pass
    with home.alone():  # let go of, also after a refusal
        pass


def test_what_runs_that_were_cut_off_leave_goes(tmp_path):
    home = Home(tmp_path)
    for name in (".work-2026-10-aa", ".work-2026-10-stored", ".old-2026-09-bb", ".old-2026-08-cc", "2026-08-cc"):
        (home.runs / name).mkdir()
        write_json(home.runs / name / "manifest.json", {"run_id": name.removeprefix(".old-"), "of": name})
    home.recover()
    assert {p.name for p in home.runs.iterdir()} == {".work-2026-10-stored", "2026-09-bb", "2026-08-cc"}
    assert [m["of"] for m in home.manifests()] == ["2026-08-cc", ".old-2026-09-bb"]  # the earlier run is back where none took its place


def test_a_full_disk_is_a_users_error(tmp_path, monkeypatch):
    def full(*_, **__):
        raise pl.exceptions.ComputeError("parquet: underlying IO error: No space left on device (os error 28)")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full)
    with pytest.raises(OSError, match="space") as told:
        write_parquet(tmp_path / "part.parquet", pl.DataFrame())
    assert told.value.errno == errno.ENOSPC
    with pytest.raises(StorageError, match=r"part\.parquet: the disk refuses .* → "), storage_errors():
        write_parquet(tmp_path / "part.parquet", pl.DataFrame())
