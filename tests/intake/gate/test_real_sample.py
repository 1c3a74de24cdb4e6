"""The real 医科 sample through reader, linking and gate: its totals, points and numbers are what its README says."""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.intake.gate import Boundary, FileRead, judge
from audit.intake.gate_cells import Delivered
from audit.intake.gate_spec import load_expectations
from audit.intake.link import link_people
from audit.intake.readers import read
from audit.intake.result import FilePlan
from tests.intake.gate.samples import VOLUMES

DATA = Path(os.environ.get("KOKUHO_AUDIT_REAL_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
SAMPLE = DATA / "uke" / "RECEIPTC_GAIRAI_SAMPLE.UKE"


@pytest.mark.real
@pytest.mark.skipif(not SAMPLE.exists(), reason="the real sample is not here")
def test_the_sample_passes_but_for_its_deliberate_fault(boundary: Boundary) -> None:
    content = SAMPLE.read_bytes()
    file = FilePlan(SAMPLE, SAMPLE.name, "uke_med", hashlib.sha256(content).hexdigest(), len(content), insurer_no="01010016")  # of receipts without HO
    result = read(file, set())
    refused = int(result.quarantine["rows"].sum() or 0)
    account = FileRead(file.name, file.kind, result.rows_in, result.rows_in_tables, refused, result.controls)
    tables = link_people(result.tables)
    month: date = tables["claims"]["service_month"].mode().sort()[0]
    what = Delivered(tables, (account,), result.quarantine, pl.DataFrame(schema=VOLUMES), month)
    checks = judge(load_expectations(), what, boundary)

    def figures(check: str) -> list[tuple[str, int, int]]:
        rows = checks.filter(pl.col("check_id") == check)
        return [(s, rows.filter(pl.col("status") == s)["n"].sum(), rows.filter(pl.col("status") == s)["bad"].sum()) for s in rows["status"].unique().sort()]

    assert figures("controls.medical") == [("ok", 140 + 86_392, 0)]
    assert figures("consistency.points") == [("ok", 75, 0)]
    assert figures("codes.receipt_type") == [("ok", 75, 0)]
    assert sum(bad for _, _, bad in figures("codes.payer_check_digit")) == 1
    assert sum(n for _, n, _ in figures("codes.payer_check_digit")) == 140
    # the sample has no register: nobody is matched, and the gate says so
    assert checks.filter(pl.col("status") == "stop")["check_id"].unique().to_list() == ["persons.claims"]
