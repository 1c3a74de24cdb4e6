"""負傷名 to kind of injury, site, side and level, by the word lists of layouts/judo_names.toml."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import polars as pl

from audit.errors import LayoutError
from audit.intake.mapping import LAYOUTS, read_toml

_FILE = LAYOUTS / "judo_names.toml"
_KEYS = {"type": {"name", "words"}, "side": {"name", "words"}, "level": {"name", "words"}, "site": {"name", "words", "types"}}
# a site word must not be read out of the kind of injury or of the level
_NOT_SITE = ("骨折", "脱臼", "捻挫", "打撲", "挫傷", "不全")


def parse_injury_names(names: pl.Series) -> pl.DataFrame:
    """Read injury names.

    Args:
        names: 負傷名 as written, any length; null allowed.

    Returns:
        One row per input in its order: injury_name (half width, no blanks), injury_type (fracture, incomplete_fracture,
        dislocation, sprain, bruise, strain), site (Japanese, without side and level), side (left, right, both), level
        (upper, lower); null = cannot be read from the name.

    """
    words = _words()
    distinct = names.drop_nulls().unique().sort().to_frame("_as_written")
    text = pl.col("_as_written").str.normalize("NFKC").str.replace_all(r"\s", "")
    read = distinct.with_columns(text.alias("injury_name"))
    read = read.with_columns(pl.when(pl.col("injury_name") != "").then("injury_name").alias("injury_name"))
    name = pl.col("injury_name")
    read = read.with_columns(injury_type=_first(name, words["type"]), side=_side(name, words["side"]), level=_first(_without_regions(name), words["level"]))
    bare = name.str.replace_all("|".join(map(re.escape, _NOT_SITE)), "")
    read = read.with_columns(
        site=pl.coalesce(
            [pl.when(_has(bare, entry["words"]) & pl.col("injury_type").is_in(entry["types"])).then(pl.lit(entry["name"])) for entry in words["site"]]
        )
    )
    out = names.to_frame("_as_written").join(read, on="_as_written", how="left", maintain_order="left", validate="m:1")
    return out.select("injury_name", "injury_type", "site", "side", "level")


def _has(text: pl.Expr, words: list[str]) -> pl.Expr:
    return text.str.contains("|".join(map(re.escape, words)))


def _first(text: pl.Expr, entries: list[dict[str, Any]]) -> pl.Expr:
    return pl.coalesce([pl.when(_has(text, e["words"])).then(pl.lit(e["name"])) for e in entries])


def _side(text: pl.Expr, entries: list[dict[str, Any]]) -> pl.Expr:
    by_name = {e["name"]: e["words"] for e in entries}
    both = _has(text, by_name["both"]) | (_has(text, by_name["right"]) & _has(text, by_name["left"]))
    return pl.when(both).then(pl.lit("both")).otherwise(_first(text, [e for e in entries if e["name"] != "both"]))


def _without_regions(text: pl.Expr) -> pl.Expr:
    # 上腕部, 下腿部 and 下顎部 hold 上, 下 and 部, yet say no level
    return text.str.replace_all("[上下](?:腕|腿|顎)", "")


@cache
def _words() -> dict[str, list[dict[str, Any]]]:
    raw = read_toml(_FILE)
    unknown = set(raw) - {"trust", "source", *_KEYS}
    wrong = [f"unknown key {k}" for k in sorted(unknown)]
    wrong += [f"{kind}: {sorted(set(entry) ^ keys)}" for kind, keys in _KEYS.items() for entry in raw.get(kind, []) if set(entry) != keys]
    if wrong:
        raise LayoutError("; ".join(wrong), file=_FILE.name, remedy="each entry has name, words (and types for a site)")
    return raw
