"""The comparison of groups as a section of a page, as a page of its own, and as text."""

from __future__ import annotations

from html import escape

from models.fairness import DIMENSIONS, Comparison

STATES = {"ok": "－", "care": "注意（偶然の範囲）", "warn": "警告", "few": "件数が少ないため非表示"}
_BASIS = {"labels": "合成データの正解", "decisions": "判断済みの案件"}
_HEAD = ("区分", "件数", "誤り", "見た件数", "空振り", "誤警報率", "95%区間", "全体との比", "判定")


def note(c: Comparison) -> str:
    """Return what is compared and how, in one Japanese paragraph."""
    return (
        f"各区分で、順位の上から誤りの{c.plan.recall:.0%}が見つかるまで見たとき、誤りのない件数のうち見ることになる割合（誤警報率）を比べます（{_BASIS[c.basis]}による。"
        f"全 {c.units:,}件、うち誤り {c.errors:,}件）。全体の{c.plan.ratio:g}倍を超える区分に警告を付けます（仮定値。区間が全体の率を含むときは「注意」）。"
        f"誤り、または誤りのない件数が{c.plan.least}に満たない区分は表示しません。年齢・性別・所得は順位付けには使っていません。"
    )


def table(c: Comparison, dimension: str) -> list[list[str]]:
    """Return the rows of one dimension as text."""
    out = []
    for r in c.groups.filter(c.groups["dimension"] == dimension).iter_rows(named=True):
        shown = ["－"] * 7
        if r["state"] != "few":
            shown = [
                f"{r['units']:,}", f"{r['errors']:,}", f"{r['viewed']:,}", f"{r['alarms']:,}", f"{r['rate']:.2%}", f"{r['low']:.2%}～{r['high']:.2%}",
                "－" if r["ratio"] is None else f"{r['ratio']:.2f}倍",
            ]
        out.append([r["group"], *shown, STATES[r["state"]]])
    return out


def section(c: Comparison) -> str:
    """Return the section as HTML."""
    parts = [f'<h2>公平性（誤警報の偏り）</h2><p class="small">{escape(note(c))}</p>']
    states = {v: k for k, v in STATES.items()}
    for dimension, ja in DIMENSIONS.items():
        rows = table(c, dimension)
        if len(rows) < 2:
            parts.append(f'<p class="small">{ja}: 比べる区分がありません。</p>')
            continue
        head = "".join(f'<th class="n">{h}</th>' if i else f"<th>{ja}</th>" for i, h in enumerate(_HEAD))
        body = "".join(
            "<tr>" + "".join(f'<td class="n">{escape(x)}</td>' if i else f"<td>{escape(x)}</td>" for i, x in enumerate(row[:-1])) + f'<td class="n {states[row[-1]]}">{row[-1]}</td></tr>'
            for row in rows
        )
        parts.append(f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>')
    return "\n".join(parts)


def as_html(c: Comparison, title: str) -> str:
    """Return a page of its own."""
    style = (
        'body{font-family:"Noto Sans CJK JP","Yu Gothic","Meiryo",sans-serif;color:#1c2733;margin:2rem auto;max-width:64rem;padding:0 1rem;line-height:1.6}'
        "h1{font-size:1.5rem;margin:0 0 .6rem}h2{font-size:1.1rem;border-left:.3rem solid #2f6f9f;padding-left:.6rem}table{border-collapse:collapse;width:100%;font-size:.9rem;margin:1rem 0}"
        "th,td{border-bottom:1px solid #d8dee4;padding:.35rem .6rem;text-align:left}th{background:#eef3f7;font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
        ".small{color:#5a6672;font-size:.85rem}.warn{color:#a40e26;font-weight:600}.care{color:#9a6700}.few{color:#5a6672}"
    )
    return (
        f'<!doctype html>\n<html lang="ja"><head><meta charset="utf-8"><title>{escape(title)}</title><style>{style}</style></head>'
        f"<body><h1>{escape(title)}</h1>\n{section(c)}\n</body></html>\n"
    )


def as_text(c: Comparison) -> str:
    """Return the comparison as plain text."""
    lines = ["■ 公平性（誤警報の偏り）", note(c)]
    for dimension, ja in DIMENSIONS.items():
        lines += ["", f"［{ja}］" + " / ".join(_HEAD[1:]), *["  " + "  ".join(row) for row in table(c, dimension)]]
    return "\n".join(lines)
