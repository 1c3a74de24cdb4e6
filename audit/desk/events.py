"""What an event is: its columns, the kinds there are, and which codes each kind may carry."""

from __future__ import annotations

import polars as pl

# what a caller gives; seq, at, who, batch and the hashes are added when it is recorded
EVENTS = {
    "kind": pl.String, "case_id": pl.String, "run_id": pl.String, "request_id": pl.String, "code": pl.String, "reason": pl.String,
    "yen": pl.Int64, "on_date": pl.Date, "minutes": pl.Float64, "text": pl.String,
}
STORED = {
    "seq": pl.Int64, "at": pl.Datetime("us", "UTC"), "who": pl.String, **EVENTS, "batch": pl.String, "prev_hash": pl.String, "hash": pl.String,
}

DECISIONS = ("upheld", "partly", "dismissed", "referred", "cannot_judge")
STATUSES = ("open", "inquiring", "answered", "returned", "corrected", "closed")
WAYS = ("rereview", "correction", "return", "inquiry", "repayment", "subrogation", "settlement")
RESULTS = ("cut", "as_before", "returned", "withdrawn", "agreed", "refused")

# kind -> codes it may carry; a null code takes back what stood before. None = any text, () = no code
KINDS: dict[str, tuple[str, ...] | None] = {
    "assigned": None,      # code = who works on the case
    "status": STATUSES,
    "due": (),             # on_date = deadline of the case, or of the request where one is named
    "decided": DECISIONS,  # reason, yen = amount to ask for, on_date, minutes
    "memo": (),            # text
    "requested": WAYS,     # request_id (given by the desk), yen, on_date; again for the same request = changed
    "result": RESULTS,     # request_id, reason, yen = upheld, on_date
    "money": (),           # request_id, yen (negative = reversal), on_date
}
PUBLISHED = "published"  # recorded by the desk only: run_id, yen = rows added, text = digest of these rows
OF_ROW = ("assigned", "status", "due", "decided", "memo")  # what a row of a worklist can write over
OF_REQUEST = ("result", "money")  # these must name a request
NEEDS_DAY = ("requested", "money")
REQUEST_PREFIX, MONEY_PREFIX = "R", "M"
