"""The list of lines of an outcome file that found no request, or not one for sure: for a person to settle."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from audit.desk.outcome_match import STATES_JA
from audit.home import write_atomic
from audit.worklists.text_safety import protect_expr

RESULTS_JA = {"cut": "査定", "as_before": "原審どおり", "returned": "返戻", "withdrawn": "取下げ", "agreed": "認容", "refused": "不成立"}
_HINT = {
    "none": "申出番号・検索番号・診療年月・金額を確かめてください。台帳にない申出は、先に登録してから取り込み直します",
    "several": "申出番号の列を加えるか、候補のどれかを申出番号として書いて取り込み直してください",
    "amount": "検索番号は合いますが申出額（点数）が違います。別の申出の結果でないか確かめてください",
    "contradiction": "同じ申出の行どうし、または申出番号と検索番号が食い違います。元データを確かめてください",
    "above": "登録しました。申出額より大きい増減です。確かめてください",
}
_COLUMNS = {
    "line": "行", "state_ja": "状態", "hint": "対応", "request_id": "申出番号", "candidates": "候補の申出", "claim_id": "明細ID", "search_no": "検索番号", "insurer_no": "保険者番号",
    "service_month": "診療年月", "institution_id": "医療機関コード", "requested_yen": "申出額", "requested_points": "申出点数", "result_ja": "結果", "reason": "事由",
    "upheld_yen": "認容額", "points_cut": "増減点数", "result_on": "結果日", "paid_yen": "収納額", "paid_total_yen": "収納累計額", "paid_on": "収納日", "entry_no": "収納番号",
}


def write_list(lines: pl.DataFrame, out: Path) -> Path:
    """Write the list as CSV (UTF-8 with BOM); return its path."""
    told = lines.sort("line").with_columns(
        state_ja=pl.col("state").replace_strict(STATES_JA), hint=pl.col("state").replace_strict(_HINT),
        result_ja=pl.col("result").replace_strict(RESULTS_JA, default=None, return_dtype=pl.String), service_month=pl.col("service_month").dt.strftime("%Y-%m"),
    )
    cells = [(protect_expr(pl.col(c)) if told.schema[c] == pl.String else pl.col(c)).alias(ja) for c, ja in _COLUMNS.items()]
    return write_atomic(out, told.select(cells).write_csv(line_terminator="\r\n", quote_style="non_numeric").encode("utf-8-sig"))
