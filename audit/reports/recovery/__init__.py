"""What became of the cases: the recovery report from the desk's ledger.

    extracted 抽出 -> requested 申出 -> upheld 認容 -> collected 収納

`facts` gives the ledger as it was known on a day; everything else is a pure function of those facts and of that day.
Figures of the flagged list are figures of that list, never the town's: only the random arm speaks for all claims
(audit/statistics). Pending is pending: it is neither a refusal nor nothing.
"""
