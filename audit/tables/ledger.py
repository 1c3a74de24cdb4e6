"""What the desk's ledger gives to others: cases, decisions, requests, money, and the outcomes that learning and reports read.

Column names are a contract. Days are those of the office (Asia/Tokyo). Nothing here names or addresses a person.
"""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

LEDGER_CASES = Table(
    "ledger_cases", "台帳の案件", "One row per case and run that published it.", ("case_id", "run_id"),
    (
        C("case_id", pl.String, "案件ID", "as in cases"), C("run_id", pl.String, "実行ID"),
        C("month", pl.String, "納品の月", "delivery month of the run, YYYY-MM: the cohort"),
        C("published_on", pl.Date, "公開日", "day on which the run was published to the desk"),
        C("insurer_no", pl.String, "保険者番号"), C("team", pl.String, "担当"), C("service_month", pl.String, "診療年月", "YYYY-MM"),
        C("person_id", pl.String, "個人ID", null="unlinked, or a provider as a whole"), C("provider_id", pl.String, "機関", null="several"),
        C("provider_kind", pl.String, "機関の種類", "kind of its claims: med, dpc, pha, den, nur, judo, ahaki, overseas, orthosis, care; mixed = several"),
        C("rule_ids", pl.List(pl.String), "ルール", "sorted; empty for model and random without a hit"),
        C("severity", pl.String, "区分", "error, suspicion", null="no finding"),
        C("selection", pl.String, "抽出区分", "rule, model, explore, random"),
        C("inclusion_probability", pl.Float64, "抽出確率", "known for random and explore; 1 for rule and model"),
        C("stratum", pl.Int32, "層", "of the random arm", null="not of the random arm"),
        C("universe_n", pl.Int64, "母数", "units of the stratum in the fixed universe", null="not of the random arm"),
        C("sample_n", pl.Int64, "標本数", "units drawn of the stratum", null="not of the random arm"),
        C("role", pl.String, "役割", "sample, spare", null="not of the random arm"),
        C("rank", pl.Int32, "順位", null="below capacity, or a spare"),
        C("at_stake_yen", pl.Int64, "影響額", "insurer's yen"), C("p_upheld", pl.Float64, "認容見込"), C("minutes", pl.Float64, "所要分"),
    ),
    person_data=True,
)

DECISIONS = Table(
    "decisions", "判断", "One row per case that was decided: its standing decision.", ("case_id",),
    (
        C("case_id", pl.String, "案件ID"), C("run_id", pl.String, "実行ID", "run whose list was decided on"),
        C("decision", pl.String, "判断", "upheld, partly, dismissed, referred, cannot_judge"),
        C("reason_code", pl.String, "理由", null="not given"), C("requested_yen", pl.Int64, "申出額", null="not given"),
        C("minutes", pl.Float64, "実際の分", null="not given"), C("decided_on", pl.Date, "判断日"),
        C("processed_on", pl.Date, "登録日", "day on which the office knew it: every as-of join uses it"),
        C("who", pl.String, "登録者", "user name, no person of a claim"),
    ),
)

REQUESTS = Table(
    "requests", "申出", "One row per request made for a case, with its standing result.", ("request_id",),
    (
        C("request_id", pl.String, "申出ID"), C("case_id", pl.String, "案件ID"),
        C("way", pl.String, "回収方法", "rereview 再審査, correction 過誤, return 返戻, inquiry 照会, repayment 返納, subrogation 求償, settlement 保険者間調整"),
        C("requested_on", pl.Date, "申出日"), C("requested_yen", pl.Int64, "申出額"), C("due_on", pl.Date, "期限", null="none"),
        C("result", pl.String, "結果", "cut 査定, as_before 原審どおり, returned 返戻, withdrawn 取下げ, agreed 認容（返納・求償）, refused", null="pending"),
        C("reason", pl.String, "事由", "A-K of 増減点事由, or the office's own", null="pending or not given"),
        C("result_on", pl.Date, "結果日", null="pending"), C("upheld_yen", pl.Int64, "認容額", null="pending"),
        C("processed_on", pl.Date, "登録日", "day on which the office knew the standing result; of a pending one, the request"),
    ),
)

MONEY = Table(
    "money", "収納", "One row per money event; a reversal is a negative row of its own.", ("money_id",),
    (
        C("money_id", pl.String, "収納ID"), C("request_id", pl.String, "申出ID"), C("case_id", pl.String, "案件ID"),
        C("collected_on", pl.Date, "収納日"), C("yen", pl.Int64, "収納額", "insurer's yen; negative = reversal"),
        C("processed_on", pl.Date, "登録日", "day on which the office knew it"),
    ),
)

OUTCOMES = Table(
    "outcomes", "結果", "One row per decided case: what learning and reports read.", ("case_id",),
    (
        C("case_id", pl.String, "案件ID"), C("run_id", pl.String, "実行ID", "run on whose list it was decided"),
        C("rule_ids", pl.List(pl.String), "ルール", "sorted; empty without a hit"), C("selection", pl.String, "抽出区分", "rule, model, explore, random"),
        C("inclusion_probability", pl.Float64, "抽出確率"), C("decided_on", pl.Date, "判断日"),
        C("processed_on", pl.Date, "登録日", "day on which the office knew the decision or its last result: every as-of join uses it"),
        C("decision", pl.String, "判断", "upheld, partly, dismissed, referred, cannot_judge; a result of a request that says otherwise wins"),
        C("reason_code", pl.String, "理由", null="not given"), C("minutes", pl.Float64, "実際の分", null="not given"),
        C("requested_yen", pl.Int64, "申出額", null="no request"), C("upheld_yen", pl.Int64, "認容額", null="pending"),
        C("collected_yen", pl.Int64, "収納額", null="pending"), C("result_on", pl.Date, "結果日", null="pending"),
        C("collected_on", pl.Date, "収納日", "last money event", null="pending"),
    ),
)

LEDGER: tuple[Table, ...] = (LEDGER_CASES, DECISIONS, REQUESTS, MONEY, OUTCOMES)
