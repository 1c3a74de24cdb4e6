"""Reads outcome files: results of re-review and correction, ledgers of repayments and of claims against third parties.

CSV in CP932 or UTF-8, days also by era, through a mapping (layouts/*_example.toml): the official result codes are unknown,
so what a cell means is the user's to say. Every problem of a file is told at once; a file with a problem is not taken in.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from audit.errors import FileKindError, LayoutError, UsageError
from audit.intake.csvtext import read_bytes
from audit.intake.fields import Field, convert, locate, read_mapped
from audit.intake.mapping import Section, load_section, shown
from audit.intake.refuse import Check
from audit.intake.result import FilePlan
from audit.intake.sniff import HEAD, encoding_of, foreign
from audit.worklists.readback_problems import PROBLEMS, ProblemsFound

LETTERS = "ABCDFGHK"  # 増減点事由
_RESULTS = ("cut", "as_before", "returned", "withdrawn", "agreed", "refused")
FIELDS: dict[str, Field] = {
    "request_id": Field("code", "申出番号"),
    "claim_id": Field("code", "明細ID"),
    "insurer_no": Field("digits", "保険者番号", width=8),
    "search_no": Field("code", "検索番号"),
    "service_month": Field("month", "診療年月"),
    "institution_id": Field("digits", "医療機関コード", width=10),
    "requested_yen": Field("yen", "申出額"),
    "requested_points": Field("yen", "申出点数"),
    "result": Field("value", "結果", meanings=_RESULTS),
    "reason": Field("code", "増減点事由"),
    "upheld_yen": Field("yen", "認容額"),
    "points_cut": Field("yen", "増減点数"),
    "result_on": Field("date", "結果日"),
    "result_month": Field("month", "処理年月"),
    "paid_yen": Field("yen", "収納額"),
    "paid_total_yen": Field("yen", "収納累計額"),
    "paid_on": Field("date", "収納日"),
    "paid_month": Field("month", "調整年月"),
    "entry_no": Field("code", "収納番号"),
}
_TYPES = {"text": pl.String, "code": pl.String, "digits": pl.String, "value": pl.String, "yen": pl.Int64, "date": pl.Date, "month": pl.Date}
ROWS = {"line": pl.Int64, **{n: _TYPES[f.form] for n, f in FIELDS.items()}}
_FINDERS = {"request_id", "claim_id", "search_no", "institution_id"}


class OutcomeProblems(ProblemsFound):
    """An outcome file cannot be taken in as it is; `problems` holds all of it."""

    exit_code = 52


@dataclass(frozen=True)
class OutcomeFile:
    """An outcome file as read.

    Attributes:
        name: of the file.
        kind: rereview, repayment, subrogation.
        digest: SHA-256 of its bytes.
        rows: ROWS, one per line of the file; yen of cuts are positive.
        section: the mapping.

    """

    name: str
    kind: str
    digest: str
    rows: pl.DataFrame
    section: Section


@cache
def tuning() -> dict[str, Any]:
    """Return outcomes.toml."""
    return tomllib.loads(Path(__file__).with_name("outcomes.toml").read_text(encoding="utf-8"))


def kinds() -> tuple[str, ...]:
    """Return the kinds of outcome files."""
    return tuple(tuning()["kind"])


def read_outcomes(path: Path, kind: str, mapping: Path | None, today: date) -> OutcomeFile:
    """Read a file.

    Args:
        path: CSV.
        kind: one of `kinds`.
        mapping: the user's mapping file; None = the shipped example.
        today: the office's day: nothing can have happened after it.

    Raises:
        OutcomeProblems: lines that cannot be read, all of them.
        LayoutError: the mapping is wrong, or the file lacks its columns.
        FileKindError, EncodingError, EmptyFileError, TruncatedFileError: it is no such CSV.

    """
    if not path.is_file():
        raise UsageError("no such file", file=str(path), remedy="give the CSV file")
    section = load_section(mapping or Path(__file__).parent / "layouts" / f"{kind}_example.toml", kind, kinds())
    _check_mapping(section)
    with path.open("rb") as stream:
        what = foreign(stream.read(8192))
    if what:
        raise FileKindError(f"this is {what}, not CSV", file=path.name, remedy="save it as CSV")
    data = read_bytes(path, path.name)
    encoding = encoding_of(data[:HEAD], path.name, whole=len(data) <= HEAD)
    spec = FilePlan(path, path.name, kind, sha256(data).hexdigest(), len(data), encoding)
    text = read_mapped(spec, section)
    where = locate(text, spec, section, FIELDS)
    if lacking := _lacking(section, set(where)):
        raise LayoutError(f"columns are missing: {lacking}", file=path.name, line=1 if section.header else None, remedy=f"name the file's own columns in {section.file}")
    frame, checks = convert(text.frame, where, FIELDS, section)
    frame = frame.with_columns(pl.lit(v).alias(k) for k, v in section.constants.items())
    frame = frame.with_columns(pl.lit(None, dtype=t).alias(n) for n, t in ROWS.items() if n != "line" and n not in frame.columns)
    frame = frame.with_columns(
        pl.col("reason").str.to_uppercase(), pl.col("upheld_yen").abs(), pl.col("points_cut").abs(),
        result_on=pl.coalesce("result_on", "result_month"), paid_on=pl.coalesce("paid_on", "paid_month"),
    )
    wrong = [_of_lines(text.quarantine), *(_of_check(frame, c, path.name) for c in [*checks, *_checks(kind, section, today)])]
    if (found := _told(wrong)).height:
        raise OutcomeProblems(found)
    return OutcomeFile(path.name, kind, spec.sha256, frame.select(pl.col("_line").alias("line"), *(n for n in ROWS if n != "line")).cast(ROWS), section)


def _lacking(section: Section, there: set[str]) -> str:
    """Return the columns that the file lacks to be of any use, as its mapping names them; empty = none."""
    said = []
    if not there & _FINDERS:
        said.append(" / ".join(shown(section.columns[n]) for n in FIELDS if n in section.columns and n in _FINDERS))
    told = there | set(section.constants)
    if not told & {"result", "paid_yen", "paid_total_yen"}:
        said.append(" / ".join(shown(section.columns[n]) for n in ("result", "paid_yen", "paid_total_yen") if n in section.columns))
    return ", ".join(said)


def _check_mapping(section: Section) -> None:
    """Refuse a mapping that cannot find requests, tells no result, or tells money twice."""
    said, columns = [], set(section.columns) | set(section.constants)
    allowed = tuning()["kind"][section.kind]["results"]
    if wrong := sorted({*section.values.get("result", {}).values(), *([section.constants["result"]] if "result" in section.constants else [])} - set(allowed)):
        said.append(f"results {wrong}: allowed are {allowed}")
    if not columns & _FINDERS:
        said.append("no column finds the request: map request_id, claim_id, search_no or institution_id")
    if not columns & {"result", "paid_yen", "paid_total_yen"}:
        said.append("no column tells a result or a payment")
    if {"paid_yen", "paid_total_yen"} <= columns:
        said.append("paid_yen and paid_total_yen are both mapped: a row tells one payment, or all so far")
    if columns & {"paid_yen", "paid_total_yen"} and not columns & {"paid_on", "paid_month"}:
        said.append("neither paid_on nor paid_month is mapped")
    if said:
        raise LayoutError("; ".join(said), file=section.file, remedy=f"compare with {section.kind}_example.toml")


def _checks(kind: str, section: Section, today: date) -> list[Check]:
    """Return what no line may be: without a result or payment, without what finds its request, contradictory."""
    def ja(name: str) -> str:
        return shown(section.columns[name]) if name in section.columns else FIELDS[name].ja

    allowed = tuning()["kind"][kind]["results"]
    same = pl.struct(n for n in ROWS if n != "line").is_duplicated()
    paid = pl.coalesce("paid_yen", "paid_total_yen")
    found_by = pl.any_horizontal(pl.col(n).is_not_null() for n in ("request_id", "claim_id", "search_no")) | (pl.col("institution_id").is_not_null() & pl.col("service_month").is_not_null())
    told = pl.col("result").is_not_null() | paid.is_not_null()
    return [
        Check(~found_by, ja("request_id"), "missing_value", "申出番号・検索番号・（医療機関コードと診療年月）のいずれもなく、申出を探せません。"),
        Check(~told, ja("result"), "missing_value", "結果も収納額（調整額）もありません。"),
        Check(~pl.col("result").is_in(allowed), ja("result"), "unknown_value", "この種類のファイルにない結果です。対応表（TOML）のvaluesを確かめてください。"),
        Check(pl.col("result").is_not_null() & pl.col("result_on").is_null(), ja("result_on"), "missing_value", "結果の日（または処理年月）が空欄です。"),
        Check(~pl.col("reason").str.contains(rf"^[{LETTERS}]{{1,2}}$") if kind == "rereview" else pl.lit(False), ja("reason"), "unknown_value", f"増減点事由は{'・'.join(LETTERS)}の1～2文字です。"),
        Check((pl.col("result") == "cut") & pl.col("upheld_yen").is_null() & (pl.col("points_cut").is_null() | pl.col("requested_points").fill_null(0).le(0)), ja("upheld_yen"), "missing_value", "査定なのに増減額がありません（増減点数から割り当てるには申出点数も要ります）。"),
        Check((pl.col("result") == "cut") & (pl.coalesce("upheld_yen", "points_cut") == 0), ja("upheld_yen"), "bad_amount", "査定なのに増減が0です。"),
        Check((pl.col("result") == "agreed") & pl.col("upheld_yen").is_null(), ja("upheld_yen"), "missing_value", "認められたのに額がありません。"),
        Check(pl.col("result").is_in(["as_before", "withdrawn", "refused"]) & (pl.coalesce("upheld_yen", "points_cut") > 0), ja("upheld_yen"), "bad_amount", "認められていない結果なのに額があります。"),
        Check(paid.is_not_null() & (paid != 0) & pl.col("paid_on").is_null(), ja("paid_on"), "missing_value", "収納額があるのに収納日が空欄です。"),
        *(Check(pl.col(n) > today, ja(n), "bad_date", "今日より後の日付です。元データを確かめてください。") for n in ("result_on", "paid_on")),
        Check(same, None, "duplicate_row", "まったく同じ行が2つ以上あり、二重かどうか分かりません。片方を除くか、行を区別する番号の列をentry_noに対応させてください。"),
        Check(pl.col("paid_total_yen") < 0, ja("paid_total_yen"), "bad_amount", "収納累計額がマイナスです。"),
    ]


def _of_check(frame: pl.DataFrame, check: Check, file: str) -> pl.DataFrame:
    """Return every line that a check refuses."""
    bad = frame.filter(check.bad.fill_null(False)).select("_line")
    return _of_lines(bad.select(file=pl.lit(file), line="_line", field=pl.lit(check.field, dtype=pl.String), reason=pl.lit(check.reason), reason_ja=pl.lit(check.reason_ja)))


def _of_lines(refused: pl.DataFrame) -> pl.DataFrame:
    """Return refused lines as problems that people read, with `reason`: the sentence is cut into what is wrong and what to do."""
    both = pl.col("reason_ja").str.split_exact("。", 1)
    rest = both.struct[1].str.strip_suffix("。").fill_null("")
    return refused.select(
        "file", sheet=pl.lit(None, dtype=pl.String), row="line", list_no=pl.lit(None, dtype=pl.String), column="field", what=both.struct[0],
        allowed=pl.when(rest != "").then(rest).otherwise(pl.lit("元データを直して、もう一度取り込んでください")), reason="reason",
    ).cast({**PROBLEMS, "reason": pl.String})


def _told(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Return all problems, each said once: a cell that cannot be read is not also told to be blank."""
    every = pl.concat(parts)
    blank = pl.col("reason") == "missing_value"
    illegible = every.filter(~blank).select("row", "column").unique()
    return pl.concat([every.filter(~blank), every.filter(blank).join(illegible, on=["row", "column"], how="anti", nulls_equal=True)]).unique(maintain_order=True).sort("row", maintain_order=True).drop("reason")
