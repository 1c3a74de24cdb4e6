from __future__ import annotations

import polars as pl

from models.peer_groups import lay_out, lineage, nearest, parent


def test_lineage_ends_with_everyone() -> None:
    assert lineage("judo|協|M") == ["judo|協|M", "judo|協", "judo", "*"]
    assert parent("*") == "*"


def test_nearest_known_group() -> None:
    known = ["*", "judo", "judo|協"]
    assert nearest("judo|協|XL", known) == "judo|協"
    assert nearest("judo|契|S", known) == "judo"
    assert nearest("care", known) == "*"


def test_rows_of_every_group_stand_together_even_where_names_begin_alike() -> None:
    groups = pl.Series(["a|b|S", "a|b0|S", "a|b", "a|b|M", "a|b0|M", "a|b|S"])
    layout = lay_out(groups)
    for node, (a, b) in layout.stretches.items():
        rows = layout.order[a:b].tolist()
        assert sorted(rows) == [i for i, g in enumerate(groups) if node in lineage(g)], node
    a, b = layout.own["a|b"]
    assert layout.order[a:b].tolist() == [2]
    names = list(layout.stretches)
    assert all(names.index(parent(n)) < names.index(n) for n in names if n != "*")


def test_no_rows() -> None:
    assert lay_out(pl.Series([], dtype=pl.String)).own == {}
