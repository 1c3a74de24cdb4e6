"""The settings of the simulation, read strictly from `settings.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from audit.errors import ModelError
from models.config import check_keys, read_yaml

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Policy:
    """One way of making lists. `learns`: outcomes are used; `explores`: the exploration quota is spent."""

    ja: str
    learns: bool
    explores: bool


@dataclass(frozen=True)
class Play:
    """A town (seed of the generator) and the seeds, first and last, that are played in it."""

    town: int
    seeds: tuple[int, int]


@dataclass(frozen=True)
class Settings:
    """All of `settings.yaml`; its comments say what each key means. Months count from 1."""

    months: int
    reviews: int
    wrong: float
    delays: tuple[int, ...]
    new_type_month: int
    new_type_cases: int
    persons: float
    settled: tuple[int, int]
    steady: tuple[int, int]
    insured: int
    first_month: str
    judo_history: int
    as_of: date
    tuning: Play
    reporting: Play
    policies: Mapping[str, Policy]
    tried: Mapping[str, str]


def load_settings(path: Path | None = None) -> Settings:
    """Read the shipped settings or others.

    Raises:
        ModelError: a key is missing or unknown, or a number out of bounds.

    """
    path = path or _HERE / "settings.yaml"
    data = read_yaml(path)
    check_keys(data, set(Settings.__dataclass_fields__), set(), file=path.name)
    _check(data, path.name)
    return Settings(**data | {
        "delays": tuple(data["delays"]), "settled": tuple(data["settled"]), "steady": tuple(data["steady"]), "first_month": str(data["first_month"]),
        "tuning": _play(data["tuning"], path.name), "reporting": _play(data["reporting"], path.name),
        "policies": {k: _policy(v, k, path.name) for k, v in data["policies"].items()},
    })


def _check(data: dict[str, Any], file: str) -> None:
    last = data["months"]
    wrong = [
        name for name, fine in (
            ("months", 1 <= last <= 120), ("reviews", data["reviews"] >= 1), ("wrong", 0 <= data["wrong"] < 0.5), ("persons", 0 < data["persons"] <= 1),
            ("delays", bool(data["delays"]) and all(d >= 0 for d in data["delays"])), ("new_type_month", 1 <= data["new_type_month"] <= last),
            ("settled", 1 <= data["settled"][0] <= data["settled"][1] <= last), ("steady", 1 <= data["steady"][0] <= data["steady"][1] <= last),
        ) if not fine
    ]
    if wrong:
        raise ModelError(f"out of bounds: {', '.join(wrong)}", file=file, remedy="see the comments of the shipped settings.yaml")


def _play(entry: dict[str, Any], file: str) -> Play:
    check_keys(entry, {"town", "seeds"}, set(), file=file, where="tuning or reporting")
    return Play(entry["town"], (entry["seeds"][0], entry["seeds"][1]))


def _policy(entry: dict[str, Any], name: str, file: str) -> Policy:
    check_keys(entry, {"ja", "learns", "explores"}, set(), file=file, where=f"policies.{name}")
    return Policy(**entry)
