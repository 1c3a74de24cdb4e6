"""The public version: no small count on it, one a month, the history that protects the next one."""

import json
import re
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from audit.errors import UsageError
from audit.params import load
from audit.reports.recovery.assemble import report_of
from audit.reports.recovery.public import COUNTS, HIDDEN, context, public_page, public_tables, tables_of
from audit.rules import all_rules
from audit.statistics.suppression import load_published, publish
from tests.reports.recovery.ledgers import town

SMALL = town(cases=900, months=14)


def small(day, tmp_path):
    return report_of(SMALL, day, tmp_path, rules=tuple(all_rules()), parameters=load())


@pytest.fixture(scope="module")
def two_months(tmp_path_factory):
    """Two months of a small town: both pages and the history."""
    folder = tmp_path_factory.mktemp("public")
    pages = [public_page(small(day, folder), folder / "history", folder).read_text(encoding="utf-8") for day in (date(2026, 10, 20), date(2026, 11, 20))]
    return folder, pages


def test_no_small_count_is_printed(two_months):
    for page in two_months[1]:
        cells = re.findall(r'<td class="n[^"]*">([^<]*)</td>', page.split("財政効果</h2>")[0])
        assert HIDDEN in cells
        counts = [int(c.replace(",", "")) for c in cells[0::2] if c != HIDDEN]
        assert not [c for c in counts if 0 < c < 10]


def test_what_changed_little_since_it_was_public_is_hidden(two_months):
    folder, _ = two_months
    first, second = (load_published(f) for f in sorted((folder / "history").glob("*.json")))
    for name in ("month", "team", "provider_kind"):
        both = first.frame(name).join(second.frame(name), on=name, suffix="_now")
        for count in COUNTS:
            moved = (both[f"{count}_now"] - both[count]).drop_nulls().abs()
            assert not moved.is_between(1, 9).any()


def test_the_page_has_nothing_of_cases_rules_and_limits(two_months):
    for page in two_months[1]:
        assert not re.findall(r"00119999-\d{8}|c\d{7}\b|JD0\d|滞留|時効", page)
        assert "<script" not in page
        assert not re.findall(r'(?:src|href)="(?!#)', page)


def test_small_error_counts_of_the_random_arm_are_not_published(report):
    few = replace(report.town, rate=replace(report.town.rate, errors=4), yen=replace(report.town.yen, errors=4))
    shown = publish(tables_of(report), "2026-11")
    told = context(replace(report, town=few), shown)["town"]
    assert told["chart"] == ""
    assert all("公表しません" in s for s in told["sentences"])
    many = replace(report.town, rate=replace(report.town.rate, errors=40), yen=replace(report.town.yen, errors=40))
    assert context(replace(report, town=many), shown)["town"]["chart"] != ""


def test_the_same_report_again_is_the_same_page_and_another_of_that_month_is_refused(two_months):
    folder, pages = two_months
    again = small(date(2026, 11, 20), folder)
    assert public_page(again, folder / "history", folder).read_text(encoding="utf-8") == pages[1]
    with pytest.raises(UsageError, match="2026-11 is public already"):
        public_page(small(date(2026, 11, 19), folder), folder / "history", folder)


def test_the_history_stays_in_the_office_and_can_be_read_by_people(two_months):
    files = sorted((two_months[0] / "history").glob("*.json"))
    assert [f.stem for f in files] == ["2026-10-20_2025-09_2026-08", "2026-11-20_2025-10_2026-09"]
    assert json.loads(files[0].read_text(encoding="utf-8"))["threshold"] == 10


def test_yen_of_few_requests_are_no_public_figure(report):
    shown = publish(tables_of(report), "2026-11")
    few = tuple(replace(y, upheld_requests=9) for y in report.years)
    assert context(replace(report, years=few), shown)["years"] == []
    assert len(context(report, shown)["years"]) == 2


def test_counts_are_nested_in_all_tables_or_in_none(report):
    funnels = {name: report.splits[name] for name in ("month", "team")}
    assert {t.nested for t in public_tables(funnels)} <= {(), COUNTS}
    falling = {name: f.with_columns(upheld_cases=pl.min_horizontal("requested_cases", "upheld_cases"), collected_cases=pl.lit(0, dtype=pl.Int64)) for name, f in funnels.items()}
    assert {t.nested for t in public_tables(falling)} == {COUNTS}
    assert {t.nested for t in public_tables(falling | {"team": falling["team"].with_columns(collected_cases=pl.lit(10**6))})} == {()}
