"""Person link (個人連携): which care number belongs to which NHI person."""

from __future__ import annotations

import polars as pl

from audit.intake.fields import Field, convert, first_of_key, given_by, locate, read_mapped, with_insurer
from audit.intake.mapping import layout_path, load_section, shown
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan, ReadResult
from audit.tables import PERSON_LINK

DEFAULT_LAYOUT = "eligibility_person_link_example"

FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "国保保険者番号", required=True, width=8),
    "addressee_no": Field("code", "宛名番号", required=True),
    "care_insurer_no": Field("digits", "介護保険者番号", required=True, width=8),
    "care_no": Field("digits", "介護被保険者番号", required=True, width=10),
}
_KEY = ["insurer_no", "care_insurer_no", "care_no"]


def read_person_link(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read links into `person_link`.

    A care number that is linked to two people is no link: all its lines go to quarantine. A line repeated word for word
    goes there once.

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Raises:
        LayoutError: the mapping or its required columns are not there (all named at once).
        EmptyFileError, EncodingError, TruncatedFileError: see audit.intake.csvtext.

    """
    section = load_section(layout_path(spec.layout or DEFAULT_LAYOUT), "person_link")
    text = read_mapped(spec, section)
    frame, checks = convert(text.frame, locate(text, spec, section, FIELDS, given=given_by(spec)), FIELDS, section)
    frame, more = with_insurer(frame, spec, section, known_insurers)
    kept, refused = split(frame, [*checks, *more], file=spec.name, record="person_link")
    label = shown(section.columns["care_no"])
    kept = kept.with_columns(_people=pl.col("addressee_no").n_unique().over(_KEY), _first=first_of_key(kept, _KEY))
    kept, doubled = split(
        kept,
        [
            Check(pl.col("_people") > 1, label, "two_people", "一つの介護被保険者番号に2人以上の宛名番号が付いています。どちらが正しいか確かめて出し直してください。"),
            Check(~pl.col("_first"), label, "duplicate_row", "同じ内容の行が2つあります。先の行を採りました。"),
        ],
        file=spec.name, record="person_link",
    )
    return ReadResult({"person_link": kept.select(list(PERSON_LINK.schema))}, gather([text.quarantine, refused, doubled]), text.rows_in, kept.height)
