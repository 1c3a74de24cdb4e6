"""Column mappings: which column of an office's own CSV is which field, as TOML (see layouts/judo_example.toml).

A mapping file holds one section per kind of file. Its keys are a closed set; a field may be named by header name, by one
of several header names, or by position counted from 1.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping as AbstractMapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from audit.errors import LayoutError

LAYOUTS = Path(__file__).parent / "layouts"
KINDS = ("judo_claims", "judo_parts", "ahaki_claims", "eligibility", "person_link", "leads", "third_party_cases", "review_cuts", "rereview_rates", "drug_indications", "drug_interactions", "placed_doctors", "overseas_claims", "orthosis_claims", "exchange_rates", "practitioners", "cover_overlaps", "insurer_settlements")
DAY_FORMS = ("text", "bits", "columns")
_TOP_KEYS = {"trust", "description_ja"}
_SECTION_KEYS = {"header", "columns", "values", "days", "wide_parts", "constants"}
_DAY_KEYS = {"text": {"form", "column"}, "bits": {"form", "column"}, "columns": {"form", "columns", "marks"}}
_WIDE_KEYS = {"count", "columns", "values"}

Name = str | int


@dataclass(frozen=True)
class Days:
    """How treatment days are keyed: one `text` or `bits` column, or 31 `columns` with a mark."""

    form: str
    columns: tuple[Name, ...]
    marks: tuple[str, ...] | None = None


@dataclass(frozen=True)
class WideParts:
    """Parts that stand in the claim's own row: for part n the column of each field."""

    count: int
    columns: tuple[dict[str, tuple[Name, ...]], ...]
    values: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """The mapping of one kind of file.

    Attributes:
        kind: one of KINDS.
        file: mapping file, for messages.
        header: whether the CSV's first record names its columns.
        columns: field -> header names or positions, the first that exists counts.
        values: field -> cell text (half width) -> meaning.
        days: how treatment days are keyed; None = not keyed.
        wide_parts: parts in the claim's row; None = elsewhere or nowhere.
        constants: field -> what every row of the file has, where no column says it.

    """

    kind: str
    file: str
    header: bool
    columns: dict[str, tuple[Name, ...]]
    values: dict[str, dict[str, str]]
    days: Days | None = None
    wide_parts: WideParts | None = None
    constants: dict[str, str] = field(default_factory=dict)


def plain(name: str) -> str:
    """Return a header name as it is compared: half width, without any blank."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def layout_path(layout: str) -> Path:
    """Return the file of a layout given by path or by the name of a shipped one.

    Raises:
        LayoutError: no such file.

    """
    path = Path(layout)
    if path.is_absolute() and path.is_file():
        return path
    shipped = LAYOUTS / (path.name if path.suffix == ".toml" else f"{path.name}.toml")
    if path.name == str(path) and shipped.is_file():
        return shipped
    known = ", ".join(sorted(p.name for p in LAYOUTS.glob("*_example*.toml")))
    raise LayoutError("no such layout file", file=layout, remedy=f"put it beside delivery.toml, or use a shipped one: {known}")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a layout file.

    Raises:
        LayoutError: not TOML (with its line) or not UTF-8.

    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise LayoutError(f"not readable as TOML: {str(error).splitlines()[0]}", file=path.name, remedy="compare with judo_example.toml") from None
    except (UnicodeDecodeError, OSError):
        raise LayoutError("not readable as UTF-8 text", file=path.name, remedy="save it as UTF-8") from None


def load_section(path: Path, kind: str, kinds: tuple[str, ...] = KINDS) -> Section:
    """Load the section of one kind from a mapping file; `kinds` are those that it may hold.

    Raises:
        LayoutError: no such section, unknown keys, wrong types: all of them in one message.

    """
    raw = read_toml(path)
    if kind not in raw:
        raise LayoutError(f"no section [{kind}]", file=path.name, remedy=f"it has {sorted(set(raw) & set(kinds))}; see judo_example.toml")
    wrong: list[str] = [f"unknown key {k}" for k in sorted(set(raw) - _TOP_KEYS - set(kinds))]
    body = raw[kind]
    if not isinstance(body, dict):
        raise LayoutError(f"[{kind}] is not a table", file=path.name, remedy="see judo_example.toml")
    wrong += [f"unknown key {kind}.{k}" for k in sorted(set(body) - _SECTION_KEYS)]
    columns = _columns(body.get("columns"), f"{kind}.columns", wrong)
    values = _values(body.get("values", {}), f"{kind}.values", wrong)
    header = body.get("header", True)
    if not isinstance(header, bool):
        wrong.append(f"{kind}.header is not true or false")
    if header is False and any(isinstance(n, str) for names in columns.values() for n in names):
        wrong.append(f"{kind}: without a header line every column is a position")
    days = _days(body.get("days"), f"{kind}.days", wrong)
    wide = _wide(body.get("wide_parts"), f"{kind}.wide_parts", wrong)
    constants = body.get("constants", {})
    if not isinstance(constants, dict) or not all(isinstance(v, str) and k not in columns for k, v in constants.items()):
        wrong.append(f"{kind}.constants is not a table of texts for fields without a column")
    if wrong:
        raise LayoutError("; ".join(wrong), file=path.name, remedy="see judo_example.toml")
    return Section(kind, path.name, bool(header), columns, values, days, wide, constants)


@cache
def shipped_sections() -> tuple[Section, ...]:
    """Return the sections of the shipped example mappings, in order of their file names."""
    paths = sorted(LAYOUTS.glob("*_example*.toml"))
    return tuple(load_section(path, kind) for path in paths for kind in KINDS if kind in read_toml(path))


def position(names: tuple[Name, ...], header: AbstractMapping[str, int] | None, width: int) -> int | None:
    """Return the 0-based column of the first name that exists; None where none does."""
    for name in names:
        if isinstance(name, int):
            if name <= width:
                return name - 1
        elif header is not None and plain(name) in header:
            return header[plain(name)]
    return None


def shown(names: tuple[Name, ...]) -> str:
    """Return a column's name for messages."""
    return " / ".join(n if isinstance(n, str) else f"{n}列目" for n in names)


def _columns(raw: Any, where: str, wrong: list[str]) -> dict[str, tuple[Name, ...]]:
    if not isinstance(raw, dict) or not raw:
        wrong.append(f"{where} is missing")
        return {}
    found: dict[str, tuple[Name, ...]] = {}
    for key, value in raw.items():
        names = value if isinstance(value, list) else [value]
        ok = names and all((isinstance(n, str) and plain(n)) or (type(n) is int and n >= 1) for n in names)
        if not ok:
            wrong.append(f"{where}.{key} is neither a header name nor a position from 1")
        found[key] = tuple(names)
    return found


def _values(raw: Any, where: str, wrong: list[str]) -> dict[str, dict[str, str]]:
    if not isinstance(raw, dict) or not all(isinstance(v, dict) for v in raw.values()):
        wrong.append(f"{where} is not a table of tables")
        return {}
    flat = {k: {plain(str(cell)): meaning for cell, meaning in v.items()} for k, v in raw.items()}
    wrong += [f"{where}.{k}: meanings are texts" for k, v in flat.items() if not all(isinstance(m, str) for m in v.values())]
    return flat


def _days(raw: Any, where: str, wrong: list[str]) -> Days | None:
    if raw is None:
        return None
    form = raw.get("form") if isinstance(raw, dict) else None
    if form not in DAY_FORMS:
        wrong.append(f"{where}.form is none of {list(DAY_FORMS)}")
        return None
    wrong += [f"unknown key {where}.{k}" for k in sorted(set(raw) - _DAY_KEYS[form])]
    if form != "columns":
        column = raw.get("column")
        if not isinstance(column, str | int):
            wrong.append(f"{where}.column is missing")
            return None
        return Days(form, (column,))
    columns = raw.get("columns")
    if isinstance(columns, str) and "{d}" in columns:
        columns = [columns.replace("{d}", str(d)) for d in range(1, 32)]
    if not isinstance(columns, list) or len(columns) != 31:
        wrong.append(f"{where}.columns names neither 31 columns nor a pattern with {{d}}")
        return None
    marks = raw.get("marks")
    return Days(form, tuple(columns), None if marks is None else tuple(plain(str(m)) for m in marks))


def _wide(raw: Any, where: str, wrong: list[str]) -> WideParts | None:
    if raw is None:
        return None
    if not isinstance(raw, dict) or type(raw.get("count")) is not int or not 1 <= raw["count"] <= 20:
        wrong.append(f"{where}.count is not a number from 1 to 20")
        return None
    wrong += [f"unknown key {where}.{k}" for k in sorted(set(raw) - _WIDE_KEYS)]
    count = raw["count"]
    columns = _columns(raw.get("columns"), f"{where}.columns", wrong)
    values = _values(raw.get("values", {}), f"{where}.values", wrong)
    parts: list[dict[str, tuple[Name, ...]]] = []
    for n in range(1, count + 1):
        part: dict[str, tuple[Name, ...]] = {}
        for key, names in columns.items():
            # a list of `count` names gives each part its own; a text with {n} is a pattern
            own = (names[n - 1],) if len(names) == count and count > 1 else names
            part[key] = tuple(x.replace("{n}", str(n)) if isinstance(x, str) else x for x in own)
        parts.append(part)
    wrong += [f"{where}.columns.{k} is the same column for every part" for k, names in columns.items() if count > 1 and parts[0][k] == parts[1][k]]
    return WideParts(count, tuple(parts), values)
