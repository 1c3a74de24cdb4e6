"""One worklist as an Excel workbook, byte for byte the same for the same rows."""

from __future__ import annotations

import io
import json
from datetime import datetime

import polars as pl
import xlsxwriter

from audit.worklists import evidence_sheet, list_sheet, text_sheets
from audit.worklists.evidence import Evidence, month_ja
from audit.worklists.inputs import WorklistContext
from audit.worklists.layout import layout
from audit.worklists.styles import FONT, Styles

APPLICATION = "kokuho-audit"


def workbook_bytes(rows: pl.DataFrame, evidence: Evidence, context: WorklistContext, *, insurer_no: str, team: str, list_hash: str) -> bytes:
    """Return the .xlsx of one insurer's and team's list.

    Args:
        rows: rows of this list in its order (`rows.build_rows`), at least one.
        evidence: findings, reasons and visits of these cases.
        context: texts and ids of the run.
        insurer_no: 8 digits.
        team: team code.
        list_hash: SHA-256 of the list's CSV text; goes to the hidden sheet and the document properties.

    """
    lay, target = layout(), io.BytesIO()
    # Kept in memory: the library would else leave person data in temporary files. Nothing is guessed from text.
    book = xlsxwriter.Workbook(target, {
        "in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False,
        "default_format_properties": dict(FONT),
    })
    styles = Styles(book)
    insurer = f"{context.insurers.get(insurer_no, '')}（{insurer_no}）" if insurer_no in context.insurers else insurer_no
    heading = f"{lay.teams[team]}　点検一覧　{month_ja(context.month)}　保険者 {insurer}".replace("&", "&&")
    list_sheet.write(book, rows, team, styles, heading)
    evidence_sheet.write(book, rows, evidence, styles, heading)
    counts = dict(
        rows.select(pl.col("rule_ids").str.split("\n")).explode("rule_ids", empty_as_null=False, keep_nulls=False)
        .group_by("rule_ids").len().sort("rule_ids").rows()
    )
    text_sheets.write_rules(book, context.rules, counts, styles, heading)
    text_sheets.write_guide(book, team, _summary(rows, context, insurer, team), styles, heading)
    list_sheet.write_choices(book, team)
    meta = {
        "application": APPLICATION, "schema_version": str(lay.schema_version), "run_id": context.run_id,
        "month": context.month, "insurer_no": insurer_no, "team": team, "rows": str(rows.height), "list_hash": list_hash,
        "pseudonymised": str(context.pseudonym_key is not None).lower(),
        "header_row": str(list_sheet.HEADER_ROW + 1), "first_row": str(list_sheet.FIRST_ROW + 1),
        "columns": json.dumps([c.key for c in lay.columns_for(team)]),
    }
    text_sheets.write_meta(book, meta)
    _properties(book, meta, heading.replace("&&", "&"), context.month)
    book.close()
    return target.getvalue()


def _summary(rows: pl.DataFrame, context: WorklistContext, insurer: str, team: str) -> list[tuple[str, str | int]]:
    kinds = rows.group_by("selection").agg(n=pl.len(), yen=pl.col("at_stake_yen").sum())
    n = dict(kinds.select("selection", "n").rows())
    total = rows.filter(pl.col("selection") != layout().selection["random"])["at_stake_yen"].sum()
    return [
        ("担当", layout().teams[team]), ("保険者", insurer), ("対象月", month_ja(context.month)), ("件数", rows.height),
        *((f"　{ja}", n.get(ja, 0)) for ja in layout().selection.values()),
        (text_sheets.TOTAL, total), ("", "無作為の案件を除く「抽出」の額であり、申出・認容・収納の額ではありません。"),
        ("実行ID", context.run_id),
    ]


def _properties(book: xlsxwriter.Workbook, meta: dict[str, str], title: str, month: str) -> None:
    # A fixed date: the file's bytes must depend on its content only.
    created = datetime(int(month[:4]), int(month[5:7]), 1)
    book.set_properties({"title": title, "author": APPLICATION, "company": "", "created": created, "comments": "要確認の案件の一覧"})
    for key in ("application", "schema_version", "run_id", "month", "insurer_no", "team", "list_hash"):
        book.set_custom_property(f"kokuho_{key}", meta[key], "text")
