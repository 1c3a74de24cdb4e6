"""A list of 5,000 cases, filled in and saved, is taken in within ten seconds (`make bench-import`)."""

import hashlib
import resource
import shutil
import time

import polars as pl
import pytest

from audit import desk
from audit.desk.worklist_import import import_worklists
from audit.home import write_atomic
from audit.worklists.csvfile import csv_text
from audit.worklists.evidence import build_evidence
from audit.worklists.rows import build_rows, listed
from audit.worklists.workbook import workbook_bytes
from tests.worklists.filled import AT, office
from tests.worklists.libreoffice import OFFICE, resave
from tests.worklists.samples import INSURER

SECONDS = 10.0


def filled(town, target):
    """The whole workbook with its sheets: 4 of 10 upheld, 4 dismissed, all with memo, state and reviewer."""
    on = listed(town.cases)
    evidence = build_evidence(on, town.findings, town.context)
    rows = build_rows(on, town.context, evidence)
    tenth = pl.int_range(0, rows.height) % 10

    def of(upheld, dismissed):
        return pl.when(tenth < 4).then(pl.lit(upheld)).when(tenth < 8).then(pl.lit(dismissed))

    told = rows.with_columns(
        decision=of("認容", "棄却"), reason_code=of("U01 算定基準・告示と相違", "D01 医学的・負傷の理由を確認"), decided_on=of("2026/11/24", "2026/11/24"),
        assignee=pl.lit("点検 一郎"), status=pl.lit("照会中"), memo=pl.format("施術録で確認 {}", tenth),
    )
    digest = hashlib.sha256(csv_text(rows, "judo").encode()).hexdigest()
    return write_atomic(target, workbook_bytes(told, evidence, town.context, insurer_no=INSURER, team="judo", list_hash=digest))


@pytest.mark.slow
def test_five_thousand_rows_are_taken_in_within_ten_seconds(tmp_path):
    town = office(tmp_path / "home", 5000)
    book = filled(town, tmp_path / "返却.xlsx")
    files = {"as exported": book} | ({"saved by LibreOffice": resave(book, tmp_path / "saved")} if OFFICE else {})
    for what, file in files.items():
        for old in town.home.glob("desk.sqlite3*"):
            old.unlink()
        desk.publish(town.home, town.run, by="点検係", at=AT)
        start = time.perf_counter()
        done = import_worklists(town.home, [file], by="取込 係", at=AT)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"5,000 rows, {what}, {file.stat().st_size / 1e6:.1f} MB: {seconds:.1f} s, {done.events:,} events, peak {peak} MiB (with export)")
        assert (done.decisions["upheld"], done.decisions["dismissed"], done.other) == (2000, 2000, 1000)
        assert seconds < SECONDS
    shutil.rmtree(tmp_path / "home")
