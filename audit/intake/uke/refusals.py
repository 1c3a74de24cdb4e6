"""Reasons for which a line or a receipt goes to quarantine, and the frame that tells them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from audit.tables import QUARANTINE

# One sentence for the office, with the remedy; never a value.
REASONS_JA: dict[str, str] = {
    "bad_encoding": "文字コードがCP932として読めません。送付元に再出力を依頼してください。",
    "unknown_record": "レコード識別が記録条件仕様にありません。行の欠けや破損がないか、送付元に確認してください。",
    "orphan_line": "どのレセプトの行か特定できません（直前のREレコードの欠落または破損）。送付元に確認してください。",
    "bad_date": "日付として読めません。元データの日付を確認してください。",
    "bad_number": "数値として読めません。元データの桁と文字を確認してください。",
    "bad_code": "コードの桁または文字が仕様と異なります。元データのコードを確認してください。",
    "unknown_insurer": "対象外または不明な保険者番号です。納品物の保険者と delivery.toml の insurer_no を確認してください。",
    "no_payer": "保険者・公費レコード（HO・KO）がないか、その数値が読めません。レセプトの行の欠けや破損を確認してください。",
    "no_institution": "医療機関情報レコードがないか、読めません。ファイル先頭の行を確認してください。",
}


@dataclass
class Refusals:
    """Refused lines of one stretch of a file, collected column by column.

    Line numbers are those of the stretch until `shifted` moves them.
    """

    parts: list[pl.DataFrame] = field(default_factory=list)

    def add(self, lines: np.ndarray, record: pl.Series | str | None, name: str | None, reason: str) -> None:
        """Add refused lines (0-based index), their record ids, the field at fault and the reason."""
        if len(lines) == 0:
            return
        ids = pl.Series("record", [record] * len(lines), dtype=pl.String) if not isinstance(record, pl.Series) else record
        self.parts.append(pl.DataFrame({
            "line": pl.Series("line", lines, dtype=pl.Int64), "record": ids.alias("record"),
            "field": pl.Series("field", [name], dtype=pl.String).new_from_index(0, len(lines)),
            "reason": pl.Series("reason", [reason], dtype=pl.String).new_from_index(0, len(lines)),
        }))

    def frame(self) -> pl.DataFrame:
        """Return line (Int64), record, field, reason; the first reason of a line stands."""
        empty = pl.DataFrame(schema={"line": pl.Int64, "record": pl.String, "field": pl.String, "reason": pl.String})
        if not self.parts:
            return empty
        return pl.concat(self.parts).unique("line", keep="first", maintain_order=True).sort("line")


def quarantine(refused: pl.DataFrame, file: str) -> pl.DataFrame:
    """Return the quarantine table of a file.

    Args:
        refused: line (1-based), record, field, reason, rows.
        file: name inside the delivery.

    """
    return QUARANTINE.conform(refused.with_columns(
        pl.lit(file).alias("file"),
        pl.col("reason").replace_strict(REASONS_JA, return_dtype=pl.String).alias("reason_ja"),
    ))
