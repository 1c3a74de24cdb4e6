"""Who an entry of another body's list is: by 宛名番号, else by name and birth date. Nobody is guessed.

Names are compared as written and as read (kana), after taking away what differs between systems: width, blanks, small kana,
variant characters (layouts/name_variants.toml).
"""

from __future__ import annotations

from functools import cache

import polars as pl

from audit.intake.link_match import comparable
from audit.intake.mapping import layout_path, read_toml

STATES = ("number", "exact", "tie_break", "ambiguous", "none")
_HIRAGANA = "ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなにぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんゔゕゖ"
_SMALL = dict(zip("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ", strict=True))
_PERSON = ["insurer_no", "person_id"]


@cache
def _variants() -> tuple[tuple[str, ...], tuple[str, ...]]:
    pairs = read_toml(layout_path("name_variants"))["variants"]
    return tuple(pairs), tuple(pairs.values())


def comparable_name(name: pl.Expr) -> pl.Expr:
    """Return a written name as it is compared; null for a blank."""
    plain = name.str.normalize("NFKC").str.replace_all(r"[\s・･.]", "").str.replace_many(*map(list, _variants()))
    return pl.when(plain != "").then(plain)


def comparable_kana(kana: pl.Expr) -> pl.Expr:
    """Return a name's reading as it is compared: katakana, small ones as large, one dash for all; null for a blank."""
    wide = kana.str.normalize("NFKC").str.replace_all(r"[\s・･.]", "")
    dashes = wide.str.replace_all("[-‐‑–—−ｰ]", "ー")
    plain = dashes.str.replace_many(list(_HIRAGANA), [chr(ord(c) + 0x60) for c in _HIRAGANA]).str.replace_many(list(_SMALL), list(_SMALL.values()))
    return pl.when(plain != "").then(plain)


def match_names(rows: pl.DataFrame, eligibility: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Find the person of each row.

    A 宛名番号 that the register knows decides. Otherwise all people of the insurer with the birth date whose name or reading
    agrees are candidates, except where sex is known on both sides and disagrees: one is the person (`exact`, or `tie_break`
    where sex left one of several), several are `ambiguous`, nobody is `none`.

    Args:
        rows: insurer_no, addressee_no, name, kana, birth_date, sex.
        eligibility: the register's spells.
        persons: names.

    Returns:
        person_id (null unless one person is left) and match_state (STATES), one row per row in its order.

    """
    asked = rows.select("insurer_no", "birth_date", "sex", _addressee=comparable(rows["addressee_no"]), _name=comparable_name(pl.col("name")), _kana=comparable_kana(pl.col("kana"))).with_row_index("_row")
    known = eligibility.select(*_PERSON, "birth_date", "sex", _addressee=comparable(eligibility["addressee_no"])).unique()
    numbered = asked.filter(pl.col("_addressee").is_not_null()).select("_row", "insurer_no", "_addressee").join(
        known.select("insurer_no", "_addressee", "person_id").unique(), on=["insurer_no", "_addressee"], how="inner"
    )
    by_number = numbered.group_by("_row").agg(pl.col("person_id").min(), n=pl.len()).filter(pl.col("n") == 1).select("_row", "person_id", match_state=pl.lit("number"))
    rest = asked.join(by_number.select("_row"), on="_row", how="anti")
    by_name = _by_name(rest, known, persons)
    found = pl.concat([by_number, by_name])
    out = asked.select("_row").join(found, on="_row", how="left", maintain_order="left", validate="1:1")
    return out.select("person_id", pl.col("match_state").fill_null("none"))


def _by_name(rest: pl.DataFrame, known: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    dated = known.drop("_addressee").unique().join(rest.select("insurer_no", "birth_date").unique(), on=["insurer_no", "birth_date"], how="semi")
    named = dated.join(
        persons.join(dated, on=_PERSON, how="semi").select(*_PERSON, name_p=comparable_name(pl.col("name")), kana_p=comparable_kana(pl.col("kana"))),
        on=_PERSON, how="inner",
    )
    pairs = rest.join(named, on=["insurer_no", "birth_date"], how="inner", suffix="_p")
    same = (pl.col("_name") == pl.col("name_p")).fill_null(False) | (pl.col("_kana") == pl.col("kana_p")).fill_null(False)
    pairs = pairs.filter(same).with_columns(_fits=(pl.col("sex") == pl.col("sex_p")).fill_null(True))
    person, fits = pl.col("person_id"), pl.col("_fits")
    counted = pairs.group_by("_row").agg(_all=person.n_unique(), _left=person.filter(fits).n_unique(), _one=person.filter(fits).min())
    one = pl.col("_left") == 1
    return counted.select(
        "_row", person_id=pl.when(one).then("_one"),
        match_state=pl.when(one & (pl.col("_all") == 1)).then(pl.lit("exact")).when(one).then(pl.lit("tie_break"))
        .when(pl.col("_left") > 1).then(pl.lit("ambiguous")).otherwise(pl.lit("none")),
    )
