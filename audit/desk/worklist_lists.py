"""Which published list a returned file is: its run, insurer and team; refused where it is another office's, or outdated."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl

from audit import desk
from audit.errors import WorklistError
from audit.view import StoredView
from audit.worklists.context import listed_context
from audit.worklists.evidence import build_evidence
from audit.worklists.layout import layout
from audit.worklists.privacy import PREFIX
from audit.worklists.readback import Identity, Parsed
from audit.worklists.readback_published import Published, case_keys, from_rows, from_run
from audit.worklists.rows import build_rows, listed

# what a file says of itself becomes part of a path
_RUN, _MONTH, _INSURER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}"), re.compile(r"[12]\d{3}-(0[1-9]|1[0-2])"), re.compile(r"\d{8}")
_ELSEWHERE = "この一覧を出した保存先を --home で指定するか、公開中の一覧に記入し直してください"


def find_list(home: Path, parsed: Parsed, told: Identity, *, run: str | None, pseudonym_key: bytes | None) -> Published:
    """Return the list that a file is.

    Args:
        home: home folder.
        parsed: the file.
        told: what it says it is.
        run: id of an outdated run whose lists shall be taken in all the same.
        pseudonym_key: key of pseudonymised lists.

    Raises:
        WorklistError: no such run or list here, an outdated one, or no key; `problem` and `remedy` are Japanese.

    """
    folder = _run_folder(home, told)
    month = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["month"]
    if told.month not in (None, month):
        raise WorklistError("一覧の月が実行の記録と合いません", remedy=_ELSEWHERE)
    cases = pl.read_parquet(folder / "cases.parquet", columns=["case_id", "insurer_no", "team", "rank"])
    keys, pseudonymised = _keys(parsed, told, cases, pseudonym_key)
    insurer_no, team = _whose(parsed, told, cases, keys)
    ids = cases.filter((pl.col("insurer_no") == insurer_no) & (pl.col("team") == team) & pl.col("rank").is_not_null())["case_id"].to_list()
    _refuse_outdated(home, told.run_id, month, insurer_no, team, ids, run)
    if pseudonymised:
        found = _made_anew(folder, told, month, insurer_no, team, pseudonym_key)
    else:
        found = from_run(
            folder / "worklists", run_id=told.run_id, month=month, insurer_no=insurer_no, team=team, cases=keys, list_hash=told.list_hash, returned_sha256=parsed.sha256,
        )
    if found is None:
        raise WorklistError("同じ実行の、作り直す前の古い写しです（公開中の一覧と内容が違います）", remedy="公開中の一覧に記入し直してください")
    return found


def _run_folder(home: Path, told: Identity) -> Path:
    folder = Path(home) / "runs" / told.run_id if _RUN.fullmatch(told.run_id) else None
    if folder is None or not (folder / "manifest.json").is_file() or not (folder / "cases.parquet").is_file():
        raise WorklistError("この保存先にない実行の一覧です", remedy=_ELSEWHERE)
    return folder


def _keys(parsed: Parsed, told: Identity, cases: pl.DataFrame, key: bytes | None) -> tuple[pl.DataFrame, bool]:
    shown = parsed.grid.rows["case_key"].drop_nulls()
    pseudonymised = told.pseudonymised if told.pseudonymised is not None else bool(shown.str.starts_with(PREFIX).any())
    if not pseudonymised:
        return case_keys(cases["case_id"], None), False
    if key is None:
        raise WorklistError("仮名化した一覧です", remedy="作ったときの鍵のファイルを --pseudonym-key で指定してください")
    keys = case_keys(cases.filter(pl.col("rank").is_not_null())["case_id"], key)
    if shown.len() and not shown.is_in(keys["case_key"].implode()).any():
        raise WorklistError("指定した鍵では、この一覧の案件が分かりません", remedy="作ったときの鍵のファイルを指定してください")
    return keys, True


def _whose(parsed: Parsed, told: Identity, cases: pl.DataFrame, keys: pl.DataFrame) -> tuple[str, str]:
    """Return insurer and team: as the hidden sheet says, or for a CSV those of most of its cases."""
    if told.insurer_no is not None:
        if not _INSURER.fullmatch(told.insurer_no) or told.team not in layout().teams:
            raise WorklistError("隠れたシートの保険者番号か担当が変わっています", remedy="元の一覧に記入し直してください")
        return told.insurer_no, told.team
    shown = parsed.grid.rows.select("case_key").join(keys, on="case_key").join(cases.select("case_id", "insurer_no", "team"), on="case_id")
    if shown.is_empty():
        raise WorklistError("公開した一覧の案件が1件もありません", remedy=_ELSEWHERE)
    return shown.group_by("insurer_no", "team").len().sort("len", "insurer_no", "team", descending=[True, False, False]).row(0)[:2]


def _refuse_outdated(home: Path, run_id: str, month: str, insurer_no: str, team: str, ids: list[str], run: str | None) -> None:
    """Refuse a list where a newer one of the same insurer and team is out, unless somebody says that it is meant."""
    if run == run_id:
        return
    remedy = f"新しい一覧に記入し直してください。この一覧をそのまま取り込むなら --run {run_id} を付けます"
    newer = [m for m in _months_with(home, insurer_no, team) if m > month]
    if newer:
        raise WorklistError(f"前の月（{month}）の一覧です。{max(newer)} の一覧が出ています", remedy=remedy)
    if desk.state(home, case_ids=ids, run_id=run_id).is_empty():
        raise WorklistError("台帳に公開されていない実行の一覧です", remedy="点検の実行が終わりまで進んだか確かめてください")
    if desk.state(home, case_ids=ids).filter(pl.col("run_id") != run_id).height:
        raise WorklistError("同じ月をやり直す前の一覧です。新しい実行の一覧が出ています", remedy=remedy)


def _months_with(home: Path, insurer_no: str, team: str) -> set[str]:
    files = (Path(home) / "runs").glob(f"[!.]*/worklists/worklist_{insurer_no}_*_{team}.xlsx")
    months = {f.name.split("_")[2] for f in files}
    return {m for m in months if _MONTH.fullmatch(m)}


def _made_anew(folder: Path, told: Identity, month: str, insurer_no: str, team: str, key: bytes) -> Published | None:
    on_list = listed(pl.read_parquet(folder / "cases.parquet")).filter((pl.col("insurer_no") == insurer_no) & (pl.col("team") == team))
    from audit.pipeline import findings_of  # the pipeline writes lists; only this corner of reading them needs it

    view = StoredView(folder.parent.parent / "tables", pl.Series([f"{month}-01"]).str.to_date()[0])
    context = listed_context(on_list, view, run_id=told.run_id, month=month, pseudonym_key=key)
    rows = build_rows(on_list, context, build_evidence(on_list, findings_of(folder), context))
    return from_rows(rows, run_id=told.run_id, month=month, insurer_no=insurer_no, team=team, list_hash=told.list_hash)
