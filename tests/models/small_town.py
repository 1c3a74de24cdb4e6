"""Random tables of the declared types, for models only: shapes as in life, no meaning beyond that."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from audit.tables import ALL

MONTH = date(2025, 6, 1)
INSURERS = ("00110015", "00110023")


def _conform(name: str, columns: dict) -> pl.DataFrame:
    return ALL[name].conform(pl.DataFrame(columns))


def _text(prefix: str, numbers: np.ndarray) -> pl.Series:
    return pl.Series(np.char.add(prefix, numbers.astype(str)))


def tables(persons: int = 400, seed: int = 7, month: date = MONTH, judo: float = 0.4, lines: int = 8) -> dict[str, pl.DataFrame]:
    """Return one delivery's tables; `judo` and the claim counts are rates per person."""
    rng = np.random.default_rng(seed)
    tag = f"{month:%Y%m}"

    def person(n: int) -> tuple[pl.Series, pl.Series]:
        who = rng.integers(0, persons, n)
        insurer = pl.Series(np.array(INSURERS)[who % 2])
        return insurer, insurer + "-" + pl.Series(who.astype(str)).str.zfill(9)

    out: dict[str, pl.DataFrame] = {}
    n = int(persons * judo)
    ins, per = person(n)
    ids = "judo:" + ins + _text(f":{tag}", np.arange(n))
    days = rng.geometric(0.2, n).clip(1, 25)
    parts = rng.choice([1, 2, 3], n, p=[0.25, 0.5, 0.25])
    clinic = _text("協11", rng.zipf(1.6, n).clip(1, 40) + 100000000)
    unlinked = rng.random(n) < 0.05
    out["judo_claims"] = _conform("judo_claims", {
        "insurer_no": ins, "claim_id": ids, "version_no": np.zeros(n, int), "is_current": np.ones(n, bool),
        "service_month": [month] * n, "clinic_id": clinic,
        "person_id": pl.DataFrame({"p": per, "u": unlinked}).select(pl.when(~pl.col("u")).then("p"))["p"],
        "part_count": parts, "actual_days": days, "total_yen": 1500 + days * parts * 505,
        "insurer_yen": (1500 + days * parts * 505) * 7 // 10, "has_parts": np.ones(n, bool),
        "first_exam_on": pl.Series([month] * n).dt.offset_by("10d") - pl.Series(rng.integers(0, 300, n)).cast(pl.Duration("ms")) * 86_400_000,
    })
    rows = np.repeat(np.arange(n), parts)
    no = np.concatenate([np.arange(1, p + 1) for p in parts]) if n else np.zeros(0, int)
    injured = pl.Series([month] * len(rows)) - pl.Series(rng.integers(0, 3, len(rows))).cast(pl.Duration("ms")) * 86_400_000
    out["judo_parts"] = _conform("judo_parts", {
        "insurer_no": ins.gather(rows), "claim_id": ids.gather(rows), "version_no": np.zeros(len(rows), int), "part_no": no,
        "injury_type": ["sprain"] * len(rows), "site": np.array(["頸部", "腰部", "肩関節", "膝関節"])[rng.integers(0, 4, len(rows))],
        "side": np.array(["left", "right"])[rng.integers(0, 2, len(rows))], "injured_on": injured,
    })
    n = persons * 2
    ins, per = person(n)
    kind = rng.choice(["med", "pha", "dpc", "nur"], n, p=[0.6, 0.37, 0.02, 0.01])
    ids = pl.Series(kind) + ":" + ins + _text(f":{tag}", np.arange(n))
    inpatient = (kind == "dpc") | ((kind == "med") & (rng.random(n) < 0.03))
    points = np.round(np.exp(rng.normal(6.8, 1.1, n)) * np.where(inpatient, 30, 1)).astype(int)
    inst = _text("111", rng.zipf(1.5, n).clip(1, 300) + 1000000)
    out["claims"] = _conform("claims", {
        "insurer_no": ins, "claim_id": ids, "version_no": np.zeros(n, int), "is_current": np.ones(n, bool), "kind": kind,
        "inpatient": inpatient, "service_month": [month] * n, "institution_id": inst, "person_id": per,
        "prescriber_id": pl.DataFrame({"k": kind, "i": _text("111", rng.integers(1000001, 1000301, n))}).select(pl.when(pl.col("k") == "pha").then("i"))["i"],
        "actual_days": np.where(inpatient, rng.integers(3, 30, n), rng.geometric(0.5, n).clip(1, 20)), "points": points,
        "insurer_yen": points * 7,
    })
    med = np.flatnonzero((kind == "med") | (kind == "dpc"))
    per_claim = rng.integers(1, 2 * lines, len(med))
    rows = np.repeat(med, per_claim)
    m = len(rows)
    category = rng.choice(["11", "21", "33", "60", "70", "40"], m)
    out["lines"] = _conform("lines", {
        "insurer_no": ins.gather(rows), "claim_id": ids.gather(rows), "version_no": np.zeros(m, int),
        "line_no": np.arange(m) - np.repeat(np.cumsum(per_claim) - per_claim, per_claim),
        "record": np.where(category == "21", "IY", "SI"), "category": category,
        "code": pl.Series(np.where(category == "21", 620000000, 160000000) + rng.integers(0, 400, m)).cast(pl.String),
        "amount": rng.integers(1, 4, m).astype(float), "points": rng.integers(5, 400, m), "times": rng.choice([1, 14, 28], m),
    })
    rows = np.repeat(med, rng.integers(1, 6, len(med)))
    m = len(rows)
    out["diagnoses"] = _conform("diagnoses", {
        "insurer_no": ins.gather(rows), "claim_id": ids.gather(rows), "version_no": np.zeros(m, int), "seq": np.arange(m),
        "code": pl.Series(8800000 + rng.integers(0, 300, m)).cast(pl.String),
    })
    pha = np.flatnonzero(kind == "pha")
    rows = np.repeat(pha, rng.integers(1, 8, len(pha)))
    m = len(rows)
    out["dispensings"] = _conform("dispensings", {
        "insurer_no": ins.gather(rows), "claim_id": ids.gather(rows), "version_no": np.zeros(m, int), "group_no": np.arange(m),
        "dispensing_no": np.zeros(m, int), "drug_no": np.zeros(m, int), "form": rng.choice(["1", "5"], m), "days": rng.choice([7, 14, 28], m),
        "dispensed_on": pl.Series([month] * m) + pl.Series(rng.integers(0, 27, m)).cast(pl.Duration("ms")) * 86_400_000,
        "code": pl.Series(620000000 + rng.integers(0, 400, m)).cast(pl.String), "amount": rng.integers(1, 4, m).astype(float),
    })
    n = max(persons // 20, 1)
    ins, per = person(n)
    ids = _text(f"care:00119990:{tag}:", np.arange(n))
    out["care_claims"] = _conform("care_claims", {
        "insurer_no": ins, "care_claim_id": ids, "source": ["record"] * n, "provider_id": _text("11700", rng.integers(10000, 10040, n)),
        "service_month": [month] * n, "care_level": rng.choice(["12", "21", "23", "25"], n), "units": rng.integers(500, 30000, n),
        "benefit_yen": rng.integers(5000, 270000, n), "person_id": per, "source_file": ["care.csv"] * n, "source_line": np.arange(n),
    })
    rows = np.repeat(np.arange(n), 2)
    kinds = rng.choice(["13", "15", "51", "31"], 2 * n)
    out["care_lines"] = _conform("care_lines", {
        "insurer_no": ins.gather(rows), "care_claim_id": ids.gather(rows), "line_no": np.tile([1, 2], n), "service_kind": kinds,
        "times": rng.integers(1, 20, 2 * n),
    })
    out["care_totals"] = out["care_lines"].group_by("insurer_no", "care_claim_id", "service_kind", maintain_order=True).agg(
        pl.col("times").sum().alias("actual_days")
    ).pipe(ALL["care_totals"].conform)
    old = date(2024, 4, 1)
    out["m_drugs"] = _conform("m_drugs", {
        "revision": [old] * 400, "code": pl.Series(620000000 + np.arange(400)).cast(pl.String), "price": 5.0 + np.arange(400) % 90,
        "price_code": [f"{1100 + i // 8:04d}{i // 2 % 400:03d}F1020" for i in range(400)],
    })
    out["m_procedures"] = _conform("m_procedures", {
        "revision": [old] * 400, "code": pl.Series(160000000 + np.arange(400)).cast(pl.String),
        "section": ["J038" if i < 3 else "C001" if i < 6 else "A001" for i in range(400)],
    })
    out["m_diseases"] = _conform("m_diseases", {
        "revision": [old] * 300, "code": pl.Series(8800000 + np.arange(300)).cast(pl.String),
        "icd10": [f"S{i:02d}0" if i < 8 else "T814" if i == 8 else "I10" for i in range(300)],
    })
    return out
