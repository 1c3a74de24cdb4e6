"""Expectations of the gate as data: read strictly from gate_expectations.toml, every unknown key is an error."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import ParameterError

SHIPPED = Path(__file__).with_name("gate_expectations.toml")
LIMITS = ("warn_below", "warn_over", "stop_below", "stop_over")
MEASURES = {  # measure -> unit in which its figure is shown
    "cell": "share", "duplicates": "share", "nulls_key": "share", "nulls_required": "share", "orphans": "share",
    "quarantine": "share", "unlinked": "share", "points": "share", "main_month": "share", "controls": "share",
    "structure": "count", "account": "count", "presence": "count", "volume": "ratio",
}
_TEXT = ("id", "family", "measure", "title_ja", "remedy_ja", "reason", "source", "confidence")
_OPTIONAL = ("targets", "set", "pattern", "low", "high", "where", "parent", "kinds", "exempt", "min_rows", "stop_min_rows", *LIMITS)
_SET_KEYS = {"values", "source", "confidence"}


@dataclass(frozen=True)
class Check:
    """One expectation; the meaning of each field stands at the head of gate_expectations.toml.

    `values` are those of the named set; a limit that is None does not exist.
    """

    id: str
    family: str
    measure: str
    title_ja: str
    remedy_ja: str
    reason: str
    source: str
    confidence: str
    targets: tuple[str, ...] = ()
    values: tuple[str, ...] | None = None
    pattern: str | None = None
    low: float | None = None
    high: float | None = None
    where: tuple[str, tuple[str, ...]] | None = None
    parent: str | None = None
    kinds: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    min_rows: int = 0
    stop_min_rows: int = 0
    warn_below: float | None = None
    warn_over: float | None = None
    stop_below: float | None = None
    stop_over: float | None = None

    @property
    def unit(self) -> str:
        """Unit of the figure: share, count or ratio."""
        return MEASURES[self.measure]


@dataclass(frozen=True)
class Expectations:
    """All checks in file order, with what they share.

    Attributes:
        checks: the expectations.
        families: family -> Japanese heading, in the order of the report.
        sets: name -> allowed values.
        control_names: control total -> Japanese name.
        history_months: months before that a volume is compared with.

    """

    checks: tuple[Check, ...]
    families: dict[str, str]
    sets: dict[str, tuple[str, ...]]
    control_names: dict[str, str]
    history_months: int

    def only(self, *ids: str) -> Expectations:
        """Return the same with these checks alone."""
        return Expectations(tuple(c for c in self.checks if c.id in ids), self.families, self.sets, self.control_names, self.history_months)


def load_expectations(path: Path = SHIPPED) -> Expectations:
    """Read an expectations file.

    Raises:
        ParameterError: not TOML, an unknown, doubled or missing key, an unknown set, family or measure, limits in a
            wrong order; the first one found is named.

    """

    def wrong(problem: str, remedy: str) -> ParameterError:
        return ParameterError(problem, file=path.name, remedy=remedy)

    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise wrong("not readable as TOML", "check quotes and brackets, and that the file is UTF-8") from error
    except OSError as error:
        raise wrong("cannot be read", "give the path of an expectations file") from error
    known = {"version", "history_months", "families", "control_names", "sets", "check"}
    if set(content) != known:
        raise wrong(f"top level: unknown or missing {sorted(set(content) ^ known)}", f"exactly {sorted(known)}")
    if content["version"] != 1:
        raise wrong("version is not 1", "take the file of this program's version")
    for name, entry in content["sets"].items():
        if set(entry) != _SET_KEYS or not entry["values"]:
            raise wrong(f"set {name}: keys must be {sorted(_SET_KEYS)}", "name values, source and confidence")
    sets = {name: tuple(entry["values"]) for name, entry in content["sets"].items()}
    checks = tuple(_check(entry, sets, content["families"], wrong) for entry in content["check"])
    doubled = sorted({c.id for c in checks if sum(o.id == c.id for o in checks) > 1})
    if doubled:
        raise wrong(f"check {doubled[0]} is declared twice", "keep one")
    return Expectations(checks, content["families"], sets, content["control_names"], content["history_months"])


def _check(entry: dict[str, Any], sets: dict[str, tuple[str, ...]], families: dict[str, str], wrong: Any) -> Check:
    name = entry.get("id", "without id")
    missing, unknown = [k for k in _TEXT if not entry.get(k)], sorted(set(entry) - {*_TEXT, *_OPTIONAL})
    if missing or unknown:
        raise wrong(f"check {name}: missing {missing}, unknown {unknown}", f"allowed: {sorted({*_TEXT, *_OPTIONAL})}")
    if entry["measure"] not in MEASURES:
        raise wrong(f"check {name}: measure {entry['measure']!r} does not exist", f"one of {sorted(MEASURES)}")
    if entry["family"] not in families:
        raise wrong(f"check {name}: family {entry['family']!r} has no heading", f"one of {sorted(families)}")
    if "set" in entry and entry["set"] not in sets:
        raise wrong(f"check {name}: set {entry['set']!r} does not exist", f"one of {sorted(sets)}")
    if entry["measure"] == "cell" and ("set" in entry) + ("pattern" in entry) + ("low" in entry and "high" in entry) != 1:
        raise wrong(f"check {name}: a cell needs one of set, pattern, low and high", "keep one")
    limits = {k: float(entry[k]) for k in LIMITS if k in entry}
    if not limits:
        raise wrong(f"check {name}: no limit", f"give one of {list(LIMITS)}")
    if limits.get("stop_over", float("inf")) < limits.get("warn_over", float("-inf")) or limits.get("stop_below", float("-inf")) > limits.get("warn_below", float("inf")):
        raise wrong(f"check {name}: the stop limit lies inside the warn limit", "a stop lies further out than a warning")
    where = entry.get("where")
    return Check(
        **{k: entry[k] for k in _TEXT}, **limits,
        targets=tuple(entry.get("targets", ())), values=sets[entry["set"]] if "set" in entry else None,
        pattern=entry.get("pattern"), low=entry.get("low"), high=entry.get("high"),
        where=(where["column"], tuple(where["values"])) if where else None, parent=entry.get("parent"),
        kinds=tuple(entry.get("kinds", ())), exempt=tuple(entry.get("exempt", ())), min_rows=entry.get("min_rows", 0), stop_min_rows=entry.get("stop_min_rows", 0),
    )
