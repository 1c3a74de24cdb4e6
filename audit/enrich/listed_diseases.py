"""Diseases that decide which insurance pays (別表第七, 末期の悪性腫瘍), among all diagnoses of a person's month."""

from __future__ import annotations

import polars as pl

from audit.enrich.hospital_stays import UNIT
from audit.params import load
from audit.view import View

_KEY = ["insurer_no", "claim_id", "version_no"]
_LISTS = ("care.nursing.exempt_icd", "care.nursing.conditional_icd", "care.nursing.terminal_icd")


def listed_diseases(view: View, units: pl.DataFrame) -> pl.DataFrame:
    """Return what the receipts of this delivery say of the diseases of persons and months.

    Args:
        view: tables as of the delivery month.
        units: rows with UNIT; few, since their receipts are picked by name.

    Returns:
        UNIT, terminal (a cancer written as 末期), disease_exempt (on 別表第七 by itself, or terminal), disease_conditional;
        units without such a disease are left out.

    """
    parameters, month = load(), pl.col("service_month")
    wanted = units.select(UNIT).drop_nulls().unique()
    schema = {**dict.fromkeys(UNIT[:2], pl.String), UNIT[2]: pl.Date, **dict.fromkeys(("terminal", "disease_exempt", "disease_conditional"), pl.Boolean)}
    if wanted.is_empty():
        return pl.DataFrame(schema=schema)
    entries = sorted({e for name in _LISTS for period in parameters[name].periods for e in period.value})
    # few persons: pick their receipts while reading
    people = pl.col("person_id").is_in(wanted["person_id"].unique().implode())
    claims = view.scan("claims").filter(people).select(*_KEY, *UNIT[1:]).collect().join(wanted, on=UNIT, how="semi")

    def parts(column: str) -> list[pl.Expr]:
        return [pl.col(column).str.slice(0, n) for n in (1, 3, 4)]  # entries are of one, three or four characters

    def on_list(name: str) -> pl.Expr:
        return pl.any_horizontal(parameters.is_in(name, p, month).fill_null(False) for p in parts("icd"))

    named = view.code_table("m_diseases", ["name", "icd10", "icd10_2"])
    master = named.unpivot(index=["code", "name"], value_name="icd").select("code", "icd", master_name="name")
    master = master.filter(pl.any_horizontal(p.is_in(entries) for p in parts("icd")))
    written = view.scan("diagnoses").filter(pl.col("claim_id").is_in(claims["claim_id"].unique().implode())).select(*_KEY, "code", "icd10", "name", "modifiers")
    by_icd = written.filter(pl.col("icd10").is_not_null()).select(*_KEY, "modifiers", "name", icd="icd10")
    by_code = written.filter(pl.col("icd10").is_null()).join(master, on="code", how="inner").select(*_KEY, "modifiers", name="master_name", icd="icd")
    words = parameters.expr("care.nursing.terminal_word", month)
    marks = sorted({m for period in parameters["care.nursing.terminal_modifiers"].periods for m in period.value})
    said = pl.col("name").str.contains(words, literal=True).fill_null(False) | pl.col("modifiers").list.eval(pl.element().is_in(marks)).list.any().fill_null(False)
    return (
        pl.concat([by_icd, by_code])
        .join(claims.lazy(), on=_KEY, how="inner", validate="m:1")
        .with_columns(terminal=on_list(_LISTS[2]) & said)
        .group_by(UNIT)
        .agg(terminal=pl.col("terminal").any(), disease_exempt=(on_list(_LISTS[0]) | pl.col("terminal")).any(), disease_conditional=on_list(_LISTS[1]).any())
        .select(schema.keys())
        .collect()
    )
