"""What a run writes: quarantine, findings, not evaluated, cases. Column names are a contract."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

QUARANTINE = Table(
    "quarantine", "隔離行", "One row per refused source line or record; never its content.", ("file", "line", "field"),
    (
        C("file", pl.String, "ファイル", "name inside the delivery"),
        C("line", pl.Int64, "行", "1-based; null for a whole file", null="whole file"),
        C("record", pl.String, "レコード", "record id or table the line was meant for", null="unknown"),
        C("field", pl.String, "項目", "column or record position", null="whole line"),
        C("reason", pl.String, "理由コード", "short code, e.g. bad_date, unknown_insurer, unknown_record, orphan_line"),
        C("reason_ja", pl.String, "理由", "one Japanese sentence with the remedy; never the value"),
        C("rows", pl.Int64, "行数", "source rows this entry stands for"),
    ),
)

FINDINGS = Table(
    "findings", "疑義", "One row per rule and unit.", ("finding_id",),
    (
        C("finding_id", pl.String, "疑義ID", "<rule_id>|<insurer_no>|<unit>: readable, the same on a re-run"),
        C("rule_id", pl.String, "ルールID"), C("rule_version", pl.Int32, "版"),
        C("severity", pl.String, "区分", "error = breach by arithmetic or notice; suspicion = needs an inquiry"),
        C("team", pl.String, "担当", "judo, review, care, health, third_party, eligibility"),
        C("insurer_no", pl.String, "保険者番号"), C("person_id", pl.String, "個人ID", null="unlinked"),
        C("provider_id", pl.String, "機関", "clinic, institution or care provider", null="several"),
        C("service_month", pl.String, "診療年月", "YYYY-MM"),
        C("claim_ids", pl.List(pl.String), "明細ID", "sorted; the first is the one at stake"),
        C("stake_claim_id", pl.String, "対象明細ID", "claim whose money is at stake"),
        C("stake_unit", pl.String, "対象単位", "claim id, or claim id + '#' + part of it; equal units are counted once in a case"),
        C("stake_cap_yen", pl.Int64, "上限額", "insurer share of stake_claim_id: a case never counts more for it", null="unknown"),
        C("at_stake_yen", pl.Int64, "影響額", "yen, insurer share; 0 = no money, advice only"),
        C("provisional", pl.Boolean, "暫定", "rests on a value not confirmed by an official text: never more than a suspicion"),
        C("evidence", pl.String, "根拠データ", "JSON text, keys sorted"),
        C("mitigations", pl.List(pl.String), "留意", "Japanese: why it may be fine"),
        C("message", pl.String, "内容", "Japanese sentence"), C("basis", pl.String, "根拠", "law or notice"),
    ),
)

NOT_EVALUATED = Table(
    "not_evaluated", "判定不能", "One row per rule, insurer, month and reason.", ("rule_id", "insurer_no", "month", "reason"),
    (
        C("rule_id", pl.String, "ルールID"), C("insurer_no", pl.String, "保険者番号"), C("month", pl.String, "診療年月"),
        C("reason", pl.String, "理由", "missing:<column>, parameter:<name>, table:<name>, person_unmatched"),
        C("n", pl.Int64, "件数", "units that could not be judged"),
    ),
)

# percentile: 0-1, share of the peers that are less far out; contribution: part of anomaly_score
REASON = pl.Struct({"feature": pl.String, "value": pl.Float64, "peer_median": pl.Float64, "percentile": pl.Float64, "contribution": pl.Float64})

CASES = Table(
    "cases", "案件", "One row per team, insurer, person, provider and month.", ("case_id",),
    (
        C("case_id", pl.String, "案件ID", "<team>|<insurer_no>|<YYYY-MM>|<person_id, stake claim, or - for a provider as a whole>|<provider_id or ->"),
        C("team", pl.String, "担当"), C("insurer_no", pl.String, "保険者番号"), C("person_id", pl.String, "個人ID", null="unlinked"),
        C("provider_id", pl.String, "機関", null="several"), C("service_month", pl.String, "診療年月"),
        C("rule_ids", pl.List(pl.String), "ルール", "sorted; empty for model and random selections without a hit"),
        C("finding_ids", pl.List(pl.String), "疑義ID"), C("claim_ids", pl.List(pl.String), "明細ID", "all claims concerned, sorted"),
        C("severity", pl.String, "区分", "error where any finding is one; none without a finding"),
        C("at_stake_yen", pl.Int64, "影響額", "union of the findings' yen, never the sum of overlapping ones"),
        C("p_upheld", pl.Float64, "認容見込", "0-1"), C("expected_yen", pl.Int64, "期待額", "p_upheld x at_stake"),
        C("minutes", pl.Float64, "所要分", "review minutes of the team for this case"),
        C("anomaly_score", pl.Float64, "外れ度", "additive tail score; higher = more unusual", null="no features"),
        C("forest_score", pl.Float64, "森スコア", "IsolationForest, second opinion; higher = more unusual", null="no features"),
        C("reasons", pl.List(REASON), "理由", "largest contributions first; contributions of all features add up to anomaly_score"),
        C("selection", pl.String, "抽出区分", "rule, model, explore (below the line, looked at for what it teaches), random"),
        C("inclusion_probability", pl.Float64, "抽出確率", "known for random and explore; 1 for rule and model"),
        C("rank", pl.Int32, "順位", "in team and insurer, 1 = first; null = not on this month's list", null="below capacity, held back, or a spare"),
        C("group_id", pl.String, "組", "<team>|<insurer_no>|<provider_id>|<rules>: like cases that one decision settles", null="alone"),
        C("held_back", pl.String, "見送り理由", "decided, standing (waits on an earlier list), burden (person asked a short while ago), provider_cap", null="nothing holds it back"),
        C("listed_before", pl.String, "前回の一覧", "delivery month (YYYY-MM) of the last earlier list that the case was on", null="never listed or decided before"),
    ),
)

LIST_ACCOUNT = Table(
    "list_account", "一覧の増減", "One row per case on this month's list, still open from earlier ones, or held back.", ("case_id",),
    (
        C("case_id", pl.String, "案件ID"), C("team", pl.String, "担当"), C("insurer_no", pl.String, "保険者番号"),
        C("state", pl.String, "状態", "new = on this month's list; kept = waits on an earlier list; dropped = was open on an earlier list, no longer; held = has findings, stays off"),
        C("reason", pl.String, "理由", "new: first, rose (was below the line), new_finding, again; kept: standing; dropped: decided, gone (its month was judged again, no finding), expired; held: decided, burden, provider_cap"),
        C("listed_before", pl.String, "前回の一覧", "delivery month, YYYY-MM", null="never listed or decided before"),
        C("new_findings", pl.Int32, "新しい疑義", "findings that the case had not when it was last listed; 0 for a case that never was"),
    ),
)
