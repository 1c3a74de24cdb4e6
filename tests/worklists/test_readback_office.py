"""Lists that LibreOffice really opened, worked in and saved."""

from datetime import date

import openpyxl
import pytest

from audit import desk
from audit.desk.worklist_import import import_worklists
from tests.worklists.filled import AT, DISMISSED, UPHELD, fill, office, places
from tests.worklists.libreoffice import OFFICE, resave, review

pytestmark = [pytest.mark.office, pytest.mark.skipif(OFFICE is None, reason="LibreOffice (soffice) is not installed")]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    made = office(tmp_path_factory.mktemp("office"))
    desk.publish(made.home, made.run, by="点検係", at=AT)
    return made


def take_in(town, file):
    return import_worklists(town.home, [file], by="取込 係", at=AT)


def of(town, at):
    return desk.state(town.home, case_ids=[town.ids[at]]).row(0, named=True)


def test_a_list_sorted_and_filled_in_by_libreoffice(town, tmp_path):
    """The whole workbook, its protection taken off, typed into, sorted by clinic, saved as .xlsx."""
    at = {k: c - 1 for k, c in places(openpyxl.load_workbook(town.book())).items()}
    typed = [
        (at["decision"], 2, "text", "認容"), (at["reason_code"], 2, "text", "U01 算定基準・告示と相違"), (at["decided_on"], 2, "typed", "2026-11-24"), (at["requested_yen"], 2, "typed", "120"),
        (at["assignee"], 2, "text", "=山田"), (at["memo"], 2, "text", "－確認, 済 'x'"), (at["decision"], 3, "text", "棄却"), (at["reason_code"], 3, "text", "D01"), (at["decided_on"], 3, "text", "令和8年11月24日"),
    ]
    saved = review(town.book(), tmp_path / "返却.xlsx", typed, sort_by=at["provider_id"], first_row=2, last_row=9, last_column=len(at) - 1)
    sheet = openpyxl.load_workbook(saved)["一覧"]
    numbers = [r[at["list_no"]].value for r in sheet.iter_rows(min_row=3)]
    assert numbers != sorted(numbers)
    assert not sheet.protection.sheet
    assert take_in(town, saved).text() == "取込 2件（認容 1、棄却 1）、未判定 6件"
    first, second = of(town, 0), of(town, 1)
    assert (first["decision"], first["requested_yen"], first["decided_on"], first["assignee"], first["memo"]) == ("upheld", 120, date(2026, 11, 24), "=山田", "－確認, 済 'x'")
    assert (second["decision"], second["reason_code"], second["decided_on"]) == ("dismissed", "D01", date(2026, 11, 24))
    again = take_in(town, resave(saved, tmp_path / "again"))
    assert (again.events, again.again, again.unchanged) == (0, 1, 2)


def test_a_csv_that_libreoffice_saved(town, tmp_path):
    """As a double click opens it (numbers and dates are guessed), saved as CSV again, in CP932."""
    saved = resave(town.csv(), tmp_path / "csv", to="csv:Text - txt - csv (StarCalc):44,34,64,1", infilter="CSV:44,34,76,1")
    assert saved.read_bytes() != town.csv().read_bytes()
    assert take_in(town, saved).text().startswith("取込 0件")


def test_a_list_that_excel_filled_in_and_libreoffice_saved(town, tmp_path):
    filled = fill(town.book(), tmp_path / "a.xlsx", {3: UPHELD | {"memo": "一行目\n二行目"}, 4: DISMISSED | {"decided_on": 46350}, 5: {"due_on": "R8.12.10"}})
    assert take_in(town, resave(filled, tmp_path / "saved")).text().startswith("取込 3件（認容 1、棄却 1、判定以外の記入 1）")
    assert (of(town, 3)["memo"], of(town, 4)["decided_on"], of(town, 5)["due_on"]) == ("一行目\n二行目", date(2026, 11, 24), date(2026, 12, 10))
    assert take_in(town, filled).events == 0
