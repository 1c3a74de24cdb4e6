"""What the first review cut (増減点・査定), and the prefecture's table of re-review results per act.

The providers' 増減点連絡書 has a layout, the insurers' own list was not seen: both files come through mappings.
"""

from __future__ import annotations

import polars as pl

from audit.intake.fields import Field
from audit.intake.mapped_list import column, label, read_list
from audit.intake.mapping import Section
from audit.intake.refuse import Check
from audit.intake.result import FilePlan, ReadResult

CUTS_LAYOUT, RATES_LAYOUT = "review_cuts_example", "rereview_rates_example"
# A not indicated, B excessive or duplicate, C otherwise unsuitable, D breaks conditions, F fixed points, G sum, H column total, K other
LETTERS = "ABCDFGHK"

CUT_FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "search_no": Field("code", "検索番号", required=True),
    "institution_id": Field("digits", "医療機関コード", width=10),
    "service_month": Field("month", "診療年月"),
    "code": Field("digits", "診療行為コード", required=True, width=9),
    "cut_reason": Field("code", "増減点事由", required=True),
    "points_before": Field("yen", "請求点数"),
    "points_after": Field("yen", "決定点数"),
    "points_cut": Field("yen", "増減点数"),
}
RATE_FIELDS: dict[str, Field] = {
    "insurer_no": Field("digits", "保険者番号", required=True, width=8),
    "code": Field("digits", "診療行為コード", required=True, width=9),
    "asked": Field("count", "申出件数", required=True),
    "upheld": Field("count", "査定件数", required=True),
}


def read_review_cuts(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read the acts that the first review changed into `review_cuts`.

    A delivered 増減点数 is negative for a cut, as the notice writes it; `points_cut` is positive for one.

    Args:
        spec: the file; `layout` names its mapping, `insurer_no` fills a missing 保険者番号.
        known_insurers: insurers of the delivery (8 digits); None or empty = all.

    Raises:
        LayoutError, EmptyFileError, EncodingError, TruncatedFileError: see read_list.

    """
    return read_list("review_cuts", spec, CUT_FIELDS, CUTS_LAYOUT, known_insurers, key=(), more=_cuts)


def read_rereview_rates(spec: FilePlan, known_insurers: frozenset[str] | None = None) -> ReadResult:
    """Read the prefecture's results per act into `rereview_rates`; args and errors as read_review_cuts."""
    return read_list("rereview_rates", spec, RATE_FIELDS, RATES_LAYOUT, known_insurers, key=("insurer_no", "code"), more=_rates)


def _cuts(frame: pl.DataFrame, section: Section) -> tuple[pl.DataFrame, list[Check]]:
    frame = frame.with_columns(pl.col("cut_reason").str.to_uppercase())
    told = -column(frame, "points_cut", pl.Int64)
    reckoned = column(frame, "points_before", pl.Int64) - column(frame, "points_after", pl.Int64)
    order = pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("insurer_no", "search_no", "code", order_by="_line")
    frame = frame.with_columns(points_cut=pl.coalesce(reckoned, told), cut_no=order)
    unknown = Check(
        ~pl.col("cut_reason").str.contains(rf"^[{LETTERS}]{{1,2}}$"), label(section, CUT_FIELDS, "cut_reason"), "unknown_value",
        f"増減点事由は{'・'.join(LETTERS)}の1～2文字です。元データを確かめて出し直してください。",
    )
    return frame, [unknown]


def _rates(frame: pl.DataFrame, section: Section) -> tuple[pl.DataFrame, list[Check]]:
    more = Check(pl.col("upheld") > pl.col("asked"), label(section, RATE_FIELDS, "upheld"), "bad_amount", "査定件数が申出件数より多くなっています。元データを確かめて出し直してください。")
    return frame, [more]
