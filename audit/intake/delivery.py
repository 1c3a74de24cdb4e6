"""delivery.toml: what the office says about its files where their content cannot tell.

    insurer_no = "00110221"            # for files that do not name the insurer in their rows
    insurers = ["00110221"]            # whose rows are expected; others go to quarantine
    month = "2026-10"                  # delivery month

    [[file]]
    name = "judo_202610.csv"           # or glob = "judo_*.csv"
    kind = "judo_claims"
    layout = "my_judo.toml"            # beside delivery.toml, or the name of a shipped one
    encoding = "cp932"
    insurer_no = "00110221"
    care_insurers = { "00112219" = "00110221" }   # care files of several insurers: care insurer -> NHI insurer
    revision = "2024-06-01"            # masters, fee tables, lists of drugs and of placed doctors
    ignore = true                      # leave the file out

Unknown keys are errors: a mistyped key would silently do nothing.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unicodedata import normalize

from audit.errors import AuditError, DeliveryError

NAME = "delivery.toml"
KINDS = (
    "uke_med", "uke_dpc", "uke_pha", "uke_den", "uke_nur", "care_claims", "care_records", "judo_claims", "judo_parts", "ahaki_claims",
    "eligibility", "person_link", "leads", "third_party_cases", "review_cuts", "rereview_rates", "master_s", "master_h", "master_y", "master_b", "master_z", "master_t", "master_c",
    "fee_support", "fee_bundles", "fee_exclusions_day", "fee_exclusions_month", "fee_exclusions_once", "fee_exclusions_week", "fee_ward", "fee_limits",
    "drug_indications", "drug_interactions", "placed_doctors",
    "overseas_claims", "orthosis_claims", "exchange_rates",
    "practitioners",
    "cover_overlaps", "insurer_settlements",
)
ENCODINGS = {"cp932": "cp932", "shift_jis": "cp932", "sjis": "cp932", "ms932": "cp932", "utf-8": "utf-8", "utf8": "utf-8", "utf-8-sig": "utf-8"}
_TOP = {"insurer_no", "insurers", "month", "file"}
_FILE = {"name", "glob", "kind", "layout", "encoding", "revision", "insurer_no", "care_insurers", "ignore"}


@dataclass(frozen=True)
class Entry:
    """What delivery.toml says about one file, or the files of a glob."""

    name: str | None = None
    glob: str | None = None
    kind: str | None = None
    layout: str | None = None
    encoding: str | None = None
    revision: date | None = None
    insurer_no: str | None = None
    care_insurers: dict[str, str] = field(default_factory=dict)
    ignore: bool = False

    def matches(self, name: str) -> bool:
        """Return whether the entry speaks of a file, by its name inside the delivery.

        Some systems write が as か and its mark apart: the same name.
        """
        name = normalize("NFC", name)
        return name == normalize("NFC", self.name) if self.name is not None else fnmatchcase(name, normalize("NFC", self.glob or ""))


@dataclass(frozen=True)
class Settings:
    """A whole delivery.toml; empty where the delivery has none."""

    insurer_no: str | None = None
    insurers: tuple[str, ...] = ()
    month: str | None = None
    entries: tuple[Entry, ...] = ()

    def entry(self, name: str) -> Entry:
        """Return the entry of a file: its own by name, else the first glob that matches, else an empty one."""
        named = [e for e in self.entries if e.name is not None and e.matches(name)]
        globbed = [e for e in self.entries if e.name is None and e.matches(name)]
        return (named + globbed + [Entry()])[0]


def read_settings(folder: Path) -> tuple[Settings, list[AuditError]]:
    """Read delivery.toml of a folder.

    Returns:
        The settings and every problem found in them; problems are not raised, so that they come with those of the files.

    """
    path = folder / NAME
    if not path.exists():
        return Settings(), []
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        return Settings(), [DeliveryError(f"not readable as TOML: {str(error).splitlines()[0]}", file=NAME, remedy="texts stand in quotes, each key once")]
    except (UnicodeDecodeError, OSError):
        return Settings(), [DeliveryError("not readable as UTF-8 text", file=NAME, remedy="save it as UTF-8")]
    problems: list[AuditError] = []

    def wrong(problem: str, remedy: str) -> None:
        problems.append(DeliveryError(problem, file=NAME, remedy=remedy))

    if unknown := sorted(set(raw) - _TOP):
        wrong(f"unknown keys {unknown}", f"allowed: {sorted(_TOP)}")
    insurer_no = _insurer(raw.get("insurer_no"), "insurer_no", wrong)
    insurers = raw.get("insurers", [])
    if not isinstance(insurers, list):
        wrong("insurers is not a list", 'write insurers = ["00110221"]')
        insurers = []
    numbers = {n for i in insurers if (n := _insurer(i, "insurers", wrong))} | ({insurer_no} if insurer_no else set())
    month = raw.get("month")
    if month is not None and not (isinstance(month, str) and re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month)):
        wrong("month is not a month", 'write month = "2026-10"')
        month = None
    files = raw.get("file", [])
    if not isinstance(files, list) or not all(isinstance(f, dict) for f in files):
        wrong("file is not a list of tables", "begin each with [[file]]")
        files = []
    entries = tuple(_entry(f, n, wrong) for n, f in enumerate(files, 1))
    named = [e.name for e in entries if e.name is not None]
    for name in sorted({n for n in named if named.count(n) > 1}):
        wrong(f"two entries for {name}", "keep one")
    return Settings(insurer_no, tuple(sorted(numbers)), month, entries), problems


def _insurer(raw: Any, key: str, wrong: Any) -> str | None:
    if raw is None:
        return None
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and 5 <= len(raw) <= 8:
        return raw.zfill(8)
    wrong(f"{key} holds something that is no 保険者番号", "6 or 8 digits in quotes")
    return None


def _entry(raw: dict[str, Any], number: int, wrong: Any) -> Entry:
    where = f"[[file]] {raw.get('name') or raw.get('glob') or f'number {number}'}"
    if unknown := sorted(set(raw) - _FILE):
        wrong(f"{where}: unknown keys {unknown}", f"allowed: {sorted(_FILE)}")
    if ("name" in raw) == ("glob" in raw) or not isinstance(raw.get("name", raw.get("glob")), str):
        wrong(f"{where}: needs either name or glob", 'e.g. name = "judo_202610.csv"')
    kind = raw.get("kind")
    if kind is not None and kind not in KINDS:
        wrong(f"{where}: kind {kind!r} is not known", f"one of: {', '.join(KINDS)}")
        kind = None
    encoding = raw.get("encoding")
    if encoding is not None:
        encoding = ENCODINGS.get(str(encoding).lower())
        if encoding is None:
            wrong(f"{where}: encoding is not known", "cp932 or utf-8")
    layout = raw.get("layout")
    if layout is not None and (not isinstance(layout, str) or Path(layout).is_absolute() or ".." in Path(layout).parts):
        wrong(f"{where}: layout is no file name inside the delivery", "put the layout beside delivery.toml")
        layout = None
    pairs = raw.get("care_insurers", {})
    care = {k: v for a, b in pairs.items() if (k := _insurer(a, f"{where}: care_insurers", wrong)) and (v := _insurer(b, f"{where}: care_insurers", wrong))} if isinstance(pairs, dict) else {}
    if not isinstance(pairs, dict):
        wrong(f"{where}: care_insurers is not a table", '{ "00112219" = "00110221" }')
    ignore = raw.get("ignore", False)
    if not isinstance(ignore, bool):
        wrong(f"{where}: ignore is not true or false", "write ignore = true")
        ignore = False
    return Entry(raw.get("name"), raw.get("glob"), kind, layout, encoding, _revision(raw.get("revision"), where, wrong), _insurer(raw.get("insurer_no"), f"{where}: insurer_no", wrong), care, ignore)


def _revision(raw: Any, where: str, wrong: Any) -> date | None:
    if raw is None or type(raw) is date:
        return raw
    try:
        return date.fromisoformat(raw)
    except (TypeError, ValueError):
        wrong(f"{where}: revision is not a day", 'write revision = "2024-06-01"')
        return None
