"""How large a random sample has to be, how it is split over strata, and a draw that anybody can do again.

The size is the smallest whose 90 % interval (audit.statistics.intervals, the one that reports use) is on average no wider than
asked for: the textbook formula promises too much where few errors are expected.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from audit.errors import UsageError
from audit.home import write_atomic, write_json
from audit.statistics.intervals import share_interval
from audit.worklists.text_safety import protect_expr

_FEW_ERRORS = 3


@dataclass(frozen=True)
class Plan:
    """A sample to be drawn.

    Attributes:
        n: sample size, judged units.
        half_width: expected half width of the interval at that size, 0-1.
        expected_errors: errors that such a sample finds on average.
        strata: stratum, units, sample, spares; one row per stratum.

    """

    n: int
    half_width: float
    expected_errors: float
    strata: pl.DataFrame


def half_width(n: int, universe: int, rate: float, confidence: float) -> float:
    """Return half the width of the interval at the expected number of errors, without replacement."""
    size = np.inf if n >= universe else n / (1 - n / universe)
    if not np.isfinite(size):
        return 0.0
    low, high = share_interval(np.array(rate * size), np.array(size), confidence)
    return float(high - low) / 2


def sample_size(universe: int, rate: float, precision: float, confidence: float) -> int:
    """Return the smallest sample whose interval is expected to reach the precision.

    Args:
        universe: units, > 0.
        rate: expected error rate, 0-1.
        precision: half width wanted, > 0.
        confidence: two-sided, 0-1.

    Raises:
        UsageError: a number is out of its range.

    """
    for name, value, fits in (
        ("--universe", universe, universe > 0), ("--expected-rate", rate, 0 < rate < 1), ("--precision", precision, 0 < precision < 1), ("--confidence", confidence, 0 < confidence < 1),
    ):
        if not fits:
            raise UsageError(f"{name} {value} cannot be", remedy="--universe above 0; the others between 0 and 1, as 0.05 for 5 %")
    low, high = 1, universe  # half_width falls with n
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if half_width(middle, universe, rate, confidence) <= precision else (middle + 1, high)
    return low


def allocate(units: np.ndarray, n: int, spread: np.ndarray | None = None, least: int = 2) -> np.ndarray:
    """Split a sample over strata: by size, or by size times spread (Neyman); `least` each, never more than there are.

    Args:
        units: per stratum, int > 0.
        n: sample size.
        spread: standard deviation per stratum, >= 0; None = by size alone.
        least: of each stratum; one unit could not tell how far units differ.

    """
    floor = np.minimum(units, least)
    out, want = floor.astype(np.int64), units * (np.ones(len(units)) if spread is None else spread)
    want = units.astype(float) if not want.sum() else want.astype(float)
    goal = min(max(n, int(floor.sum())), int(units.sum()))
    exact = goal * want / want.sum()
    while (rest := goal - int(out.sum())) > 0:
        lack = np.where(out < units, np.maximum(exact - out, 1e-9 * want + 1e-12), 0.0)
        add = np.minimum(np.floor(rest * lack / lack.sum()).astype(np.int64), units - out)
        if not add.any():
            order = np.argsort(-lack, kind="stable")[: min(rest, int((lack > 0).sum()))]
            add[order] = 1
        out += add
    return out


def plan(
    strata: pl.DataFrame, rate: float, precision: float, confidence: float, *, allocation: Literal["proportional", "neyman"] = "proportional", spares: float = 0.25
) -> Plan:
    """Return the sample for a universe in strata.

    Args:
        strata: stratum, units (> 0), and for Neyman spread (of what is to be estimated, such as yen).
        rate: expected error rate of the whole.
        precision: half width wanted of the whole's rate.
        confidence: two-sided.
        allocation: proportional is best for the rate, neyman for yen.
        spares: spares per sampled unit, drawn at the start; at least one per stratum where units are left.

    Raises:
        UsageError: a number is out of its range, or the spread is missing.

    """
    if allocation == "neyman" and "spread" not in strata.columns:
        raise UsageError("neyman needs a column spread", remedy="add spread (standard deviation of the yen) to the strata file, or use --allocation proportional")
    units = strata["units"].to_numpy()
    n = sample_size(int(units.sum()), rate, precision, confidence)
    split = allocate(units, n, strata["spread"].to_numpy() if allocation == "neyman" else None)
    n = int(split.sum())
    more = np.minimum(units - split, np.maximum(1, np.ceil(split * spares))).astype(np.int64)
    table = strata.select("stratum", "units").with_columns(sample=pl.Series(split), spares=pl.Series(more))
    return Plan(n, half_width(n, int(units.sum()), rate, confidence), n * rate, table)


def plan_text(done: Plan, rate: float, precision: float, confidence: float, seed: int) -> str:
    """Return the plan for the office."""
    units = int(done.strata["units"].sum())
    lines = [
        f"母数 {units:,}件、見込みの誤り率 {rate:.1%}、{confidence:.0%}区間の幅 ±{precision:.1%}以内",
        f"必要な標本数: {done.n:,}件（見込みどおりなら誤り約{done.expected_errors:.1f}件、区間の幅 ±{done.half_width:.2%}）",
        f"予備: {int(done.strata['spares'].sum()):,}件（最初に抽出し、判断できない件があったときに抽出順に使う）", "", "層\t母数\t標本\t予備",
    ]
    lines += [f"{s}\t{u:,}\t{n:,}\t{k:,}" for s, u, n, k in done.strata.iter_rows()]
    if done.expected_errors < _FEW_ERRORS:
        lines += ["", f"注意: 見込まれる誤りが{_FEW_ERRORS}件未満です。区間は広く、下限は0になることが多くなります。"]
    lines += ["", f"抽出: kokuho-audit sample draw 一覧.csv --n {done.n} --seed {seed} --out 標本.csv"]
    return "\n".join(lines)


def draw(universe: pl.DataFrame, n: int, seed: int, *, spares: float = 0.25) -> tuple[pl.DataFrame, dict[str, object]]:
    """Draw a sample with its spares; the order of the rows does not matter.

    In each stratum the sorted ids get numbers from a generator seeded by the seed, the digest of the universe and the stratum, and
    are taken in the order of their numbers.

    Args:
        universe: id (String, unique), stratum (String).
        n: sample size, split by size.
        seed: announced before the draw.
        spares: per sampled unit.

    Returns:
        Drawn: stratum, role (sample, spare), draw_order (1.. in its stratum, spares after the sample), id,
        inclusion_probability. Record: universe size, digest of the sorted universe, seed, sizes, versions.

    Raises:
        UsageError: no id, an id twice, or n out of range.

    """
    if universe.is_empty() or universe["id"].is_duplicated().any() or universe["id"].is_null().any():
        raise UsageError("the list of ids is empty, has an empty id or one twice", remedy="one row per unit, each with its own id")
    if not 0 < n <= universe.height:
        raise UsageError(f"--n {n} of {universe.height:,} units", remedy="between 1 and the number of units")
    listed = universe.sort("stratum", "id")
    digest = _digest(listed)
    parts = listed.partition_by("stratum", maintain_order=True)
    split = allocate(np.array([p.height for p in parts]), n, least=1)
    taken = [_take(p, int(k), seed, digest, spares) for p, k in zip(parts, split, strict=True)]
    drawn = pl.concat(taken)
    record = {
        "universe": universe.height, "universe_sha256": digest, "seed": seed, "n": int(split.sum()), "spares_per_unit": spares, "sample_sha256": _digest(drawn),
        "strata": {p["stratum"][0]: {"universe": p.height, "sample": int(k)} for p, k in zip(parts, split, strict=True)}, "numpy": version("numpy"),
        "how": "ids sorted by code point in each stratum; numpy PCG64 seeded with the eight 32-bit words (little-endian) of sha256('seed|universe_sha256|stratum'); random() per id; ascending",
    }
    return drawn, record


def _take(part: pl.DataFrame, n: int, seed: int, digest: str, spares: float) -> pl.DataFrame:
    words = np.frombuffer(hashlib.sha256(f"{seed}|{digest}|{part['stratum'][0]}".encode()).digest(), dtype="<u4").tolist()
    order = np.argsort(np.random.Generator(np.random.PCG64(words)).random(part.height), kind="stable")
    total = min(part.height, n + max(1, int(np.ceil(n * spares))))
    return part[order[:total]].select(
        "stratum", pl.when(pl.int_range(pl.len()) < n).then(pl.lit("sample")).otherwise(pl.lit("spare")).alias("role"),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("draw_order"), "id", pl.lit(n / part.height).alias("inclusion_probability"),
    )


def _digest(frame: pl.DataFrame) -> str:
    """Return sha256 of the lines `stratum,id`, each ended by a line feed."""
    lines = frame.select(pl.concat_str("stratum", pl.lit(","), "id", pl.lit("\n"))).to_series()
    return hashlib.sha256("".join(lines.to_list()).encode()).hexdigest()


def read_strata(path: Path) -> pl.DataFrame:
    """Read stratum, units and, where there is one, spread.

    Raises:
        UsageError: the file or a column is missing, or a number is not one.

    """
    frame = _read(path, ["stratum", "units"])
    numbers = {c: t for c, t in {"units": pl.Int64, "spread": pl.Float64}.items() if c in frame.columns}
    frame = frame.with_columns([pl.col(c).str.strip_chars().cast(t, strict=False) for c, t in numbers.items()])
    bad = frame.with_row_index("line", offset=2).filter(pl.any_horizontal([pl.col(c).is_null() | (pl.col(c) < (1 if c == "units" else 0)) for c in numbers]))
    if frame.is_empty() or bad.height:
        raise UsageError("units must be whole numbers above 0, spread numbers of 0 or more", file=path.name, line=bad["line"][0] if bad.height else None, remedy="columns stratum,units[,spread]")
    return frame


def read_ids(path: Path) -> pl.DataFrame:
    """Read id and stratum (one for all where there is none).

    Raises:
        UsageError: the file or the column id is missing.

    """
    frame = _read(path, ["id"])
    return frame.select("id", "stratum" if "stratum" in frame.columns else pl.lit("全体").alias("stratum"))


def write_draw(path: Path, drawn: pl.DataFrame, record: Mapping[str, object]) -> tuple[Path, Path]:
    """Write the sample (CSV that Excel opens) and beside it what is needed to draw it again (JSON)."""
    safe = drawn.with_columns(stratum=protect_expr(pl.col("stratum")), id=protect_expr(pl.col("id")))
    text = safe.write_csv(quote_style="non_numeric", line_terminator="\r\n")
    return write_atomic(path, text.encode("utf-8-sig")), write_json(path.with_name(f"{path.name}.json"), json.loads(json.dumps(record)))


def _read(path: Path, needed: list[str]) -> pl.DataFrame:
    try:
        frame = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except FileNotFoundError:
        raise UsageError("no such file", file=path.name, remedy="give the path of a CSV file") from None
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise UsageError("not a CSV file in UTF-8", file=path.name, remedy="save it as CSV UTF-8, with a header line") from None
    if lacking := [c for c in needed if c not in frame.columns]:
        raise UsageError(f"no column {', '.join(lacking)}", file=path.name, line=1, remedy=f"the header needs {', '.join(needed)}")
    return frame
