from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from audit.statistics.suppression import TOTAL, PublicTable, Published, load_published, publish, save_published
from tests.statistics.attack import attack
from tests.statistics.public_months import year


def _table(counts: dict[tuple[str, str], int], **more: object) -> PublicTable:
    cells = pl.DataFrame({"team": [k[0] for k in counts], "month": [k[1] for k in counts], "flagged": list(counts.values()), "yen": [1000 * v for v in counts.values()]})
    return PublicTable("t", cells, ("team", "month"), ("flagged",), {"yen": "flagged"}, **more)


GRID = {("a", "1"): 4, ("a", "2"): 30, ("a", "3"): 25, ("b", "1"): 40, ("b", "2"): 50, ("b", "3"): 15, ("c", "1"): 20, ("c", "2"): 0, ("c", "3"): 60}


def _shown(published: Published) -> dict[tuple[str, str], int | None]:
    return {(r["team"], r["month"]): r["flagged"] for r in published.frame("t").iter_rows(named=True)}


def test_a_small_count_takes_complements_with_it() -> None:
    published = publish([_table(GRID)], "2026-10")
    shown = _shown(published)
    assert shown["a", "1"] is None
    hidden = {k for k, v in shown.items() if v is None}
    # in its row and in its column something else must be hidden too; it is enough to hide four
    assert len([k for k in hidden if k[0] == "a"]) >= 2
    assert len([k for k in hidden if k[1] == "1"]) >= 2
    assert len(hidden) == 4
    assert shown["c", "2"] == 0
    assert published.frame("t").filter(pl.col("flagged").is_null() != pl.col("yen").is_null()).is_empty()
    found = attack([published])
    assert not found.recovered
    assert found.narrowest >= 3


def test_nothing_small_nothing_hidden() -> None:
    published = publish([_table({k: v * 10 for k, v in GRID.items()})], "2026-10")
    assert published.hidden.is_empty()
    frame = published.frame("t")
    assert frame.columns == ["team", "month", "flagged", "yen"]
    assert frame.row(-1) == (TOTAL, TOTAL, 2440, 2_440_000)


def test_hiding_the_small_count_alone_is_no_protection() -> None:
    """The attack has teeth: totals give a lonely hidden cell away."""
    published = publish([_table(GRID)], "2026-10")
    bare = replace(published, hidden=published.hidden.filter(pl.col("state") == "small"))
    assert attack([bare]).recovered


def test_a_small_change_since_last_time_is_not_shown() -> None:
    large = {k: max(v, 12) for k, v in GRID.items()}
    first = publish([_table(large)], "2026-10")
    assert first.hidden.is_empty()
    second = publish([_table(large | {("b", "2"): 53})], "2026-11", earlier=[first])
    shown = _shown(second)
    assert shown["b", "2"] is None
    assert shown[TOTAL, TOTAL] is None  # grew by 3 as well
    assert not attack([first, second]).recovered
    third = publish([_table(large | {("b", "2"): 64})], "2026-12", earlier=[second, first])
    assert _shown(third)["b", "2"] == 64
    assert not attack([first, second, third]).recovered


def test_next_months_totals_do_not_give_this_months_away() -> None:
    """A cell hidden in March is in April's cumulative report too, where other cells could be shown beside its total."""
    grown = GRID | {("a", "4"): 14, ("b", "4"): 22, ("c", "4"): 31}
    first = publish([_table(GRID, fixed=("flagged",))], "2026-10")
    second = publish([_table(grown, fixed=("flagged",))], "2026-11", earlier=[first])
    assert not attack([first, second]).recovered
    # each report made alone is safe by itself, and not together
    alone = publish([_table(grown | {("a", "1"): 4}, fixed=("flagged",), margins=(("team",), ()))], "2026-11")
    assert not attack([alone]).recovered


def test_two_tables_are_linked_by_their_totals() -> None:
    team = pl.DataFrame({"team": ["a", "b", "c"], "flagged": [7, 30, 63]})
    way = pl.DataFrame({"way": ["x", "y"], "flagged": [60, 40]})
    tables = [PublicTable("team", team, ("team",), ("flagged",)), PublicTable("way", way, ("way",), ("flagged",))]
    published = publish(tables, "2026-10")
    assert published.frame("team")["flagged"].null_count() == 2
    assert not attack([published]).recovered
    with pytest.raises(ValueError, match="disagree"):
        publish([tables[0], replace(tables[1], cells=way.with_columns(pl.col("flagged") + 1))], "2026-10")


def test_stages_are_nested() -> None:
    cells = pl.DataFrame({"way": ["x", "y", "z"], "asked": [10, 40, 50], "upheld": [9, 20, 30]})
    table = PublicTable("way", cells, ("way",), ("asked", "upheld"), nested=("asked", "upheld"))
    found = attack([publish([table], "2026-10")])
    assert not found.recovered
    assert found.hidden
    with pytest.raises(ValueError, match="nested"):
        publish([replace(table, nested=("upheld", "asked"))], "2026-10")


def test_nine_ones_under_a_nine_are_published_all_the_same() -> None:
    """Who knew that the total is small would know each; without that, all remains open."""
    cells = pl.DataFrame({"team": [f"t{i}" for i in range(9)], "flagged": [1] * 9})
    published = publish([PublicTable("t", cells, ("team",), ("flagged",))], "2026-10")
    assert published.frame("t")["flagged"].null_count() == 10
    assert not attack([published], labels=False).recovered


def test_overlapping_categories_do_not_add_up() -> None:
    cells = pl.DataFrame({"rule": ["r1", "r2", TOTAL], "flagged": [30, 25, 40]})
    published = publish([PublicTable("rule", cells, ("rule",), ("flagged",), overlapping=("rule",))], "2026-10")
    assert published.frame("rule").rows() == [("r1", 30), ("r2", 25), (TOTAL, 40)]


@pytest.mark.parametrize(("cells", "says"), [
    ({"team": ["a", "a"], "flagged": [1, 2]}, "twice"), ({"team": ["a"], "flagged": [None]}, "null"), ({"team": ["a"], "flagged": [-1]}, "negative"), ({"team": [TOTAL], "flagged": [1]}, "totals are made here"),
])
def test_contradictions_are_refused(cells: dict[str, list], says: str) -> None:
    frame = pl.DataFrame(cells, schema={"team": pl.String, "flagged": pl.Int64})
    with pytest.raises(ValueError, match=says):
        publish([PublicTable("t", frame, ("team",), ("flagged",))], "2026-10")


def test_stored_and_read_again(tmp_path: Path) -> None:
    published = publish([_table(GRID, fixed=("flagged",), margins=(("team",), ()))], "2026-10")
    again = load_published(save_published(tmp_path / "2026-10.json", published))
    assert again.frame("t").equals(published.frame("t"))
    assert again.tables[0].margins == (("team",), ())
    assert again.hidden.equals(published.hidden)
    with pytest.raises(ValueError, match="not after"):
        publish([_table(GRID)], "2026-10", earlier=[again])


def test_some_months_of_a_town_against_the_attack() -> None:
    """A slice of `make attack-proof`."""
    reports = year(3, 200, 3)
    found = attack(reports)
    assert found.hidden > 300
    assert not found.recovered
    alone = [replace(r, hidden=r.hidden.filter(pl.col("state") == "small")) for r in reports]
    assert attack(alone).recovered
