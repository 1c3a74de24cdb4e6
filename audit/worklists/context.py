"""Gathers a `WorklistContext` from the stored tables: only what the listed cases need, names last."""

from __future__ import annotations

import polars as pl

from audit.rules import all_rules
from audit.view import View
from audit.worklists.inputs import FeatureLabel, RuleText, WorklistContext

MONTHS_BACK = 24
"""How old a claim of a case may be: the longest history that a rule looks at."""


def listed_context(
    cases: pl.DataFrame, view: View, *, run_id: str, month: str, pseudonym_key: bytes | None = None, with_names: bool = True
) -> WorklistContext:
    """Return the context of a run's worklists.

    Args:
        cases: audit.tables.CASES; only those with a rank are looked up.
        view: tables as of the run's month.
        run_id: id of the run.
        month: delivery month, "YYYY-MM".
        pseudonym_key: see `WorklistContext`.
        with_names: False leaves names out.

    """
    on_list = cases.filter(pl.col("rank").is_not_null())
    visits = _visits(on_list, view)
    names = _names(on_list, view) if with_names and pseudonym_key is None else None
    return WorklistContext(
        run_id=run_id, month=month, providers=_providers(visits), visits=visits.drop("provider_name"),
        rules={k: RuleText.of(r) for k, r in all_rules().items()}, features=feature_labels(), names=names, pseudonym_key=pseudonym_key,
    )


def feature_labels() -> dict[str, FeatureLabel]:
    """Return "<team>/<feature>" -> label, as the ranking declares them."""
    # Ranking sits beside the audit, not below it: read when asked for, so that worklists can be written without it.
    from models.spec import labels

    return {key: FeatureLabel(f.ja, f.unit, f.percent, f.direction) for key, f in sorted(labels().items())}


def _visits(on_list: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return the cases' claims and the other claims of the same persons in the cases' months, of all kinds."""
    own = on_list.select(claim_id="claim_ids").explode("claim_id", empty_as_null=False, keep_nulls=False).unique()
    ids, months = own["claim_id"].implode(), on_list["service_month"].str.to_date("%Y-%m").unique().implode()
    people = on_list.drop_nulls("person_id").select("person_id", service_month=pl.col("service_month").str.to_date("%Y-%m")).unique().lazy()
    course = (pl.col("service_month").dt.year() - pl.col("first_exam_on").dt.year()) * 12 + (
        pl.col("service_month").dt.month().cast(pl.Int32) - pl.col("first_exam_on").dt.month().cast(pl.Int32)
    ) + 1
    def of(table: str, **named: str | pl.Expr) -> pl.LazyFrame:
        columns = {
            "delivery_month": "delivery_month", "claim_id": "claim_id", "version_no": "version_no", "person_id": "person_id",
            "service_month": "service_month", "visit_days": "visit_days", "insurer_yen": "insurer_yen", "provider_id": "clinic_id", "provider_name": "clinic_name",
            "part_count": pl.lit(None, pl.Int32), "course_months": pl.lit(None, pl.Int32),
        }  # fmt: skip
        return view.scan(table, MONTHS_BACK).select(**columns | named)

    no_days, no_text = pl.lit(None, pl.UInt32), pl.lit(None, pl.String)
    tables = (
        of("claims", provider_id="institution_id", provider_name="institution_name"),
        of("judo_claims", part_count="part_count", course_months=course.cast(pl.Int32)),
        of("ahaki_claims"),
        of("overseas_claims", visit_days=no_days, provider_id="hospital", provider_name="hospital"),
        of("orthosis_claims", visit_days=no_days, provider_id="maker", provider_name="maker"),
        of("care_claims", claim_id="care_claim_id", version_no=pl.lit(0, pl.Int32), visit_days=no_days, insurer_yen="benefit_yen", provider_id="provider_id", provider_name=no_text),
    )  # fmt: skip
    found = []
    for table in tables:
        # filters that Parquet can apply while reading come first: most rows of two years are of other months and claims
        found.append(table.filter(pl.col("claim_id").is_in(ids)))
        found.append(table.filter(pl.col("service_month").is_in(months)).join(people, on=["person_id", "service_month"], how="semi"))
    rows = pl.concat([f.select(sorted(f.collect_schema().names())) for f in found]).collect()
    # Delivered again, or found both ways: the latest stands.
    return rows.unique().sort("claim_id", "delivery_month", "version_no").unique("claim_id", keep="last", maintain_order=True).drop("delivery_month", "version_no")


def _providers(visits: pl.DataFrame) -> pl.DataFrame:
    """Return provider_id, provider_name: the name on the latest claim that gives one."""
    return (
        visits.drop_nulls(["provider_id", "provider_name"]).sort("provider_id", "service_month", "claim_id")
        .group_by("provider_id", maintain_order=True).agg(pl.col("provider_name").last())
    )


def _names(on_list: pl.DataFrame, view: View) -> pl.DataFrame:
    people = on_list.drop_nulls("person_id").select("insurer_no", "person_id").unique().lazy()
    rows = view.scan("persons", MONTHS_BACK).join(people, on=["insurer_no", "person_id"], how="semi").collect()
    return (
        rows.sort("insurer_no", "person_id", "delivery_month").unique(["insurer_no", "person_id"], keep="last", maintain_order=True)
        .select("insurer_no", "person_id", "name", "kana")
    )
