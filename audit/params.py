"""Dated parameters: strict loader, and the value on a date as a polars expression.

A parameter is a name with periods. Outside its periods it is undefined: expressions give null, and the rule that reads
it is then "not evaluated" for those rows, never silently clean. Files: ``audit/parameters/*.yaml``, each a list of

    - name: judo.frequent.visits
      unit: days                     # closed list, UNITS below
      description_ja: 頻回とみなす1か月の施術日数
      values:
        - from: 2012-04-01           # first day of service on which it holds
          to: 2026-06-30             # last day; left out = holds until the next period or further
          value: 10                  # a number, a text, a list of texts, or a table {text: number}
          basis: 保医発0312第1号 (2012-03-12)
          status: confirmed          # confirmed | high | provisional | own_choice | unknown
          checked_on: 2026-11-21     # the day on which a person last compared it with its source

`status`: *confirmed* = official page, certified copy, or two independent sources; *high* = common professional knowledge,
not yet looked up; *provisional* = one unofficial source, or weaker: findings resting on it are suspicions; *own_choice* =
a threshold this project chose: only suspicions may use it; *unknown* = known to exist, value not known (no `value`).

An office lays its own values over these without touching them: audit/params_office.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from audit.errors import ParameterError

FOLDER = Path(__file__).parent / "parameters"
UNITS = {"yen", "days", "visits", "months", "parts", "points", "units", "count", "ratio", "per_cent", "codes", "text", "years", "minutes"}
STATUSES = {"confirmed", "high", "provisional", "own_choice", "unknown"}
_PARAMETER_KEYS = {"name", "unit", "description_ja", "values"}
_VALUE_KEYS = {"from", "to", "value", "basis", "status", "checked_on"}


@dataclass(frozen=True)
class Period:
    """One value of a parameter from `start` to `end` (both inclusive; end None = open)."""

    start: date
    end: date | None
    value: Any
    basis: str
    status: str
    checked_on: date
    by: str | None = None  # who entered it; None = shipped


@dataclass(frozen=True)
class Parameter:
    """A named, dated value with its unit and Japanese description."""

    name: str
    unit: str
    description_ja: str
    periods: tuple[Period, ...]
    file: str

    def on(self, day: date) -> Period | None:
        """Return the period that holds on `day`, or None."""
        return next((p for p in self.periods if p.start <= day and (p.end is None or day <= p.end)), None)


class Parameters:
    """All parameters of a tree; immutable after loading."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self._by_name = {p.name: p for p in sorted(parameters, key=lambda p: p.name)}

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def __iter__(self) -> Iterable[Parameter]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Parameter:
        """Return the parameter; raises ParameterError with near names where it does not exist."""
        if name not in self._by_name:
            near = get_close_matches(name, self._by_name, 5, 0.3)
            remedy = f"one of: {', '.join(near)}" if near else "`kokuho-audit params show` lists all"
            raise ParameterError(f"parameter {name!r} does not exist", remedy=remedy)
        return self._by_name[name]

    def value(self, name: str, on: date) -> Any:
        """Return the value on a day of service; None where it is undefined or unknown."""
        period = self[name].on(on)
        return None if period is None else period.value

    def expr(self, name: str, on: pl.Expr) -> pl.Expr:
        """Return the scalar value on each row's date; null outside its periods or where unknown."""
        return self._chain(name, on, lambda p: pl.lit(p.value), pl.lit(None))

    def is_in(self, name: str, what: pl.Expr, on: pl.Expr) -> pl.Expr:
        """Return whether `what` (text) is in the list that holds on each row's date; null outside its periods."""
        return self._chain(name, on, lambda p: what.is_in(list(p.value)), pl.lit(None, dtype=pl.Boolean))

    def lookup(self, name: str, key: pl.Expr, on: pl.Expr) -> pl.Expr:
        """Return the number that the table holding on each row's date gives for `key` (text); null where it has none."""
        return self._chain(name, on, lambda p: key.replace_strict(p.value, default=None, return_dtype=pl.Float64), pl.lit(None, dtype=pl.Float64))

    def provisional(self, name: str, on: pl.Expr) -> pl.Expr:
        """Return true where the value on each row's date is marked provisional (false where undefined)."""
        if not any(p.status == "provisional" for p in self[name].periods):
            return pl.lit(False)
        return self._chain(name, on, lambda p: pl.lit(p.status == "provisional"), pl.lit(False), unknown=True)

    def defined(self, name: str, on: pl.Expr) -> pl.Expr:
        """Return true where a known value holds on each row's date, else false."""
        return self._chain(name, on, lambda p: pl.lit(True), pl.lit(False))

    def _chain(self, name: str, on: pl.Expr, then: Any, otherwise: pl.Expr, *, unknown: bool = False) -> pl.Expr:
        chain: Any = pl
        for period in self[name].periods:
            if period.status == "unknown" and not unknown:
                continue
            inside = on >= _day(period.start)
            if period.end is not None:
                inside = inside & (on <= _day(period.end))
            chain = chain.when(inside).then(then(period))
        return otherwise if chain is pl else chain.otherwise(otherwise)


@lru_cache(maxsize=1024)
def _day(day: date) -> pl.Expr:
    """Return the literal; a hundred rules ask for the same revision days thousands of times."""
    return pl.lit(day)


class _UniqueKeyLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # the C parser is six times as fast, where it is built
    """YAML loader that refuses a key given twice: the second would silently win."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(k) for k, _ in node.value]
    doubled = {k for k in keys if keys.count(k) > 1}
    if doubled:
        raise ParameterError(f"key given twice: {sorted(map(str, doubled))}", file=node.start_mark.name, line=node.start_mark.line + 1, remedy="keep one")
    return {loader.construct_object(k): loader.construct_object(v, deep=True) for k, v in node.value}


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Any:
    """Read one YAML file, refusing duplicate keys; raises ParameterError naming file and line."""
    try:
        with path.open(encoding="utf-8") as stream:
            return yaml.load(stream, Loader=_UniqueKeyLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ParameterError("not readable as YAML", file=path.name, line=mark.line + 1 if mark else None, remedy="check indentation and colons") from None


_office: Path | None = None


@contextmanager
def laid_over(folder: Path | None) -> Iterator[None]:
    """Let `load()` give the shipped values with an office's own ones from `folder` laid over them.

    For the whole process, since grains are built in threads: a process works on one home folder at a time.
    """
    global _office
    before, _office = _office, folder
    try:
        yield
    finally:
        _office = before


def load(folder: Path | None = None, office: Path | None = None) -> Parameters:
    """Return the parameters of a folder (the shipped one unless said), with the office's values that are in force.

    Args:
        folder: files of parameters.
        office: the office's own files; None = those of `laid_over`, with the shipped folder only.

    Raises:
        ParameterError: unknown or duplicate key, unknown unit or status, missing basis or date, overlapping periods, a
            name declared twice; the message names file and parameter.

    """
    office = office or (_office if folder is None else None)
    own = tuple((p, p.stat().st_mtime_ns, p.stat().st_size) for p in sorted(office.glob("*.yaml"))) if office is not None else ()
    return _loaded(folder or FOLDER, office if own else None, own)


@lru_cache(maxsize=64)
def _loaded(folder: Path, office: Path | None, _state: tuple[tuple[Path, int, int], ...]) -> Parameters:
    """Load once per process and state of the office's files."""
    found: dict[str, Parameter] = {}
    for path in sorted(folder.glob("*.yaml")):
        for entry in read_yaml(path) or []:
            parameter = _parameter(entry, path.name)
            if parameter.name in found:
                raise ParameterError(f"{parameter.name} is declared twice", file=path.name, remedy=f"it stands in {found[parameter.name].file} too: keep one")
            found[parameter.name] = parameter
    shipped = Parameters(found.values())
    if office is None:
        return shipped
    from audit.params_office import lay_over  # it builds on this module

    return lay_over(shipped, office)


def _parameter(entry: Any, file: str) -> Parameter:
    def refuse(problem: str, remedy: str) -> ParameterError:
        return ParameterError(problem, file=file, remedy=remedy)

    if not isinstance(entry, dict) or "name" not in entry:
        raise refuse("an entry has no name", "each entry is a mapping with name, unit, description_ja, values")
    name = entry["name"]
    unknown, missing = set(entry) - _PARAMETER_KEYS, _PARAMETER_KEYS - set(entry)
    if unknown or missing:
        raise refuse(f"{name}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}", f"allowed: {sorted(_PARAMETER_KEYS)}")
    if entry["unit"] not in UNITS:
        raise refuse(f"{name}: unit {entry['unit']!r}", f"allowed: {sorted(UNITS)}")
    periods = closed(name, [checked_period(name, v, refuse) for v in entry["values"]], refuse)
    return Parameter(name, entry["unit"], entry["description_ja"], tuple(periods), file)


Refuse = Callable[[str, str], ParameterError]


def closed(name: str, periods: Iterable[Period], refuse: Refuse) -> list[Period]:
    """Return periods in order, an open one ending where the next begins; raises what `refuse` makes of an overlap."""
    ordered = sorted(periods, key=lambda p: p.start)
    out: list[Period] = []
    for i, period in enumerate(ordered):
        following = ordered[i + 1].start if i + 1 < len(ordered) else None
        if following is not None and (period.end is None or period.end >= following):
            if period.end is not None or following == period.start:
                raise refuse(f"{name}: periods overlap at {following}", "end the earlier one on the day before")
            period = replace(period, end=date.fromordinal(following.toordinal() - 1))
        out.append(period)
    return out


def checked_period(name: str, raw: Any, refuse: Refuse, *, signed: bool = False) -> Period:
    """Return a period as written; an office's own (`signed`) names who entered it.

    Raises:
        ParameterError: unknown or missing keys, an unknown status, a date that is none, an end before the start, a table of
            something else than numbers.

    """
    if not isinstance(raw, dict):
        raise refuse(f"{name}: a value is no mapping", "from, value, basis, status, checked_on")
    allowed = _VALUE_KEYS | ({"by"} if signed else set())
    unknown = set(raw) - allowed
    required = {"from", "basis", "status", "checked_on"} | ({"by"} if signed else set()) | (set() if raw.get("status") == "unknown" else {"value"})
    missing = {k for k in required if raw.get(k) in (None, "")}
    if unknown or missing:
        raise refuse(f"{name}: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}", f"allowed: {sorted(allowed)}")
    if raw["status"] not in STATUSES:
        raise refuse(f"{name}: status {raw['status']!r}", f"allowed: {sorted(STATUSES)}")
    for key in ("from", "to", "checked_on"):
        if raw.get(key) is not None and type(raw[key]) is not date:
            raise refuse(f"{name}: {key} is not a date", "write it as 2024-06-01")
    if raw.get("to") is not None and raw["to"] < raw["from"]:
        raise refuse(f"{name}: ends before it begins", "correct from or to")
    value = raw.get("value")
    if isinstance(value, dict) and not all(isinstance(k, str) and isinstance(v, int | float) for k, v in value.items()):
        raise refuse(f"{name}: a table holds something else than text: number", 'write it as {"shoe": 18}')
    return Period(raw["from"], raw.get("to"), tuple(value) if isinstance(value, list) else value, raw["basis"], raw["status"], raw["checked_on"], raw.get("by"))
