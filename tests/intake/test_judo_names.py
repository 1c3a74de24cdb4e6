from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from audit.intake.judo_names import _words, parse_injury_names

CASES = yaml.safe_load((Path(__file__).parent / "injury_names.yaml").read_text(encoding="utf-8"))
FIELDS = ["injury_type", "site", "side", "level"]


def read(*names):
    return parse_injury_names(pl.Series(list(names), dtype=pl.String)).select(FIELDS).rows()


@pytest.mark.parametrize(("name", "expected"), CASES.items(), ids=list(CASES))
def test_injury_name(name, expected):
    assert read(name) == [tuple(expected)]


def test_rows_keep_their_order_and_nulls():
    out = parse_injury_names(pl.Series(["腰部捻挫", None, "右 肩関節 捻挫", "腰部捻挫", ""]))
    assert out["injury_name"].to_list() == ["腰部捻挫", None, "右肩関節捻挫", "腰部捻挫", None]
    assert out["site"].to_list() == ["腰部", None, "肩関節", "腰部", None]


def test_every_site_is_reached_by_its_first_word():
    ending = {"fracture": "骨折", "incomplete_fracture": "不全骨折", "dislocation": "脱臼", "sprain": "捻挫", "bruise": "打撲", "strain": "挫傷"}
    for site in _words()["site"]:
        for kind in site["types"]:
            name = site["words"][0] + ending[kind]
            assert read(f"右{name}") == [(kind, site["name"], "right", None)], name


@given(st.text(st.sampled_from("右左両上下部捻挫打撲傷骨折不全脱臼肩関節腰膝頸大腿指趾（）() 　１2a"), max_size=14))
def test_any_name_gives_known_words_or_null(name):
    kind, site, side, level = read(name)[0]
    assert kind in {None, "fracture", "incomplete_fracture", "dislocation", "sprain", "bruise", "strain"}
    assert side in {None, "left", "right", "both"}
    assert level in {None, "upper", "lower"}
    assert site is None or site in {s["name"] for s in _words()["site"] if kind in s["types"]}


@given(st.sampled_from([n for n, e in CASES.items() if e[1]]), st.sampled_from(["", " ", "　"]))
def test_width_and_blanks_do_not_matter(name, blank):
    wide = name.translate(str.maketrans("0123456789()", "０１２３４５６７８９（）"))
    assert read(blank.join(wide)) == read(name)
