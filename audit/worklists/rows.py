"""The rows of the worklists: listed cases of all insurers and teams as one frame, before any file is written."""

from __future__ import annotations

import hashlib

import polars as pl

from audit.worklists import text_safety
from audit.worklists.evidence import Evidence
from audit.worklists.inputs import VISITS_OPTIONAL, WorklistContext
from audit.worklists.layout import BLINDED, NUMBERS, layout
from audit.worklists.privacy import PREFIX, pseudonyms, shown_claim_ids
from audit.worklists.wording import reason_rows

CLAIMS_SHOWN = 30
"""Claim ids written in one cell; a case over many months names the rest by number, and the evidence sheet shows it."""
REASONS_IN_CELL = 3
MESSAGES_IN_CELL = 3
SEVERAL = "複数"
LIST = ("insurer_no", "team")


def listed(cases: pl.DataFrame) -> pl.DataFrame:
    """Return the cases that are on this month's lists, by insurer, team and rank.

    Raises:
        ValueError: a case's team or selection is unknown, or a case is listed twice (an author's error).

    """
    on = cases.filter(pl.col("rank").is_not_null()).sort(*LIST, "rank", "case_id")
    lay = layout()
    for column, known in (("team", lay.teams), ("selection", lay.selection), ("severity", lay.severity)):
        unknown = sorted(set(on[column].drop_nulls().unique()) - set(known))
        if unknown:
            raise ValueError(f"cases: unknown {column} {unknown}")
    if on["case_id"].n_unique() < on.height:
        raise ValueError("cases: case_id is not unique")
    return on


def build_rows(cases: pl.DataFrame, context: WorklistContext, evidence: Evidence | None = None) -> pl.DataFrame:
    """Return one row per listed case with every column of columns.toml but the links and the reviewer's.

    Args:
        cases: `listed` cases (audit.tables.CASES).
        context: texts, names, visits.
        evidence: of these cases: its findings' sentences are written in the list; None writes the rules' titles.

    Returns:
        case_id, insurer_no, team, blinded (Boolean: random sample, exploration), then the columns by key: numbers as numbers
        (null = blank), the rest as text that a workbook can carry (`text_safety.cell`), null = blank.

    Raises:
        ValueError: a rule of the cases has no texts in the context.

    """
    lay = layout()
    frame = cases.with_columns(
        seq=pl.int_range(1, pl.len() + 1).over(*LIST),  # `listed` has put them in order
        blinded=pl.col("selection").is_in(BLINDED),
    )
    parts = (_messages(evidence), _persons(frame, context), _providers(frame, context), _visit_counts(frame, context), _rule_texts(frame, context),
             _reasons(frame, context), _claims(frame, context), _keys(frame, context), _groups(frame))
    for part in parts:
        frame = frame.join(part, on="case_id", how="left", validate="1:1", maintain_order="left")
    frame = frame.with_columns(
        list_no=pl.col("team").replace_strict(lay.marks) + "-" + pl.col("seq").cast(pl.String).str.zfill(3),
        provider_id=pl.coalesce("provider_id", "only_provider", pl.lit(SEVERAL)), provider_name=pl.coalesce("provider_name", "provider_id", "only_provider", pl.lit(SEVERAL)),
        why=pl.coalesce("messages", "titles", pl.when(pl.col("selection") == "random").then(pl.lit("無作為抽出のため理由は表示しません")).otherwise("reasons_text")),
        selection=pl.col("selection").replace_strict(lay.selection),
        severity=pl.col("severity").fill_null("none").replace_strict(lay.severity),
        rule_ids=pl.when(pl.col("rule_ids").list.len() > 0).then(pl.col("rule_ids").list.join("\n")),
        claim_ids=pl.col("claims_text"),
        run_id=pl.lit(context.run_id),
        status=pl.lit(lay.initial_status),
    )
    blind = [pl.when("blinded").then(None).otherwise(pl.col(c.key)).alias(c.key) for c in lay.columns if c.blind]
    text = [text_safety.cell_expr(pl.col(c.key)).alias(c.key) for c in lay.columns if c.key in frame.columns and c.kind not in NUMBERS]
    frame = frame.with_columns(blind).with_columns(text)
    keys = [c.key for c in lay.columns if c.key in frame.columns]
    frame = frame.select("case_id", *LIST, "blinded", *keys)
    return frame.with_columns(row_check=row_checks(frame))


def row_checks(frame: pl.DataFrame) -> pl.Series:
    """Return the check code of each row: 16 hexadecimal digits over the columns marked `checked`.

    A row whose cells were swapped with another's (a paste, a partial sort) no longer has the code that it carries.
    """
    parts = [pl.col(c.key).cast(pl.String).fill_null("") for c in layout().columns if c.checked]
    joined = frame.select(pl.concat_str(parts, separator="\x1f")).to_series()
    return pl.Series("row_check", [hashlib.sha256(v.encode()).hexdigest()[:16] for v in joined], dtype=pl.String)


def _persons(frame: pl.DataFrame, context: WorklistContext) -> pl.DataFrame:
    people = frame.select("case_id", "insurer_no", "person_id")
    if context.pseudonym_key is not None:
        table = pseudonyms(people["person_id"], context.pseudonym_key, "person")
        people = people.join(table, left_on="person_id", right_on="value", how="left", validate="m:1", maintain_order="left")
        shown = PREFIX + pl.col("pseudonym")
    else:
        shown = pl.col("person_id").str.strip_prefix(pl.col("insurer_no") + "-")
    people = people.with_columns(addressee=shown.fill_null("照合なし"))
    if context.shows_names:
        names = context.names.select("insurer_no", "person_id", "name", "kana")
        people = people.join(names, on=["insurer_no", "person_id"], how="left", validate="m:1", maintain_order="left")
    else:
        people = people.with_columns(name=pl.lit(None, pl.String), kana=pl.lit(None, pl.String))
    return people.select("case_id", "addressee", "name", "kana")


def _providers(frame: pl.DataFrame, context: WorklistContext) -> pl.DataFrame:
    """Names by case; a foreign hospital, whose written name is no key of a case, is that of the forms, where they name one only."""
    names = context.providers.select("provider_id", "provider_name")
    claims = frame.filter(pl.col("provider_id").is_null()).select("case_id", claim_id="claim_ids").explode("claim_id", empty_as_null=False, keep_nulls=False)
    only = (
        claims.filter(pl.col("claim_id").str.starts_with("overseas:"))
        .join(context.visits.select("claim_id", "provider_id"), on="claim_id", how="inner", validate="m:1")
        .group_by("case_id")
        .agg(pl.col("provider_id").first(), n=pl.col("provider_id").n_unique())
        .filter(pl.col("n") == 1)
        .select("case_id", only_provider="provider_id")
    )
    return (
        frame.select("case_id", "provider_id")
        .join(only, on="case_id", how="left", validate="1:1")
        .with_columns(provider_id=pl.coalesce("provider_id", "only_provider"))
        .join(names, on="provider_id", how="left", validate="m:1")
        .select("case_id", "only_provider", "provider_name")
    )


def _groups(frame: pl.DataFrame) -> pl.DataFrame:
    """Number the groups of which a list has two cases or more, in the order of the list."""
    together = frame.select("case_id", *LIST, "seq", "group_id").drop_nulls("group_id").filter(pl.len().over(*LIST, "group_id") > 1)
    return together.select("case_id", group_no="組" + pl.col("seq").min().over(*LIST, "group_id").rank("dense").over(LIST).cast(pl.String))


def _visit_counts(frame: pl.DataFrame, context: WorklistContext) -> pl.DataFrame:
    """Days of the case's own claims in its own month (a day counts once), parts and months of the course."""
    claims = frame.select("case_id", "service_month", claim_id="claim_ids").explode("claim_id", empty_as_null=False, keep_nulls=False)
    optional = [pl.col(n) if n in context.visits.columns else pl.lit(None, t).alias(n) for n, t in VISITS_OPTIONAL.items()]
    visits = context.visits.join(claims.select("claim_id").unique(), on="claim_id", how="semi").select(
        "claim_id", "visit_days", *optional, service_month=pl.col("service_month").dt.strftime("%Y-%m")
    )
    own = claims.join(visits, on=["claim_id", "service_month"], validate="m:1")
    return own.group_by("case_id").agg(
        day_count=pl.when(pl.col("visit_days").is_not_null().any()).then(pl.col("visit_days").bitwise_or()).first()
        .bitwise_count_ones().cast(pl.Int32),
        part_count=pl.col("part_count").max(), course_months=pl.col("course_months").max(),
    )


def _rule_texts(frame: pl.DataFrame, context: WorklistContext) -> pl.DataFrame:
    rules = frame.select("case_id", rule_id="rule_ids").explode("rule_id", empty_as_null=False, keep_nulls=False)
    unknown = sorted(set(rules["rule_id"].unique()) - set(context.rules))
    if unknown:
        raise ValueError(f"rules without texts: {unknown}")
    texts = pl.DataFrame(
        [(k, r.title_ja, r.basis, r.next_action_ja) for k, r in sorted(context.rules.items())],
        schema={"rule_id": pl.String, "title": pl.String, "basis": pl.String, "next_action": pl.String}, orient="row",
    )
    def once(name: str) -> pl.Expr:
        return pl.col(name).unique(maintain_order=True).str.join("\n")

    others = pl.col("basis").n_unique() - 1  # in full on the sheets 「根拠」 and 「ルール」: a list row must stay short
    first = pl.col("basis").first() + pl.when(others > 0).then(pl.format("（ほか{}件は「ルール」シート）", others)).otherwise(pl.lit(""))

    return (
        rules.join(texts, on="rule_id", how="left", validate="m:1", maintain_order="left")
        .group_by("case_id", maintain_order=True)
        .agg(titles=once("title"), basis=first, next_action=once("next_action"))
    )


def _messages(evidence: Evidence | None) -> pl.DataFrame:
    """Sentences of a case's findings, the dearest first; the evidence sheet has them all."""
    told = {} if evidence is None else evidence.findings
    texts = []
    for blocks in told.values():
        sentences = list(dict.fromkeys(b.message for b in blocks))
        more = [f"（ほか{len(sentences) - MESSAGES_IN_CELL}件は「根拠」シート）"] if len(sentences) > MESSAGES_IN_CELL else []
        texts.append("\n".join([f"・{m}" for m in sentences[:MESSAGES_IN_CELL]] + more))
    return pl.DataFrame({"case_id": list(told), "messages": texts}, schema={"case_id": pl.String, "messages": pl.String})


def _reasons(frame: pl.DataFrame, context: WorklistContext) -> pl.DataFrame:
    top = reason_rows(frame, context.features).filter(pl.col("contribution") > 0)
    return top.group_by("case_id", maintain_order=True).agg(
        reasons_text=(pl.col("label") + "：" + pl.col("text")).head(REASONS_IN_CELL).str.join("\n")
    )


def _claims(frame: pl.DataFrame, context: WorklistContext) -> pl.DataFrame:
    claims = frame.select("case_id", claim_id="claim_ids").explode("claim_id", empty_as_null=False, keep_nulls=False)
    shown = claims.join(shown_claim_ids(claims["claim_id"], context), left_on="claim_id", right_on="value", how="left",
                        validate="m:1", maintain_order="left")
    rest = pl.when(pl.len() > CLAIMS_SHOWN).then(pl.format("\nほか{}件", pl.len() - CLAIMS_SHOWN)).otherwise(pl.lit(""))
    return shown.group_by("case_id", maintain_order=True).agg(claims_text=pl.col("shown").head(CLAIMS_SHOWN).str.join("\n") + rest)


def _keys(frame: pl.DataFrame, context: WorklistContext) -> pl.DataFrame:
    if context.pseudonym_key is None:
        return frame.select("case_id", case_key="case_id")
    table = pseudonyms(frame["case_id"], context.pseudonym_key, "case")
    return table.select(case_id="value", case_key=PREFIX + pl.col("pseudonym"))
