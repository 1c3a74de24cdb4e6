"""Hostile strings through export, LibreOffice, import: no live formula anywhere, every string as it was.

`make hostile` takes 10,000 strings out (names, readings, providers) and 10,000 back (memos, staff names); `make test` some of
every kind. What "unchanged" means stands in hostile.py.
"""

import hashlib
import re
from dataclasses import replace

import openpyxl
import polars as pl
import pytest

from audit import desk
from audit.desk.worklist_import import import_worklists
from audit.home import write_atomic
from audit.worklists import readback, text_safety
from audit.worklists.csvfile import csv_text, encode
from audit.worklists.evidence import Evidence
from audit.worklists.rows import build_rows, listed
from audit.worklists.workbook import workbook_bytes
from tests.worklists.filled import AT, Office, office
from tests.worklists.hostile import kept, sample, strings, unchanged
from tests.worklists.libreoffice import OFFICE, resave
from tests.worklists.samples import INSURER

pytestmark = [pytest.mark.office, pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed")]


OWN_LINK = re.compile(r"""=HYPERLINK\("#'(根拠|一覧)'![AB]"&MATCH\((B\d+|"柔-\d+"),'?(根拠|一覧)'?!([AB]):\4,0\),"(開く|一覧へ戻る)"\)""")


def hostile_office(folder, texts) -> tuple[Office, pl.DataFrame]:
    """A home whose list has two hostile strings per case: names and readings, and a provider of its own each."""
    made = office(folder, len(texts) // 2)
    cases = made.cases.with_columns(provider_id=pl.when(pl.col("rank").is_not_null()).then(pl.format("協{}", pl.col("rank").cast(pl.String).str.zfill(10))).otherwise("provider_id"))
    on = listed(cases)
    half = on.height
    context = replace(
        made.context, names=on.select("insurer_no", "person_id", name=pl.Series(texts[:half]), kana=pl.Series(texts[half:])).unique("person_id", keep="first"),
        providers=on.select("provider_id", provider_name=pl.Series(texts[half:])),
    )
    cases.write_parquet(made.run / "cases.parquet")
    rows = build_rows(on, context)
    assert rows.height == half
    text = csv_text(rows, "judo")
    write_atomic(made.csv(), encode(text, "utf-8-sig")[0])
    write_atomic(made.book(), _book(rows, context, text))
    return replace(made, cases=cases, context=context), rows


def _book(rows, context, text):
    return workbook_bytes(rows, Evidence({}, {}, {}), context, insurer_no=INSURER, team="judo", list_hash=hashlib.sha256(text.encode()).hexdigest())


def typed(text):
    """A text as a reviewer's cell holds it: as it is, where a workbook (and the library that writes it here) can."""
    as_it_is = len(text) <= text_safety.CELL_MAX and "␥" not in text and "x005F_" not in text and not text.startswith("<r>")
    return text if as_it_is else text_safety.cell(text)


def live_formulas(path):
    """Coordinates of formulas, those of the list's own links between 一覧 and 根拠 excepted."""
    book = openpyxl.load_workbook(path, read_only=True)
    cells = ((s.title, c) for s in book for row in s.iter_rows() for c in row if c.data_type == "f")
    found = [(title, c.coordinate) for title, c in cells if not OWN_LINK.fullmatch(str(c.value).replace("$", ""))]
    book.close()
    return found


def prove(folder, texts):
    made, rows = hostile_office(folder / "home", texts)
    desk.publish(made.home, made.run, by="点検係", at=AT)
    half = len(texts) // 2
    came_back = rows.with_columns(memo=pl.Series([text_safety.cell(t) for t in texts[:half]]), assignee=pl.Series([typed(t) for t in texts[half:]]))
    filled = write_atomic(folder / "返却.xlsx", _book(came_back, made.context, csv_text(rows, "judo")))
    saved = resave(filled, folder / "saved")

    # no live formula: as written, as LibreOffice saved it, and of the CSV opened by a double click
    opened = resave(made.csv(), folder / "opened", infilter="CSV:44,34,76,1")
    assert live_formulas(filled) == live_formulas(saved) == live_formulas(opened) == []

    # out: what the saved file shows of a person or provider is what was delivered
    grid = readback.parse("返却.xlsx", saved.read_bytes()).grid.rows.join(rows.select("case_key", "case_id"), on="case_key", maintain_order="left")
    at = {c: i for i, c in enumerate(rows["case_id"])}
    order = [at[c] for c in grid["case_id"]]
    shown = made.context.names.unique("person_id", keep="first")
    assert shown.height == half  # nobody is listed twice: each case has its own two strings
    for key, said in (("name", texts[:half]), ("kana", texts[half:]), ("provider_name", texts[half:])):
        got = [text_safety.unescape(v) for v in grid[key]]
        assert [i for i, (g, o) in enumerate(zip(got, order, strict=True)) if g != unchanged(said[o])] == [], key

    # back: into the ledger, and out of it again
    done = import_worklists(made.home, [saved], by="取込 係", at=AT)
    assert (done.other, done.missing) == (half, 0)
    state = desk.state(made.home, case_ids=rows["case_id"].to_list())
    for key, said in (("memo", texts[:half]), ("assignee", texts[half:])):
        got = {c: text_safety.unescape(v) for c, v in state.select("case_id", key).rows()}
        assert [i for c, i in at.items() if got[c] != kept(said[i])] == [], key
    assert import_worklists(made.home, [filled], by="取込 係", at=AT).events == 0
    return half * 2


def test_some_strings_of_every_kind_go_through_unchanged(tmp_path):
    assert prove(tmp_path, sample(400)) == 400


@pytest.mark.slow
def test_ten_thousand_strings_go_through_unchanged(tmp_path):
    """In five lists of a thousand cases: LibreOffice needs a gigabyte and a half for one of five thousand."""
    n = 0
    for part in range(5):
        n += prove(tmp_path / str(part), strings(10_000)[part::5])
        print(f"{n:,} strings out and {n:,} back: 0 live formulas, all unchanged")
    assert n == 10_000


def test_the_strings_are_of_every_kind():
    texts = strings(10_000)
    assert len(set(texts)) == 10_000
    assert {t[0] for t in texts} >= set(text_safety.DANGEROUS)
    assert {c for t in texts for c in t if ord(c) < 0x20} == {chr(c) for c in range(0x20)}
    assert {"\u202e", "\u2066", "\ue000", "\U0010fffd", "\ufffe", "\uffff", "𠮷", "👨"} <= set("".join(texts))
    assert max(map(len, texts)) > text_safety.CELL_MAX
