"""The ledger as the office knew it on a day: one row per case, one per request, each request's money summed.

Five things are decided here, once, for every table of the report:

- A case that several runs published is one case. It belongs to the month that published it first (its cohort); its other
  attributes are those of the run whose list it was decided on, else of the last run that published it.
- A request that ended without yen and was followed by another one of its case is an attempt (`superseded`): its yen were
  asked for again, so only the later request counts in yen.
- A request that the office withdrew (取下げ) is none any more. An agreed one without an amount is agreed as asked, a refused
  one is 0 yen; of a returned receipt (返戻) the amount is open. Whether a case was right is what the desk's outcomes say.
- A letter of inquiry (照会) asks for no money and is no request; what it brought all the same counts as upheld and collected.
- What the office learnt after the day does not exist yet: a later result leaves its request pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from audit.desk.case_outcomes import outcomes_of
from audit.desk.frames import Ledger


class LedgerFrames(Protocol):
    """What audit.desk.ledger gives: frames of audit/tables/ledger.py."""

    cases: pl.DataFrame
    decisions: pl.DataFrame
    requests: pl.DataFrame
    money: pl.DataFrame


@dataclass(frozen=True)
class Facts:
    """The ledger on a day.

    Attributes:
        cases: one row per case; LEDGER_CASES' columns (month, published_on of the first run), `listed`, its standing decision
            (decision, decided_on, spent_minutes), `verdict` (the outcome: results overrule the decision) and its sums over
            requests: requests, requested_yen, pending, pending_yen, upheld_yen, collected_yen (null = no request),
            requested_on (first), result_on (last), collected_on (first).
        requests: one row per request; REQUESTS' columns (result null = pending), superseded, collected_yen (0 = none yet),
            collected_on (first positive event), and team, month, provider_kind, service_month, selection of its case.
        outcomes: OUTCOMES of the decided cases.
        as_of: the day.
        unplaced: what -> rows that belong to nothing known on the day (dates that contradict each other); they are in no sum
            and the report says so.

    """

    cases: pl.DataFrame
    requests: pl.DataFrame
    outcomes: pl.DataFrame
    as_of: date
    unplaced: dict[str, int]


_NO_YEN = ("as_before", "returned", "withdrawn", "refused")
_RESULT = ("result", "reason", "result_on", "upheld_yen")
_OF_CASE = ("case_id", "insurer_no", "team", "month", "provider_kind", "service_month", "selection", "severity", "rule_ids", "published_on")


def facts(ledger: LedgerFrames, as_of: date) -> Facts:
    """Return the ledger as it was known at the end of a day."""
    published = ledger.cases.filter(pl.col("published_on") <= as_of)
    unplaced: dict[str, int] = {}

    def placed(what: str, rows: pl.DataFrame, owners: pl.DataFrame, key: str) -> pl.DataFrame:
        known = rows.join(owners, on=key, how="semi")
        if rows.height > known.height:
            unplaced[what] = rows.height - known.height
        return known

    decisions = placed("decisions", ledger.decisions.filter(pl.col("processed_on") <= as_of), published, "case_id")
    requests = placed("requests", ledger.requests.filter(pl.col("requested_on") <= as_of), published, "case_id")
    requests = _known_results(requests, as_of)
    money = placed("money", ledger.money.filter((pl.col("processed_on") <= as_of) & (pl.col("collected_on") <= as_of)), requests, "request_id")
    outcomes = outcomes_of(Ledger(published, decisions, requests, money))
    requests = _requests(requests, _money(money))
    cases = _cases(published, decisions).join(_sums(requests), on="case_id", how="left", validate="1:1")
    cases = cases.join(outcomes.select("case_id", verdict="decision"), on="case_id", how="left", validate="1:1")
    # a spare that was not needed and that no rule hit was never extracted
    extracted = pl.col("listed") | pl.col("decision").is_not_null() | (pl.col("selection") != "random") | (pl.col("rule_ids").list.len() > 0)
    cases = cases.filter(extracted | pl.col("requests").is_not_null()).sort("case_id")
    requests = requests.join(cases.select(_OF_CASE), on="case_id", how="left", validate="m:1").sort("request_id")
    return Facts(cases, requests, outcomes, as_of, unplaced)


def _cases(published: pl.DataFrame, decisions: pl.DataFrame) -> pl.DataFrame:
    """Return one row per case: first publication, attributes of the decided or last run, standing decision."""
    verdicts = decisions.select("case_id", decided_run="run_id", decision="decision", decided_on="decided_on", spent_minutes="minutes")
    ordered = published.sort("published_on", "run_id")
    first = ordered.group_by("case_id", maintain_order=True).agg(pl.col("month", "published_on").first(), listed=pl.col("rank").is_not_null().any())
    rows = published.drop("month").rename({"published_on": "_day"}).join(verdicts, on="case_id", how="left", validate="m:1")
    decided = (pl.col("run_id") == pl.col("decided_run")).fill_null(False)
    standing = rows.sort("case_id", decided, "_day", "run_id").unique("case_id", keep="last", maintain_order=True)
    return standing.drop("_day", "decided_run").join(first, on="case_id", how="left", validate="1:1")


def _money(events: pl.DataFrame) -> pl.DataFrame:
    return events.group_by("request_id").agg(
        collected_yen=pl.col("yen").sum(), collected_on=pl.col("collected_on").filter(pl.col("yen") > 0).min(),
    )


def _known_results(requests: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the requests without what the office learnt of them later."""
    known = (pl.col("processed_on") <= as_of) & (pl.col("result_on") <= as_of)
    return requests.with_columns(pl.when(known).then(pl.col(c)).alias(c) for c in _RESULT)


def _requests(requests: pl.DataFrame, money: pl.DataFrame) -> pl.DataFrame:
    as_asked, nothing = pl.col("result").is_in(["cut", "agreed"]), pl.col("result").is_in(["as_before", "refused", "withdrawn"])
    yen = pl.coalesce("upheld_yen", pl.when(as_asked).then("requested_yen").when(nothing).then(0))
    asked = requests.with_columns(upheld_yen=yen).sort("case_id", "requested_on", "request_id")
    ended_without = pl.col("result").is_in(_NO_YEN) & (pl.col("upheld_yen").fill_null(0) == 0)
    superseded = ended_without.fill_null(False) & pl.col("request_id").shift(-1).over("case_id").is_not_null()
    return asked.with_columns(superseded=superseded).join(money, on="request_id", how="left", validate="1:1").with_columns(pl.col("collected_yen").fill_null(0))


def stage_sums() -> list[pl.Expr]:
    """Return the sums over requests that stand for the stages 申出, 認容 and 収納 (see the module's docstring)."""
    asked = (pl.col("way") != "inquiry") & pl.col("result").ne_missing("withdrawn")
    pending = asked & pl.col("result").is_null()
    return [
        asked.sum().alias("requests"), pl.col("requested_yen").filter(asked & ~pl.col("superseded")).sum(), pending.sum().alias("pending"),
        pl.col("requested_yen").filter(pending).sum().alias("pending_yen"), pl.col("upheld_yen").sum(), pl.col("collected_yen").sum(),
    ]


def _sums(requests: pl.DataFrame) -> pl.DataFrame:
    dates = [pl.col("requested_on").filter(pl.col("way") != "inquiry").min(), pl.col("result_on").max(), pl.col("collected_on").min()]
    return requests.group_by("case_id").agg(*stage_sums(), *dates)
