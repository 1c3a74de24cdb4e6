"""The town's own picture of receipts before they are written: claims with units of lines, appended column-wise.

A `ClaimSet` holds n claims of one kind as arrays; every call adds one unit (or diagnosis, or comment) to many claims at
once. At the end it becomes polars frames. Codes are integers (none of them has a leading zero that matters; disease
codes are written with 7 digits), dates are days since 1970-01-01 with -1 for none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from synthetic.config import Month
from synthetic.sampling import popcount

CLAIM_COLUMNS = {
    "person": np.int64, "inst": np.int64, "prescriber": np.int64, "month": np.int64, "billing": np.int64, "days": np.int64,
    "mask": np.int64, "inpatient": np.int8, "admitted": np.int64, "discharged": np.int64, "special": np.int64,
    "meals": np.int64, "plant": np.int64, "clinic": np.int8,
}


@dataclass
class Frames:
    """Finished claims of one kind: `claims` with one row each, and detail frames that refer to it by `key`."""

    claims: pl.DataFrame
    diagnoses: pl.DataFrame
    lines: pl.DataFrame
    comments: pl.DataFrame
    extra: dict[str, pl.DataFrame] = field(default_factory=dict)

    def details(self) -> dict[str, pl.DataFrame]:
        """All frames but the claims, by name."""
        return {"diagnoses": self.diagnoses, "lines": self.lines, "comments": self.comments, **self.extra}

    def subset(self, keep: pl.Series) -> Frames:
        """Return the claims whose key is in `keep`, with their details."""
        wanted = pl.DataFrame({"key": keep})
        cut = {n: f.join(wanted, on="key", how="semi", maintain_order="left") for n, f in self.details().items()}
        extra = {n: cut[n] for n in self.extra}
        claims = self.claims.join(wanted, on="key", how="semi", maintain_order="left")
        return Frames(claims, cut["diagnoses"], cut["lines"], cut["comments"], extra)

    def shifted(self, by: int) -> Frames:
        """Return the same claims with their keys moved."""
        move = {n: f.with_columns(pl.col("key") + by) for n, f in self.details().items()}
        extra = {n: move[n] for n in self.extra}
        return Frames(self.claims.with_columns(pl.col("key") + by), move["diagnoses"], move["lines"], move["comments"], extra)


def stack(parts: list[Frames]) -> Frames:
    """Put several sets under each other with new keys 0..n-1 in order."""
    moved, start = [], 0
    for part in parts:
        moved.append(part.shifted(start))
        start += 0 if part.claims.is_empty() else int(part.claims["key"].max()) + 1
    names = {n for p in moved for n in p.extra}
    extra = {n: pl.concat([p.extra[n] for p in moved if n in p.extra]) for n in sorted(names)}
    return Frames(
        pl.concat([p.claims for p in moved]), pl.concat([p.diagnoses for p in moved]),
        pl.concat([p.lines for p in moved]), pl.concat([p.comments for p in moved]), extra,
    )


class ClaimSet:
    """n claims of one kind, being filled.

    Args:
        month: month of care.
        person: person index per claim, shape (n,).
        inst: index of the institution in its group.
        mask: days of the month with a visit (or in hospital).
        **columns: any other column of `CLAIM_COLUMNS`.

    """

    def __init__(self, month: Month, person: np.ndarray, inst: np.ndarray, mask: np.ndarray, **columns: Any) -> None:
        self.month, self.n = month, len(person)
        defaults = {"prescriber": -1, "admitted": -1, "discharged": -1}
        base = {
            "person": person, "inst": inst, "mask": mask, "month": month.yyyymm, "billing": (month + 1).yyyymm,
            "days": popcount(np.asarray(mask)), **columns,
        }
        self.columns = {
            c: np.array(np.broadcast_to(np.asarray(base.get(c, defaults.get(c, 0)), dtype=t), self.n))
            for c, t in CLAIM_COLUMNS.items()
        }
        self._units: list[dict[str, np.ndarray]] = []
        self._diagnoses: list[dict[str, np.ndarray]] = []
        self._comments: list[pl.DataFrame] = []
        self._extra: dict[str, list[pl.DataFrame]] = {}
        self._unit_no = 0
        self._diagnosis_no = 0
        self.points = np.zeros(self.n, dtype=np.int64)

    def rows(self, where: np.ndarray | None) -> np.ndarray:
        """Indices of the claims of a mask (all where None)."""
        return np.arange(self.n) if where is None else np.flatnonzero(where)

    def unit(
        self, record: str, category: int, codes: list[Any], points: Any, mask: Any, where: np.ndarray | None = None,
        *, per_day: Any = 1, amounts: list[Any] | None = None, counts: bool = True,
    ) -> None:
        """Add one 算定単位 to the claims of `where`.

        Args:
            record: SI, IY, TO.
            category: 診療識別.
            codes: one scalar or array (n,) per line of the unit; a negative code leaves that line out.
            points: points of the unit (once), scalar or (n,).
            mask: days on which it counts, scalar or (n,).
            where: claims that get it.
            per_day: count in each day cell.
            amounts: 数量 or 使用量 per line (-1 = blank).
            counts: whether points x times add to the claim's points (meals do not).

        """
        at = self.rows(where)
        if not len(at):
            self._unit_no += 1
            return

        def cut(value: Any, dtype: Any) -> np.ndarray:
            return np.broadcast_to(np.asarray(value, dtype=dtype), self.n)[at]

        day, every, price = cut(mask, np.int64), cut(per_day, np.int64), cut(points, np.int64)
        times = popcount(day) * every
        if counts:
            self.points[at] += price * times
        taken = [cut(c, np.int64) for c in codes]
        last = np.full(len(at), -1)
        for i, code in enumerate(taken):
            last = np.where(code >= 0, i, last)
        for i, code in enumerate(taken):
            use = code >= 0
            self._units.append({
                "key": at[use], "unit": np.full(int(use.sum()), self._unit_no), "part": np.full(int(use.sum()), i),
                "record": np.full(int(use.sum()), {"SI": 0, "IY": 1, "TO": 2}[record]), "category": np.full(int(use.sum()), category),
                "code": code[use], "amount": (cut(amounts[i], float) if amounts else np.full(len(at), -1.0))[use],
                "points": np.where(last == i, price, -1)[use], "times": times[use], "mask": day[use], "per_day": every[use],
            })
        self._unit_no += 1

    def diagnosis(self, code: Any, start: Any, where: np.ndarray | None = None, *, outcome: Any = 1, modifier: Any = 0, main: Any = 0) -> None:
        """Add a diagnosis to the claims of `where`; a negative code leaves a claim out."""
        at = self.rows(where)

        def cut(value: Any) -> np.ndarray:
            return np.broadcast_to(np.asarray(value, dtype=np.int64), self.n)[at]

        codes = cut(code)
        use = codes >= 0
        self._diagnoses.append({
            "key": at[use], "seq": np.full(int(use.sum()), self._diagnosis_no), "code": codes[use], "start": cut(start)[use],
            "outcome": cut(outcome)[use], "modifier": cut(modifier)[use], "main": cut(main)[use],
        })
        self._diagnosis_no += 1

    def comment(self, code: int, text: str | pl.Series, where: np.ndarray | None = None) -> None:
        """Add a CO record with free text."""
        at = self.rows(where)
        value = pl.Series([text] * len(at), dtype=pl.String) if isinstance(text, str) else text.gather(at)
        frame = pl.DataFrame({"key": at, "code": np.full(len(at), code), "text": value})
        self._comments.append(frame.with_columns(pl.lit(len(self._comments), dtype=pl.Int64).alias("seq")))

    def add(self, name: str, frame: pl.DataFrame) -> None:
        """Add rows of a record that only one kind has (drug groups, DPC, nursing); needs a column `key`."""
        self._extra.setdefault(name, []).append(frame)

    def frames(self) -> Frames:
        """Return what was filled in."""
        claims = pl.DataFrame({"key": np.arange(self.n), **self.columns, "points": self.points})
        empty_lines = dict.fromkeys(("key", "unit", "part", "record", "category", "code", "points", "times", "mask", "per_day"), pl.Int64)
        lines = _table(self._units, {**empty_lines, "amount": pl.Float64})
        diagnoses = _table(self._diagnoses, dict.fromkeys(("key", "seq", "code", "start", "outcome", "modifier", "main"), pl.Int64))
        schema = {"key": pl.Int64, "code": pl.Int64, "text": pl.String, "seq": pl.Int64}
        comments = pl.concat([pl.DataFrame(schema=schema), *self._comments])
        return Frames(claims, diagnoses, lines, comments, {n: pl.concat(f) for n, f in self._extra.items()})


def _table(parts: list[dict[str, np.ndarray]], schema: dict[str, Any]) -> pl.DataFrame:
    if not parts:
        return pl.DataFrame(schema=schema)
    return pl.DataFrame({c: np.concatenate([p[c] for p in parts]) for c in schema}, schema=schema)
