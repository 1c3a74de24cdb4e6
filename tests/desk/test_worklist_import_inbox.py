"""The folder of returned lists: each file by itself, moved where its fate shows, nothing lost when it is cut off."""

import os
from datetime import date, timedelta

import openpyxl
import pytest
import yaml

from audit import desk
from audit.desk import worklist_inbox
from audit.errors import DeskConflict, StorageError
from tests.worklists.filled import AT, DISMISSED, UPHELD, fill, office


@pytest.fixture
def town(tmp_path):
    made = office(tmp_path / "home")
    desk.publish(made.home, made.run, by="点検係", at=AT)
    return made


@pytest.fixture
def inbox(tmp_path):
    return tmp_path / "inbox" / "returned"


def put(town, inbox, name, rows, minutes=10):
    file = fill(town.book(), inbox / name, rows)
    old = (AT - timedelta(minutes=minutes)).timestamp()
    os.utime(file, (old, old))
    return file


def tree(inbox):
    return sorted(p.relative_to(inbox).as_posix() for p in inbox.rglob("*") if p.is_file())


def empty(town, inbox):
    return worklist_inbox.empty(town.home, inbox, at=AT)


def test_good_files_are_done_and_bad_ones_have_their_problems_beside(town, inbox):
    put(town, inbox, "一班.xlsx", {0: UPHELD})
    put(town, inbox, "二班.xlsx", {1: {"decision": "OK", "name": "別の 人"}})
    put(town, inbox, "三班.xlsx", {0: DISMISSED})  # contradicts the first: the first is in already
    emptied = empty(town, inbox)
    assert emptied.text() == "取込 1ファイル（認容 1）、要確認 2ファイル（3件）"
    assert tree(inbox) == ["done/一班.xlsx", "problems/三班.xlsx", "problems/三班.xlsxの問題.xlsx", "problems/二班.xlsx", "problems/二班.xlsxの問題.xlsx"]
    sheet = openpyxl.load_workbook(inbox / "problems" / "二班.xlsxの問題.xlsx").active
    assert [c.value for c in sheet[1]] == ["ファイル", "シート", "行", "整理番号", "列", "問題", "直し方・入れられる値"]
    assert [(r[2].value, r[3].value, r[4].value) for r in sheet.iter_rows(min_row=2)] == [(4, "柔-002", "氏名"), (4, "柔-002", "判定")]
    assert "登録済み: 認容" in openpyxl.load_workbook(inbox / "problems" / "三班.xlsxの問題.xlsx").active["F2"].value
    assert empty(town, inbox).text() == "取込 0ファイル"


def test_nothing_is_said_of_a_person_or_file(town, inbox):
    put(town, inbox, "国保太郎様.xlsx", {0: {"decision": "国保太郎"}})
    text = empty(town, inbox).text()
    assert text == "取込 0ファイル、要確認 1ファイル（1件）"


def test_files_that_are_still_in_use_wait(town, inbox):
    put(town, inbox, "開いている.xlsx", {0: UPHELD})
    (inbox / "~$開いている.xlsx").write_bytes(b"x")
    put(town, inbox, "写している.xlsx", {1: UPHELD}, minutes=0)
    assert empty(town, inbox).text() == "取込 0ファイル、次回 2ファイル"
    (inbox / "~$開いている.xlsx").unlink()
    assert empty(town, inbox).text() == "取込 1ファイル（認容 1）、次回 1ファイル"


def test_cut_off_between_import_and_move_nothing_is_taken_in_twice(town, inbox, monkeypatch):
    put(town, inbox, "a.xlsx", {0: UPHELD})
    monkeypatch.setattr(worklist_inbox, "_move", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        empty(town, inbox)
    monkeypatch.undo()
    before = desk.state(town.home)
    assert empty(town, inbox).text() == "取込 1ファイル（新しい記入なし）"
    assert desk.state(town.home).equals(before)
    assert tree(inbox) == ["done/a.xlsx"]


def test_a_file_of_the_same_name_is_kept_beside(town, inbox):
    for at, day in ((0, 24), (1, 25)):
        put(town, inbox, "a.xlsx", {at: UPHELD | {"decided_on": date(2026, 11, day)}})
        empty(town, inbox)
    assert tree(inbox) == ["done/a-2.xlsx", "done/a.xlsx"]


def test_a_case_that_changes_while_it_is_read_waits_for_the_next_time(town, inbox, monkeypatch):
    put(town, inbox, "a.xlsx", {0: UPHELD})
    monkeypatch.setattr(worklist_inbox, "import_worklists", lambda *_, **__: (_ for _ in ()).throw(DeskConflict(["x"])))
    assert empty(town, inbox).text() == "取込 0ファイル、次回 1ファイル"
    assert tree(inbox) == ["a.xlsx"]


def test_an_empty_or_missing_folder_is_no_error(town, inbox):
    assert empty(town, inbox).text() == "取込 0ファイル"
    (inbox / "Thumbs.db").write_bytes(b"x")
    assert empty(town, inbox).text() == "取込 0ファイル"


def test_a_file_that_cannot_be_moved_is_told(town, inbox, monkeypatch):
    put(town, inbox, "a.xlsx", {0: UPHELD})
    (inbox / "done").write_bytes(b"a file where the folder should be")
    with pytest.raises(StorageError):
        empty(town, inbox)


def test_the_flow_is_deployed_on_weekday_evenings():
    with open("prefect.yaml", encoding="utf-8") as stream:
        deployed = {d["name"]: d for d in yaml.safe_load(stream)["deployments"]}["take-in-decisions"]
    assert deployed["entrypoint"] == "flows/take_in_decisions.py:take_in_decisions"
    assert [(s["cron"], s["timezone"], s["active"]) for s in deployed["schedules"]] == [("0 18 * * 1-5", "Asia/Tokyo", True)]
