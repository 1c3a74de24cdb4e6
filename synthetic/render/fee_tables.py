"""Small files in the layout of the official electronic fee table, and an office's list of drug indications.

The layout is the public one (27, 7, 10, 8 and 14 columns; CP932, quoted); the rows are the town's own and no excerpt of the
official content: they name codes that only plants bill, so that nothing natural breaks them.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from synthetic.config import Month, catalog
from synthetic.render.masters import NO_END, _write

DAY = {"2026-06": "20260601", "": "20240601"}
# span file, code, code, 区分, 特例
EXCLUSIONS = (
    ("03-1", 140040310, 140029610, 3, 0), ("03-1", 140019710, 140000610, 2, 1), ("03-2", 150266010, 130005310, 1, 0), ("03-3", 150001010, 140000610, 1, 0),
    ("03-4", 160058710, 160061710, 1, 0),
)
SPAN_KINDS = {"03-1": "fee_exclusions_day", "03-2": "fee_exclusions_month", "03-3": "fee_exclusions_once", "03-4": "fee_exclusions_week"}
FLAGS = {"03-1": 10, "03-2": 11, "03-3": 12, "03-4": 13}
BUNDLING, GROUP, BUNDLED = 114035810, "A002001", (140000610, 140019710)
# code, unit code, unit name, times
LIMITS = (
    (160010010, "131", "月", 2), (160019410, "150", "検査当り", 1), (140040510, "144", "３月", 1), (140040510, "121", "日", 1), (140000610, "133", "入院中", 1),
    (160061710, "131", "月", 4),
)
INDICATIONS = (("3339004F", "I26", "I26", "エリキュース錠"), ("3339004F", "I48", "I48", "エリキュース錠"), ("3339004F", "I80", "I82", "エリキュース錠"))
INDICATION_HEAD = "薬価基準収載医薬品コード,適応ICD10自,適応ICD10至,医薬品名,適用開始日,適用終了日"


def _table(rows: list[dict[int, object]], width: int, start: str) -> pl.DataFrame:
    """Return `width` text columns: cells by 1-based position, the rest 0, 新設 and 廃止 last."""
    full = [{**dict.fromkeys(range(1, width + 1), "0"), width - 1: start, width: NO_END, **row} for row in rows]
    return pl.DataFrame([{f"c{i}": str(row[i]) for i in range(1, width + 1)} for row in full])


def fee_tables(start: str) -> dict[str, tuple[str, pl.DataFrame]]:
    """Return file number -> kind and rows, in force since a day (YYYYMMDD)."""
    frame = catalog("procedures")
    name = dict(zip(frame["code"].cast(pl.Int64).to_list(), frame["name"].to_list(), strict=True))
    listed = sorted({c for _, a, b, *_ in EXCLUSIONS for c in (a, b)} | {c for c, *_ in LIMITS} | {BUNDLING, *BUNDLED})
    groups = {5: "0000000", 7: "0000000", 9: "0000000"}
    support = [
        {2: c, 3: name[c], **groups, **({4: "02", 5: GROUP} if c == BUNDLING else {}), **{FLAGS[s]: 1 for s, a, b, *_ in EXCLUSIONS if c in (a, b)}, 20: "000", 21: int(any(c == x for x, *_ in LIMITS))}
        for c in listed
    ]
    out = {"01": ("fee_support", _table(support, 27, start)), "02": ("fee_bundles", _table([{2: GROUP, 3: c, 4: name[c]} for c in BUNDLED], 7, start))}
    for span, kind in SPAN_KINDS.items():
        rows = []
        for of, a, b, payable, special in EXCLUSIONS:
            if of == span:  # the official files hold each pair in both orders
                turned = {1: 2, 2: 1}.get(payable, 3)
                rows += [{2: a, 3: name[a], 4: b, 5: name[b], 6: payable, 7: special}, {2: b, 3: name[b], 4: a, 5: name[a], 6: turned, 7: special}]
        out[span] = (kind, _table(rows, 10, start))
    out["04"] = ("fee_ward", _table([{2: "A01", 3: 190117710, 4: name[190117710], 5: 1}], 8, start))
    out["05"] = ("fee_limits", _table([{2: c, 3: name[c], 4: unit, 5: word, 6: times} for c, unit, word, times in LIMITS], 14, start))
    return out


def write_fee_tables(folder: Path, month: Month) -> list[tuple[str, str]]:
    """Write the fee tables of the month's fee revision and the list of indications; returns (file name, kind) pairs."""
    start = next(day for since, day in DAY.items() if month.label >= since)
    out = []
    for number, (kind, frame) in fee_tables(start).items():
        _write(frame, folder / f"etensu_{number}_ALL{start}.csv")
        out.append((f"etensu_{number}_ALL{start}.csv", kind))
    lines = [INDICATION_HEAD, *(",".join((*row, "", "")) for row in INDICATIONS)]
    (folder / f"tekio_ALL{start}.csv").write_bytes(("\r\n".join(lines) + "\r\n").encode("cp932"))
    return [*out, (f"tekio_ALL{start}.csv", "drug_indications")]
