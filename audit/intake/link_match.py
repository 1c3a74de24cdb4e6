"""Who a claim belongs to: claims and judo claims by certificate, care claims by H1, person link or care number.

The register may hold several spells, numbers and branches of one person: identity is the 宛名番号, spells do not matter.
Names are never compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

_KEY = ["insurer_no", "_symbol", "_number", "_branch", "birth_date", "sex"]


def comparable(column: pl.Series) -> pl.Series:
    """Return symbols or numbers as they are compared: half width, no blanks, upper case, no leading zeros if all digits."""
    if (column.str.len_bytes() != column.str.len_chars()).any():
        column = column.str.normalize("NFKC")
    frame = column.str.replace_all(r"\s", "").str.to_uppercase().to_frame("plain")
    plain, bare = pl.col("plain"), pl.col("bare")
    frame = frame.with_columns(bare=plain.str.strip_chars_start("0"), other=plain.str.contains("[^0-9]"))
    frame = frame.select(pl.when(pl.col("other")).then(plain).when(bare != "").then(bare).when(plain != "").then(pl.lit("0")))
    return frame.to_series().alias(column.name)


def register_people(eligibility: pl.DataFrame) -> pl.DataFrame:
    """Return each identity that the register knows: one row per person and way of naming them.

    Columns: insurer_no, person_id, _addressee, _symbol, _number, _branch, birth_date, sex, care_insurer_no, care_no.
    """
    return eligibility.select("insurer_no", "person_id", "birth_date", "sex", "care_insurer_no", "care_no").with_columns(
        _addressee=comparable(eligibility["addressee_no"]), _symbol=comparable(eligibility["symbol"]),
        _number=comparable(eligibility["number"]), _branch=comparable(eligibility["branch"]),
    ).unique()


def match_certificates(claims: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Find the person of each claim by insurer, 記号, 番号 and 枝番.

    A branch that agrees names the person unless birth date and sex both disagree. Without one, the birth date must not
    disagree; where several members of a household are left, birth date and sex together decide. A claim or a register
    without symbols is compared by number alone.

    Args:
        claims: insurer_no, symbol, number, branch, birth_date, sex.
        people: see register_people.

    Returns:
        person_id and match_state (exact, tie_break, ambiguous, none), one row per claim in its order.

    """
    asked = claims.select("insurer_no", "birth_date", "sex").with_columns(
        _symbol=comparable(claims["symbol"]), _number=comparable(claims["number"]), _branch=comparable(claims["branch"])
    )
    keys = asked.unique().with_row_index("_key")  # in any order: the index only leads back to the key
    found = _decide(_candidates(keys, people.select("person_id", *_KEY).unique()))
    matched = keys.join(found, on="_key", how="left", validate="1:1").with_columns(pl.col("match_state").fill_null("none"))
    return asked.join(matched.drop("_key"), on=_KEY, how="left", nulls_equal=True, maintain_order="left", validate="m:1").select("person_id", "match_state")


def _candidates(keys: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    same = keys.join(people, on=["insurer_no", "_symbol", "_number"], how="inner", nulls_equal=True, suffix="_p")
    same = same.filter(pl.col("_number").is_not_null())
    # by number alone, where one of the two sides knows no symbol
    left = keys.join(same.select("_key").unique(), on="_key", how="anti").filter(pl.col("_number").is_not_null())
    without = pl.concat(
        [
            left.filter(pl.col("_symbol").is_null()).join(people, on=["insurer_no", "_number"], how="inner", suffix="_p").drop("_symbol_p"),
            left.join(people.filter(pl.col("_symbol").is_null()).drop("_symbol"), on=["insurer_no", "_number"], how="inner", suffix="_p"),
        ],
        how="diagonal",
    ).unique()
    both = pl.concat([same.select(sorted(same.columns)), without.select(sorted(without.columns))], how="diagonal")
    named = (pl.col("_branch") == pl.col("_branch_p")).fill_null(False)
    compatible = pl.col("_branch").is_null() | pl.col("_branch_p").is_null() | named
    return both.with_columns(_named=named).filter(compatible)


def _decide(candidates: pl.DataFrame) -> pl.DataFrame:
    """Return person_id and match_state per `_key` from its candidates."""
    birth = pl.col("birth_date") == pl.col("birth_date_p")
    sex = pl.col("sex") == pl.col("sex_p")
    conflict = pl.when(pl.col("_named")).then(~birth & ~sex).otherwise(~birth).fill_null(False)
    marked = candidates.with_columns(_ok=~conflict, _full=(birth & sex).fill_null(False))
    person = pl.col("person_id")

    def only(where: pl.Expr, name: str) -> list[pl.Expr]:
        chosen = person.filter(where)
        return [chosen.n_unique().alias(f"_n_{name}"), chosen.min().alias(f"_{name}")]

    ok = pl.col("_ok")
    counted = marked.group_by("_key").agg(
        person.n_unique().alias("_n_all"), *only(ok, "left"), *only(ok & pl.col("_named"), "branch"), *only(ok & pl.col("_full"), "both"),
    )
    left_one, branch_one, both_one = (pl.col(f"_n_{n}") == 1 for n in ("left", "branch", "both"))
    return counted.select(
        "_key",
        person_id=pl.when(left_one).then("_left").when(branch_one).then("_branch").when(both_one).then("_both"),
        match_state=pl.when(left_one & (pl.col("_n_all") == 1)).then(pl.lit("exact")).when(~left_one & branch_one).then(pl.lit("exact"))
        .when(left_one | both_one).then(pl.lit("tie_break")).when(pl.col("_n_left") > 1).then(pl.lit("ambiguous")).otherwise(pl.lit("none")),
    )


def match_care(care: pl.DataFrame, people: pl.DataFrame, person_link: pl.DataFrame) -> pl.DataFrame:
    """Find the NHI person of each care claim: H1's numbers first, then the person link, then the register's care number.

    Args:
        care: care_claims without person.
        people: see register_people.
        person_link: the link table, may be empty.

    Returns:
        person_id and match_state (record, link, register, tie_break, ambiguous, none), one row per claim in its order.

    """
    rows = care.select(
        "insurer_no", "care_insurer_no", "care_no", "birth_date", "sex", "nhi_insurer_no", "nhi_number",
        _raw_addressee=pl.col("addressee_no"),
    ).with_columns(_addressee=comparable(care["addressee_no"])).with_row_index("_row")
    # numbers of another NHI insurer name nobody of ours
    ours = rows.filter(pl.col("nhi_insurer_no").is_null() | (pl.col("nhi_insurer_no") == pl.col("insurer_no")))
    record = _by_addressee(ours.filter(pl.col("_addressee").is_not_null()), people, "record")
    rest = _without(ours.filter(pl.col("nhi_number").is_not_null()), [record])
    by_number = match_certificates(rest.select("insurer_no", symbol=pl.lit(None, dtype=pl.String), number="nhi_number", branch=pl.lit(None, dtype=pl.String), birth_date="birth_date", sex="sex"), people)
    number = rest.select("_row").hstack(by_number).filter(pl.col("person_id").is_not_null()).with_columns(match_state=pl.lit("record"))
    done = [record, number]
    linked = _without(rows, done).join(person_link.select("insurer_no", "care_insurer_no", "care_no", _linked="addressee_no"), on=["insurer_no", "care_insurer_no", "care_no"], how="inner")
    link = _by_addressee(linked.with_columns(_raw_addressee="_linked", _addressee=comparable(linked["_linked"])), people, "link")
    done.append(link)
    done.append(_by_care_number(_without(rows, done), people))
    found = pl.concat([d.select("_row", "person_id", "match_state") for d in done])
    out = rows.select("_row").join(found, on="_row", how="left", maintain_order="left", validate="1:1")
    return out.select("person_id", pl.col("match_state").fill_null("none"))


def match_addressees(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Give rows with insurer_no and addressee_no the register's person of that 宛名番号; null where nobody has it."""
    asked = rows.select("insurer_no", _raw_addressee="addressee_no").with_columns(_addressee=comparable(rows["addressee_no"])).with_row_index("_row")
    found = asked.select("_row").join(_by_addressee(asked, people, "register"), on="_row", how="left", maintain_order="left", validate="1:1")
    return rows.with_columns(found["person_id"])


def _by_addressee(rows: pl.DataFrame, people: pl.DataFrame, state: str) -> pl.DataFrame:
    """Match by 宛名番号; where an insurer delivered no register, the number itself is believed."""
    known = people.select("insurer_no", "_addressee", "person_id").unique()
    single = known.group_by("insurer_no", "_addressee").agg(pl.col("person_id").min(), pl.len().alias("_n")).filter(pl.col("_n") == 1).drop("_n")
    with_register = people.select("insurer_no").unique().with_columns(_register=pl.lit(True))
    out = rows.join(single, on=["insurer_no", "_addressee"], how="left", validate="m:1").join(with_register, on="insurer_no", how="left", validate="m:1")
    own = pl.when(pl.col("_register").is_null()).then(pl.concat_str("insurer_no", pl.lit("-"), "_raw_addressee"))
    out = out.with_columns(person_id=pl.coalesce("person_id", own), match_state=pl.lit(state)).filter(pl.col("person_id").is_not_null())
    one = out.group_by("_row").agg(pl.col("person_id").min(), pl.col("person_id").n_unique().alias("_n"), pl.col("match_state").first())
    return one.filter(pl.col("_n") == 1).select("_row", "person_id", "match_state")


def _by_care_number(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    numbered = people.filter(pl.col("care_no").is_not_null()).select("insurer_no", "care_no", "care_insurer_no", "person_id", "birth_date", "sex").unique()
    pairs = rows.join(numbered, on=["insurer_no", "care_no"], how="inner", suffix="_p")
    pairs = pairs.filter((pl.col("care_insurer_no") == pl.col("care_insurer_no_p")).fill_null(True))
    full = ((pl.col("birth_date") == pl.col("birth_date_p")) & (pl.col("sex") == pl.col("sex_p"))).fill_null(False)
    person = pl.col("person_id")
    counted = pairs.group_by("_row").agg(person.n_unique().alias("_n"), person.min().alias("_one"), person.filter(full).n_unique().alias("_n_full"), person.filter(full).min().alias("_full"))
    one, both = pl.col("_n") == 1, pl.col("_n_full") == 1
    return counted.select(
        "_row", person_id=pl.when(one).then("_one").when(both).then("_full"),
        match_state=pl.when(one).then(pl.lit("register")).when(both).then(pl.lit("tie_break")).otherwise(pl.lit("ambiguous")),
    )


def _without(rows: pl.DataFrame, done: Sequence[pl.DataFrame]) -> pl.DataFrame:
    return rows.join(pl.concat([d.select("_row") for d in done]), on="_row", how="anti", maintain_order="left")
