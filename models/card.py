"""The model card of a run in words: what each model is for, what it must not be used for, what it was made of."""

from __future__ import annotations

import json
from pathlib import Path

from audit.errors import ModelError
from models.spec import PROFILES, UNIT_SETS, features_of, peer_noun
from models.store import sha256_file
from models.uphold_features import SCORE, STAKE
from models.uphold_store import FOLDER, StoredUphold, load_uphold

TEAM_JA = {"judo": "柔整・療養費", "review": "レセプト点検", "care": "医療介護突合", "health": "保健師・薬剤師", "third_party": "第三者求償", "judo_clinic": "柔整・療養費（施術所の全体）"}
_SET_JA = {"case": "案件", "judo": "柔整の申請", "clinic": "施術所の1か月", "claim": "医科・DPCのレセプト", "care": "医療と介護の併給", "health": "調剤・服薬"}
_WHY_JA = {
    "no_outcomes": "結果がまだ登録されていません", "too_few": "モデルを試すには件数が足りません", "one_sided": "認容・非認容の一方が少なすぎます",
    "no_gain": "取り分けた案件の予測がルール別の実績より良くならないため、モデルは使っていません",
}
_SHOWN = 12
_APART = 0.05  # rates that differ by less are not told apart in words


def rung_ja(told: dict[str, object]) -> str:
    """Return which rung a run's p(upheld) stands on, as one Japanese line.

    Args:
        told: rung, why, decided, with_features, model_from (models.uphold.Uphold.account).

    """
    n = f"決定済み {told['decided']:,}件"
    if told["rung"] == "model":
        return f"認容見込: モデル（{n}）"
    if told["rung"] == "prior":
        return "認容見込: 事前の見込み（決定済みの案件なし）"
    why = f"モデルは特徴量のある{told['model_from']:,}件から、現在{told['with_features']:,}件" if told["why"] == "too_few" else _WHY_JA[str(told["why"])]
    return f"認容見込: ルール別の実績（{n}。{why}）"


def card_text(run: Path) -> str:
    """Return the card of a published run as text.

    Raises:
        ModelError: the run holds no models, or they cannot be used by this program.

    """
    root = run / "model"
    if not (root / FOLDER / "card.json").is_file():
        raise ModelError("this run holds no model card", file=run.name, remedy="run the month again with this version")
    teams = [t for t in UNIT_SETS if (root / t / "card.json").is_file()]
    lines = [f"■ モデルカード（実行ID {run.name}）", "", *_uphold(load_uphold(root), sha256_file(root / FOLDER / "card.json"))]
    for team in teams:
        lines += ["", *_team(team, json.loads((root / team / "card.json").read_text(encoding="utf-8")), sha256_file(root / team / "card.json"))]
    return "\n".join(lines)


def _uphold(stored: StoredUphold, digest: str) -> list[str]:
    card, model = stored.card, stored.model
    lines = [
        "【認容見込】案件が認容（一部を含む）となる見込み",
        f"  段階        {rung_ja(card).removeprefix('認容見込: ')}",
        "  使いみち    今月の案件を「認容見込 × 影響額 ÷ 所要分」の順に並べること",
        "  使わないこと 誤りの認定、返還・不支給の決定、個人や機関の評価、町全体の誤り率の推計（無作為の標本だけが言えます）",
        f"  知識の日    {card['as_of'] or '－'}（この日までに登録された結果だけ）",
        f"  結果        決定済み {card['decided']:,}件、うち特徴量のあるもの {card['with_features']:,}件。他機関へ送付・判断できずの {card['unjudged']:,}件と未決は数えません",
    ]
    learning = card["learning"]
    if card["rung"] != "prior":
        lines.append(f"  前提        判断の{learning['wrong']:.0%}は逆の判断とみて割り引いて読みます。仮置きの率が大きく外れている見込みは{learning['astray']:.0%}です（いずれも仮定）")
    if model is None:
        lines.append("  モデル      作っていません")
    else:
        lines += [
            f"  期間        納品の月 {card['first_month']} ～ {card['last_month']}",
            f"  学習件数    {model.n:,}件（認容 {int(model.verdicts.upheld.sum()):,}件）。選ばれた確率の逆数で重み付け（上限 {card['learning']['weight_clip']:g}倍）",
            f"  予測の損失  ルール別の実績 {model.loss_rates:.3f} → モデル {model.loss_model:.3f}（取り分けた案件での対数損失。小さいほど良い。{'使用' if card['rung'] == 'model' else '不使用'}）",
            f"  合わせ方    対数オッズ ＝ {1 + model.tilt:.2f} × ルール別 ＋ {model.gain:.2f} × 特徴量 {model.shift:+.2f}",
            "  特徴量      同種の中での外れ度と、影響額の大きさだけ。ルールの該当・年齢・性別・所得は使いません",
            *[f"              {_SET_JA[kind]}: {words}" for kind, words in _columns_ja(model.columns)],
        ]
    moved = stored.rates.filter("learned").sort("strength", "rule_id", descending=[True, False])
    if moved.height:
        lines.append(f"  実績で動いたルール {moved.height}件" + (f"（件数の多い{_SHOWN}件）" if moved.height > _SHOWN else ""))
        lines += [
            f"              {r['rule_id']:<6} {r['prior']:>4.0%} → {r['rate']:>4.0%}{_by_stake(r['rate'], r['by_stake'], card['stake_edges'])}"
            for r in moved.head(_SHOWN).iter_rows(named=True)
        ]
    return [*lines, *_made(card, digest)]


def _by_stake(rate: float, by_stake: list[float] | None, edges: list[int]) -> str:
    """Return the strata of yen whose rate is not the rule's own, in words."""
    told = [f"{_band(k, edges)} {r:.0%}" for k, r in enumerate(by_stake or []) if abs(r - rate) >= _APART]
    return f"（{'、'.join(told)}）" if told else ""


def _band(k: int, edges: list[int]) -> str:
    if k == 0:
        return f"{edges[0]:,}円未満"
    return f"{edges[k - 1]:,}円以上" if k == len(edges) else f"{edges[k - 1]:,}～{edges[k] - 1:,}円"


def _columns_ja(columns: tuple[str, ...]) -> list[tuple[str, str]]:
    words = {f"{kind}/{f.name}": f.ja for team, kind in UNIT_SETS.items() for f in features_of(team)} | {STAKE: "影響額の大きさ"}
    by_kind: dict[str, list[str]] = {}
    for column in columns:
        kind, name = column.split("/")
        by_kind.setdefault(kind, []).append("外れ度の合計" if name == SCORE else words[column])
    return [(kind, "、".join(names)) for kind, names in by_kind.items()]


def _team(team: str, card: dict, digest: str) -> list[str]:
    names = {f.name: f.ja for f in features_of(team)}
    return [
        f"【外れ度】{TEAM_JA[team]}（{_SET_JA[UNIT_SETS[team]]}を{peer_noun(team)}と比べる）",
        "  使いみち    " + ("施術所の傾向の案件の「珍しさ」を理由つきで示すこと（一覧や無作為の標本には使いません）" if team in PROFILES.values() else "ルールに当たらない珍しい案件を少数だけ見ることと、案件の「珍しさ」を理由つきで示すこと"),
        "  使わないこと 珍しいことを誤りとみなすこと。透析・在宅・リハビリ等は同種の中で比べるための群で、除外ではありません",
        f"  期間・件数  診療年月 {card['first_month']} ～ {card['last_month']}、{card['n']:,}件",
        f"  特徴量      {'、'.join(names.get(f['name'], f['name']) for f in card['features'])}",
        f"  第二の意見  IsolationForest {card['trees']}本。上位100件の一致 {card['agreement_top100']:.0%}",
        *_made(card, digest),
    ]


def _made(card: dict, digest: str) -> list[str]:
    versions = "、".join(f"{k} {v}" for k, v in sorted(card["versions"].items()))
    return [f"  作成        乱数の種 {card['seed']}、{versions}、カードのハッシュ {digest[:12]}"]
