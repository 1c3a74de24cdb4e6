from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from audit.errors import ModelError
from models.evaluation import Judged
from models.fairness import DIMENSIONS, Comparison, Plan, compare, load_plan, mark, mark_decided, people_of
from models.fairness_page import as_html, as_text, note, section
from tests.models.test_evaluation import case, findings_of, label, rows_of

PLAN = Plan(recall=0.5, least=2, ratio=1.25, age_bands=(0, 40, 65), provider_bands=(1, 10))


def marked(groups: dict[str, str], dimension: str = "sex") -> pl.DataFrame:
    """Return rows in viewing order: per group a text of x (error) and o (none), woven row by row."""
    rows = [(g, i / len(t), mark == "x") for g, t in groups.items() for i, mark in enumerate(t)]
    frame = pl.DataFrame(rows, schema={dimension: pl.String, "place": pl.Float64, "hit": pl.Boolean}, orient="row").sort("place", maintain_order=True)
    return frame.with_columns(pl.lit(None, dtype=pl.String).alias(d) for d in DIMENSIONS if d != dimension).select("hit", "place", *DIMENSIONS)


def of(c: Comparison, group: str) -> dict:
    return c.groups.filter(pl.col("group") == group).row(0, named=True)


def test_each_group_is_followed_to_the_same_recall() -> None:
    # men: half of four errors after two rows, none in vain; women: after six, four in vain
    c = compare([marked({"男性": "xxxxoooooo", "女性": "ooooxxxxoo"})], PLAN)
    men, women = of(c, "男性"), of(c, "女性")
    assert (men["viewed"], men["alarms"], men["rate"]) == (2, 0, 0.0)
    assert (women["viewed"], women["alarms"], women["rate"]) == (6, 4, pytest.approx(4 / 6))
    assert (c.units, c.errors, c.basis) == (20, 8, "labels")


def test_a_group_above_the_ratio_is_warned_of_and_one_within_chance_is_a_care() -> None:
    far = compare([marked({"男性": "xx" * 100 + "o" * 400, "女性": "o" * 300 + "xx" * 100 + "o" * 100})], PLAN)
    assert (of(far, "女性")["state"], of(far, "男性")["state"]) == ("warn", "ok")
    near = compare([marked({"男性": "xxxxoooooo", "女性": "oxoxxxoooo"})], PLAN)
    assert of(near, "女性")["ratio"] > PLAN.ratio
    assert of(near, "女性")["state"] == "care"


def test_small_groups_are_not_shown() -> None:
    c = compare([marked({"男性": "xxxxoooooo", "女性": "xoooo"})], PLAN)
    few = of(c, "女性")
    assert few["state"] == "few"
    assert {few[k] for k in ("units", "errors", "viewed", "alarms", "rate", "low", "high", "ratio")} == {None}
    for page in (as_text(c), as_html(c, "公平性")):
        assert "件数が少ないため非表示" in page


def test_towns_are_viewed_side_by_side() -> None:
    one = marked({"男性": "xooo", "女性": "oxoo"})
    assert of(compare([one, one], PLAN), "女性")["units"] == 8
    assert of(compare([one, one], PLAN), "女性")["alarms"] == 2


def test_no_false_alarm_at_all_gives_no_ratio() -> None:
    c = compare([marked({"男性": "xxoo", "女性": "xxoo"})], PLAN)
    assert of(c, "男性")["ratio"] is None
    assert of(c, "男性")["state"] == "ok"


REGISTER = pl.DataFrame({
    "insurer_no": ["00110015"] * 4, "person_id": ["p0", "p1", "p1", "p2"], "sex": ["1", "2", "2", "9"],
    "birth_date": [date(1985, 6, 1), date(1985, 6, 2), date(1985, 6, 2), date(1950, 1, 1)], "delivery_month": [date(2025, 6, 1), date(2025, 5, 1), date(2025, 6, 1), date(2025, 6, 1)],
})


def test_people_have_one_row_and_full_years() -> None:
    people = people_of(REGISTER, date(2025, 6, 1)).sort("person_id")
    assert people.rows() == [("00110015", "p0", 40, "男性"), ("00110015", "p1", 39, "女性"), ("00110015", "p2", 75, None)]


def _cases() -> list[dict]:
    return [case(i, ["JD14"], 1000 * (9 - i), i + 1) | {"person_id": f"p{i % 3}", "provider_id": "協1100000001" if i < 3 else f"契1200000{i:03d}"} for i in range(6)]


def test_groups_of_a_labelled_month() -> None:
    cases = _cases()
    labels = pl.DataFrame([label("a", "JD14", ["judo:0"], 1), label("b", "JD14", ["judo:4"], 1)])
    done = mark(rows_of(cases), Judged(pl.DataFrame(), findings_of(cases), labels, "2025-06", "x"), people_of(REGISTER, date(2025, 6, 1)), PLAN)
    assert done["hit"].to_list() == [True, False, False, False, True, False]
    assert done["age"].to_list()[:3] == ["40～64歳", "0～39歳", "65歳以上"]
    assert done["area"].to_list()[2:4] == ["機関の都道府県 11", "機関の都道府県 12"]
    assert done["provider_size"].unique().to_list() == ["1～9件"]


def test_a_real_month_is_judged_by_what_was_decided() -> None:
    verdicts = pl.DataFrame({"case_id": ["judo|01", "judo|04", "judo|77"], "upheld": [False, True, True]})
    done = mark_decided(rows_of(_cases()).with_columns(expected_yen=pl.col("at_stake_yen")), verdicts, people_of(REGISTER, date(2025, 6, 1)), PLAN)
    assert done["hit"].to_list() == [False, True]
    with pytest.raises(ModelError, match="no case of this run is decided"):
        mark_decided(rows_of(_cases()).with_columns(expected_yen=pl.col("at_stake_yen")), verdicts.clear(), people_of(REGISTER, date(2025, 6, 1)), PLAN)


def test_the_page_says_what_is_assumed_and_names_nobody() -> None:
    c = compare([marked({"男性": "xxxxoooooo", "女性": "ooooxxxxoo"})], PLAN)
    assert "仮定値" in note(c)
    html = as_html(c, "公平性")
    assert "http" not in html
    assert "不正" not in html
    assert "比べる区分がありません" in section(c)  # ages are not known here


def test_the_plan_is_read_strictly(tmp_path: Path) -> None:
    assert load_plan().least == 10
    text = Path("models/fairness.yaml").read_text(encoding="utf-8")
    for wrong in (text + "more: 1\n", text.replace("recall: 0.5", "recall: 0"), text.replace("[1, 10, 50, 200]", "[10, 1]")):
        (tmp_path / "fairness.yaml").write_text(wrong, encoding="utf-8")
        with pytest.raises(ModelError):
            load_plan(tmp_path / "fairness.yaml")
