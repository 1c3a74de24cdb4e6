"""The office's own parameter values, laid over the shipped ones: files `<home>/parameters/*.yaml`.

    - name: orthosis.limit.artificial_eye      # a shipped parameter; the office names no new ones
      values:
        - from: 2026-04-01
          to: 2027-03-31                       # left out = holds until the next shipped or own period begins
          value: 100000
          basis: 告示第○号を確認                # why
          status: confirmed                    # as for shipped values
          checked_on: 2026-11-21               # when it was entered
          by: 給付係                            # who entered it
      replaced: []                             # what stood here before, kept for the record, never used

On its days an own value takes the shipped one's place; outside them the shipped values stand. An own value without an end
ends where the next shipped period begins: a change of law that comes with a later release is not overridden by what an
office knew before it. Everything is checked as strictly as the shipped files (audit.params).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from audit.errors import ParameterError
from audit.params import Parameter, Parameters, Period, checked_period, closed, read_yaml

FILE = "office.yaml"
_KEYS = {"name", "values", "replaced"}
_HEAD = "# 当所で登録した値（kokuho-audit params set で追記します）。出荷時の値に優先します。\n"


def lay_over(shipped: Parameters, folder: Path) -> Parameters:
    """Return the shipped parameters with the office's values laid over them; the shipped ones where there are none.

    Raises:
        ParameterError: a name that is not shipped or stands twice, unknown keys, no signature, a value of another kind
            than the shipped ones, overlapping dates; the message names file and parameter.

    """
    entries: dict[str, tuple[Any, str]] = {}
    for path in sorted(folder.glob("*.yaml")):
        for entry in read_yaml(path) or []:
            name = entry.get("name") if isinstance(entry, dict) else None
            if name in entries:
                raise ParameterError(f"{name} is entered twice", file=path.name, remedy=f"it stands in {entries[name][1]} too: keep one")
            entries[name] = (entry, path.name)
    changed = {name: over(shipped, entry, file) for name, (entry, file) in entries.items()}
    return Parameters([changed.get(p.name, p) for p in shipped]) if changed else shipped


def over(shipped: Parameters, entry: Any, file: str) -> Parameter:
    """Return a shipped parameter with an office's entry laid over it; raises ParameterError as lay_over."""

    def refuse(problem: str, remedy: str) -> ParameterError:
        return ParameterError(problem, file=file, remedy=remedy)

    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not isinstance(entry.get("values"), list):
        raise refuse("an entry has no name or no values", "each entry is a mapping with name and values")
    if entry["name"] not in shipped:
        shipped[entry["name"]]  # tells the near names
    base = shipped[entry["name"]]
    if unknown := set(entry) - _KEYS:
        raise refuse(f"{base.name}: unknown keys {sorted(unknown)}", f"allowed: {sorted(_KEYS)}")
    own = closed(base.name, [checked_period(base.name, raw, refuse, signed=True) for raw in entry["values"]], refuse)
    for period in own:
        _same_kind(base, period, refuse)
    return replace(base, periods=tuple(_laid(base.periods, own)))


def _laid(shipped: Iterable[Period], own: list[Period]) -> list[Period]:
    shipped = list(shipped)
    for period in own:
        following = min((q.start for q in shipped if q.start > period.start), default=None)
        if period.end is None and following is not None:
            period = replace(period, end=following - timedelta(days=1))
        rest: list[Period] = []
        for q in shipped:
            if (period.end is not None and q.start > period.end) or (q.end is not None and q.end < period.start):
                rest.append(q)
                continue
            if q.start < period.start:
                rest.append(replace(q, end=period.start - timedelta(days=1)))
            if period.end is not None and (q.end is None or q.end > period.end):
                rest.append(replace(q, start=period.end + timedelta(days=1)))
        shipped = sorted([*rest, period], key=lambda q: q.start)
    return shipped


def _same_kind(base: Parameter, own: Period, refuse: Any) -> None:
    """A number stays a number, a list a list: an expression built on the other would fail in the middle of a run."""
    if own.status == "unknown":
        return
    kind = _kind(own.value)
    wanted = {_kind(p.value) for p in base.periods if p.status != "unknown"} or {"list" if base.unit == "codes" else "text" if base.unit == "text" else "number"}
    if kind not in wanted:
        raise refuse(f"{base.name}: a {kind}, where the shipped value is a {' or '.join(sorted(wanted))}", "enter a value of the same kind")


def _kind(value: Any) -> str:
    return {tuple: "list", dict: "table", str: "text"}.get(type(value), "number" if isinstance(value, int | float) and not isinstance(value, bool) else "value of no known kind")


def own_values(parameters: Parameters) -> list[dict[str, Any]]:
    """Return every value that an office entered, for a run's manifest: name, from, to, value, status, basis, by, checked_on."""
    return [
        {"name": p.name, "from": q.start, "to": q.end, "value": list(q.value) if isinstance(q.value, tuple) else q.value, "status": q.status, "basis": q.basis, "by": q.by, "checked_on": q.checked_on}
        for p in parameters for q in p.periods if q.by is not None
    ]


def parse_value(parameter: Parameter, text: str, on: date) -> Any:
    """Return a value typed at the terminal: a number, a text, `a,b,c` for a list, `key=1,key=2` for entries of a table.

    Entries of a table are laid over the table in force on `on`.

    Raises:
        ParameterError: no number where one is needed.

    """
    known = [p.value for p in parameter.periods if p.status != "unknown"]
    sample = known[-1] if known else () if parameter.unit == "codes" else "" if parameter.unit == "text" else 0
    try:
        if isinstance(sample, tuple):
            return [part.strip() for part in text.split(",") if part.strip()]
        if isinstance(sample, dict):
            pairs = [part.split("=") for part in text.split(",")]
            held = parameter.on(on)
            return {**(held.value if held is not None and isinstance(held.value, dict) else {}), **{k.strip(): _number(v) for k, v in pairs}}
        return text if isinstance(sample, str) else _number(text)
    except ValueError:
        raise ParameterError(f"{parameter.name}: {text!r} is not a value of the unit {parameter.unit}", remedy="a number; a,b,c for a list; 種類=数,種類=数 for a table") from None


def _number(text: str) -> int | float:
    number = float(text.strip().replace(",", ""))
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return int(number) if number.is_integer() and "." not in text else number


def entered(shipped: Parameters, folder: Path, name: str, value: dict[str, Any]) -> tuple[Path, str, Parameters]:
    """Return the office's file, its text with one more value, and the parameters that result; nothing is written.

    A value with the same first day takes the earlier one's place, which is kept under `replaced`.

    Raises:
        ParameterError: as lay_over; the file as a whole is checked, and what results for the parameter.

    """
    path = folder / FILE
    for other in sorted(folder.glob("*.yaml")):
        if other.name != FILE and any(isinstance(e, dict) and e.get("name") == name for e in read_yaml(other) or []):
            raise ParameterError(f"{name} is entered in another file", file=other.name, remedy="change it there, or move the entry to office.yaml")
    entries = (read_yaml(path) or []) if path.exists() else []
    entry = next((e for e in entries if e.get("name") == name), None)
    if entry is None:
        shipped[name]
        entry = {"name": name, "values": []}
        entries.append(entry)
    before = [v for v in entry["values"] if v.get("from") == value["from"]]
    if before:
        entry["replaced"] = [*entry.get("replaced", []), *before]
    entry["values"] = sorted([*(v for v in entry["values"] if v not in before), value], key=lambda v: v["from"])
    changed = {e["name"]: over(shipped, e, FILE) for e in entries}
    entries.sort(key=lambda e: e["name"])
    others = lay_over(shipped, folder) if folder.exists() else shipped
    return path, _HEAD + yaml.safe_dump(entries, allow_unicode=True, sort_keys=False, width=160), Parameters([changed.get(p.name, p) for p in others])
