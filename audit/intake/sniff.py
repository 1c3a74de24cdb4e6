"""What a file is, told from its first bytes: encoding and kind. Names are never asked."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from audit.errors import EncodingError
from audit.intake.care_common import care_layout
from audit.intake.csvtext import header_names
from audit.intake.fee_tables import fee_kind
from audit.intake.mapping import Section, plain, shipped_sections, shown
from audit.intake.masters import LETTERS, master_layout
from audit.intake.uke.header import uke_kind

HEAD = 256 << 10
_CARE_RECORD = ("H1", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9", "DA", "DB", "DC", "DD", "DE", "T1")
_FOREIGN = {b"\xd0\xcf\x11\xe0": "an old Excel or Word file", b"%PDF": "a PDF", b"\xff\xd8\xff": "a picture", b"\x89PNG": "a picture", b"II*\x00": "a picture"}


@dataclass(frozen=True)
class Guess:
    """What a file seems to be.

    Attributes:
        kind: of FilePlan, or None.
        layout: shipped mapping whose required columns the header has.
        missing: where no mapping fits: required columns that the nearest one (`layout`) misses.
        seen: what was found instead of a known kind, for the message; never a value of a row.

    """

    kind: str | None
    layout: str | None = None
    missing: tuple[str, ...] = ()
    seen: str = ""


def foreign(head: bytes) -> str | None:
    """Return what a file is that is no text at all (Excel, PDF, picture); None for text."""
    if head.startswith(b"PK\x03\x04"):
        return "an Excel workbook" if b"[Content_Types].xml" in head or b"xl/" in head else None
    return next((what for magic, what in _FOREIGN.items() if head.startswith(magic)), None)


def encoding_of(head: bytes, name: str, *, whole: bool) -> str:
    """Return cp932 or utf-8.

    Args:
        head: the first bytes.
        name: of the file, for messages.
        whole: whether `head` is the whole file; otherwise its last line may be cut and is left out.

    Raises:
        EncodingError: UTF-16, JIS, EUC-JP, or neither CP932 nor UTF-8.

    """
    remedy = "save it as CP932 (Shift_JIS) or UTF-8 and deliver it again"
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8"
    first = head[:1024]  # a stray NUL is a matter of its line; in UTF-16 every second byte is one
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or first.count(0) > len(first) // 10:
        raise EncodingError("UTF-16 or no text", file=name, remedy=remedy)
    if not whole and b"\n" in head:
        head = head[: head.rindex(b"\n") + 1]
    if head.isascii():
        if b"\x1b$" in head:
            raise EncodingError("ISO-2022-JP (JIS)", file=name, remedy=remedy)
        return "cp932"
    if _decodes(head, "utf-8"):
        return "utf-8"
    if _looks_euc(head):
        raise EncodingError("EUC-JP", file=name, remedy=remedy)
    for codec in ("cp932", "utf-8"):
        # a few illegal lines are a matter of those lines: they go to quarantine when the file is read
        lines = head.split(b"\n")
        bad = sum(not _decodes(line, codec) for line in lines)
        if bad <= max(len(lines) // 10, 1) and (len(lines) > 2 or bad == 0):
            return codec
    raise EncodingError("neither CP932 nor UTF-8", file=name, remedy=remedy)


def guess(head: bytes, encoding: str) -> Guess:
    """Return what the first lines say: UKE, care, master, or a header that fits a mapping."""
    if kind := uke_kind(head):
        return Guess(kind)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff")
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip(" ,\x1a")]
    if not lines:
        return Guess(None, seen="only blank lines")
    first = next(csv.reader(lines[:1]), [])
    if len(first) > 1 and first[0].strip() in {"1", "2"} and (found := _care(lines)):
        return found
    if len(first) > 10 and re.fullmatch(r"\d", first[0].strip()) and first[1].strip().upper() in set(LETTERS.upper()):
        letter = first[1].strip().lower()
        # a width that is close to none known is no master; another width of a master is the reader's LayoutError
        return Guess(f"master_{letter}") if len(first) >= min(master_layout(letter)["widths"]) // 2 else Guess(None, seen=f"{len(first)} columns without a header")
    if kind := fee_kind(first):
        return Guess(kind)
    return _mapped(header_names(lines[0]))


def _decodes(data: bytes, codec: str) -> bool:
    try:
        data.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _looks_euc(head: bytes) -> bool:
    """EUC-JP text often decodes as CP932: as half-width kana without any other Japanese letter, in even runs."""
    runs = re.findall(rb"[\x80-\xff]+", head)
    if len(runs) < 8 or any(len(r) % 2 for r in runs) or not _decodes(head, "euc_jp"):
        return False
    as_cp932 = head.decode("cp932", errors="replace")
    kana = len(re.findall("[\uff61-\uff9f]", as_cp932))
    other = sum(not c.isascii() for c in as_cp932) - kana
    return kana > 4 * other and bool(re.search("[\u3040-\u30ff\u4e00-\u9fff]", head.decode("euc_jp")))


def _care(lines: list[str]) -> Guess | None:
    for row in csv.reader(lines[:50]):
        fields = [f.strip() for f in row]
        if fields[0] == "1" and len(fields) not in range(11, 14):
            return None
        if fields[0] == "2" and len(fields) > 4:
            exchange = fields[2]
            if fields[4] in _CARE_RECORD and re.fullmatch(r"11\w\w", exchange):
                return Guess("care_records")
            claims = care_layout("care_claims")
            if exchange in claims["forms"] or exchange == claims["bill_form"] or (re.fullmatch(r"71\w\w", exchange) and fields[3] == "01"):
                return Guess("care_claims")
            return Guess(None, seen=f"care exchange id {exchange}" if re.fullmatch(r"\w{4}", exchange) else "a care envelope")
    return None


def _mapped(header: tuple[str, ...]) -> Guess:
    """Find the shipped mapping whose required columns a header has; of several the one that knows most columns."""
    names = set(header)
    best: tuple[float, int, str, str, tuple[str, ...]] | None = None
    for section in shipped_sections():
        required = {k: v for k, v in section.columns.items() if k in _required(section)}
        missing = tuple(shown(v) for v in required.values() if not _has(v, names))
        share = 1 - len(missing) / len(required)
        known = sum(_has(v, names) for v in section.columns.values()) + (10 * section.wide_parts.count if section.wide_parts and _has(section.wide_parts.columns[0]["injury_name"], names) else 0)
        # 施術年月 and 負傷名 alone tell no kind: half of what is required is the least that says something
        if share > 0.5 and (best is None or (share, known) > best[:2]):
            best = (share, known, section.kind, section.file, missing)
    if best is None:
        return Guess(None, seen=f"a header of {len(header)} columns that fits no mapping" if len(header) > 1 else "text without columns")
    return Guess(best[2], best[3], best[4])


def _has(wanted: tuple[str | int, ...], names: set[str]) -> bool:
    return any(isinstance(n, str) and plain(n) in names for n in wanted)


def _required(section: Section) -> set[str]:
    from audit.intake import (
        ahaki,
        cover,
        drug_indications,
        eligibility,
        forms,
        judo,
        leads,
        office_lists,
        person_link,
        practitioners,
        review_results,
        third_party_cases,
    )

    fields = {
        "leads": leads.FIELDS, "third_party_cases": third_party_cases.FIELDS, "review_cuts": review_results.CUT_FIELDS, "rereview_rates": review_results.RATE_FIELDS,
        "ahaki_claims": ahaki.FIELDS, "judo_claims": judo.CLAIM_FIELDS, "judo_parts": judo.PART_FIELDS, "eligibility": eligibility.FIELDS, "person_link": person_link.FIELDS, "practitioners": practitioners.FIELDS, "drug_indications": drug_indications.FIELDS, **office_lists.FIELDS, **forms.FIELDS,
        "cover_overlaps": cover.OVERLAP_FIELDS, "insurer_settlements": cover.SETTLEMENT_FIELDS,
    }[section.kind]
    # the insurer may come from delivery.toml or a constant, the visits from the day columns
    return {k for k, f in fields.items() if f.required} - {"insurer_no"} - set(section.constants) - ({"actual_days"} if section.days else set())
