"""Every counted expectation (account, totals, keys, persons, volumes): one case that passes, cases that warn or stop."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from audit.intake.gate import Boundary, judge
from audit.intake.gate_cells import FEW, Delivered
from audit.intake.gate_counts import NO_HISTORY, REFUSED, ZERO_TOTAL
from audit.intake.gate_spec import load_expectations
from tests.intake.gate.samples import (
    INSURER,
    N,
    delivered,
    history,
    repeated,
    sample_quarantine,
    sample_reads,
    sample_tables,
    spoilt,
)

SHIPPED = load_expectations()


def worst(check: str, what: Delivered, boundary: Boundary) -> str:
    checks = judge(SHIPPED.only(check), what, boundary)
    return next((s for s in ("stop", "warn") if (checks["status"] == s).any()), "ok")


def changed(table: str, change: Callable[[pl.DataFrame], pl.DataFrame], **parts: object) -> Delivered:
    tables = sample_tables()
    tables[table] = change(tables[table])
    return delivered(tables, **parts)


def large(tables: tuple[str, ...] = ("claims",), times: int = 4) -> dict[str, pl.DataFrame]:
    """Return the sample with some tables repeated: enough rows for a volume to be judged."""
    return {n: pl.concat([f] * times) if n in tables else f for n, f in sample_tables().items()}


def controls(**totals: int) -> Delivered:
    return delivered(reads=tuple(sample_reads(controls=totals)))


CASES: list[tuple[str, str, Callable[[], Delivered]]] = [
    ("structure.columns", "stop", lambda: changed("lines", lambda f: f.drop("points"))),
    ("structure.columns", "stop", lambda: changed("lines", lambda f: f.with_columns(extra=1))),
    ("structure.columns", "stop", lambda: changed("claims", lambda f: f.with_columns(pl.col("points").cast(pl.Int32)))),
    ("structure.key_empty", "stop", lambda: changed("judo_claims", lambda f: spoilt(f, {"claim_id": None}, 1))),
    ("structure.required_empty", "warn", lambda: changed("claims", lambda f: spoilt(f, {"institution_id": None}, 1))),
    ("structure.required_empty", "stop", lambda: changed("judo_claims", lambda f: spoilt(f, {"total_yen": None}, N))),
    ("structure.required_empty", "ok", lambda: changed("claims", lambda f: spoilt(f, {"symbol": None}, N))),
    ("structure.required_empty", "ok", lambda: changed("lines", lambda f: spoilt(f, {"unit_no": None}, N))),  # exempt
    ("account.rows", "stop", lambda: delivered(reads=tuple(sample_reads(rows_in=1001)))),
    ("account.rows", "stop", lambda: delivered(reads=tuple(sample_reads(rows_in_tables=999, quarantined=1)))),  # no such entry
    ("account.rows", "ok", lambda: delivered(reads=tuple(sample_reads(rows_in_tables=999, quarantined=1)), quarantine=sample_quarantine(1))),
    ("account.rows", "stop", lambda: delivered(quarantine=sample_quarantine(1, "unread.csv"))),
    ("account.quarantine", "warn", lambda: delivered(reads=tuple(sample_reads(kind="fee_limits", rows_in_tables=0, quarantined=1000)))),
    ("account.quarantine", "ok", lambda: delivered(reads=tuple(sample_reads(rows_in_tables=990, quarantined=10)))),
    ("account.quarantine", "warn", lambda: delivered(reads=tuple(sample_reads(rows_in_tables=989, quarantined=11)))),
    ("account.quarantine", "warn", lambda: delivered(reads=tuple(sample_reads(rows_in_tables=900, quarantined=100)))),
    ("account.quarantine", "stop", lambda: delivered(reads=tuple(sample_reads(rows_in_tables=799, quarantined=201)))),
    ("account.quarantine", "warn", lambda: delivered(reads=tuple(sample_reads(rows_in=4, rows_in_tables=0, quarantined=4)))),  # too few to stop
    ("controls.medical", "warn", lambda: controls(go_count=1000, go_count_seen=999)),
    ("controls.medical", "stop", lambda: controls(go_count=1000, go_count_seen=980)),
    ("controls.medical", "stop", lambda: controls(go_points=8000, go_points_seen=9000)),
    ("controls.medical", "ok", lambda: controls(go_count=0, go_count_seen=980)),
    ("controls.medical", "ok", lambda: controls(go_count_seen=980)),  # no total in the file
    ("controls.other", "ok", lambda: delivered(reads=tuple(sample_reads(kind="uke_pha")))),
    ("controls.other", "warn", lambda: delivered(reads=tuple(sample_reads(kind="care_claims", controls={"data_count": 100, "data_count_seen": 50})))),
    ("keys.unique", "stop", lambda: changed("claims", lambda f: repeated(f, 1))),
    ("keys.unique", "stop", lambda: changed("dispensings", lambda f: repeated(f, 1))),
    ("keys.unique_register", "warn", lambda: changed("eligibility", lambda f: repeated(pl.concat([f, *(renumbered(f, i) for i in range(1, 4))]), 1))),
    ("keys.unique_register", "stop", lambda: changed("person_link", lambda f: repeated(f, 50))),
    ("keys.receipt_lines", "stop", lambda: changed("claims", lambda f: f.tail(N - 2))),
    ("keys.receipt_lines", "warn", lambda: changed("claims", lambda f: f.tail(N - 1))),
    ("keys.care_lines", "warn", lambda: changed("care_claims", lambda f: f.tail(N - 1))),
    ("keys.care_lines", "stop", lambda: changed("care_claims", lambda f: f.tail(N - 6))),
    ("keys.judo_parts", "warn", lambda: changed("judo_claims", lambda f: f.tail(N - 1))),
    ("keys.judo_parts", "stop", lambda: changed("judo_claims", lambda f: f.tail(N - 21))),
    ("consistency.points", "ok", lambda: changed("claims", lambda f: spoilt(f, {"points": 61}, 1))),
    ("consistency.points", "warn", lambda: changed("claims", lambda f: spoilt(f, {"points": 61}, 2))),
    ("consistency.points", "stop", lambda: changed("lines", lambda f: spoilt(f, {"points": None}, 21))),
    ("consistency.points", "ok", lambda: changed("claims", lambda f: spoilt(f, {"points": 61, "inpatient": True}, N))),
    ("consistency.points", "stop", lambda: changed("lines", lambda f: spoilt(f, {"payer_code": "5"}, N))),  # not the insurer's
    ("persons.claims", "ok", lambda: changed("claims", lambda f: spoilt(f, {"person_id": None}, 2))),
    ("persons.claims", "warn", lambda: changed("claims", lambda f: spoilt(f, {"person_id": None}, 3))),
    ("persons.claims", "stop", lambda: changed("claims", lambda f: spoilt(f, {"person_id": None}, 31))),
    ("persons.judo", "warn", lambda: changed("judo_claims", lambda f: spoilt(f, {"person_id": None}, 6))),
    ("persons.judo", "stop", lambda: changed("judo_claims", lambda f: spoilt(f, {"person_id": None}, 51))),
    ("persons.care", "ok", lambda: changed("care_claims", lambda f: spoilt(f, {"person_id": None}, 99))),
    ("persons.care", "warn", lambda: changed("care_claims", lambda f: spoilt(f, {"person_id": None}, N))),
    ("volume.any", "stop", lambda: delivered({"eligibility": sample_tables()["eligibility"]})),
    ("volume.any", "stop", lambda: delivered({})),
    ("volume.any", "ok", lambda: delivered({"judo_claims": sample_tables()["judo_claims"]})),
    ("volume.claims_present", "warn", lambda: changed("claims", lambda f: f.head(0))),
    ("volume.eligibility_present", "warn", lambda: delivered(reads=tuple(sample_reads())[:1])),  # an older register
    ("volume.main_month", "ok", lambda: changed("claims", lambda f: spoilt(f, {"service_month": date(2026, 8, 1)}, 40))),
    ("volume.main_month", "warn", lambda: changed("claims", lambda f: spoilt(f, {"service_month": date(2026, 8, 1)}, 41))),
    ("volume.main_month", "stop", lambda: changed("claims", lambda f: spoilt(f, {"service_month": date(2026, 8, 1)}, 81))),
    ("volume.main_month_other", "warn", lambda: changed("judo_claims", lambda f: spoilt(f, {"service_month": date(2026, 8, 1)}, N))),
    ("volume.claims", "ok", lambda: delivered(large(), volumes_before=history(400, tables=("claims",)))),
    ("volume.claims", "warn", lambda: delivered(large(), volumes_before=history(501, tables=("claims",)))),
    ("volume.claims", "warn", lambda: delivered(large(), volumes_before=history(319, tables=("claims",)))),
    ("volume.claims", "stop", lambda: delivered(large(), volumes_before=history(801, tables=("claims",)))),
    ("volume.claims", "stop", lambda: delivered(large(times=7), volumes_before=history(300, tables=("claims",)))),
    ("volume.other", "warn", lambda: delivered(volumes_before=history(330, tables=("judo_claims",)))),
    ("volume.other", "stop", lambda: delivered(volumes_before=history(400, tables=("judo_claims",)))),
    ("volume.register", "warn", lambda: delivered(large(("eligibility",)), volumes_before=history(450, tables=("eligibility",)))),
    ("volume.register", "stop", lambda: delivered({}, volumes_before=history(450, tables=("eligibility",)))),
]


def renumbered(frame: pl.DataFrame, i: int) -> pl.DataFrame:
    """Return the frame as other persons."""
    return frame.with_columns(person_id=pl.col("person_id") + f"-{i}")


@pytest.mark.parametrize(("check", "status", "what"), CASES, ids=[f"{c}-{s}-{i}" for i, (c, s, _) in enumerate(CASES)])
def test_counted_expectation(check: str, status: str, what: Callable[[], Delivered], boundary: Boundary) -> None:
    assert worst(check, what(), boundary) == status


def test_every_counted_expectation_has_a_case_that_fires() -> None:
    assert {c for c, s, _ in CASES if s != "ok"} == {c.id for c in SHIPPED.checks if c.measure != "cell"}


def test_the_sound_delivery_passes_every_expectation(boundary: Boundary) -> None:
    checks = judge(SHIPPED, delivered(), boundary)
    assert checks.filter(pl.col("status") != "ok").rows() == []
    judged = checks.filter(pl.col("value").is_not_null())["check_id"].unique().to_list()
    too_small = {"volume.claims", "volume.other", "volume.register"}  # 100 rows a month are chance
    assert {c.id for c in SHIPPED.checks} - set(judged) == too_small | {"controls.other"}


def test_a_volume_without_history_is_ok_with_a_note(boundary: Boundary) -> None:
    checks = judge(SHIPPED.only("volume.claims"), delivered(large(), volumes_before=history(1, tables=("lines",)).clear()), boundary)
    assert set(checks["note_ja"]) == {NO_HISTORY}
    assert set(checks["status"]) == {"ok"}


def test_volumes_of_a_tiny_town_are_never_judged(boundary: Boundary) -> None:
    few = {name: frame.head(3) for name, frame in sample_tables().items()}
    checks = judge(SHIPPED.only("volume.claims", "volume.other", "volume.register", "volume.main_month"), delivered(few, volumes_before=history(299)), boundary)
    assert set(checks["status"]) == {"ok"}
    assert set(checks["note_ja"]) == {FEW}


def test_a_volume_is_compared_with_the_last_months_only_and_never_with_the_month_itself(boundary: Boundary) -> None:
    old = history(400, months=6, tables=("claims",))
    far = pl.DataFrame([(INSURER, f"2025-{m:02d}", "claims", 90_000) for m in range(1, 13)], schema=old.schema, orient="row")
    own = pl.DataFrame([(INSURER, "2026-09", "claims", 90_000)], schema=old.schema, orient="row")
    checks = judge(SHIPPED.only("volume.claims"), delivered(large(), volumes_before=pl.concat([far, old, own])), boundary)
    assert checks.filter(pl.col("table") == "claims").select("status", "bad", "value").rows() == [("ok", 400, 1.0)]


def test_an_insurer_that_sends_nothing_any_more_is_seen(boundary: Boundary) -> None:
    before = pl.concat([history(400, tables=("claims",)), history(400, insurer="11100200", tables=("claims",))])
    checks = judge(SHIPPED.only("volume.claims"), delivered(large(), volumes_before=before), boundary)
    assert checks.filter(pl.col("status") != "ok").select("insurer_no", "table", "status", "n").rows() == [("11100200", "claims", "stop", 0)]


def test_totals_of_a_file_with_refused_lines_only_warn(boundary: Boundary) -> None:
    read = sample_reads(rows_in_tables=900, quarantined=100, controls={"go_count": 1000, "go_count_seen": 900})
    checks = judge(SHIPPED.only("controls.medical"), delivered(reads=tuple(read)), boundary)
    assert checks.select("status", "note_ja").rows() == [("warn", REFUSED)]


def test_a_total_of_zero_says_nothing(boundary: Boundary) -> None:
    assert judge(SHIPPED.only("controls.medical"), controls(go_count=0, go_count_seen=5), boundary)["note_ja"].to_list() == [ZERO_TOTAL]


def test_receipts_of_public_payers_add_up_by_the_first_of_them(boundary: Boundary) -> None:
    tables = sample_tables()
    tables["payers"] = spoilt(tables["payers"], {"record": "KO"}, N)
    tables["lines"] = spoilt(tables["lines"], {"payer_code": "5"}, N)
    assert worst("consistency.points", delivered(tables), boundary) == "ok"


def test_duplicates_are_told_per_insurer(boundary: Boundary) -> None:
    own, other = sample_tables(), sample_tables("11100200")
    tables = {"claims": pl.concat([own["claims"], other["claims"], other["claims"].head(2)])}
    checks = judge(SHIPPED.only("keys.unique"), delivered(tables), boundary).filter(pl.col("table") == "claims")
    assert checks.select("insurer_no", "status", "n", "bad").rows() == [("11100100", "ok", N, 0), ("11100200", "stop", N + 2, 4)]
