from __future__ import annotations

import polars as pl
import pytest

from audit.tables import REASON
from models.reasons import reason_text_ja, reasons
from models.tail import fit_tail
from tests.models.random_units import features, units


def _text(team: str, *entries: tuple) -> str:
    rows = [dict(zip(("feature", "value", "peer_median", "percentile", "contribution"), e, strict=True)) for e in entries]
    frame = pl.DataFrame({"reasons": [rows]}, schema={"reasons": pl.List(REASON)})
    return frame.select(reason_text_ja(team)).item()


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (("visit_days", 18.0, 4.0, 0.99, 2.0), "施術日数 18日（同種施術所の中央値 4日、上位1%）"),
        (("yen_per_month", 1234567.4, 9870.0, 0.9996, 3.4), "申請金額 1,234,567円（同種施術所の中央値 9,870円、上位0.1%以内）"),
        (("same_day_injury_share", 1.0, 0.5, 0.9951, 1.0), "同じ日に負傷した部位の割合 100%（同種施術所の中央値 50%、上位0.5%）"),
        (("visit_days", 18.0, None, 0.5, 0.3), "施術日数 18日（上位50%）"),
    ],
)
def test_a_reason_reads_as_a_sentence(entry: tuple, text: str) -> None:
    assert _text("judo", entry) == text


def test_the_largest_reasons_come_first_and_common_values_not_at_all() -> None:
    text = _text("judo", ("visit_days", 18.0, 4.0, 0.99, 2.0), ("parts", 3.0, 2.0, 0.8, 0.7), ("yen_per_visit", 1.0, 2.0, 0.38, 0.2))
    assert text == "施術日数 18日（同種施術所の中央値 4日、上位1%）、部位数 3部位（同種施術所の中央値 2部位、上位20%）"
    assert _text("judo") == ""


def test_reasons_add_up_to_the_score_exactly() -> None:
    frame = units(500)
    model = fit_tail(frame, features())
    told = frame.select("unit_id", "f0").with_columns(reasons(frame, model), score=pl.Series(model.score(frame)))
    assert told.schema["reasons"] == pl.List(REASON)
    added = told.select(pl.col("reasons").list.eval(pl.element().struct.field("contribution")).list.sum().alias("sum"), "score")
    assert (added["sum"] == added["score"]).all()
    falls = told.select(pl.col("reasons").list.eval(pl.element().struct.field("contribution").diff() <= 0).list.all())
    assert falls.to_series().all()
    # a missing feature is not among the reasons
    named = pl.col("reasons").list.eval(pl.element().struct.field("feature")).list.contains("f0")
    assert told.select((named == pl.col("f0").is_not_null()).all()).item()


def test_percentile_and_median_are_those_of_the_peers() -> None:
    frame = pl.DataFrame({"f0": [float(i) for i in range(1, 1001)], "peer_group": ["g"] * 1000})
    [top] = reasons(frame.tail(1), fit_tail(frame, features(1))).to_list()[0]
    assert top["value"] == 1000
    assert top["peer_median"] == 500
    assert top["percentile"] == pytest.approx(0.998, abs=0.002)


def test_a_unit_without_any_number_has_no_reasons() -> None:
    frame = units(100)
    empty = frame.head(2).with_columns([pl.lit(None, dtype=pl.Float64).alias(f"f{j}") for j in range(4)])
    assert reasons(empty, fit_tail(frame, features())).to_list() == [[], []]
