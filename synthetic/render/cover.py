"""Lists about cover: overlaps with other insurers, settlements between insurers; and their column mapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from synthetic.config import Month
from synthetic.population import People
from synthetic.render.persons import PersonTexts
from synthetic.render.tables import write_csv
from synthetic.render.text import day_text

COVER_MAPPING = """\
description_ja = "資格重複一覧・保険者間調整一覧（合成データ）"

[cover_overlaps]
header = true

[cover_overlaps.columns]
insurer_no = "保険者番号"
kind = "重複区分"
symbol = "記号"
number = "番号"
branch = "枝番"
sex = "性別"
birth_date = "生年月日"
other_insurer_no = "他保険者番号"
from_on = "重複開始日"
to_on = "重複終了日"

[cover_overlaps.values.kind]
"資格重複" = "duplicate"
"二重加入" = "double"

[insurer_settlements]
header = true

[insurer_settlements.columns]
insurer_no = "保険者番号"
search_no = "検索番号"
service_month = "診療年月"
other_insurer_no = "調整先保険者番号"
state = "調整状況"
requested_on = "依頼日"
settled_on = "精算日"
"""


def write_overlaps(people: People, texts: PersonTexts, rows: pl.DataFrame, path: Path) -> None:
    """Write the list of overlaps: `rows` hold person (index), kind, start (day), other; all are still open."""
    who, person = rows["person"], rows["person"].to_numpy()
    write_csv(pl.DataFrame({
        "保険者番号": texts.insurer8.gather(who), "重複区分": rows["kind"], "記号": texts.symbol.gather(who), "番号": texts.number.gather(who),
        "枝番": texts.branch.gather(who), "性別": pl.Series(people.sex[person].astype(np.int64)).cast(pl.String), "生年月日": day_text(people.birth[person]),
        "他保険者番号": rows["other"], "重複開始日": day_text(rows["start"]), "重複終了日": pl.Series([""] * rows.height, dtype=pl.String),
    }), path)


def write_settlements(texts: PersonTexts, rows: pl.DataFrame, other: str, month: Month, path: Path) -> None:
    """Write the list of settlements: `rows` hold person (index), search, month; all are settled."""
    n = rows.height
    asked, done = (day_text(np.full(n, (month + k).first)) for k in (1, 2))
    write_csv(pl.DataFrame({
        "保険者番号": texts.insurer8.gather(rows["person"]), "検索番号": rows["search"].cast(pl.String), "診療年月": rows["month"].cast(pl.String),
        "調整先保険者番号": pl.Series([other] * n, dtype=pl.String), "調整状況": pl.Series(["精算済"] * n, dtype=pl.String), "依頼日": asked, "精算日": done,
    }), path)
