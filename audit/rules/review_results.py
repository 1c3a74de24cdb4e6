"""What the first review cut, looked for in past receipts: RV01."""

from __future__ import annotations

import polars as pl

from audit.enrich import cut_act  # noqa: F401 - declares the grain
from audit.rules.registry import Dated, Mitigation, rule


@rule(
    id="RV01", version=1, title_ja="一次審査で査定された診療行為の過去分", severity="suspicion", team="review", grain="cut_act",
    basis="国民健康保険の診療報酬明細書点検調査事務処理要領（保険発第42号、1980-05-10）、再審査の申出は原則、請求月の翌月から6か月以内",
    explanation_ja="一次審査で査定された診療行為が、同じ方の過去のレセプト、または査定が重なる医療機関の他の方のレセプトにもあります。先に内容を点検します。",
    next_action_ja="レセプトの内容点検・再審査の申出の検討",
    reads=("cut_own", "cut_here", "institution_cuts", "code"), params=("review.repeat_cuts", "review.past_months"),
    message_ja="{cut_month:month}診療分の一次審査で査定（事由{cut_letters:list}）された診療行為（{code_name}）が、過去{review.past_months}か月のこのレセプトにもあります（{act_points}点）。内容を点検してください",
    evidence=("code", "code_name", "cut_letters", "cut_month", "cut_own", "cut_here", "institution_cuts", "act_points"),
    at_stake=lambda p: pl.col("act_points") * pl.col("insurer_rate") * 0.1, stake_reads=("act_points", "insurer_rate"),
    stake_unit=lambda p: pl.concat_str("stake_claim_id", pl.lit("#"), "code"),
    mitigations=(
        Mitigation("elsewhere", "査定を受けたのは他の医療機関のレセプトです", lambda p: ~pl.col("cut_here"), "note"),
        Mitigation("other_person", "査定を受けたのは同じ医療機関の他の方のレセプトです", lambda p: ~pl.col("cut_own"), "note"),
    ),
)
def cut_before(p: Dated) -> pl.Expr:
    """A past receipt with an act that was just cut for the person, or again and again at the institution."""
    return pl.col("cut_own") | (pl.col("institution_cuts") >= p("review.repeat_cuts"))
