"""A small delivery on which every expectation of the gate holds, and ways to spoil it. All values are invented."""

from __future__ import annotations

from datetime import date
from functools import cache

import polars as pl

from audit.intake.gate import FileRead
from audit.intake.gate_cells import Delivered
from audit.tables import ALL, QUARANTINE

N = 100  # rows per table: one bad row is 1 %
MONTH = date(2026, 9, 1)
INSURER = "11100100"
VOLUMES = pl.Schema({"insurer_no": pl.String, "month": pl.String, "table": pl.String, "rows": pl.Int64})


def _text(prefix: str, width: int) -> pl.Expr:
    return pl.concat_str(pl.lit(prefix), pl.col("i").cast(pl.String).str.zfill(width))


def sample_tables(insurer: str = INSURER) -> dict[str, pl.DataFrame]:
    """Return all tables of the gate for one insurer, N rows each."""
    return dict(_sample_tables(insurer))


@cache
def _sample_tables(insurer: str) -> dict[str, pl.DataFrame]:
    base = pl.DataFrame({"i": range(N)}).with_columns(insurer_no=pl.lit(insurer))
    claim = base.with_columns(claim_id=_text(f"med:{insurer}:", 17), version_no=0)
    care = base.with_columns(care_claim_id=_text("care:", 10))
    judo = base.with_columns(claim_id=_text(f"judo:{insurer}:", 8), version_no=0)
    person = {"sex": pl.lit("1"), "birth_date": pl.lit(date(1960, 5, 5)), "person_id": _text(f"{insurer}-", 8), "number": _text("", 6)}
    month = {"service_month": pl.lit(MONTH)}
    frames = {
        "claims": claim.with_columns(
            **person, **month, is_current=True, kind=pl.lit("med"), receipt_type=pl.lit("1112"), inpatient=False,
            billing_month=date(2026, 10, 1), institution_id=pl.lit("1110000001"), match_state=pl.lit("exact"), insurer_rate=70,
            benefit_rate=70, special_codes=pl.lit(["27"]), actual_days=3, points=60, insurer_yen=420, meal_yen=0, receipt_no=pl.col("i") + 1,
            admitted_on=date(2026, 9, 1), discharged_on=date(2026, 9, 4), source_file=pl.lit("a.UKE"), source_line=pl.col("i"),
        ),
        "payers": claim.with_columns(seq=0, record=pl.lit("HO"), payer_no=pl.lit(insurer), points=60, check_digit_ok=True),
        "diagnoses": claim.with_columns(seq=0, code=pl.lit("8830592"), outcome=pl.lit("1"), modifiers=pl.lit(["8002"]), is_main=True),
        "lines": claim.with_columns(
            line_no=0, record=pl.lit("SI"), category=pl.lit("12"), payer_code=pl.lit("1"), code=pl.lit("112007410"), amount=1.0,
            points=20, times=3, unit_no=1, unit_points=20, day_mask=7, day_total=3,
        ),
        "dispensings": claim.with_columns(
            group_no=0, dispensing_no=0, drug_no=0, form=pl.lit("1"), days=14, code=pl.lit("620000001"), amount=3.0,
            prescribed_on=date(2026, 9, 2), dispensed_on=date(2026, 9, 3),
        ),
        "care_claims": care.with_columns(
            **{k: v for k, v in person.items() if k != "number"}, **month, source=pl.lit("claim"), form=pl.lit("7131"),
            care_insurer_no=pl.lit("00110001"), care_no=_text("", 10), provider_id=pl.lit("1170000001"), care_level=pl.lit("21"),
            certified_from=date(2026, 4, 1), certified_to=date(2027, 3, 31), admitted_on=date(2026, 9, 1), discharged_on=date(2026, 9, 30),
            stay_days=30, absence_days=0, benefit_rate=90, units=1000, benefit_yen=9000, match_state=pl.lit("link"),
            source_file=pl.lit("k.csv"), source_line=pl.col("i"),
        ),
        "care_lines": care.with_columns(line_no=0, service_kind=pl.lit("13"), item=pl.lit("1111"), unit_price=100, times=10, units=1000),
        "care_totals": care.with_columns(service_kind=pl.lit("13"), actual_days=10, units=1000, yen_per_100_units=1000, benefit_yen=9000),
        "judo_claims": judo.with_columns(
            **person, **month, is_current=True, clinic_id=pl.lit("協1100000-0-0"), match_state=pl.lit("exact"), part_count=1, actual_days=3,
            visit_days=7, total_yen=3000, claimed_yen=2100, benefit_rate=70, insurer_yen=2100, has_parts=True,
            source_file=pl.lit("j.csv"), source_line=pl.col("i"),
        ),
        "judo_parts": judo.with_columns(
            part_no=1, injury_name=pl.lit("右足関節捻挫"), injury_type=pl.lit("sprain"), side=pl.lit("right"), outcome=pl.lit("open"),
            started_on=date(2026, 9, 1), ended_on=date(2026, 9, 30), actual_days=3,
        ),
        "eligibility": base.with_columns(
            **person, addressee_no=_text("", 8), gained_on=date(2000, 1, 1), lost_on=date(2026, 9, 30), benefit_rate=70,
            care_no=_text("", 10), care_level=pl.lit("21"), certified_from=date(2026, 4, 1), certified_to=date(2027, 3, 31),
        ),
        "person_link": base.with_columns(addressee_no=_text("", 8), care_insurer_no=pl.lit("00110001"), care_no=_text("", 10)),
    }
    return {name: ALL[name].conform(frame.drop("i")) for name, frame in frames.items()}


def sample_reads(**changes: object) -> list[FileRead]:
    """Return the account of one 医科 file of 1,000 lines, changed by name of field, and of a register."""
    fields = {
        "name": "a.UKE", "kind": "uke_med", "rows_in": 1000, "rows_in_tables": 1000, "quarantined": 0,
        "controls": {"go_count": 100, "go_count_seen": 100, "go_points": 6000, "go_points_seen": 6000},
    }
    return [FileRead(**{**fields, **changes}), FileRead("e.csv", "eligibility", N, N, 0, {})]


def sample_quarantine(rows: int, file: str = "a.UKE") -> pl.DataFrame:
    """Return a quarantine of so many lines of one file."""
    if rows == 0:
        return QUARANTINE.empty()
    return QUARANTINE.conform(pl.DataFrame({
        "file": [file], "line": [5], "record": ["RE"], "field": ["birth_date"], "reason": ["bad_date"],
        "reason_ja": ["生年月日を日付として読めません。"], "rows": [rows],
    }))


def history(rows: int = N, months: int = 3, insurer: str = INSURER, tables: tuple[str, ...] = tuple(sample_tables())) -> pl.DataFrame:
    """Return stored volumes of the months before MONTH, the same for every table."""
    return pl.DataFrame(
        [(insurer, f"2026-{8 - back:02d}", table, rows) for back in range(months) for table in tables], schema=VOLUMES, orient="row",
    )


def delivered(tables: dict[str, pl.DataFrame] | None = None, **changes: object) -> Delivered:
    """Return the sound delivery, with parts replaced."""
    parts = {"reads": tuple(sample_reads()), "quarantine": sample_quarantine(0), "volumes_before": history(), "month": MONTH}
    return Delivered(tables=sample_tables() if tables is None else tables, **{**parts, **changes})


def spoilt(frame: pl.DataFrame, values: dict[str, object], rows: int) -> pl.DataFrame:
    """Return the frame with values put into its first rows."""
    first = pl.int_range(pl.len()) < rows
    return frame.with_columns(
        pl.when(first).then(pl.lit(v, dtype=frame.schema[c])).otherwise(pl.col(c)).alias(c) for c, v in values.items()
    )


def repeated(frame: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Return the frame with its first rows once more."""
    return pl.concat([frame, frame.head(rows)])
