from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from audit.errors import ModelError
from models.evaluation import measure, summarise
from models.evaluation.page import CAVEAT, Page, as_html, as_text, short_of, with_interval
from models.evaluation.targets import FILE, Target, Verdict, learnt, load_targets, verdicts
from tests.models.test_evaluation import JUDGED, UNIVERSE


def test_a_page_of_two_scenarios_says_what_is_missed_and_what_was_tried() -> None:
    runs = [measure(JUDGED, UNIVERSE, left_out=["JD15"]), replace(measure(JUDGED, UNIVERSE, left_out=["JD15"]), delivery="town-2")]
    page = Page([("前", summarise(runs[:1])), ("後", summarise(runs))], learnt(runs, runs), notes=["条件です"], unruled=[("なし", summarise(runs))])
    told, html = as_text(page), as_html(page)
    for text in (told, html):
        assert CAVEAT in text
        assert "未達" in text
        assert "除いた種類" in text
        assert "不正" not in text
    assert "条件です" in html
    assert load_targets()[1].tried in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert html == as_html(page)


def test_verdicts_by_hand() -> None:
    target = Target("lift", "list", 20.0)
    for mean, low, state in ((None, None, "unknown"), (19.0, 10.0, "missed"), (21.0, 19.0, "mean_only"), (21.0, 20.0, "reached"), (21.0, None, "reached")):
        assert Verdict(target, "", mean, low, None).state == state
    assert [v.target.figure for v in verdicts(summarise([measure(JUDGED, UNIVERSE)]))] == [t.figure for t in load_targets()[0]]


def test_a_missed_goal_is_never_rounded_up_to_it() -> None:
    assert short_of("baseline_ratio", 1.4996, 1.5) == "1.499倍"
    assert short_of("precision_100", 0.79996, 0.8) == "79.99%"
    assert short_of("baseline_ratio", 1.5, 1.5) == short_of("baseline_ratio", 1.4996, None) == "1.50倍"
    assert short_of("precision_100", 0.7, 0.8) == "70.0%"


def test_intervals_end_where_the_figure_ends() -> None:
    row = {"mean": 0.9, "low": -0.1, "high": 1.2}
    assert with_interval("yen_recall_5", row) == "90.0%（0.0%～100.0%）"
    assert with_interval("lift", row) == "0.9倍（0.0倍～1.2倍）"
    assert with_interval("lift", None) == "－"


def test_targets_are_read_strictly(tmp_path: Path) -> None:
    text = FILE.read_text(encoding="utf-8")
    for wrong in (text.replace("figure: lift", "figure: luck"), text + "more: 1\n"):
        (tmp_path / "targets.yaml").write_text(wrong, encoding="utf-8")
        with pytest.raises(ModelError):
            load_targets(tmp_path / "targets.yaml")


def test_nothing_measured_is_nothing_said() -> None:
    empty = summarise([measure(replace(JUDGED, labels=JUDGED.labels.clear()), UNIVERSE)])
    assert "測定なし" in as_text(Page([("", empty)]))
    assert isinstance(empty.figures, pl.DataFrame)
