"""UKE file to tables: cut into stretches, read each in columns, put together.

A stretch is read without knowing the others; ids, versions, refusals of whole receipts and the order of rows need the
whole file and are made in `assemble`. Two stretches are in work at a time, so memory is bounded by their size plus the
tables.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from audit.errors import EncodingError
from audit.intake.result import FilePlan, ReadResult
from audit.intake.uke.assemble import Part, assemble
from audit.intake.uke.chunk import Chunk
from audit.intake.uke.diagnoses import read_diagnoses
from audit.intake.uke.dispensings import read_dispensings
from audit.intake.uke.heads import (
    read_absences,
    read_branches,
    read_institutions,
    read_outside_accident,
    read_payers,
    read_receipts,
    read_stays,
    read_totals,
    read_visit_days,
)
from audit.intake.uke.layout import Layout, load_layout
from audit.intake.uke.lines import read_lines
from audit.intake.uke.source import CHUNK_BYTES, Source, open_source

_WORKERS = 2


def read_uke(spec: FilePlan, known_insurers: set[str] | None, *, chunk_bytes: int = CHUNK_BYTES) -> ReadResult:
    """Read one receipt file.

    Args:
        spec: the file; its kind is uke_med, uke_dpc, uke_pha, uke_den or uke_nur. `insurer_no` is used for receipts
            without HO (KO only) or with a blank insurer number.
        known_insurers: 8-digit numbers; a receipt of any other insurer goes to quarantine as a whole. None = all.
        chunk_bytes: bytes read at a time; the result does not depend on it.

    Returns:
        Tables claims, payers, diagnoses, lines and dispensings, sorted by their keys. `person_id`, `match_state`,
        `is_current`, `insurer_rate` and `insurer_yen` are left out; `version_no` is 0, and 1, 2, ... where one file
        holds the same receipt id again.
        `controls`: go_count, go_points as written in GO (0 = not comparable) and go_count_seen (HO + KO records),
        go_points_seen (points of HO, or of the first KO) as counted over the whole file; corrected_lines = lines that
        JY records took out.

    Raises:
        EmptyFileError, EncodingError, FileKindError, TruncatedFileError: see `source.open_source`.
        LayoutError: the layout named in the plan cannot be used.

    """
    layout = load_layout(spec.kind, spec.layout)
    source = open_source(spec.path, spec.name, layout, chunk_bytes)

    def work(index: int) -> Part:
        return _read_part(source, index, spec, layout)

    with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
        parts = list(pool.map(work, range(len(source.cuts) - 1)))
    return assemble(parts, spec, layout, known_insurers)


def _read_part(source: Source, index: int, spec: FilePlan, layout: Layout) -> Part:
    chunk = Chunk(source.read(index), layout, prefixed=source.prefixed)
    if chunk.utf8_line is not None:
        line = chunk.utf8_line + 1 if index == 0 else None
        raise EncodingError("text is UTF-8, not CP932", file=spec.name, line=line, remedy="deliver the file as it was received")
    receipts = read_receipts(chunk)
    months = receipts["service_month"]
    lines, line_days = read_lines(chunk, months)
    dispensings, dispensing_days = read_dispensings(chunk, months)
    return Part.of(
        chunk, receipts=receipts, institutions=read_institutions(chunk), payers=read_payers(chunk),
        branches=read_branches(chunk), stays=read_stays(chunk), absences=read_absences(chunk, months),
        accidents=read_outside_accident(chunk), totals=read_totals(chunk), diagnoses=read_diagnoses(chunk), lines=lines,
        dispensings=dispensings, days=[line_days, dispensing_days, read_visit_days(chunk)],
    )
