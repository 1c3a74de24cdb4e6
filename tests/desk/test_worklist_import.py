"""Worklists into the desk: all or nothing, once, nobody's decision overwritten unseen. What the database must do, on both engines."""

import shutil
from datetime import date, timedelta

import polars as pl
import pytest

from audit import desk
from audit.desk.worklist_import import ConflictsFound, gather, import_worklists
from audit.desk.worklist_merge import parse_take
from audit.errors import DeskConflict, UsageError
from audit.worklists.readback_problems import ProblemsFound
from tests.worklists.filled import AT, DISMISSED, UPHELD, fill, office


def open_office(home):
    made = office(home)
    desk.publish(home, made.run, by="点検係", at=AT)
    return made


@pytest.fixture
def town(tmp_path):
    """A home whose run is published to the desk (SQLite)."""
    return open_office(tmp_path / "home")


@pytest.fixture
def either(home):
    """The same, on both engines."""
    return open_office(home)


def take_in(town, *files, **options):
    return import_worklists(town.home, files, by="取込 係", at=AT, **options)


def state(town, *columns):
    return {r["case_id"]: r for r in desk.state(town.home, case_ids=town.ids).select("case_id", *columns).to_dicts()}


def nothing(town):
    return desk.state(town.home)["last_event_seq"].sum() == 0


FILLED = {0: UPHELD | {"requested_yen": 300, "memo": "=式ではない"}, 1: DISMISSED, 2: {"status": "照会中", "due_on": date(2026, 12, 10)}}


def filled(town, name="返却.xlsx", rows=FILLED):
    rows = {at: {k: ("'" + v if k == "memo" and v.startswith("=") else v) for k, v in cells.items()} for at, cells in rows.items()}
    return fill(town.book(), town.home / "back" / name, rows)


def test_entries_become_events(either):
    done = take_in(either, filled(either))
    assert done.text() == "取込 3件（認容 1、棄却 1、判定以外の記入 1）、未判定 6件"
    now = state(either, "decision", "reason_code", "requested_yen", "decided_on", "assignee", "status", "due_on", "memo", "decided_run_id", "who")
    assert now[either.ids[0]] | {"case_id": ""} == {
        "case_id": "", "decision": "upheld", "reason_code": "U01", "requested_yen": 300, "decided_on": date(2026, 11, 24), "assignee": "点検 一郎", "status": None, "due_on": None,
        "memo": "'=式ではない", "decided_run_id": either.run.name, "who": "取込 係",
    }
    assert (now[either.ids[2]]["status"], now[either.ids[2]]["due_on"]) == ("inquiring", date(2026, 12, 10))
    assert desk.verify(either.home) == []
    assert desk.ledger(either.home, AT.date()).requests["requested_yen"].to_list() == [300]


def test_the_same_file_and_a_saved_copy_do_nothing(either):
    first = filled(either)
    take_in(either, first)
    before = desk.state(either.home)
    copy = fill(first, either.home / "back" / "写し.xlsx", {}, lambda sheet, _: setattr(sheet, "title", "一覧2"))
    assert copy.read_bytes() != first.read_bytes()
    for file in (first, copy):
        done = take_in(either, file)
        assert (done.events, done.again, done.unchanged) == (0, 1, 3)
        assert "以前に取り込んだ内容と同じ" in done.text()
    assert desk.state(either.home).equals(before)


def test_a_list_that_goes_on_adds_only_what_is_new(town):
    take_in(town, filled(town))
    done = take_in(town, filled(town, "つづき.xlsx", FILLED | {2: {"status": "回答"}, 3: DISMISSED}))
    assert done.text() == "取込 2件（棄却 1、判定以外の記入 1）、登録済み・変更なし 2件、未判定 5件"
    assert done.events == 3  # state; assignee and decision


def test_one_wrong_cell_and_nothing_of_any_file_is_recorded(town):
    good, bad = filled(town, "良.xlsx"), filled(town, "誤.xlsx", {4: {"decision": "OK"}, 5: {"requested_yen": -3, "name": "別の 人"}})
    with pytest.raises(ProblemsFound) as found:
        take_in(town, good, bad)
    assert found.value.exit_code == 50
    assert found.value.problems.select("file", "row", "column").rows() == [("誤.xlsx", 7, "判定"), ("誤.xlsx", 8, "氏名"), ("誤.xlsx", 8, "請求予定額")]
    assert "何も登録していません" in str(found.value)
    assert "別の" not in str(found.value)
    assert nothing(town)


def test_a_decision_of_somebody_else_is_shown_beside_and_kept(town):
    take_in(town, filled(town))
    other = filled(town, "別の人.xlsx", {0: DISMISSED | {"memo": "患者の氏名"}, 4: UPHELD})
    with pytest.raises(ConflictsFound) as found:
        take_in(town, other)
    assert found.value.exit_code == 51
    [told] = found.value.problems.to_dicts()
    assert (told["list_no"], told["column"]) == ("柔-001", "判定")
    assert told["what"] == "登録済み: 認容・U01・300円・2026/11/24・担当 点検 一郎 ｜ この一覧: 棄却・D01・2026/11/24・担当 点検 花子（メモも違います）"
    assert "患者" not in str(found.value)
    assert state(town, "decision")[town.ids[4]]["decision"] is None

    done = take_in(town, other, take=parse_take(["theirs"]))
    assert done.text() == "取込 1件（認容 1）、登録済みを残した 1件、未判定 5件"
    assert state(town, "decision")[town.ids[0]]["decision"] == "upheld"


def test_the_lists_side_is_taken_where_somebody_says_so(either):
    take_in(either, filled(either))
    other = filled(either, "別の人.xlsx", {0: DISMISSED, 1: UPHELD})
    with pytest.raises(ConflictsFound):
        take_in(either, other, take=parse_take(["mine:柔-001"]))
    done = take_in(either, other, take=parse_take(["mine:柔－００１", "theirs"]))
    assert (done.decisions["dismissed"], done.kept) == (1, 1)
    now = state(either, "decision", "assignee")
    assert [now[either.ids[at]]["decision"] for at in (0, 1)] == ["dismissed", "dismissed"]
    assert desk.ledger(either.home, AT.date()).requests["result"].to_list() == ["withdrawn"]  # the request of the earlier decision


@pytest.mark.parametrize(("cells", "conflict"), [
    (DISMISSED | {"assignee": "点検 一郎", "decided_on": date(2026, 11, 26)}, False),  # the same reviewer, later: a correction
    (DISMISSED | {"assignee": "点検 一郎"}, True),  # the same day: which one is the later?
    (DISMISSED | {"assignee": "点検 一郎", "decided_on": date(2026, 11, 20)}, True),  # an older copy
    (DISMISSED | {"assignee": None, "decided_on": date(2026, 11, 26)}, True),  # nobody knows whose
    (UPHELD | {"spent_minutes": 30}, False),  # adds what was blank
    (UPHELD | {"requested_yen": 200}, True),  # another amount
    ({"status": "返戻"}, False),  # goes on after the decision
    (UPHELD | {"memo": "別のメモ"}, False), (UPHELD | {"assignee": "点検 花子"}, True), ({"memo": "私のメモ"}, True),  # an older copy, without the decision
])
def test_what_is_a_conflict(town, cells, conflict):
    take_in(town, filled(town))
    file = filled(town, "次.xlsx", {0: cells})
    if conflict:
        with pytest.raises(ConflictsFound):
            take_in(town, file)
    else:
        assert take_in(town, file).events > 0


def test_a_blank_takes_nothing_back(town):
    take_in(town, filled(town))
    before = state(town, "decision", "status", "memo", "last_event_seq")
    assert take_in(town, filled(town, "空.xlsx", {})).events == 0
    assert state(town, "decision", "status", "memo", "last_event_seq") == before


def test_somebody_who_records_while_the_import_runs_is_not_overwritten(either, monkeypatch):
    from audit.desk import worklist_import

    def meanwhile(*arguments):
        plan = merge(*arguments)
        event = pl.DataFrame({"kind": ["decided"], "case_id": [either.ids[0]], "code": ["referred"]})
        desk.record(either.home, event, batch="screen", source="screen", by="別の 係", at=AT)
        return plan

    merge = worklist_import.merged
    monkeypatch.setattr(worklist_import, "merged", meanwhile)
    with pytest.raises(DeskConflict):
        take_in(either, filled(either))
    assert [r["decision"] for r in state(either, "decision").values() if r["decision"]] == ["referred"]


def test_two_files_of_one_import_stand_or_fall_together(either, monkeypatch):
    from audit.desk import worklist_import

    def second_fails(home, events, **options):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(1)
        return record(home, events, **options)

    record, done = worklist_import.record_events, []
    monkeypatch.setattr(worklist_import, "record_events", second_fails)
    with pytest.raises(KeyboardInterrupt):
        take_in(either, filled(either, "1.xlsx", {0: UPHELD}), filled(either, "2.xlsx", {1: DISMISSED}))
    assert nothing(either)


# -- several files ---------------------------------------------------------------------------------------------------
def test_two_copies_of_a_list_are_one_where_they_agree(town):
    done = take_in(town, filled(town, "1.xlsx", {0: UPHELD, 1: DISMISSED}), filled(town, "2.xlsx", {0: UPHELD, 2: UPHELD}))
    assert (done.decisions["upheld"], done.decisions["dismissed"]) == (2, 1)


def test_two_copies_that_contradict_each_other_are_refused(town):
    with pytest.raises(ProblemsFound, match="ファイルによって違います"):
        take_in(town, filled(town, "1.xlsx", {0: UPHELD}), filled(town, "2.xlsx", {0: DISMISSED}))
    assert nothing(town)


def test_a_folder_is_taken_in_as_a_whole(town, tmp_path):
    inbox = tmp_path / "inbox"
    filled(town, "a.xlsx")
    shutil.copytree(town.home / "back", inbox)
    for name in ("~$a.xlsx", ".hidden.xlsx", "Thumbs.db", "メモ.docx"):
        (inbox / name).write_bytes(b"x")
    (inbox / "b.xlsm").write_bytes(b"x")
    assert [p.name for p in gather([inbox])] == ["a.xlsx", "b.xlsm"]
    with pytest.raises(ProblemsFound, match=r"b\.xlsm"):
        take_in(town, *gather([inbox]))
    with pytest.raises(UsageError, match="no such file"):
        gather([inbox / "none.xlsx"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no worklist"):
        gather([tmp_path / "empty"])


# -- which list it is ------------------------------------------------------------------------------------------------
def refusal(town, file, **options):
    with pytest.raises(ProblemsFound) as found:
        take_in(town, file, **options)
    assert nothing(town)
    return found.value.problems["what"][0]


def test_a_list_of_another_office_is_refused(town, tmp_path):
    elsewhere = office(tmp_path / "elsewhere", run_id="2026-09-ffffffff")
    assert "この保存先にない実行" in refusal(town, fill(elsewhere.book(), tmp_path / "a.xlsx", FILLED))


@pytest.mark.parametrize(("key", "value", "word"), [("run_id", "../../etc", "この保存先にない"), ("insurer_no", "../x", "保険者番号か担当"), ("team", "x/y", "保険者番号か担当"), ("month", "2026-08", "月が実行の記録と")])
def test_what_a_file_says_of_itself_is_no_path(town, tmp_path, key, value, word):
    def change(sheet, _):
        next(r for r in sheet.parent["_meta"].iter_rows(max_col=2) if r[0].value == key)[1].value = value

    assert word in refusal(town, fill(town.book(), tmp_path / "a.xlsx", FILLED, change))


def test_a_saved_copy_of_last_months_list_is_refused_until_it_is_meant(town):
    file = filled(town)
    later = office(town.home, month="2026-10", run_id="2026-10-12345678", seed=8)
    desk.publish(town.home, later.run, by="点検係", at=AT + timedelta(days=30))
    assert "前の月（2026-09）の一覧" in refusal(town, file)
    assert take_in(town, file, run=town.run.name).decisions["upheld"] == 1


def test_a_list_of_the_same_month_before_it_was_run_anew_is_refused(town):
    file = filled(town)
    again = office(town.home, run_id="2026-09-99999999")
    desk.publish(town.home, again.run, by="点検係", at=AT + timedelta(hours=1))
    assert "やり直す前" in refusal(town, file)
    assert take_in(town, filled(again, "新.xlsx")).decisions["upheld"] == 1


def test_an_older_copy_of_the_same_run_is_refused(town):
    file = filled(town)
    other = town.cases.with_columns(at_stake_yen=pl.col("at_stake_yen") + 1)
    from audit.worklists import export_worklists

    export_worklists(other, town.findings, town.context, town.run / "worklists")
    assert "古い写し" in refusal(town, file)


def test_a_run_that_the_desk_does_not_know_is_refused(tmp_path):
    made = office(tmp_path / "home")
    assert "台帳に公開されていない" in refusal(made, filled(made))


# -- pseudonymised lists ---------------------------------------------------------------------------------------------
KEY = b"0123456789abcdef0123456789abcdef"


def test_a_pseudonymised_list_comes_back_through_its_key(town, tmp_path, monkeypatch):
    from dataclasses import replace

    from audit.desk import worklist_lists
    from audit.worklists import export_worklists

    secret = replace(town.context, pseudonym_key=KEY)
    monkeypatch.setattr(worklist_lists, "listed_context", lambda *_, pseudonym_key, **__: replace(town.context, pseudonym_key=pseudonym_key))
    files = export_worklists(town.cases, town.findings, secret, tmp_path / "out")
    book = next(f for f in files if f.suffix == ".xlsx")
    returned = fill(book, tmp_path / "a.xlsx", FILLED | {0: UPHELD})
    assert town.ids[0].encode() not in returned.read_bytes()
    assert "仮名化した一覧" in refusal(town, returned)
    assert "指定した鍵では" in refusal(town, returned, pseudonym_key=b"x" * 32)
    assert take_in(town, returned, pseudonym_key=KEY).decisions["upheld"] == 1
    assert state(town, "decision")[town.ids[0]]["decision"] == "upheld"
    assert take_in(town, book.with_suffix(".csv"), pseudonym_key=KEY).unchanged == 0


# -- --take ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("texts", [["both"], ["mine", "theirs"], [""]])
def test_take_is_mine_or_theirs(texts):
    with pytest.raises(UsageError):
        parse_take(texts)


def test_take_names_conflicts_only(town):
    take_in(town, filled(town))
    with pytest.raises(UsageError, match="柔-002"):
        take_in(town, filled(town, "x.xlsx", {0: DISMISSED}), take=parse_take(["mine:柔-002"]))
