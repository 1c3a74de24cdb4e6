"""The evaluation as one Japanese page: HTML with curves and no network asset, and plain text for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import polars as pl
from markupsafe import Markup

from models.evaluation.figures import FIGURES
from models.evaluation.measure import SEEN
from models.evaluation.orders import ORDERS
from models.evaluation.page_charts import calibration_curve, precision_curve, yen_curve
from models.evaluation.summary import Summary
from models.evaluation.targets import Verdict, verdicts

CAVEAT = "この数値は、合成データに埋め込んだ誤りに対するものです。実際の自治体のレセプトに疑義がどれだけあるか、どれだけ返還されるかについては何も示しません。"
STATES = {"reached": "達成", "mean_only": "平均は達成（区間の下限は下回る）", "missed": "未達", "unknown": "測定なし"}
TEAMS = {"judo": "柔整・療養費", "review": "レセプト点検", "care": "医療介護突合", "health": "保健師・薬剤師", "third_party": "第三者求償", "eligibility": "資格"}
ARMS = {"rule": "ルール", "model": "外れ度", "explore": "学習抽出", "random": "無作為"}
_YEN, _TIMES = {"yen_per_hour"}, {"lift", "baseline_ratio", "reference_ratio"}


@dataclass(frozen=True)
class Page:
    """What the page shows.

    Attributes:
        scenarios: (Japanese title, summary), the last one in the headline tables and curves.
        learnt: what learning brought, where two scenarios of the same towns are compared.
        fairness: HTML of the fairness section (models.fairness_page); empty = none.
        notes: Japanese sentences on how the runs were made.
        unruled: (title, summary) of runs in which the left-out types had no rule either; only that section shows them.

    """

    scenarios: Sequence[tuple[str, Summary]]
    learnt: Verdict | None = None
    fairness: str = ""
    notes: Sequence[str] = ()
    unruled: Sequence[tuple[str, Summary]] = ()

    @property
    def main(self) -> Summary:
        """The last scenario."""
        return self.scenarios[-1][1]


def number(figure: str, value: float | None) -> str:
    """Return one figure as text: yen, times or per cent."""
    if value is None:
        return "－"
    if figure in _YEN:
        return f"{value:,.0f}"
    if figure in _TIMES:
        return f"{value:.1f}倍" if figure == "lift" else f"{value:.2f}倍"
    return f"{100 * value:.1f}%"


def short_of(figure: str, value: float, goal: float | None) -> str:
    """Return one figure as text that is never rounded up to a goal that it misses."""
    shown = number(figure, value)
    if goal is None or value >= goal or shown != number(figure, goal):
        return shown
    return f"{math.floor(value * 1000) / 1000:.3f}倍" if figure in _TIMES else f"{math.floor(value * 10_000) / 100:.2f}%"


def with_interval(figure: str, row: dict[str, Any] | None, goal: float | None = None) -> str:
    """Return a mean and its interval, in one cell; an interval of few towns is cut where the figure itself ends."""
    if row is None or row["mean"] is None:
        return "－"
    mean = short_of(figure, row["mean"], goal)
    if row["low"] is None:
        return mean
    most = None if figure in _YEN | _TIMES else 1.0
    return f"{mean}（{number(figure, max(row['low'], 0.0))}～{number(figure, row['high'] if most is None else min(row['high'], most))}）"


def as_html(page: Page) -> str:
    """Return the page as one HTML document."""
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    )
    main = page.main
    return template.render(
        title=_title(main), caveat=CAVEAT, lead=_lead(main), targets=_targets(page), charts={"yen": Markup(yen_curve(main)), "precision": Markup(precision_curve(main))},
        calibration=Markup(calibration_curve(list(page.scenarios))), orders=[(t, *_orders(s)) for t, s in page.scenarios], sections=_sections(page),
        fairness=Markup(page.fairness), notes=[*page.notes, *_NOTES],
    ) + "\n"


def as_text(page: Page) -> str:
    """Return the page as aligned plain text."""
    main = page.main
    tables = [("目標と結果", _targets(page)["head"], [[*r["cells"], STATES[r["state"]]] for r in _targets(page)["rows"]])]
    for title, summary in page.scenarios:
        head, rows = _orders(summary)
        tables.append((f"並べ方の比較（{title}）" if title else "並べ方の比較", head, rows))
    tables += [(s["title"], s["head"], s["rows"]) for s in _sections(page)]
    lines = [_title(main), CAVEAT, _lead(main), *_NOTES]
    for heading, head, rows in tables:
        table = [head, *rows]
        widths = [max(_width(row[i]) for row in table) for i in range(len(head))]
        lines += ["", f"■ {heading}", *("  ".join(c + " " * (w - _width(c)) for c, w in zip(row, widths, strict=True)).rstrip() for row in table)]
    return "\n".join(lines)


_NOTES = (
    "「全件」は、疑義のある案件と、どの案件にも入らない比較単位（無作為抽出の母集団）です。比較の並べ方も同じ全件を並べます。",
    "適合は、案件が埋め込んだ誤りと同じ請求に基づき、その誤りのルールに該当していること（ルールに該当しない単位では、その誤りを扱う担当であること）です。一つの誤りの金額は、最初に見た案件で一度だけ数えます。",
    "「処理可能時間内」は、担当ごとに実際のリストと同じ時間だけ、それぞれの並べ方で上から見た場合です。「上限」は正解を知っている場合に同じ時間で得られる額です。",
    "区間は町ごとの値の平均に対する95%区間（Studentのt）です。町が10に満たないときは目安にとどまります。",
)


def _title(s: Summary) -> str:
    return "合成データによる順位付けの評価" + (f"（{'・'.join(s.months)}）" if s.months else "")


def _lead(s: Summary) -> str:
    share = f"（{s.hits / s.units:.1%}）" if s.units else ""
    return f"架空の町 {s.towns}、1町当たり全件 {s.units:,.0f}、うち埋め込んだ誤りに当たるもの {s.hits:,.0f}{share}。"


def _targets(page: Page) -> dict[str, Any]:
    columns = [verdicts(s) for _, s in page.scenarios]
    head = ["指標", "目標", *[t or "結果" for t, _ in page.scenarios], "判定"]
    rows = []
    for i, last in enumerate(columns[-1]):
        f = last.target.figure
        cells = [last.ja, f"{number(f, last.target.at_least)}以上", *[with_interval(f, {"mean": c[i].mean, "low": c[i].low, "high": c[i].high}, last.target.at_least) for c in columns]]
        rows.append({"cells": cells, "state": last.state, "tried": last.target.tried if last.state in ("missed", "mean_only") else ""})
    if (v := page.learnt) is not None and v.mean is not None:
        points = [f"{100 * x:+.1f}ポイント" if x is not None else "－" for x in (v.mean, v.low, v.high)]
        shown = points[0] if v.low is None else f"{points[0]}（{points[1]}～{points[2]}）"
        cells = [v.ja, f"{100 * v.target.at_least:.0f}ポイント以上", *["－"] * (len(columns) - 1), shown]
        rows.append({"cells": cells, "state": v.state, "tried": v.target.tried if v.state in ("missed", "mean_only") else ""})
    return {"head": head, "rows": rows, "states": STATES}


def _orders(s: Summary) -> tuple[list[str], list[list[str]]]:
    at = {(r["order"], r["figure"]): r for r in s.figures.iter_rows(named=True)}
    return ["並べ方", *FIGURES.values()], [[o.ja, *[with_interval(f, at.get((n, f))) for f in FIGURES]] for n, o in ORDERS.items()]


def _sections(page: Page) -> list[dict[str, Any]]:
    s, names = page.main, [t or "結果" for t, _ in page.scenarios]
    out = [_teams(s)]
    if len(s.left_out):
        out.append(_left_out(page))
    labels = {"brier": "Brierスコア（小さいほど良い）", "brier_base": "同・平均だけを答えた場合", "ece": "期待較正誤差（ECE）"}
    rows = [[ja, *[_plain(_row(x.calibration, figure=f)) for _, x in page.scenarios]] for f, ja in labels.items()]
    out.append({"title": "認容見込の確からしさ", "head": ["指標", *names], "rows": rows, "note": "疑義のあるすべての案件について、認容見込と埋込との一致を比べます。"})
    steady = {"top_100": "上位100件（期待額順）", "listed": "リストのうちルールによる案件"}
    if len(s.stability):
        rows = [[ja, *[with_interval("share", _row(x.stability, list=k)) for _, x in page.scenarios]] for k, ja in steady.items()]
        out.append({"title": "乱数の種を変えたときの一致", "head": ["リスト", *names], "rows": rows, "note": "同じ納品を別の種で当てはめ直し、抽出し直したときに共通する案件の割合です。"})
    arms = s.selections.with_columns(pl.col("selection").replace(ARMS))
    out.append({"title": "抽出区分別", "head": ["抽出区分", "リスト掲載", "うち埋込と一致", "割合"], "note": "", "rows": [[a, f"{n:,}", f"{h:,}", f"{h / n:.1%}"] for a, n, h in arms.iter_rows()]})
    out.append(_types(s))
    return out


def _left_out(page: Page) -> dict[str, Any]:
    groups = {"left_out": "除いた種類", "known": "その他の種類"}
    counts = {"types": "種類の数（平均）", "plants": "埋込件数（平均）"}
    shares = {"recall_listed": "リストに載った割合", **{f"yen_{100 * x:.0f}": f"全件の{100 * x:.0f}%を見たときの金額の捕捉率" for x in SEEN}}
    columns = [(s.left_out, g, f"{t or '結果'}・{ja}") for t, s in (*page.scenarios, *page.unruled) for g, ja in groups.items()]
    rows = []
    for figure, ja in {**counts, **shares}.items():
        cells = [_row(frame, group=g, figure=figure) for frame, g, _ in columns]
        rows.append([ja, *[f"{c['mean']:,.1f}" if figure in counts and c else with_interval(figure, c) for c in cells]])
    note = "町ごとに誤りの種類の1割を乱数で選び、その結果を学習の前に取り除きました。ルールはそのまま働きます" + ("（最後の2列を除く）。" if page.unruled else "。")
    return {"title": "結果を学習から除いた種類", "head": ["指標", *[c[2] for c in columns]], "rows": rows, "note": note}


def _teams(s: Summary) -> dict[str, Any]:
    shown = ("list", "amount_found", "amount", "clairvoyant")
    figures = ("precision_capacity", "yen_per_hour")
    head = ["担当", *[f"{ORDERS[o].ja.split('（')[0].removeprefix('参考: ')} {FIGURES[f].split('（')[0]}" for f in figures for o in shown]]
    at = {(r["team"], r["order"], r["figure"]): r for r in s.teams.iter_rows(named=True)}
    rows = [[TEAMS.get(t, t), *[number(f, r["mean"]) if (r := at.get((t, o, f))) else "－" for f in figures for o in shown]] for t in s.teams["team"].unique(maintain_order=True)]
    return {"title": "担当別（処理可能時間内の適合率と、1時間当たりの金額・円）", "head": head, "rows": rows, "note": ""}


def _types(s: Summary) -> dict[str, Any]:
    def share(a: int, b: int) -> str:
        return f"{a / b:.1%}" if b else "－"

    rows = [
        [r["catalogue_id"], f"{r['plants']:,}", share(r["flagged"], r["plants"]), share(r["listed"], r["plants"]), f"{r['yen']:,}", share(r["listed_yen"], r["yen"]), f"{r['decoys']:,}", share(r["decoys_flagged"], r["decoys"])]
        for r in s.catalogue.iter_rows(named=True)
    ]
    head = ["ルール", "埋込件数", "再現率", "リスト掲載率", "想定額（円）", "リスト掲載額の割合", "紛らわしい正常例", "うち抽出"]
    return {"title": "誤りの種類別", "head": head, "rows": rows, "note": "件数と金額は町の合計です。", "folded": True}


def _row(frame: pl.DataFrame, **key: str) -> dict[str, Any] | None:
    found = frame.filter(*[pl.col(k) == v for k, v in key.items()])
    return found.row(0, named=True) if len(found) else None


def _plain(row: dict[str, Any] | None) -> str:
    if row is None or row["mean"] is None:
        return "－"
    return f"{row['mean']:.3f}" if row["low"] is None else f"{row['mean']:.3f}（{row['low']:.3f}～{row['high']:.3f}）"


def _width(text: str) -> int:
    """Return the columns that a text takes on a terminal: wide characters take two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)
