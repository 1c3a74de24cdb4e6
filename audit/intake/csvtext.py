"""Delivered CSV as text columns with source lines: decoding, quotes, line breaks inside quotes, broken lines.

Everything is columnar: lines become a polars column, records that span several lines are joined by their quotes, and the
fields are split by one CSV parse. Nothing is converted here; blank fields are null, all others text without outer blanks.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audit.errors import AuditError, DeliveryError, EmptyFileError, EncodingError, LayoutError, TruncatedFileError
from audit.intake.refuse import Check, gather, split
from audit.intake.result import FilePlan

ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")  # the second: an empty archive
MAX_BYTES = 2 << 30  # a file of this kind is held in memory several times over
MAX_ZIP_MEMBER = 512 << 20
MAX_ZIP_RATIO = 100  # official masters reach 14; text rarely passes 30
MAX_RECORD_LINES = 50  # longer "records" are a forgotten quote
MAX_FIELDS = 1_000
MAX_UNDECODABLE = 0.10  # share of lines; above it the encoding is wrong, not the lines

_EMPTY_REMEDY = "deliver it again, or set ignore = true for it in delivery.toml"
_FIELD = r'(?:"(?:[^"]|"")*"|[^",]*)'
_RECORD = rf"^{_FIELD}(?:,{_FIELD})*$"
_OPENS = rf'^(?:{_FIELD},)*"(?:[^"]|"")*$'
_CLOSES = rf'^(?:[^"]|"")*"(?:,{_FIELD})*$'


@dataclass(frozen=True)
class CsvText:
    """Records of a CSV as text.

    Attributes:
        frame: `_line` (Int64, 1-based line where the record starts), `_fields` (UInt32, fields found), then the asked
            columns `c0`, `c1`, ... (String; null = blank).
        header: names of the first record, or None where the file has none.
        quarantine: lines that are no record (QUARANTINE).
        rows_in: records and broken lines, header and blank lines excluded.
        width: fields of a record.
        ends_open: whether the last line has no line end.
        last_line: 1-based number of the last line that is not blank.

    """

    frame: pl.DataFrame
    header: tuple[str, ...] | None
    quarantine: pl.DataFrame
    rows_in: int
    width: int
    ends_open: bool
    last_line: int


def zip_member(path: Path, name: str) -> zipfile.ZipInfo:
    """Return the one csv or txt inside a zip archive.

    Raises:
        DeliveryError: not readable, not exactly one csv/txt, encrypted, or larger than the stated limits.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
    except (zipfile.BadZipFile, OSError):
        raise DeliveryError("not readable as a zip archive", file=name, remedy="deliver it again") from None
    if len(members) != 1 or Path(members[0].filename).suffix.lower() not in {".csv", ".txt"}:
        raise DeliveryError(f"the archive holds {len(members)} files", file=name, remedy="one csv or txt per archive, as the official masters come; unpack others")
    member = members[0]
    if member.flag_bits & 1:
        raise DeliveryError("the archive is encrypted", file=name, remedy="unpack it with its password")
    if member.file_size > MAX_ZIP_MEMBER or member.file_size > MAX_ZIP_RATIO * max(member.compress_size, 1):
        raise DeliveryError("the archive unpacks to far more than a master holds", file=name, remedy=f"limit {MAX_ZIP_MEMBER >> 20} MiB and {MAX_ZIP_RATIO} times its packed size")
    return member


def read_bytes(path: Path, name: str, *, limit: int = MAX_BYTES, head: int | None = None) -> bytes:
    """Return a file's bytes (a zip's only member unpacked); with `head` at most that many from its start.

    Raises:
        DeliveryError: gone or unreadable, larger than `limit`, or an archive that zip_member refuses.

    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
            if magic not in ZIP_MAGIC:
                if path.stat().st_size > limit and head is None:
                    raise DeliveryError(f"larger than {limit >> 20} MiB", file=name, remedy="split it by month or insurer")
                return magic + stream.read(-1 if head is None else max(head - 4, 0))
        member = zip_member(path, name)
        with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
            # the size that the archive states is not believed: one byte more than allowed is enough to refuse
            data = stream.read(MAX_ZIP_MEMBER + 1 if head is None else head)
    except AuditError:
        raise
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise DeliveryError("cannot be read", file=name, remedy="check the file and its permissions, or deliver it again") from None
    if len(data) > MAX_ZIP_MEMBER:
        raise DeliveryError("the archive unpacks to more than it states", file=name, remedy="deliver it again")
    return data


def decode(data: bytes, encoding: str, name: str) -> tuple[str, bool]:
    """Return the text and whether some of its characters could not be decoded (they stand as U+FFFD).

    CP932 trail bytes are never a comma, quote or line end, so an illegal byte spoils its own line only.

    Raises:
        EncodingError: more than MAX_UNDECODABLE of the lines are illegal in `encoding`.

    """
    codec = "utf-8-sig" if encoding.lower().replace("_", "-") in {"utf-8", "utf8", "utf-8-sig"} else encoding
    try:
        return data.decode(codec), False
    except LookupError:
        raise EncodingError(f"encoding {encoding!r} is not known", file=name, remedy="cp932 or utf-8") from None
    except UnicodeDecodeError as error:
        text = data.decode(codec, errors="replace")
        line = data.count(b"\n", 0, error.start) + 1
    lines = text.count("\n") + 1
    bad = pl.Series([text]).str.extract_all(r"[^\n]*\x{FFFD}[^\n]*").list.len().item()
    if bad > max(MAX_UNDECODABLE * lines, 1):
        raise EncodingError(f"not {encoding}: {bad} of {lines} lines are illegal", file=name, line=line, remedy='deliver it as CP932 or UTF-8, or set encoding = "utf-8" for it in delivery.toml')
    return text, True


def read_csv_text(
    spec: FilePlan,
    *,
    header: bool,
    columns: Sequence[int] | None = None,
    width: int | None = None,
    pad: bool = False,
    record: str = "csv",
) -> CsvText:
    """Read one delivered CSV into text columns.

    Args:
        spec: the file; its encoding is used.
        header: whether the first record names the columns.
        columns: 0-based columns to return; None = all.
        width: number of fields of a record; None = the header's, else the most frequent one.
        pad: accept shorter records (trailing blanks left out); otherwise they are broken lines.
        record: what quarantine calls these lines.

    Raises:
        EmptyFileError: no record.
        EncodingError: see decode.
        TruncatedFileError: the last line has no end and too few fields.
        LayoutError: more than MAX_FIELDS fields, or a header line that cannot be read.

    """
    text, undecodable = decode(read_bytes(spec.path, spec.name), spec.encoding, spec.name)
    lines, ends_open = _lines(text)
    del text
    if lines.is_empty():
        raise EmptyFileError("no rows", file=spec.name, remedy=_EMPTY_REMEDY)
    first_line, last_line = int(lines["_line"][0]), int(lines["_line"][-1])
    quoted = bool(lines["text"].str.contains('"', literal=True).any())
    lines, refused = split(lines, [_UNDECODABLE, _CONTROL] if undecodable else [_CONTROL], file=spec.name, record=record)
    broken = [refused]
    if quoted:
        lines, refused = _join_quoted(lines, spec.name, record)
        broken.append(refused)
    lines = lines.with_columns(_fields=_count_fields(quoted))
    names: tuple[str, ...] | None = None
    if header:
        if lines.is_empty() or int(lines["_line"][0]) != first_line:
            raise LayoutError("the header line cannot be read", file=spec.name, line=first_line, remedy="check its quotes and its encoding")
        names = _header(lines.head(1), quoted)
        lines = lines.slice(1)
        if lines.is_empty() and not any(part.height for part in broken):
            raise EmptyFileError("a header line but no rows", file=spec.name, remedy=_EMPTY_REMEDY)
    rows_in = lines.height + sum(part.height for part in broken)
    width = width or (len(names) if names is not None else _commonest(lines))
    if width > MAX_FIELDS:
        raise LayoutError(f"{width} columns", file=spec.name, remedy=f"at most {MAX_FIELDS}")
    frame, refused = _split_fields(lines, width, columns, quoted=quoted, pad=pad, name=spec.name, record=record, open_line=last_line if ends_open else None)
    return CsvText(frame, names, gather([*broken, refused]), rows_in, width, ends_open, last_line)


def header_names(first_line: str) -> tuple[str, ...]:
    """Return the column names of a header line: half width, no blanks, no quotes."""
    line = pl.DataFrame({"_line": [1], "text": [first_line.lstrip("\ufeff")]})
    quoted = '"' in first_line
    if quoted and not line["text"].str.contains(_RECORD).item():
        return ()
    return _header(line.with_columns(_fields=_count_fields(quoted)), quoted)


_UNDECODABLE = Check(
    pl.col("text").str.contains("\ufffd", literal=True), None, "bad_encoding",
    "読めない文字がある行です。文字コード（CP932またはUTF-8）を確かめて出し直してください。",
)

_CONTROL = Check(
    pl.col("text").str.contains(r"[\x00-\x08\x0b\x0c\x0e-\x1f]"), None, "bad_character",
    "制御文字が混じっている行です。ファイルが壊れていないか確かめて出し直してください。",
)


def _lines(text: str) -> tuple[pl.DataFrame, bool]:
    """Split text into its lines that are not blank (EOF marks and carriage returns removed); is the last one open?"""
    stripped = text.rstrip("\x1a\r\n \t")
    ends_open = len(text.rstrip("\x1a \t")) == len(stripped)
    if "\r" in stripped:
        stripped = stripped.replace("\r\n", "\n").replace("\r", "\n")
    if not stripped:
        return pl.DataFrame(schema={"_line": pl.Int64, "text": pl.String}), ends_open
    frame = pl.read_lines(stripped.encode(), name="text", row_index_name="_line", row_index_offset=1)
    return frame.select(pl.col("_line").cast(pl.Int64), "text").filter(pl.col("text").str.contains(r"[^\s,]")), ends_open


def _join_quoted(lines: pl.DataFrame, name: str, record: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Join records whose quoted fields hold line ends; refuse lines whose quotes make no record.

    A line with an odd number of quotes that ends inside a quote opens a record, the next odd line closes it if it closes
    a quote and is near. Any other odd line is broken by itself, so one stray quote never swallows the file.
    """
    odd = lines.with_columns(_odd=pl.col("text").str.count_matches('"', literal=True) % 2 == 1).filter("_odd")
    if not odd.is_empty():
        odd = odd.with_columns(_opens=pl.col("text").str.contains(_OPENS), _closes=pl.col("text").str.contains(_CLOSES))
        near = pl.col("_line").shift(-1) - pl.col("_line") < MAX_RECORD_LINES
        odd = odd.with_columns(_pair=(pl.col("_opens") & pl.col("_closes").shift(-1) & near).fill_null(False))
        # a run of lines that all could open and close pairs off from its first one
        run = (~pl.col("_pair")).cum_sum().shift(1, fill_value=0)
        odd = odd.with_columns(_pair=pl.col("_pair") & (pl.int_range(pl.len()).over(run) % 2 == 0))
        starts = odd.filter("_pair").select(pl.col("_line").alias("_start"))
        starts = starts.with_columns(_stop=odd.with_columns(_next=pl.col("_line").shift(-1)).filter("_pair")["_next"])
        if not starts.is_empty():
            lines = lines.sort("_line").join_asof(starts.sort("_start"), left_on="_line", right_on="_start", strategy="backward")
            inside = pl.col("_line") <= pl.col("_stop")
            lines = lines.with_columns(_line=pl.when(inside).then("_start").otherwise("_line"))
            lines = lines.group_by("_line", maintain_order=True).agg(pl.col("text").str.join("\n"))
    check = Check(
        ~pl.col("text").str.contains(_RECORD), None, "bad_quotes",
        "引用符（\"）の対応が崩れた行です。元データの該当行を直して出し直してください。",
    )
    return split(lines.select("_line", "text"), [check], file=name, record=record)


def _count_fields(quoted: bool) -> pl.Expr:
    bare = pl.col("text").str.replace_all(r'"(?:[^"]|"")*"', "") if quoted else pl.col("text")
    return bare.str.count_matches(",", literal=True) + 1


def _header(top: pl.DataFrame, quoted: bool) -> tuple[str, ...]:
    row = _parse(top["text"], int(top["_fields"][0]), None, quoted)
    text = row.transpose().to_series().str.normalize("NFKC").str.replace_all(r"\s", "").fill_null("")
    return tuple(text)


def _commonest(lines: pl.DataFrame) -> int:
    if lines.is_empty():
        return 1
    counts = lines.group_by("_fields").len().sort(["len", "_fields"], descending=[True, True])
    return int(counts["_fields"][0])


def _split_fields(
    lines: pl.DataFrame, width: int, columns: Sequence[int] | None, *, quoted: bool, pad: bool, name: str, record: str, open_line: int | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    # trailing separators beyond the last column are what spreadsheets leave behind
    surplus = pl.col("_fields").cast(pl.Int64) - width
    tail = pl.col("text").str.extract(r"(,*)$").str.len_chars()
    cut = (surplus > 0) & (tail >= surplus)
    if lines.select(cut.any()).item():
        lines = lines.with_columns(text=pl.when(cut).then(pl.col("text").str.head(-surplus)).otherwise("text"))
        lines = lines.with_columns(_fields=_count_fields(quoted))
    if open_line is not None and not pad and not lines.is_empty():
        last = lines.tail(1)
        if int(last["_line"][0]) == open_line and int(last["_fields"][0]) < width:
            raise TruncatedFileError("the file ends in the middle of a line", file=name, line=open_line, remedy="deliver it again")
    checks = [Check(pl.col("_fields") > width, None, "too_many_fields", "列が多すぎる行です。値の中の区切り文字（,）を引用符で囲んで出し直してください。")]
    if not pad:
        checks.append(Check(pl.col("_fields") < width, None, "too_few_fields", "列が足りない行です。途中で切れていないか確かめて出し直してください。"))
    kept, refused = split(lines, checks, file=name, record=record)
    if pad:
        blanks = pl.lit(",").repeat_by(width - pl.col("_fields").cast(pl.Int64)).list.join("")
        kept = kept.with_columns(text=pl.concat_str("text", blanks))
    return kept.select("_line", "_fields").hstack(_parse(kept["text"], width, columns, quoted)), refused


def _parse(text: pl.Series, width: int, columns: Sequence[int] | None, quoted: bool) -> pl.DataFrame:
    """Split records of exactly `width` fields; null = blank."""
    wanted = [f"c{i}" for i in (range(width) if columns is None else sorted(set(columns)))]
    wanted_in = [c for c in wanted if int(c[1:]) < width]
    if text.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    if width == 1:
        frame = pl.DataFrame({"c0": text.str.strip_chars('"') if quoted else text})
    else:
        buffer = io.BytesIO((text.str.join("\n").item() + "\n").encode())
        frame = pl.read_csv(
            buffer, has_header=False, schema={f"c{i}": pl.String for i in range(width)}, columns=[int(c[1:]) for c in wanted_in] or None,
            quote_char='"' if quoted else None, empty_string_is_null=True,
        )
    if frame.height != text.len():
        raise AssertionError(f"{text.len()} records became {frame.height} rows")
    strip = [pl.col(c).str.strip_chars().alias(c) for c in frame.columns]
    frame = frame.select(strip).with_columns(pl.when(pl.col(c) != "").then(pl.col(c)).alias(c) for c in frame.columns)
    absent = [pl.lit(None, dtype=pl.String).alias(c) for c in wanted if c not in frame.columns]
    return frame.with_columns(absent).select(wanted)


