"""The steps of a month. Each takes the run's work folder, does one thing, writes files there, returns a path.

    begin -> intake -> link -> gate -> store -> check -> rank -> worklists -> finish

| module | steps |
|---|---|
| `opening` | begin |
| `taking_in` | intake, link, gate, store |
| `judging` | check, rank |
| `listing` | worklists |
| `closing` | finish |

`spec` is what a run is asked to do, `work` its folder, `past` what it may know of earlier months; `month` runs the steps in
their order. The same functions run plainly (`run_month`) and as Prefect tasks (`flows/`): frames never travel between steps,
paths do. Others use the names below.
"""

from audit.pipeline.closing import finish
from audit.pipeline.judging import check, rank
from audit.pipeline.listing import export_again, findings_of, worklists
from audit.pipeline.month import STEPS, Progress, judge_stored, run_month, store_only
from audit.pipeline.opening import begin
from audit.pipeline.spec import RunSpec, parse_month
from audit.pipeline.taking_in import gate, intake, link, store
from audit.pipeline.work import counts_of, discard, discarded_on_error, working_in

__all__ = [
    "STEPS", "Progress", "RunSpec", "begin", "check", "counts_of", "discard", "discarded_on_error", "export_again", "findings_of", "finish", "gate", "intake",
    "judge_stored", "link", "parse_month", "rank", "run_month", "store", "store_only", "working_in", "worklists",
]
