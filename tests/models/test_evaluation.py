from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from audit.errors import ModelError
from audit.tables import CASES, FINDINGS
from models.evaluation import Evaluation, evaluate, evaluate_frames, evaluation_text
from models.evaluation_page import CAVEAT, as_html


def _case(i: int, rules: list[str], stake: int, rank: int | None, selection: str = "rule") -> dict:
    return {
        "case_id": f"judo|{i}", "team": "judo", "insurer_no": "00110015", "service_month": "2025-06", "rule_ids": rules, "finding_ids": rules,
        "claim_ids": [f"judo:{i}"], "at_stake_yen": stake, "p_upheld": 0.5, "expected_yen": stake // 2, "minutes": 10.0, "anomaly_score": float(i),
        "forest_score": 0.9 - i / 100, "selection": selection, "inclusion_probability": 1.0, "rank": rank,
    }


def _label(plant: str, rule: str, claims: list[str], yen: int, decoy: bool = False, month: str = "2025-06") -> dict:
    return {"plant_id": plant, "plant_type": rule, "catalogue_id": rule, "is_decoy": decoy, "insurer_no": "00110015", "service_month": month, "claim_ids": claims, "expected_yen": yen}


CASES_ = CASES.conform(pl.DataFrame(
    [
        _case(0, ["JD14"], 9000, 1), _case(1, ["JD14", "JD15"], 1000, 2), _case(2, ["JD12"], 5000, None), _case(3, [], 700, 3, "model"),
        _case(4, ["JD12"], 8000, None), _case(5, [], 10, 4, "random"),
    ],
    schema_overrides=CASES.schema,
))
FINDINGS_ = FINDINGS.conform(pl.DataFrame(
    [{"finding_id": f"{r}|{i}", "rule_id": r, "insurer_no": "00110015", "claim_ids": [f"judo:{i}"]} for i, r in ((0, "JD14"), (1, "JD14"), (1, "JD15"), (2, "JD12"), (4, "JD12"))],
    schema_overrides=FINDINGS.schema,
))
LABELS = pl.DataFrame([
    _label("a", "JD14", ["judo:0"], 4000), _label("b", "JD15", ["judo:1", "judo:99"], 1000), _label("c", "JD16", ["judo:2"], 3000),
    _label("d", "JD15", ["judo:3"], 2000), _label("e", "JD12", ["judo:4"], 0, decoy=True), _label("f", "JD16", ["judo:77"], 0, decoy=True),
])


@pytest.fixture
def evaluation() -> Evaluation:
    return evaluate_frames(CASES_, FINDINGS_, LABELS, "2025-06")


def test_recall_and_decoys_by_rule(evaluation: Evaluation) -> None:
    rows = {r["catalogue_id"]: r for r in evaluation.catalogue.to_dicts()}
    assert (rows["JD14"]["plants"], rows["JD14"]["recall"], rows["JD14"]["listed"]) == (1, 1.0, 1)
    # d was not flagged by its rule, yet the model put it on the list
    assert (rows["JD15"]["plants"], rows["JD15"]["flagged"], rows["JD15"]["recall"], rows["JD15"]["listed"]) == (2, 1, 0.5, 2)
    # c lies in a case of another rule: that is not finding it
    assert (rows["JD16"]["recall"], rows["JD16"]["decoys"], rows["JD16"]["decoys_flagged"]) == (0.0, 1, 0)
    assert (rows["JD12"]["plants"], rows["JD12"]["decoys"], rows["JD12"]["decoys_flagged"], rows["JD12"]["recall"]) == (0, 1, 1, None)


def test_a_plant_of_a_whole_provider_is_found_by_its_provider() -> None:
    whole = {"person_id": None, "provider_id": "P1"}
    labels = pl.DataFrame([_label("g", "JC01", ["judo:0", "judo:5"], 100) | whole, _label("h", "JC01", ["judo:6"], 0, decoy=True) | whole | {"provider_id": "P2"}], schema_overrides={"person_id": pl.String})
    found = FINDINGS.conform(pl.DataFrame([{"finding_id": "JC01|P1", "rule_id": "JC01", "insurer_no": "00110015", "provider_id": "P1", "claim_ids": []}], schema_overrides=FINDINGS.schema))
    case = CASES.conform(pl.DataFrame([_case(9, ["JC01"], 100, 1) | {"finding_ids": ["JC01|P1"], "claim_ids": []}], schema_overrides=CASES.schema))
    (row,) = evaluate_frames(case, found, labels, "2025-06").catalogue.to_dicts()
    assert (row["plants"], row["flagged"], row["listed"], row["decoys_flagged"]) == (1, 1, 1, 0)


def test_rankers_by_hand(evaluation: Evaluation) -> None:
    rows = {r["ranker"]: r for r in evaluation.rankers.to_dicts()}
    # capacity 4: the list has hits 0, 1, 3 and the random case 5
    assert (rows["list"]["viewed"], rows["list"]["precision_capacity"]) == (4, 0.75)
    # rivals order the four cases with a rule's hit: two of four are hits whatever the order
    assert rows["amount"]["precision_capacity"] == 0.5
    assert rows["random"]["precision_capacity"] == pytest.approx(0.5)
    assert rows["list"]["lift"] == pytest.approx(1.5)
    # 5 % of 4 cases = the first: by amount case 0 (4,000 of 10,000 yen), by number of rules case 1 (1,000)
    assert rows["amount"]["yen_recall_5"] == pytest.approx(0.4)
    assert rows["rules_hit"]["yen_recall_5"] == pytest.approx(0.1)
    assert rows["tail"]["yen_recall_5"] == 0.0
    assert rows["forest"]["yen_recall_5"] == pytest.approx(0.4)


def test_each_arm_says_what_it_found(evaluation: Evaluation) -> None:
    assert evaluation.selections.rows() == [("model", 1, 1), ("random", 1, 0), ("rule", 2, 2)]


def test_cases_below_capacity_do_not_count_as_viewed() -> None:
    labels = LABELS.filter(pl.col("plant_id") == "c").with_columns(catalogue_id=pl.lit("JD12"))
    rows = {r["ranker"]: r for r in evaluate_frames(CASES_, FINDINGS_, labels).rankers.to_dicts()}
    assert rows["list"]["precision_capacity"] == 0.0


def test_no_plants_give_no_shares() -> None:
    rows = evaluate_frames(CASES_, FINDINGS_, LABELS.clear()).rankers
    assert rows["yen_recall_5"].null_count() == len(rows)
    assert rows["lift"].null_count() == len(rows)


def test_no_cases_give_no_shares_either() -> None:
    result = evaluate_frames(CASES_.clear(), FINDINGS_.clear(), LABELS)
    assert result.rankers["precision_capacity"].null_count() == len(result.rankers)
    assert result.catalogue["flagged"].sum() == 0
    assert CAVEAT in evaluation_text(result)


def test_a_run_is_read_for_its_own_month(tmp_path: Path) -> None:
    CASES_.write_parquet(tmp_path / "cases.parquet")
    FINDINGS_.write_parquet(tmp_path / "findings.parquet")
    (tmp_path / "manifest.json").write_text(json.dumps({"month": "2025-06"}))
    pl.concat([LABELS, pl.DataFrame([_label("old", "JD14", ["judo:0"], 1, month="2025-05")])]).write_parquet(tmp_path / "labels.parquet")
    result = evaluate(tmp_path, tmp_path / "labels.parquet")
    assert result.month == "2025-06"
    assert result.catalogue["plants"].sum() == 4
    json.dumps(result.to_dict())


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cases\.parquet: cannot be read"):
        evaluate(tmp_path, tmp_path / "labels.parquet")
    CASES_.write_parquet(tmp_path / "cases.parquet")
    FINDINGS_.write_parquet(tmp_path / "findings.parquet")
    LABELS.drop("is_decoy").write_parquet(tmp_path / "labels.parquet")
    with pytest.raises(ModelError, match="is_decoy"):
        evaluate(tmp_path, tmp_path / "labels.parquet")


def test_the_page_warns_and_shows_the_rivals(evaluation: Evaluation) -> None:
    text, html = evaluation_text(evaluation), as_html(evaluation)
    for page in (text, html):
        assert "合成データ" in page
        assert "何も示しません" in page
        assert "影響額の大きい順" in page
        assert "JD15" in page
        assert "不正" not in page
    assert "http" not in html
    assert "00110015" not in html
