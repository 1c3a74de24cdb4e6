"""Made-up cases, findings and texts for the tests of the worklists; nobody in them exists."""

import json
from datetime import date

import numpy as np
import polars as pl

from audit.tables import CASES, FINDINGS
from audit.worklists import FeatureLabel, RuleText, WorklistContext

INSURER = "00131001"
MONTH = "2026-09"
RULES = {
    "JD12": RuleText("多部位", "厚生労働省通知（多部位・長期・頻回の施術の点検）", "1枚の申請書に基準以上の部位が請求されています。負傷の経緯を照会で確かめます。", "suspicion", "患者照会"),
    "JD14": RuleText("頻回施術", "厚生労働省通知（多部位・長期・頻回の施術の点検）", "1か月の施術日数が基準以上です。", "suspicion", "患者照会"),
    "JD17": RuleText("複数施術所での同一部位", "受領委任の取扱規程（償還払いへの変更）", "同じ部位の施術が同じ期間に2か所以上の施術所から請求されています。", "error", "施術所へ照会のうえ返戻"),
    "EL01": RuleText("資格喪失後受診", "国民健康保険法", "資格を失った日以後の診療です。", "error", "保険者間調整"),
    "RX01": RuleText("重複処方（同一成分）", "重複服薬の取組の手引き", "同じ成分の薬が2か所以上から重なって処方されています。", "suspicion", "訪問・通知"),
    "MC01": RuleText("入院と在宅サービスの重複", "医療保険と介護保険の給付調整の通知", "入院中の日に在宅サービスが請求されています。", "error", "介護の過誤"),
    "TP02": RuleText("傷病名による第三者行為の確認", "国民健康保険法第64条", "けがの傷病名で、第三者の行為によるか確かめる必要があります。", "suspicion", "負傷原因照会"),
}
FEATURES = {
    "visit_days": FeatureLabel("施術日数", "日"), "parts": FeatureLabel("部位数", "部位"),
    "yen_per_month": FeatureLabel("申請金額", "円"), "share": FeatureLabel("同じ日に負傷した部位の割合", "%", percent=True),
}
TEAM_RULES = {"judo": ["JD12", "JD14", "JD17"], "review": ["EL01"], "care": ["MC01"], "health": ["RX01"], "third_party": ["TP02"], "eligibility": ["EL01"]}
MESSAGES = {
    "JD12": "3部位以上（{n}部位）の請求があります。", "JD14": "1か月に{n}日の施術があります（基準10日以上）。",
    "JD17": "腰部の施術が2か所の施術所から請求され、同じ日が{n}日あります。", "EL01": "資格喪失日以後の受診が{n}日あります。",
    "RX01": "同じ成分の薬が{n}日分重なっています。", "MC01": "入院中の{n}日に訪問介護が請求されています。",
    "TP02": "けがの傷病名で、診療開始日が当月です（{n}日目）。",
}
NOTES = ["骨折の後療のため日数が多いことがあります", "負傷の原因が申請書に記載されています"]


def make(n: int = 8, teams: tuple[str, ...] = ("judo",), seed: int = 7) -> tuple[pl.DataFrame, pl.DataFrame, WorklistContext]:
    """Return cases (n listed per team and two below capacity), their findings, and a context."""
    rng = np.random.default_rng(seed)
    cases, findings, visits = [], [], []
    for team in teams:
        for i in range(n + 2):
            person = f"{INSURER}-{int(rng.integers(1, 99999)):07d}{i:04d}"
            clinic = f"協13{i % 5:08d}"
            selection = "rule" if i % 5 < 3 else "model" if i % 5 == 3 else "random"
            rules = sorted(rng.choice(TEAM_RULES[team], size=min(len(TEAM_RULES[team]), 1 + i % 3), replace=False).tolist()) if selection == "rule" else []
            claim = f"judo:{INSURER}:S{team[0]}{i:05d}"
            claims = [claim, f"judo:{INSURER}:T{team[0]}{i:05d}"] if "JD17" in rules else [claim]
            ids, stake = [], 0
            for rule in rules:
                days = int(rng.integers(3, 20))
                stake = max(stake, yen := int(rng.integers(800, 90000)))
                fid = f"{rule}|{INSURER}|{claim}"
                ids.append(fid)
                findings.append({
                    "finding_id": fid, "rule_id": rule, "rule_version": 1, "severity": RULES[rule].severity, "team": team,
                    "insurer_no": INSURER, "person_id": person, "provider_id": clinic, "service_month": MONTH, "claim_ids": claims,
                    "stake_claim_id": claim, "stake_unit": claim, "stake_cap_yen": yen, "at_stake_yen": yen, "provisional": i == 2,
                    "evidence": json.dumps({"actual_days": days, "part_count": 3, "person_id": person}, sort_keys=True),
                    "mitigations": NOTES[: i % 3], "message": MESSAGES[rule].format(n=days), "basis": RULES[rule].basis,
                })
            for k, c in enumerate(claims):
                visits.append((c, person, clinic if k == 0 else "協1300000009", date(2026, 9, 1), int(rng.integers(1, 2**30)) & int(rng.integers(1, 2**30)), int(rng.integers(1, 5)), int(rng.integers(1, 9))))
            if i % 2 == 0:
                visits.append((f"med:{INSURER}:{team[0]}{i:08d}", person, "1310000017", date(2026, 9, 1), int(rng.integers(1, 2**28)) & int(rng.integers(1, 2**28)) & 0x3FFFFFFF, None, None))
            score = float(np.round(rng.gamma(2, 2), 3))
            parts = np.round(np.array([0.6, 0.3, 0.1]) * score, 4)
            reasons = [
                {"feature": "visit_days", "value": 18.0, "peer_median": 4.5, "percentile": 0.992, "contribution": float(parts[0])},
                {"feature": "yen_per_month", "value": 34560.0, "peer_median": 7890.0, "percentile": 0.9997, "contribution": float(parts[1])},
                {"feature": "share", "value": 1.0, "peer_median": 0.333, "percentile": 0.85, "contribution": float(parts[2])},
            ]
            cases.append({
                "case_id": f"{team}|{INSURER}|{MONTH}|{person}|{clinic}", "team": team, "insurer_no": INSURER, "person_id": person,
                "provider_id": clinic, "service_month": MONTH, "rule_ids": rules, "finding_ids": sorted(ids), "claim_ids": sorted(claims),
                "severity": "error" if {"JD17", "EL01", "MC01"} & set(rules) else "suspicion" if rules else "none", "at_stake_yen": stake,
                "p_upheld": 0.35, "expected_yen": round(stake * 0.35), "minutes": 20.0, "anomaly_score": score, "forest_score": 0.5,
                "reasons": reasons, "selection": selection, "inclusion_probability": 0.01 if selection == "random" else 1.0,
                "rank": i + 1 if i < n else None,
            })
    frame = CASES.conform(pl.DataFrame(cases, schema=CASES.schema))
    people = frame["person_id"].unique().sort()
    names = pl.DataFrame({"insurer_no": [INSURER] * len(people), "person_id": people}).with_columns(
        name=pl.lit("国保 太郎"), kana=pl.lit("ｺｸﾎ ﾀﾛｳ")
    )
    providers = pl.DataFrame({
        "provider_id": [f"協13{i:08d}" for i in range(10)] + ["1310000017"],
        "provider_name": [f"みなと{'一二三四五六七八九十'[i]}丁目整骨院" for i in range(10)] + ["みなと中央整形外科クリニック"],
    })
    visit_frame = pl.DataFrame(
        visits, orient="row",
        schema={"claim_id": pl.String, "person_id": pl.String, "provider_id": pl.String, "service_month": pl.Date, "visit_days": pl.UInt32, "part_count": pl.Int32, "course_months": pl.Int32},
    )
    context = WorklistContext(
        run_id="20261121-0001", month=MONTH, providers=providers, visits=visit_frame, rules=RULES, features=FEATURES, names=names,
        insurers={INSURER: "みなと市"},
    )
    return frame, FINDINGS.conform(pl.DataFrame(findings, schema=FINDINGS.schema)), context
