"""Record layouts of the UKE formats, read from `audit/intake/layouts/uke_*.toml`.

A layout says for every record id where it may stand (`place`), what becomes of it (`role`), and at which index after
splitting on the comma each wanted field is. The readers know roles and column names, never indices.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from audit.errors import LayoutError

Eras = dict[str, tuple[int, int]]  # leading digit -> (year before the first, last year)
FOLDER = Path(__file__).resolve().parents[1] / "layouts"
PLACES = ("file", "start", "head", "receipt", "body")
ROLES = frozenset({
    "institution", "receipt", "payer", "branch", "visits", "diagnosis", "line", "bundled", "block", "stay", "absence",
    "group", "dispensing", "drug", "order", "state", "dated", "correction", "total", "accounted",
})


@dataclass(frozen=True)
class RecordLayout:
    """One record of a format.

    Attributes:
        record: the two letters.
        place: ``file`` (outside receipts), ``start`` (opens a receipt), ``head`` (payer lines that open it), ``receipt``
            (anywhere in it), ``body`` (after the head).
        role: what the readers do with it; ``accounted`` = counted by name, not stored.
        fields: column name -> 0-based index, record id = 0.
        days: first and last index of the 31 day cells, or None.
        text: True where wanted fields may be full-width.
        trust: mark of formats.md.

    """

    record: str
    place: str
    role: str
    fields: dict[str, int]
    days: tuple[int, int] | None
    text: bool
    trust: str

    @property
    def shape(self) -> tuple[object, ...]:
        """Records of equal shape are parsed together."""
        return (self.role, tuple(self.fields.items()), self.days, self.text)


@dataclass(frozen=True)
class Layout:
    """One UKE format with its insurer-side additions."""

    kind: str
    claim_kind: str
    trust: str
    end: tuple[str, ...]
    visit_categories: tuple[int, ...]
    records: dict[str, RecordLayout]
    shift: int
    eras: Eras
    outside_accident_phrase: str

    def of_role(self, *roles: str) -> list[RecordLayout]:
        """Return the records of these roles, in the order of the layout file."""
        return [r for r in self.records.values() if r.role in roles]


def _record(name: str, raw: dict[str, object], trust: str, where: str) -> RecordLayout:
    days = raw.get("days")
    record = RecordLayout(
        record=name, place=str(raw.get("place", "")), role=str(raw.get("role", "accounted")),
        fields={str(k): int(v) for k, v in dict(raw.get("fields", {})).items()},
        days=None if days is None else (int(days[0]), int(days[1])),
        text=bool(raw.get("text", False)), trust=str(raw.get("trust", trust)),
    )
    unknown = set(raw) - {"place", "role", "fields", "days", "text", "trust"}
    if unknown or record.place not in PLACES or record.role not in ROLES:
        raise LayoutError(f"record {name}: unknown key, place or role", file=where, remedy="see audit/intake/uke/layout.py")
    if record.days is not None and record.days[1] - record.days[0] != 30:
        raise LayoutError(f"record {name}: day cells must be 31", file=where, remedy="give days = [first, last]")
    return record


@cache
def load_layout(kind: str, override: str | None = None) -> Layout:
    """Return the layout of a kind.

    Args:
        kind: ``uke_med``, ``uke_dpc``, ``uke_pha``, ``uke_den`` or ``uke_nur``.
        override: a shipped layout's name (without ``.toml``) or a path, from delivery.toml.

    Raises:
        LayoutError: the file is missing, of another kind, or has an unknown key.

    """
    path = FOLDER / f"{override or kind}.toml"
    if override is not None and not path.exists():
        path = Path(override)
    if not path.exists():
        raise LayoutError("layout file is missing", file=str(override or kind), remedy="name a shipped layout or a path")
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    common = tomllib.loads((FOLDER / "uke_common.toml").read_text(encoding="utf-8"))
    if raw.get("kind") != kind:
        raise LayoutError(f"layout is for {raw.get('kind')}, not {kind}", file=path.name, remedy="name the right layout")
    side = common["insurer_side"]
    records = {n: _record(n, r, raw["trust"], path.name) for n, r in raw["records"].items()}
    for name, entry in side["records"].items():
        records.setdefault(name, _record(name, entry, side["trust"], "uke_common.toml"))
    return Layout(
        kind=kind, claim_kind=raw["claim_kind"], trust=raw["trust"], end=tuple(raw["end"]),
        visit_categories=tuple(raw["visit_categories"]), records=records, shift=int(side["shift"]),
        eras={str(k): (int(v["base"]), int(v["last"])) for k, v in common["eras"].items()},
        outside_accident_phrase=common["outside_accident"]["phrase"],
    )
