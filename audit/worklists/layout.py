"""The worklist's columns, codes and guide as data: columns.toml, choices.toml, guide.toml, loaded and checked once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

KINDS = frozenset({
    "code", "text", "long", "yen", "count", "days", "percent", "score", "minutes", "link",
    "choice", "yen_in", "date_in", "minutes_in", "text_in", "hidden",
})
NUMBERS = frozenset({"yen", "count", "days", "percent", "score", "minutes"})
"""Kinds whose cells are numbers (or blank, or the blind mark)."""
INPUTS = frozenset({"choice", "yen_in", "date_in", "minutes_in", "text_in"})
"""Kinds whose cells belong to the reviewer."""
BLINDED = ("random", "explore")
"""Selections whose cases are looked at without knowing how they were ranked: what they teach must not be led by it."""


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a worklist; the fields are explained at the head of columns.toml."""

    key: str
    ja: str
    band: str
    kind: str
    width: float
    help: str
    blind: bool = False
    checked: bool = False
    teams: tuple[str, ...] = ()
    choices: str = ""


@dataclass(frozen=True)
class Choice:
    """One entry of a dropdown: `code` is stored, `ja` is shown and chosen."""

    code: str
    ja: str
    teams: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """Everything that the worklists say and show beside the data."""

    schema_version: int
    blind_mark: str
    frozen_until: str
    columns: tuple[ColumnSpec, ...]
    bands: dict[str, str]
    teams: dict[str, str]
    marks: dict[str, str]
    selection: dict[str, str]
    severity: dict[str, str]
    kinds: dict[str, str]
    choices: dict[str, tuple[Choice, ...]]
    initial_status: str
    reason_fits: dict[str, tuple[str, ...]]
    memo_ending: str
    no_amount: tuple[str, ...]
    guide: dict[str, Any]

    def columns_for(self, team: str) -> tuple[ColumnSpec, ...]:
        """Return the team's columns in order."""
        return tuple(c for c in self.columns if not c.teams or team in c.teams)

    def choices_for(self, name: str, team: str) -> tuple[Choice, ...]:
        """Return the entries of a dropdown that the team may choose."""
        return tuple(c for c in self.choices[name] if not c.teams or team in c.teams)

    def code_of(self, name: str, label: str) -> str | None:
        """Return the code of a chosen label; None for a blank cell.

        Raises:
            KeyError: the label is none of the dropdown's entries.

        """
        if label.strip() == "":
            return None
        return {c.ja: c.code for c in self.choices[name]}[label.strip()]


@cache
def layout() -> Layout:
    """Return the layout, loaded and checked.

    Raises:
        ValueError: a data file contradicts itself (an author's error: unknown kind, team or band, double key or label).

    """
    here = files("audit.worklists")
    read = {n: tomllib.loads((here / f"{n}.toml").read_text("utf-8")) for n in ("columns", "choices", "guide")}
    spec, words = read["columns"], read["choices"]
    columns = tuple(ColumnSpec(**{**c, "teams": tuple(c.get("teams", ()))}) for c in spec["column"])
    choices = {
        name: tuple(Choice(i["code"], i["ja"], tuple(i.get("teams", ()))) for i in block["items"])
        for name, block in words["choices"].items()
    }
    built = Layout(
        schema_version=spec["schema_version"], blind_mark=spec["blind_mark"], frozen_until=spec["frozen_until"],
        columns=columns, bands=spec["band"],
        teams={k: v["ja"] for k, v in words["teams"].items()}, marks={k: v["mark"] for k, v in words["teams"].items()},
        selection=words["selection"], severity=words["severity"], kinds=words["kinds"],
        choices=choices, initial_status=words["choices"]["status"]["initial"],
        reason_fits={k: tuple(v) for k, v in words["reason_fits"].items()}, memo_ending=words["rules"]["memo_ending"],
        no_amount=tuple(words["rules"]["no_amount"]), guide=read["guide"],
    )
    problems = list(_problems(built))
    if problems:
        raise ValueError("worklist layout: " + "; ".join(problems))
    return built


def _problems(lay: Layout):
    for what, names in (("key", [c.key for c in lay.columns]), ("heading", [c.ja for c in lay.columns])):
        if len(set(names)) < len(names):
            yield f"a column {what} is used twice"
    for c in lay.columns:
        if c.kind not in KINDS:
            yield f"column {c.key}: unknown kind {c.kind!r}"
        if c.band not in lay.bands:
            yield f"column {c.key}: unknown band {c.band!r}"
        if set(c.teams) - set(lay.teams):
            yield f"column {c.key}: unknown team"
        if (c.kind == "choice") != (c.choices in lay.choices):
            yield f"column {c.key}: a choice names its list, others none"
    for name, items in lay.choices.items():
        labels, codes = [i.ja for i in items], [i.code for i in items]
        if len(set(labels)) < len(labels) or len(set(codes)) < len(codes):
            yield f"choices {name}: a code or label is used twice"
        if any(set(i.teams) - set(lay.teams) for i in items):
            yield f"choices {name}: unknown team"
    decisions = {i.code for i in lay.choices["decision"]}
    if {i.code[0] for i in lay.choices["reason"]} != set(lay.reason_fits) or set().union(*lay.reason_fits.values(), lay.no_amount) - decisions:
        yield "reason_fits: every first letter of a reason once, with decisions of the list"
    if lay.initial_status not in [i.ja for i in lay.choices["status"]]:
        yield "choices status: the initial one is not in the list"
