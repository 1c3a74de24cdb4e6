"""The evaluation as one Japanese page, as text and as HTML without any network asset."""

from __future__ import annotations

from html import escape

import polars as pl

from models.evaluation import RANKERS, Evaluation

CAVEAT = (
    "この数値は、合成データに埋め込んだ誤りに対するものです。実際の自治体のレセプトに疑義がどれだけあるか、どれだけ返還されるかについては何も示しません。"
)
_NOTE = "比較の並べ方は、いずれも同じ案件（ルールに該当したもの）を並べ替えたものです。適合率は、担当と保険者ごとに実際のリストと同じ件数を見た場合の割合です。"

_RANKERS = {
    "ja": "並べ方", "viewed": "見る件数", "precision_capacity": "適合率（処理可能件数）", "precision_100": "適合率（各リスト上位100件）",
    "lift": "無作為との比", "yen_recall_5": "5%を見たときの金額の捕捉率", "yen_recall_10": "10%を見たときの金額の捕捉率",
}
_CATALOGUE = {
    "catalogue_id": "ルール", "plants": "埋込件数", "flagged": "抽出", "recall": "再現率", "listed": "リスト掲載", "yen": "想定額（円）",
    "decoys": "紛らわしい正常例", "decoys_flagged": "うち抽出",
}
_SELECTIONS = {"selection": "抽出区分", "listed": "リスト掲載", "hits": "うち埋込と一致"}
_TEAMS = {"judo": "柔整・療養費", "review": "レセプト点検", "care": "医療介護突合", "health": "保健師・薬剤師", "third_party": "第三者求償", "eligibility": "資格"}
_ARMS = {"rule": "ルール", "model": "外れ度のみ", "random": "無作為"}


def _cells(frame: pl.DataFrame, columns: dict[str, str]) -> list[list[str]]:
    """Return heading and rows as text; shares as per cent, whole numbers with commas, nothing as a dash."""
    out = [list(columns.values())]
    texts = []
    for name in columns:
        values = frame[name].to_list()
        if name == "lift":
            texts.append(["－" if v is None else f"{v:.1f}倍" for v in values])
        elif name == "viewed":
            texts.append(["－" if v is None else f"{v:,.0f}" for v in values])
        elif frame.schema[name].is_float():
            texts.append(["－" if v is None else f"{v:.1%}" for v in values])
        elif frame.schema[name].is_integer():
            texts.append(["－" if v is None else f"{v:,}" for v in values])
        else:
            texts.append(["－" if v is None else str(v) for v in values])
    return out + [list(row) for row in zip(*texts, strict=True)]


def _sections(e: Evaluation) -> list[tuple[str, list[list[str]]]]:
    teams = e.teams.pivot(on="ranker", index="team", values="precision_capacity")
    orders = {name: RANKERS[name][0] for name in RANKERS if name in teams.columns}
    teams = teams.with_columns(pl.col("team").replace(_TEAMS))
    selections = e.selections.with_columns(pl.col("selection").replace(_ARMS))
    return [
        ("並べ方の比較", _cells(e.rankers, _RANKERS)),
        ("担当別の適合率（処理可能件数）", _cells(teams, {"team": "担当", **orders})),
        ("ルール別の再現率と、紛らわしい正常例", _cells(e.catalogue, _CATALOGUE)),
        ("抽出区分別", _cells(selections, _SELECTIONS)),
    ]


def _title(e: Evaluation) -> str:
    return "合成データによる評価" + (f"（{e.month}）" if e.month else "")


def _width(text: str) -> int:
    """Return the columns that a text takes on a terminal: wide characters take two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def as_text(e: Evaluation) -> str:
    """Return the page as aligned plain text."""
    lines = [_title(e), CAVEAT, _NOTE]
    for heading, table in _sections(e):
        widths = [max(_width(row[i]) for row in table) for i in range(len(table[0]))]
        lines += ["", f"■ {heading}"]
        for row in table:
            lines.append("  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)).rstrip())
    return "\n".join(lines)


def as_html(e: Evaluation) -> str:
    """Return the page as one HTML document."""
    body = []
    for heading, table in _sections(e):
        head = "".join(f"<th>{escape(c)}</th>" for c in table[0])
        rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in table[1:])
        body.append(f"<h2>{escape(heading)}</h2><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    style = (
        "body{font-family:sans-serif;margin:2em;color:#222}table{border-collapse:collapse}th,td{border:1px solid #bbb;padding:.25em .6em}"
        "td:not(:first-child){text-align:right}th{background:#eef2f6}.note{border-left:4px solid #b58900;padding:.4em 1em;background:#fdf6e3}"
    )
    return (
        f'<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>{escape(_title(e))}</title><style>{style}</style></head>'
        f'<body><h1>{escape(_title(e))}</h1><p class="note">{escape(CAVEAT)}</p><p>{escape(_NOTE)}</p>{"".join(body)}</body></html>\n'
    )
