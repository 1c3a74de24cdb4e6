from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.cli import main
from audit.statistics.planner import allocate, draw, half_width, plan, sample_size


def test_the_size_is_the_smallest_that_reaches_the_precision() -> None:
    n = sample_size(3000, 0.05, 0.03, 0.9)
    assert half_width(n, 3000, 0.05, 0.9) <= 0.03 < half_width(n - 1, 3000, 0.05, 0.9)
    # near the textbook's 1.645^2 p (1 - p) / d^2 = 143 with finite population
    assert 125 <= n <= 155


def test_a_small_universe_needs_less() -> None:
    assert sample_size(100, 0.05, 0.03, 0.9) < sample_size(3000, 0.05, 0.03, 0.9) < sample_size(10**6, 0.05, 0.03, 0.9)
    assert half_width(100, 100, 0.05, 0.9) == 0


@given(st.lists(st.integers(1, 500), min_size=1, max_size=6), st.integers(1, 600), st.booleans())
def test_allocation_gives_every_stratum_something_and_none_more_than_it_has(units: list[int], n: int, neyman: bool) -> None:
    sizes = np.array(units)
    got = allocate(sizes, n, np.arange(len(units)).astype(float) if neyman else None)
    assert (got <= sizes).all()
    assert (got >= np.minimum(sizes, 2)).all()
    assert got.sum() == min(max(n, np.minimum(sizes, 2).sum()), sizes.sum())


def test_neyman_goes_where_amounts_differ() -> None:
    strata = pl.DataFrame({"stratum": ["a", "b"], "units": [900, 100], "spread": [1.0, 30.0]})
    by_size, by_spread = (plan(strata, 0.05, 0.05, 0.9, allocation=a).strata["sample"].to_list() for a in ("proportional", "neyman"))
    assert by_size[0] > by_size[1]
    assert by_spread[0] < by_spread[1]


def _ids(n: int) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"c{i:04d}" for i in range(n)], "stratum": [str(i % 3) for i in range(n)]})


def test_the_draw_does_not_depend_on_row_order_but_on_seed_and_universe() -> None:
    drawn, record = draw(_ids(500), 30, 7)
    again, same = draw(_ids(500).sample(fraction=1.0, shuffle=True, seed=3), 30, 7)
    assert drawn.equals(again)
    assert record == same
    assert not draw(_ids(500), 30, 8)[0].equals(drawn)
    assert draw(_ids(501), 30, 7)[1]["universe_sha256"] != record["universe_sha256"]
    assert drawn.filter(role="sample").height == 30
    assert drawn.filter(role="spare").height >= 3
    assert drawn["id"].is_unique().all()
    assert float((1 / drawn.filter(role="sample")["inclusion_probability"]).sum()) == pytest.approx(500)


def test_anybody_can_draw_again_from_the_record() -> None:
    drawn, record = draw(_ids(90), 9, 7)
    mine = sorted(f"c{i:04d}" for i in range(90) if i % 3 == 1)
    everything = "".join(f"{i % 3},c{i:04d}\n" for i in sorted(range(90), key=lambda i: (i % 3, i)))
    digest = hashlib.sha256(everything.encode()).hexdigest()
    assert digest == record["universe_sha256"]
    words = np.frombuffer(hashlib.sha256(f"7|{digest}|1".encode()).digest(), dtype="<u4").tolist()
    number = np.random.Generator(np.random.PCG64(words)).random(len(mine))
    assert [mine[i] for i in np.argsort(number)][:4] == drawn.filter(stratum="1")["id"].to_list()


def test_each_unit_is_as_likely_as_another() -> None:
    counts = pl.concat([draw(_ids(60), 12, seed)[0].filter(role="sample") for seed in range(300)])["id"].value_counts()["count"]
    assert len(counts) == 60
    assert counts.min() > 35  # 60 each, standard deviation 6.9
    assert counts.max() < 90


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "plan", "--universe", "3000", "--expected-rate", "0.05", "--precision", "0.03"]) == 0
    assert "必要な標本数" in capsys.readouterr().out
    strata, ids, out = tmp_path / "strata.csv", tmp_path / "ids.csv", tmp_path / "out.csv"
    strata.write_text("stratum,units,spread\na,1000,5\nb,100,90\n", encoding="utf-8")
    assert main(["sample", "plan", "--strata", str(strata), "--expected-rate", "0.01", "--precision", "0.03", "--allocation", "neyman"]) == 0
    assert "誤りが3件未満" in capsys.readouterr().out
    ids.write_text("id\n" + "".join(f"=c{i}\n" for i in range(50)), encoding="utf-8")
    assert main(["sample", "draw", str(ids), "--n", "5", "--seed", "3", "--out", str(out)]) == 0
    text = out.read_text(encoding="utf-8-sig")
    assert "\"'=c" in text
    assert json.loads((tmp_path / "out.csv.json").read_text(encoding="utf-8"))["universe"] == 50


@pytest.mark.parametrize("arguments", [
    ["plan", "--expected-rate", "0.05", "--precision", "0.03"], ["plan", "--universe", "100", "--expected-rate", "5", "--precision", "0.03"],
    ["plan", "--strata", "none.csv", "--expected-rate", "0.05", "--precision", "0.03"], ["draw", "none.csv", "--n", "3", "--seed", "1", "--out", "o.csv"],
])
def test_mistakes_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", *arguments]) == 2
    assert "→" in capsys.readouterr().err


def test_a_double_id_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ids.csv"
    file.write_text("id\na\na\n", encoding="utf-8")
    assert main(["sample", "draw", str(file), "--n", "1", "--seed", "1", "--out", str(tmp_path / "o.csv")]) == 2
    assert "twice" in capsys.readouterr().err
