from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from audit.errors import ModelError
from audit.tables import CASES, FINDINGS
from models.evaluation import Evaluation, Judged, measure, read_run, summarise
from models.evaluation.figures import truth, viewing, within_hours
from models.evaluation.matching import hits
from models.evaluation.summary import gain
from models.evaluation.universe import SCHEMA


def case(i: int, rules: list[str], stake: int, rank: int | None, selection: str = "rule") -> dict:
    return {
        "case_id": f"judo|{i:02d}", "team": "judo", "insurer_no": "00110015", "service_month": "2025-06", "rule_ids": rules, "finding_ids": [f"{r}|{i}" for r in rules],
        "claim_ids": [f"judo:{i}"], "at_stake_yen": stake, "p_upheld": 0.5, "expected_yen": stake // 2, "minutes": 10.0, "value": stake / 20 if rules else None,
        "anomaly_score": float(i), "forest_score": 0.9 - i / 100, "selection": selection, "inclusion_probability": 1.0, "rank": rank,
    }


def label(plant: str, rule: str, claims: list[str], yen: int, decoy: bool = False, month: str = "2025-06") -> dict:
    return {"plant_id": plant, "plant_type": rule, "catalogue_id": rule, "is_decoy": decoy, "insurer_no": "00110015", "service_month": month, "claim_ids": claims, "expected_yen": yen}


def rows_of(cases: list[dict]) -> pl.DataFrame:
    return pl.DataFrame(cases, schema_overrides=SCHEMA).select([pl.col(c) if c in cases[0] else pl.lit(None, dtype=t).alias(c) for c, t in SCHEMA.items()])


def findings_of(cases: list[dict]) -> pl.DataFrame:
    return FINDINGS.conform(pl.DataFrame(
        [{"finding_id": f, "rule_id": r, "team": c["team"], "insurer_no": c["insurer_no"], "claim_ids": c["claim_ids"]} for c in cases for f, r in zip(c["finding_ids"], c["rule_ids"], strict=True)],
        schema_overrides=FINDINGS.schema,
    ))


LISTED = [
    case(0, ["JD14"], 9000, 1), case(1, ["JD14", "JD15"], 1000, 2), case(2, ["JD12"], 5000, None), case(3, [], 700, 3, "model"),
    case(4, ["JD12"], 8000, None), case(5, [], 10, 4, "random"),
]
FREE = [case(i, [], 100 * i, None) | {"selection": None, "p_upheld": None} for i in range(6, 20)]
CASES_ = CASES.conform(pl.DataFrame(LISTED, schema_overrides=CASES.schema).drop("value"))
FINDINGS_ = findings_of(LISTED)
LABELS = pl.DataFrame([
    label("a", "JD14", ["judo:0"], 4000), label("b", "JD15", ["judo:1", "judo:99"], 1000), label("c", "JD16", ["judo:2"], 3000),
    label("d", "JD15", ["judo:3"], 2000), label("e", "JD12", ["judo:4"], 0, decoy=True), label("f", "JD16", ["judo:77"], 0, decoy=True),
    label("g", "JD14", ["judo:12"], 0), label("h", "JD14", ["judo:19"], 6000),
])
JUDGED = Judged(CASES_, FINDINGS_, LABELS, "2025-06", "town-1")
UNIVERSE = rows_of(LISTED + FREE)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return measure(JUDGED, UNIVERSE)


def figure(e: Evaluation, order: str, name: str) -> float | None:
    return e.figures.filter(pl.col("order") == order, pl.col("figure") == name)["value"].item()


def test_recall_and_decoys_by_type(evaluation: Evaluation) -> None:
    rows = {r["catalogue_id"]: r for r in evaluation.catalogue.to_dicts()}
    assert (rows["JD14"]["plants"], rows["JD14"]["recall"], rows["JD14"]["listed"], rows["JD14"]["listed_yen"]) == (3, pytest.approx(1 / 3), 1, 4000)
    # d was not flagged by its rule, yet the model put it on the list
    assert (rows["JD15"]["plants"], rows["JD15"]["flagged"], rows["JD15"]["recall"], rows["JD15"]["listed"]) == (2, 1, 0.5, 2)
    # c lies in a case of another rule: that is not finding it
    assert (rows["JD16"]["recall"], rows["JD16"]["decoys"], rows["JD16"]["decoys_flagged"]) == (0.0, 1, 0)
    assert (rows["JD12"]["plants"], rows["JD12"]["decoys"], rows["JD12"]["decoys_flagged"], rows["JD12"]["recall"]) == (0, 1, 1, None)


def test_a_plant_of_a_whole_provider_is_found_by_its_provider() -> None:
    whole = {"person_id": None, "provider_id": "P1"}
    labels = pl.DataFrame([label("g", "JC01", ["judo:0", "judo:5"], 100) | whole, label("h", "JC01", ["judo:6"], 0, decoy=True) | whole | {"provider_id": "P2"}], schema_overrides={"person_id": pl.String})
    found = FINDINGS.conform(pl.DataFrame([{"finding_id": "JC01|9", "rule_id": "JC01", "team": "judo", "insurer_no": "00110015", "provider_id": "P1", "claim_ids": []}], schema_overrides=FINDINGS.schema))
    one = [case(9, ["JC01"], 100, 1) | {"claim_ids": []}]
    (row,) = measure(Judged(CASES_.clear(), found, labels, "2025-06", "x"), rows_of(one)).catalogue.to_dicts()
    assert (row["plants"], row["flagged"], row["listed"], row["decoys_flagged"]) == (1, 1, 1, 0)


def test_a_unit_without_a_rule_shows_only_what_its_own_team_looks_for() -> None:
    """The claim of a judo error may also be somebody else's unit; who looks at it there asks another question."""
    rows = rows_of([case(0, ["JD14"], 1, 1), case(1, [], 1, None), case(1, [], 1, None) | {"case_id": "review|01", "team": "review"}])
    plants = pl.DataFrame([label("a", "JD14", ["judo:1"], 5), label("b", "XX99", ["judo:1"], 5)])
    found = hits(rows, findings_of(LISTED[:1]), plants)
    assert found.rows() == [("judo|01", "a"), ("judo|01", "b"), ("review|01", "b")]  # nobody knows whose work XX99 is


def test_a_claim_of_somebody_else_named_as_evidence_is_no_hit() -> None:
    rows = rows_of([case(0, ["OV03"], 1, 1) | {"person_id": "p0", "claim_ids": ["judo:0", "judo:1"]}, case(2, ["OV03"], 1, 2) | {"claim_ids": ["judo:1"]}])
    plants = pl.DataFrame([label("a", "OV03", ["judo:0"], 5) | {"person_id": "p0", "provider_id": "x"}, label("b", "OV03", ["judo:1"], 5) | {"person_id": "p1", "provider_id": "x"}])
    assert hits(rows, findings_of(LISTED[:1]), plants).rows() == [("judo|00", "a"), ("judo|02", "b")]  # nobody knows whose the second case is


def test_orders_by_hand(evaluation: Evaluation) -> None:
    # listed are 0, 1, 3 and 5: three of four hit; within their 40 minutes by value: 0, 4, 2, 1
    assert figure(evaluation, "list", "precision_capacity") == 0.75
    assert figure(evaluation, "value", "precision_capacity") == 0.5
    # 4,000 + 1,000 + 2,000 yen in 40 minutes; the best four rows hold 13,000
    assert figure(evaluation, "list", "yen_per_hour") == pytest.approx(7000 * 60 / 40)
    assert figure(evaluation, "clairvoyant", "yen_per_hour") == pytest.approx(13000 * 60 / 40)
    assert figure(evaluation, "list", "clairvoyant_share") == pytest.approx(7 / 13)
    # 1 % of 20 rows = the first; by amount that is case 0; 5 of 20 rows hit (0, 1, 3, 12, 19)
    assert (evaluation.universe, figure(evaluation, "amount", "lift")) == ((20, 5), 4.0)
    assert figure(evaluation, "amount", "yen_recall_5") == pytest.approx(4000 / 16000)
    # over all rows by amount: 9000, 8000, 5000, then the free 1900 (19), 1800
    assert figure(evaluation, "amount", "precision_capacity") == 0.5
    # the forest sees every row, the lowest number highest
    assert figure(evaluation, "forest", "yen_recall_10") == pytest.approx(5000 / 16000)
    assert figure(evaluation, "random", "precision_100") == pytest.approx(5 / 20)


def test_the_best_baseline_is_the_best_of_four(evaluation: Evaluation) -> None:
    best = max(figure(evaluation, o, "yen_per_hour") for o in ("random", "amount", "rules_hit", "forest"))
    assert figure(evaluation, "list", "baseline_ratio") == pytest.approx(figure(evaluation, "list", "yen_per_hour") / best)
    found = figure(evaluation, "amount_found", "yen_per_hour")
    assert figure(evaluation, "list", "reference_ratio") == pytest.approx(figure(evaluation, "list", "yen_per_hour") / found)


def test_a_plant_counts_once_where_it_is_first_seen() -> None:
    rows = rows_of([case(i, ["JD14"], 10, i + 1) for i in range(3)])
    links = pl.DataFrame({"case_id": ["judo|00", "judo|02", "judo|02"], "plant_id": ["a", "a", "b"]})
    known = truth(rows, links, pl.DataFrame({"plant_id": ["a", "b", "c"], "expected_yen": [100, 7, None]}))
    seen = viewing(known, np.array([2, 1, 0]))
    assert seen.gain.tolist() == [107, 0, 0]
    assert (seen.hit.tolist(), seen.first.tolist()) == ([True, False, True], [0, 0, 3])
    assert viewing(known, np.array([1])).first.tolist() == [1, 1, 1]


def test_rivals_have_the_hours_of_each_list_and_no_more() -> None:
    rows = rows_of([
        case(0, ["JD14"], 10, 1), case(1, ["JD14"], 20, None) | {"minutes": 6.0}, case(2, ["JD14"], 30, None) | {"minutes": 6.0},
        case(3, ["MC01"], 99, None) | {"case_id": "care|03", "team": "care"},
    ]).sort("case_id")
    known = truth(rows, pl.DataFrame(schema={"case_id": pl.String, "plant_id": pl.String}), LABELS.clear())
    ids = rows["case_id"].to_list()
    by_amount = np.array([ids.index("care|03"), ids.index("judo|02"), ids.index("judo|01"), ids.index("judo|00")])
    # care has no hours at all; judo has ten minutes, the second case of six no longer fits
    assert [ids[i] for i in within_hours(known, by_amount, as_listed=False)] == ["judo|02"]
    assert [ids[i] for i in within_hours(known, by_amount, as_listed=True)] == ["judo|00"]


def test_each_arm_says_what_it_found(evaluation: Evaluation) -> None:
    assert evaluation.selections.rows() == [("model", 1, 1), ("random", 1, 0), ("rule", 2, 2)]


def test_no_plants_give_no_shares() -> None:
    e = measure(Judged(CASES_, FINDINGS_, LABELS.clear(), "2025-06", "x"), UNIVERSE)
    assert figure(e, "list", "yen_recall_5") is None
    assert figure(e, "list", "lift") is None
    assert figure(e, "list", "clairvoyant_share") is None


def test_no_cases_give_no_shares_either() -> None:
    e = measure(Judged(CASES_.clear(), FINDINGS_.clear(), LABELS, "2025-06", "x"), UNIVERSE.clear())
    assert figure(e, "list", "precision_capacity") is None
    assert e.catalogue["flagged"].sum() == 0
    assert summarise([e]).units == 0


def test_types_left_out_are_told_apart() -> None:
    e = measure(JUDGED, UNIVERSE, left_out=["JD15"])
    told = {(g, f): v for g, f, v in e.left_out.iter_rows()}
    assert (told["left_out", "types"], told["left_out", "plants"], told["left_out", "recall_listed"]) == (1, 2, 1.0)
    assert (told["known", "plants"], told["known", "recall_listed"]) == (4, 0.25)
    # 10 % of 20 rows by value: cases 0 and 4
    assert (told["left_out", "yen_10"], told["known", "yen_10"]) == (0.0, pytest.approx(4000 / 13000))


def test_runs_of_one_delivery_count_once_and_say_how_steady_the_list_is(evaluation: Evaluation) -> None:
    other = measure(Judged(CASES_, FINDINGS_, LABELS, "2025-06", "town-2"), UNIVERSE)
    again = measure(JUDGED, UNIVERSE.with_columns(rank=pl.when(pl.col("case_id") != "judo|01").then("rank")))
    s = summarise([evaluation, other, again])
    assert (s.runs, s.towns, s.months) == (3, 2, ("2025-06",))
    row = s.figures.filter(pl.col("order") == "list", pl.col("figure") == "precision_capacity").to_dicts()[0]
    assert (row["mean"], row["low"], row["high"], row["n"]) == (0.75, 0.75, 0.75, 2)
    assert dict(s.stability.select("list", "mean").iter_rows()) == {"top_100": 1.0, "listed": 0.5}
    assert summarise([evaluation]).figures["low"].null_count() == len(s.figures)
    assert summarise([evaluation, other]).catalogue["plants"].sum() == 12


def test_a_gain_is_taken_town_by_town(evaluation: Evaluation) -> None:
    after = measure(JUDGED, UNIVERSE.with_columns(rank=pl.when(pl.col("case_id") != "judo|05").then("rank")))
    assert gain([evaluation], [after], "list", "precision_capacity")["mean"].to_list() == [0.25]
    assert gain([evaluation], [], "list", "precision_capacity").is_empty()


def test_a_run_is_read_for_its_own_month(tmp_path: Path) -> None:
    CASES_.write_parquet(tmp_path / "cases.parquet")
    FINDINGS_.write_parquet(tmp_path / "findings.parquet")
    (tmp_path / "manifest.json").write_text(json.dumps({"month": "2025-06", "inputs": [{"sha256": "aa"}]}))
    pl.concat([LABELS, pl.DataFrame([label("old", "JD14", ["judo:0"], 1, month="2025-05")])]).write_parquet(tmp_path / "labels.parquet")
    judged = read_run(tmp_path, tmp_path / "labels.parquet")
    assert (judged.month, len(judged.labels)) == ("2025-06", len(LABELS))
    assert judged.delivery != tmp_path.name


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cases\.parquet: cannot be read"):
        read_run(tmp_path, tmp_path / "labels.parquet")
    CASES_.write_parquet(tmp_path / "cases.parquet")
    FINDINGS_.write_parquet(tmp_path / "findings.parquet")
    LABELS.drop("is_decoy").write_parquet(tmp_path / "labels.parquet")
    with pytest.raises(ModelError, match="is_decoy"):
        read_run(tmp_path, tmp_path / "labels.parquet")
    with pytest.raises(ModelError, match="no run"):
        summarise([])
