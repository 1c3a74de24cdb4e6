"""A delivery folder to a plan: every file found by its content, overridable in delivery.toml."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from audit.errors import (
    AuditError,
    DeliveryError,
    DuplicateFileError,
    EmptyFileError,
    FileKindError,
    LayoutError,
    ManyErrors,
)
from audit.intake import sniff
from audit.intake.csvtext import MAX_BYTES, ZIP_MAGIC, read_bytes, zip_member
from audit.intake.delivery import KINDS, NAME, Entry, Settings, read_settings
from audit.intake.fee_tables import SPAN_KINDS, span_of
from audit.intake.mapping import LAYOUTS
from audit.intake.result import FilePlan

MAX_FILES = 5_000
_MANY_INSURERS = ("care_claims", "care_records")  # may hold people of other insurers: these have to be told apart
MAX_UKE_BYTES = 16 << 30  # receipts are read in stretches
_BY_REVISION = ("master_", "fee_", "drug_indications", "drug_interactions", "placed_doctors")  # reference tables: stored by the day from which they count
_LEFT_BEHIND = re.compile(r"(^|/)(\.[^/]*|~\$[^/]*|Thumbs\.db|desktop\.ini)(/|$)", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """What a delivery holds.

    Attributes:
        files: sorted by name.
        insurers: insurers that delivery.toml names (8 digits, sorted); empty = not said.
        month: delivery month that delivery.toml names, 'YYYY-MM'; None = not said.
        ignored: names of files that are left out.
        problems: what stands against reading it; empty unless asked for by ``raise_problems=False``.

    """

    files: tuple[FilePlan, ...]
    insurers: tuple[str, ...]
    month: str | None
    ignored: tuple[str, ...] = ()
    problems: tuple[AuditError, ...] = ()


def plan_delivery(folder: Path, *, raise_problems: bool = True) -> Plan:
    """Find out what every file of a delivery is.

    Files are looked into, not at: their kind and encoding come from their first bytes, and delivery.toml overrides them.
    Mapping files that delivery.toml points to, hidden files and Excel's lock files are left alone.

    Args:
        folder: the delivery.
        raise_problems: raise what was found wrong; otherwise return it in the plan.

    Raises:
        DeliveryError: no such folder, too many files, a link that leads outside, an impossible delivery.toml, a master
            without a date, a file too large.
        FileKindError: a file whose kind cannot be told.
        LayoutError: a header that misses required columns of the mapping it comes nearest to.
        EmptyFileError, EncodingError, DuplicateFileError: as they say.
        ManyErrors: several of them; all problems are found before any is raised.

    """
    folder = Path(folder).absolute()  # the files are read by other processes too
    if not folder.is_dir():
        raise DeliveryError("no such folder", file=str(folder.name or folder), remedy="give the folder that holds the month's files")
    settings, problems = read_settings(folder)
    layouts = {e.layout for e in settings.entries if e.layout}
    files: list[FilePlan] = []
    ignored: list[str] = []
    names = _names(folder, problems)
    for name in names:
        entry = settings.entry(name)
        if name == NAME or _LEFT_BEHIND.search(name) or name in layouts:
            continue
        if entry.ignore or name.endswith(".toml"):  # a mapping that nothing points to is no data either
            ignored.append(name)
            continue
        try:
            files.append(_plan_file(folder, name, entry, settings))
        except ManyErrors as several:
            problems += several.errors
        except AuditError as error:
            problems.append(error)
    problems += _contradictions(files, settings, names)
    if not files and not problems:
        problems.append(DeliveryError("the folder holds no files", file=folder.name, remedy="check the path"))
    plan = Plan(tuple(sorted(files, key=lambda f: f.name)), settings.insurers, settings.month, tuple(ignored), tuple(problems))
    if problems and raise_problems:
        raise problems[0] if len(problems) == 1 else ManyErrors(problems)
    return plan


def _names(folder: Path, problems: list[AuditError]) -> list[str]:
    """Return the names of all files, sorted; links that lead outside the folder are problems and left out."""
    root = folder.resolve()
    found: list[str] = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted([*names, *(f for f in folders if (Path(place) / f).is_symlink())]):
            path = Path(place) / name
            relative = path.relative_to(folder).as_posix()
            if not _can_be_written_down(relative):  # line breaks, or bytes of another encoding: no log and no manifest can hold it
                safe = relative.encode("ascii", "backslashreplace").decode().replace("\n", "\\n").replace("\r", "\\r")
                problems.append(DeliveryError("a file name that cannot be written down", file=safe, remedy="rename the file"))
            elif path.is_symlink() and (not path.resolve().is_relative_to(root) or not path.is_file()):
                problems.append(DeliveryError("a link that leads outside the delivery", file=relative, remedy="put the file itself into the folder"))
            elif path.is_file():
                found.append(relative)
            elif not path.is_dir():
                problems.append(DeliveryError("neither a file nor a folder", file=relative, remedy="take it out"))
        if len(found) > MAX_FILES:
            problems.append(DeliveryError(f"more than {MAX_FILES} files", file=folder.name, remedy="check the path"))
            return []
    return sorted(found)


def _can_be_written_down(name: str) -> bool:
    """Return whether a name is text of one line; the full-width blank is, although Python does not count it as printable."""
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in name)


def _plan_file(folder: Path, name: str, entry: Entry, settings: Settings) -> FilePlan:
    path = folder / name
    size = path.stat().st_size
    if size == 0:
        raise EmptyFileError("no bytes", file=name, remedy="deliver it again, or set ignore = true for it in delivery.toml")
    with path.open("rb") as stream:
        first = stream.read(sniff.HEAD)
    if what := sniff.foreign(first):
        raise FileKindError(f"{what}", file=name, remedy="save it as CSV, or set ignore = true for it in delivery.toml")
    zipped = first.startswith(ZIP_MAGIC)
    inner = zip_member(path, name) if zipped else None
    head = read_bytes(path, name, head=sniff.HEAD) if zipped else first
    if not head.strip(b" \r\n\t\x1a"):
        raise EmptyFileError("only blanks", file=name, remedy="deliver it again, or set ignore = true for it in delivery.toml")
    total = inner.file_size if inner else size
    encoding = entry.encoding or sniff.encoding_of(head, name, whole=total <= len(head))
    kind, layout = _kind(head, encoding, name, entry, folder)
    if zipped and not kind.startswith(("master_", "fee_")):
        raise FileKindError("only official masters are read from a zip archive", file=name, remedy="unpack it")
    if size > (MAX_UKE_BYTES if kind.startswith("uke_") else MAX_BYTES):
        raise DeliveryError("larger than a file of this kind may be", file=name, remedy="split it by month or insurer")
    revision = None
    if kind.startswith(_BY_REVISION):
        revision = entry.revision or _date_in(Path(inner.filename).name if inner else "") or _date_in(Path(name).name)
        if revision is None:
            what = "master" if kind.startswith("master_") else "table"
            raise DeliveryError(f"no date in the {what}'s name", file=name, remedy='add [[file]] with its name and revision = "2024-06-01" to delivery.toml')
    options: dict[str, object] = {"care_insurers": entry.care_insurers} if entry.care_insurers else {}
    if kind in _MANY_INSURERS and settings.insurers:
        options["insurers"] = list(settings.insurers)
    return FilePlan(path, name, kind, _sha256(path), size, encoding, entry.insurer_no or settings.insurer_no, layout, options, revision)


def _kind(head: bytes, encoding: str, name: str, entry: Entry, folder: Path) -> tuple[str, str | None]:
    """Return kind and layout; the layout is a path where it lies in the delivery, a shipped name otherwise."""
    seen = sniff.guess(head, encoding)
    layout = None if entry.layout is None else _layout(entry.layout, folder, name)
    if entry.kind is not None:
        if seen.kind is not None and _contradict(entry.kind, seen.kind):
            raise FileKindError(f"delivery.toml says {entry.kind}, its content says {seen.kind}", file=name, remedy="correct its kind in delivery.toml, or deliver the right file")
        return entry.kind, layout or (seen.layout if seen.kind == entry.kind else None)
    if seen.kind is None:
        said = f" (it has {seen.seen})" if seen.seen else ""
        raise FileKindError(
            f"its kind cannot be told{said}; looked for UKE, care claims and records, official masters, and headers of {', '.join(sorted(p.name for p in LAYOUTS.glob('*_example*.toml')))}",
            file=name, remedy=f'add [[file]] with name = "{name}" and kind = one of {", ".join(KINDS)} (and a layout), or ignore = true, to delivery.toml',
        )
    if layout is None and seen.missing:
        raise LayoutError(f"looks like {seen.kind}, but required columns are missing: {', '.join(seen.missing)}", file=name, line=1, remedy="deliver them, or give the file a layout that names its own columns in delivery.toml")
    if seen.kind == "fee_exclusions":
        return f"{seen.kind}_{span_of(name)}", None
    return seen.kind, layout or seen.layout


def _contradict(said: str, seen: str) -> bool:
    """Return whether content proves a stated kind wrong; headers of an office's own CSV prove nothing."""
    certain = ("uke_", "care_", "master_", "fee_")
    if seen == "fee_exclusions" and said in SPAN_KINDS:  # content tells no span
        return False
    if {said, seen} == {"uke_med", "uke_dpc"}:  # a DPC file may call itself 医科
        return False
    return said != seen and (said.startswith(certain) or seen.startswith(certain))


def _layout(layout: str, folder: Path, name: str) -> str:
    path = folder / layout
    if path.is_file():
        if not path.resolve().is_relative_to(folder.resolve()):
            raise DeliveryError("its layout leads outside the delivery", file=name, remedy="put the layout beside delivery.toml")
        return str(path.resolve())
    shipped = LAYOUTS / (layout if layout.endswith(".toml") else f"{layout}.toml")
    if "/" not in layout and shipped.is_file():
        return layout
    raise LayoutError(f"layout {layout} is neither in the delivery nor shipped", file=name, remedy="put it beside delivery.toml")


def _contradictions(files: list[FilePlan], settings: Settings, names: list[str]) -> list[AuditError]:
    problems: list[AuditError] = []
    first: dict[str, str] = {}
    for file in sorted(files, key=lambda f: f.name):
        if file.sha256 in first:
            problems.append(DuplicateFileError(f"the same bytes as {first[file.sha256]}", file=file.name, remedy="take one of them out, or set ignore = true for it in delivery.toml"))
        first.setdefault(file.sha256, file.name)
    for entry in settings.entries:
        if entry.name is not None and not any(entry.matches(n) for n in names):
            problems.append(DeliveryError(f"{entry.name} is not in the delivery", file=NAME, remedy="deliver it, or take its entry out"))
    if len(settings.insurers) > 1 and settings.insurer_no is None:
        problems += [
            DeliveryError("a care file does not name the NHI insurer", file=f.name, remedy="set insurer_no or care_insurers for it in delivery.toml")
            for f in files if f.kind == "care_claims" and f.insurer_no is None and "care_insurers" not in f.options
        ]
    return problems


def _date_in(name: str) -> date | None:
    for digits in re.findall(r"(?<!\d)\d{8}(?!\d)", name):
        try:
            return date.fromisoformat(digits)
        except ValueError:
            continue
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
