"""Targets and whether they are reached; what was tried where they are not. Numbers in targets.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audit.errors import ModelError
from models.config import check_keys, read_yaml
from models.evaluation.figures import FIGURES
from models.evaluation.measure import Evaluation
from models.evaluation.orders import ORDERS
from models.evaluation.summary import Summary, gain

FILE = Path(__file__).with_name("targets.yaml")


@dataclass(frozen=True)
class Target:
    """A figure that an order should reach.

    Attributes:
        figure: of FIGURES. order: of ORDERS. at_least: the smallest value that will do.
        tried: Japanese: what was tried where it is not reached; empty = nothing to say.

    """

    figure: str
    order: str
    at_least: float
    tried: str = ""


@dataclass(frozen=True)
class Verdict:
    """A target beside what was measured.

    Attributes:
        target: it.
        ja: name of the figure.
        mean, low, high: measured; null = not measured, low and high below two towns.
        state: reached (the whole interval), mean_only, missed, unknown.

    """

    target: Target
    ja: str
    mean: float | None
    low: float | None
    high: float | None

    @property
    def state(self) -> str:
        """How far the target is reached."""
        if self.mean is None:
            return "unknown"
        if self.mean < self.target.at_least:
            return "missed"
        return "reached" if self.low is None or self.low >= self.target.at_least else "mean_only"


def load_targets(path: Path = FILE) -> tuple[tuple[Target, ...], Target]:
    """Return the targets of a ranking and that of learning. Raises ModelError for unknown figures or orders."""
    data = read_yaml(path)
    check_keys(data, {"targets", "learning"}, set(), file=path.name)
    return tuple(_target(e, path.name) for e in data["targets"]), _target(data["learning"], path.name)


def _target(entry: dict, file: str) -> Target:
    check_keys(entry, {"figure", "order", "at_least"}, {"tried"}, file=file)
    if entry["figure"] not in FIGURES or entry["order"] not in ORDERS:
        raise ModelError(f"unknown figure or order: {entry['figure']}, {entry['order']}", file=file, remedy="see models/evaluation/figures.py and orders.py")
    return Target(**entry)


def verdicts(summary: Summary, path: Path = FILE) -> list[Verdict]:
    """Return every target of a ranking beside its figure."""
    return [_verdict(t, FIGURES[t.figure], summary.figures.filter(pl.col("order") == t.order, pl.col("figure") == t.figure)) for t in load_targets(path)[0]]


def learnt(before: Sequence[Evaluation], after: Sequence[Evaluation], path: Path = FILE) -> Verdict:
    """Return the target of learning beside the gain, town by town."""
    target = load_targets(path)[1]
    return _verdict(target, f"学習による{FIGURES[target.figure]}の向上", gain(before, after, target.order, target.figure))


def _verdict(target: Target, ja: str, measured: pl.DataFrame) -> Verdict:
    row = measured.row(0, named=True) if len(measured) else {"mean": None, "low": None, "high": None}
    return Verdict(target, ja, row["mean"], row["low"], row["high"])
