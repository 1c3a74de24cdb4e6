"""A returned list beside the desk as it stands: what is new, what is there already, and what somebody else has decided meanwhile.

A blank cell says nothing and takes nothing back. A standing decision is changed by a list in two cases only: the same
reviewer (担当者) decided anew on a later day, or the list merely adds what was left blank (an amount, minutes). Everything
else is a conflict: shown side by side, and taken one way or the other only when somebody says so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from audit import desk
from audit.errors import UsageError
from audit.worklists import readback_problems as problems
from audit.worklists import text_safety
from audit.worklists.layout import layout

MINE, THEIRS = "mine", "theirs"
# of the list -> of the desk
DECISION = {"decision": "decision", "reason_code": "reason_code", "requested_yen": "requested_yen", "decided_on": "decided_on", "spent_minutes": "minutes"}
OTHER = {"status": "status", "assignee": "assignee", "due_on": "due_on", "memo": "memo"}
FIELDS = DECISION | OTHER


@dataclass(frozen=True)
class Take:
    """Which side to take: `mine` = the list's, `theirs` = what the desk has; of some 整理番号, or of all conflicts (empty)."""

    side: str
    numbers: tuple[str, ...] = ()


def parse_take(texts: Iterable[str]) -> list[Take]:
    """Return what `--take` said: "mine", "theirs", "mine:柔-001,柔-004".

    Raises:
        UsageError: another side, or both sides for everything.

    """
    takes = []
    for text in texts:
        side, _, numbers = unicodedata.normalize("NFKC", text).partition(":")
        if side.strip() not in (MINE, THEIRS):
            raise UsageError(f"--take {text!r} is neither mine nor theirs", remedy="--take mine, --take theirs, --take mine:柔-001,柔-004")
        takes.append(Take(side.strip(), tuple(n.strip() for n in numbers.replace("、", ",").split(",") if n.strip())))
    if len({t.side for t in takes if not t.numbers}) > 1:
        raise UsageError("--take mine and --take theirs contradict each other", remedy="name the cases of one: --take theirs --take mine:柔-001")
    return takes


def merged(home: Path, entries: pl.DataFrame, take: Sequence[Take]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return (plan, conflicts).

    Args:
        home: home folder.
        entries: one row per case: file, sheet, row, case_id, case_no, touched, live (False = recorded before: says nothing
            new), then the reviewer's columns.
        take: see `Take`.

    Returns:
        plan: the entries in the form in which the ledger keeps them, with the desk's state (`now_` + column),
            last_event_seq, and flags: `new_<column>` for what is to be recorded, `decides`, `taken` (anything new), `kept`
            (left as the desk has it because of `take`).
        conflicts: readback_problems.PROBLEMS of cases that `take` does not settle.

    Raises:
        UsageError: `take` names cases without a conflict, or a number that stands for several cases.

    """
    state = desk.state(home, case_ids=entries["case_id"].to_list())
    now = state.select("case_id", "last_event_seq", "who", *(pl.col(c).alias(f"now_{c}") for c in FIELDS.values()))
    rows = _as_kept(entries).join(now, on="case_id", how="left", validate="1:1", maintain_order="left")
    rows = rows.with_columns(pl.col("last_event_seq").fill_null(0), **_differences())
    rows = rows.with_columns(conflict=_conflict()).with_columns(side=_sides(rows.filter(_conflict()), take))
    open_ = rows.filter(pl.col("conflict") & pl.col("side").is_null())
    dropped = pl.col("conflict") & (pl.col("side") != MINE).fill_null(True)
    news = {f"new_{c}": pl.col(f"new_{c}") & ~dropped for c in FIELDS}
    plan = rows.with_columns(**news).with_columns(
        decides=pl.any_horizontal(f"new_{c}" for c in DECISION) & pl.col("decision").is_not_null(), kept=pl.col("conflict") & (pl.col("side") == THEIRS).fill_null(False),
    )
    plan = plan.with_columns(taken=pl.col("decides") | pl.any_horizontal(f"new_{c}" for c in OTHER))
    return plan, _told(open_)


def _as_kept(entries: pl.DataFrame) -> pl.DataFrame:
    """Entries as the ledger keeps them: the initial state is none, line ends are LF, characters that a database refuses are visible pairs."""
    lay = layout()
    initial = next(c.code for c in lay.choices["status"] if c.ja == lay.initial_status)

    def escaped(texts: pl.Series) -> pl.Series:
        at = texts.str.contains(r"[\x00-\x08\x0b-\x1f␥]|[\x{fffe}\x{ffff}]").fill_null(False).arg_true()
        return texts if at.len() == 0 else texts.scatter(at, [text_safety.escape(t) for t in texts.gather(at)])

    texts = [pl.col(c).str.replace_all("\r\n|\r", "\n").map_batches(escaped, return_dtype=pl.String) for c in ("assignee", "memo")]
    return entries.with_columns(*texts, status=pl.when(pl.col("status") != initial).then("status"))


def _differences() -> dict[str, pl.Expr]:
    """`new_<column>`: the list says something that the desk does not; `other_<column>`: and the desk says something else."""
    out: dict[str, pl.Expr] = {}
    for mine, theirs in FIELDS.items():
        said, now = pl.col(mine), pl.col(f"now_{theirs}")
        out[f"new_{mine}"] = pl.col("live") & said.is_not_null() & said.ne_missing(now)
        out[f"other_{mine}"] = (pl.col("live") & said.is_not_null() & now.is_not_null() & (said != now)).fill_null(False)
    return out


def _conflict() -> pl.Expr:
    decided = pl.col("now_decision").is_not_null()
    mine, theirs = pl.col("assignee"), pl.col("now_assignee")
    anew = (mine == theirs).fill_null(False) & (pl.col("decided_on") > pl.col("now_decided_on")).fill_null(False)
    decision = pl.any_horizontal(f"other_{c}" for c in DECISION if c != "spent_minutes")
    other = pl.any_horizontal(f"other_{c}" for c in OTHER)
    stale = pl.col("decision").is_null() & other
    somebody_else = (mine != theirs).fill_null(False) & other
    return (decided & ((decision & ~anew) | stale | somebody_else)).fill_null(False)


def _sides(conflicts: pl.DataFrame, take: Sequence[Take]) -> pl.Expr:
    """Return the side taken, by case; null = nobody has said."""
    numbers: dict[str, str] = {}
    for t in take:
        numbers |= dict.fromkeys(t.numbers, t.side)
    count = dict(conflicts.group_by("case_no").len().rows())
    if unknown := sorted(set(numbers) - set(count)):
        raise UsageError(f"--take names cases without a conflict: {', '.join(unknown)}", remedy="name 整理番号 that the list of conflicts shows, or leave them out")
    if double := sorted(n for n in numbers if count[n] > 1):
        raise UsageError(f"--take: {', '.join(double)} stands in several of these lists", remedy="import the lists one by one")
    rest = next((t.side for t in take if not t.numbers), None)
    return pl.col("case_no").replace_strict(numbers, default=rest, return_dtype=pl.String) if numbers else pl.lit(rest, dtype=pl.String)


def _told(rows: pl.DataFrame) -> pl.DataFrame:
    """Both sides of each conflict in one line; of a memo only that it differs: it may name a person."""
    lay = layout()
    labels = {name: {c.code: c.ja for c in lay.choices[name]} for name in ("status", "decision")}

    def side(prefix: str, name: dict[str, str]) -> pl.Expr:
        def at(key: str) -> pl.Expr:
            return pl.col(prefix + name[key])

        return pl.concat_str([
            at("decision").replace_strict(labels["decision"], default=None, return_dtype=pl.String).fill_null("判定なし"), at("reason_code"),
            at("requested_yen").cast(pl.String) + "円", at("decided_on").dt.strftime("%Y/%m/%d"),
            at("status").replace_strict(labels["status"], default=None, return_dtype=pl.String), pl.lit("担当 ") + at("assignee").str.slice(0, 40),
        ], separator="・", ignore_nulls=True)

    memo = pl.when("other_memo").then(pl.lit("（メモも違います）")).otherwise(pl.lit(""))
    what = pl.format("登録済み: {} ｜ この一覧: {}{}", side("now_", FIELDS), side("", {k: k for k in FIELDS}), memo)
    allowed = pl.format("--take mine:{}（この一覧を採る）か --take theirs:{}（登録済みを残す）", "case_no", "case_no")
    return problems.of_rows(rows, pl.lit(True), "判定", what, allowed)
