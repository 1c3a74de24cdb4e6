"""A view ends with its month, and shows only what stands."""

from datetime import date

import polars as pl

from audit.home import Home
from audit.tables import ALL
from audit.view import MemoryView, StoredView, months_before

SEP, OCT, NOV = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)


def claims(*rows):
    base = {"insurer_no": "00110000", "version_no": 0, "is_current": True}
    return ALL["claims"].conform(pl.DataFrame([base | dict(zip(("claim_id", "service_month"), r, strict=True)) for r in rows]))


def superseded(claim_id):
    return ALL["superseded"].conform(pl.DataFrame([{"insurer_no": "00110000", "claim_id": claim_id, "version_no": 0}]))


def both(tmp_path, frames, history):
    home = Home(tmp_path)
    for (name, month), frame in history.items():
        home.store("r", month, {name: frame})
    for name, frame in frames.items():
        home.store("r", OCT, {name: frame})
    return [StoredView(home.tables, OCT), MemoryView(OCT, frames, history)]


def names(view, back):
    return view.scan("claims", back).select("claim_id").collect()["claim_id"].sort().to_list()


def test_months_before():
    assert [months_before(OCT, n) for n in (0, 10, -3)] == [OCT, date(2025, 12, 1), date(2027, 1, 1)]


def test_history_and_no_future(tmp_path):
    history = {("claims", SEP): claims(("a", SEP)), ("claims", NOV): claims(("z", OCT))}
    for view in both(tmp_path, {"claims": claims(("b", OCT))}, history):
        assert names(view, 0) == ["b"]
        assert names(view, 1) == ["a", "b"]


def test_superseded_rows_are_history(tmp_path):
    frames = {"claims": claims(("b", SEP)), "superseded": superseded("a")}
    for view in both(tmp_path, frames, {("claims", SEP): claims(("a", SEP), ("c", SEP))}):
        assert names(view, 3) == ["b", "c"]


def test_has(tmp_path):
    for view in both(tmp_path, {"claims": claims(("b", OCT))}, {("judo_claims", SEP): ALL["judo_claims"].empty()}):
        assert view.has("claims")
        assert not view.has("judo_claims")
        assert not view.has("m_drugs")


def test_code_table_takes_the_revision_of_the_month(tmp_path):
    rows = [(date(2024, 6, 1), "A", "old"), (date(2026, 6, 1), "A", "now"), (date(2026, 12, 1), "A", "later"), (date(2026, 12, 1), "B", "only later")]
    frame = ALL["m_drugs"].conform(pl.DataFrame(rows, schema=["revision", "code", "price_code"], orient="row"))
    for view in both(tmp_path, {"m_drugs": frame}, {}):
        assert dict(view.code_table("m_drugs", ["price_code"]).collect().iter_rows()) == {"A": "now", "B": "only later"}


def test_care_claims_corrected_withdrawn_and_made_anew(tmp_path):
    def care(*ids):
        return ALL["care_claims"].conform(pl.DataFrame([{"insurer_no": "00110000", "care_claim_id": i, "units": n} for i, n in ids]))

    history = {("care_claims", SEP): care(("corrected", 1), ("withdrawn", 1), ("anew", 1), ("plain", 1))}
    frames = {"care_claims": care(("corrected", 2), ("anew", 2)), "superseded": pl.concat([superseded("withdrawn"), superseded("anew")])}
    for view in both(tmp_path, frames, history):
        found = view.scan("care_claims", 1).select("care_claim_id", "units").collect().sort("care_claim_id")
        assert found.rows() == [("anew", 2), ("corrected", 2), ("plain", 1)]
