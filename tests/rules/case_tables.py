"""Rows of a spec case -> the declared tables: fills what a case does not say, so that a case shows only what matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import polars as pl

from audit.tables import ALL

INSURER = "00112233"
_TYPES_JA = {
    "fracture": "骨折", "incomplete_fracture": "不全骨折", "dislocation": "脱臼", "sprain": "捻挫", "bruise": "打撲", "strain": "挫傷",
}  # fmt: skip
_SIDES_JA = {"left": "左", "right": "右", "both": "両", None: ""}

# Columns that every table treats alike. A value, or a function of the row so far.
COMMON: dict[str, Any] = {
    "insurer_no": INSURER,
    "person_id": f"{INSURER}-0001",
    "addressee_no": "0001",
    "version_no": 0,
    "is_current": True,
    "match_state": "exact",
    "number": "0001",
    "sex": "1",
    "birth_date": date(1970, 1, 1),
    "source_file": "case",
}
# Columns of one table. Add yours here; keep them plain.
BY_TABLE: dict[str, dict[str, Any | Callable[[dict[str, Any]], Any]]] = {
    "judo_claims": {
        "clinic_id": "協1234567890",
        "total_yen": 10_000,
        "insurer_yen": lambda row: row["total_yen"] * 7 // 10,
        "actual_days": lambda row: len(row["visit_days"]) if row.get("visit_days") else 5,
        "has_parts": lambda row: "judo_parts" in row,
    },
    "judo_parts": {
        "site": "腰部",
        "injury_type": "sprain",
        "injury_name": lambda row: f"{_SIDES_JA[row.get('side')]}{row['site'] or '不明'}{_TYPES_JA.get(row['injury_type'], '痛')}",
    },
    "overseas_claims": {"country": "タイ", "total_yen": 100_000, "insurer_yen": lambda row: row["total_yen"] * 7 // 10},
    "orthosis_claims": {"device_kind": "膝装具（硬性）", "amount_yen": 50_000, "insurer_yen": lambda row: row["amount_yen"] * 7 // 10},
    "ahaki_claims": {
        "kind": "massage",
        "clinic_id": "1234567890",
        "total_yen": 10_000,
        "insurer_yen": lambda row: row["total_yen"] * 7 // 10,
        "actual_days": lambda row: len(row["visit_days"]) if row.get("visit_days") else 5,
    },
    "claims": {
        "kind": "med",
        "institution_id": "1110000001",
        "receipt_type": "1112",
        "points": 1_000,
        "inpatient": lambda row: int(row["receipt_type"]) % 2 == 1,
        "insurer_rate": 70,
        "insurer_yen": lambda row: row["points"] * 7,
    },
}
_BLANK = {pl.String: "-", pl.Boolean: False, pl.Date: None, pl.List: []}


def tables(rows_by_table: Mapping[str, list[dict[str, Any]]], month: date, prefix: str = "c") -> dict[str, pl.DataFrame]:
    """Return typed frames of a delivery.

    A row names columns; the rest is filled: nullable columns with null, others with a default. A claim without id is
    `<prefix>1`, `<prefix>2`, ... in order; rows of child tables may be nested in their claim under the table's name, or
    stand in their own list (then they belong to `<prefix>1`). Day masks (UInt32) may be written as lists of days. Lines are
    numbered in order. Months default to the delivery's. `copies: 20` stands for so many equal rows, each with its own id.
    """
    pending: dict[str, list[dict[str, Any]]] = {}
    for name, rows in rows_by_table.items():
        repeated = [{k: v for k, v in row.items() if k != "copies"} for row in rows or [] for _ in range(row.get("copies", 1))]
        for n, given in enumerate(repeated, start=1):
            id_column = next((c for c in ("care_claim_id", "claim_id") if c in ALL[name].schema), None)
            top = name in ("claims", "judo_claims", "ahaki_claims", "care_claims", "overseas_claims", "orthosis_claims")
            row = ({id_column: f"{prefix}{n if top else 1}"} if id_column else {}) | dict(given)
            pending.setdefault(name, []).append(row)
            for child in [k for k in row if k in ALL]:
                inherited = {k: row[k] for k in (id_column, "insurer_no", "version_no") if k in row and k in ALL[child].schema}
                pending.setdefault(child, []).extend(inherited | dict(r) for r in row[child])
    return {name: _frame(name, rows, month) for name, rows in pending.items()}


def _frame(name: str, rows: list[dict[str, Any]], month: date) -> pl.DataFrame:
    table, counts, filled = ALL[name], {}, []
    numbered = table.key[-1] if table.schema[table.key[-1]] == pl.Int32 and table.key[-1] != "version_no" else None
    for line, given in enumerate(rows, start=1):
        row = dict(given)
        unknown = set(row) - set(table.schema) - set(ALL)
        assert not unknown, f"{name} has no columns {sorted(unknown)}"
        missing = {c.name: _default(name, c, month) for c in table.columns if c.name not in row}
        row |= {c: v for c, v in missing.items() if not callable(v)}
        for column, value in missing.items():  # these look at the rest of the row
            if callable(value):
                row[column] = value(row)
        for column, dtype in table.schema.items():
            if dtype == pl.UInt32 and isinstance(row[column], list):
                row[column] = sum(1 << (d - 1) for d in row[column])
        if numbered and numbered not in given:
            owner = tuple(row[k] for k in table.key[:-1])
            row[numbered] = counts[owner] = counts.get(owner, 0) + 1
        if "source_line" in row and "source_line" not in given:
            row["source_line"] = line
        filled.append({c: row[c] for c in table.schema})
    return pl.DataFrame(filled, schema=table.schema, orient="row")


def _default(table: str, column: Any, month: date) -> Any:
    specific = BY_TABLE.get(table, {})
    if column.name in specific:
        return specific[column.name]
    if column.name in COMMON:
        return COMMON[column.name]
    if column.name == "service_month":
        return month
    if column.null:
        return None
    base = column.dtype.base_type() if hasattr(column.dtype, "base_type") else column.dtype
    return month if base == pl.Date else _BLANK.get(base, 0)
