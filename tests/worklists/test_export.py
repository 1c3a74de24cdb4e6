"""Which cases are written where, in which order, and what is withheld."""

import csv
import io
import logging
import re
import time
from dataclasses import replace

import polars as pl
import pytest

from audit.errors import UsageError
from audit.worklists import RuleText, export_with_report, export_worklists, text_safety
from audit.worklists.layout import layout
from audit.worklists.rows import build_rows, listed, row_checks
from tests.worklists.samples import INSURER, MONTH, make

TEAMS = tuple(layout().teams)


def read(path, encoding="utf-8-sig"):
    """Read a CSV as its receiver would: text cells unprotected."""
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode(encoding), newline="")))


def test_each_team_with_listed_cases_gets_a_workbook_and_a_csv(tmp_path):
    cases, findings, context = make(3, TEAMS)
    paths = export_worklists(cases, findings, context, tmp_path)
    assert [p.name for p in paths] == sorted(f"worklist_{INSURER}_{MONTH}_{t}.{s}" for t in TEAMS for s in ("csv", "xlsx"))
    assert sorted(p.name for p in tmp_path.iterdir()) == [p.name for p in paths]  # nothing half-written stays


def test_a_list_holds_the_ranked_cases_in_rank_order(tmp_path):
    cases, findings, context = make(9)
    export_worklists(cases.sample(fraction=1, shuffle=True, seed=3), findings, context, tmp_path)
    rows = read(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv")
    want = cases.filter(pl.col("rank").is_not_null()).sort("rank")["case_id"].to_list()
    assert [r["照合キー"] for r in rows] == want
    assert [r["整理番号"] for r in rows] == [f"柔-{i:03d}" for i in range(1, 10)]


def test_insurers_are_kept_apart(tmp_path):
    cases, findings, context = make(4)
    other = cases.with_columns(
        pl.col("case_id").str.replace(INSURER, "00139999", literal=True, n=-1), insurer_no=pl.lit("00139999"),
        person_id=pl.col("person_id").str.replace(INSURER, "00139999", literal=True),
    )
    paths = export_worklists(pl.concat([cases, other]), findings, context, tmp_path)
    assert [p.name for p in paths if p.suffix == ".csv"] == [f"worklist_{i}_{MONTH}_judo.csv" for i in (INSURER, "00139999")]
    assert len(read(paths[0])) == 4


def test_no_listed_case_no_file(tmp_path):
    cases, findings, context = make(2)
    assert export_worklists(cases.with_columns(rank=pl.lit(None, pl.Int32)), findings, context, tmp_path) == []


def test_the_same_input_in_another_order_gives_the_same_bytes(tmp_path):
    cases, findings, context = make(12, ("judo", "care"))
    first = export_worklists(cases, findings, context, tmp_path / "a")
    mixed = replace(
        context, visits=context.visits.sample(fraction=1, shuffle=True, seed=1), names=context.names.reverse(),
        providers=context.providers.reverse(), rules=dict(reversed(list(context.rules.items()))),
    )
    second = export_worklists(cases.reverse(), findings.sample(fraction=1, shuffle=True, seed=2), mixed, tmp_path / "b")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_another_run_id_gives_other_check_codes(tmp_path):
    cases, _, context = make(3)
    one, two = (build_rows(listed(cases), c)["row_check"] for c in (context, replace(context, run_id="20261222-0001")))
    assert not set(one) & set(two)


def test_a_row_whose_yen_were_swapped_no_longer_has_its_check_code():
    cases, _, context = make(6)
    rows = build_rows(listed(cases), context)
    assert row_checks(rows).to_list() == rows["row_check"].to_list()
    swapped = rows.with_columns(pl.col("at_stake_yen").reverse())
    differ = rows["at_stake_yen"] != swapped["at_stake_yen"]
    assert ((row_checks(swapped) != rows["row_check"]) == differ).all()
    assert differ.any()


def test_random_cases_show_neither_rank_nor_score(tmp_path):
    cases, findings, context = make(10)
    export_worklists(cases, findings, context, tmp_path)
    rows = read(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv")
    blind = [c.ja for c in layout().columns if c.blind]
    assert set(blind) == {"順位", "認容見込", "期待額", "外れ度"}
    for row in rows:
        hidden = {row[c] for c in blind} == {"ー"}
        assert hidden == (row["抽出区分"] == "無作為")
    random = [r for r in rows if r["抽出区分"] == "無作為"]
    assert random
    assert all("中央値" not in r["疑義の内容・抽出理由"] for r in random)


def test_explored_cases_show_neither_rank_nor_score_but_their_findings(tmp_path):
    cases, findings, context = make(10)
    first = cases.filter(pl.col("rank") == 1)["case_id"][0]
    cases = cases.with_columns(selection=pl.when(pl.col("case_id") == first).then(pl.lit("explore")).otherwise("selection"))
    export_worklists(cases, findings, context, tmp_path)
    row = read(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv")[0]
    assert row["抽出区分"] == "学習抽出"
    assert {row[c.ja] for c in layout().columns if c.blind} == {"ー"}
    assert row["疑義の内容・抽出理由"].startswith("・")
    assert int(row["影響額（見込）"]) == cases.filter(pl.col("case_id") == first)["at_stake_yen"][0]


def test_groups_are_numbered_in_the_order_of_the_list_and_earlier_lists_are_named(tmp_path):
    cases, findings, context = make(6)
    group = pl.Series(["x", "y", "y", "x", "z", None, "z", None])  # the last two are not on the list
    cases = cases.sort("rank", nulls_last=True).with_columns(group_id=group, listed_before=pl.when(pl.col("rank") == 2).then(pl.lit("2026-07")))
    export_worklists(cases, findings, context, tmp_path)
    rows = read(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv")
    assert [r["組"] for r in rows] == ["組1", "組2", "組2", "組1", "", ""]
    assert [r["前回の一覧"] for r in rows] == ["", "2026-07", "", "", "", ""]


def test_model_cases_say_how_they_differ_from_their_peers(tmp_path):
    cases, findings, context = make(5)
    export_worklists(cases, findings, context, tmp_path)
    row = next(r for r in read(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv") if r["抽出区分"] == "モデル抽出")
    assert row["疑義の内容・抽出理由"].split("\n") == [
        "施術日数：本件 18日／同種の中央値 4.5日（上位0.8%）",
        "申請金額：本件 34,560円／同種の中央値 7,890円（上位0.1%以内）",
        "同じ日に負傷した部位の割合：本件 100%／同種の中央値 33.3%（上位15%）",
    ]


def test_days_count_once_and_only_in_the_cases_month():
    cases, _, context = make(3)
    case = listed(cases)[0]
    own = case["claim_ids"][0].to_list()
    visits = pl.DataFrame(
        [("x1", None, "p", "2026-09-01", 0b0111, 2, 4), ("x2", None, "q", "2026-09-01", 0b1110, 3, None), ("x3", None, "q", "2026-08-01", 0b110000, 9, 9)],
        schema=["claim_id", "person_id", "provider_id", "service_month", "visit_days", "part_count", "course_months"], orient="row",
    ).with_columns(pl.col("service_month").str.to_date(), pl.col("visit_days").cast(pl.UInt32), pl.col("person_id").cast(pl.String))
    case = case.with_columns(claim_ids=pl.Series([["x1", "x2", "x3"]]))
    row = build_rows(case, replace(context, visits=visits))
    assert own
    assert row.select("day_count", "part_count", "course_months").row(0) == (4, 3, 4)
    unknown = build_rows(case, replace(context, visits=visits.with_columns(visit_days=pl.lit(None, pl.UInt32))))
    assert unknown["day_count"].to_list() == [None]


def test_names_are_left_out_when_asked(tmp_path):
    cases, findings, context = make(4)
    export_worklists(cases, findings, replace(context, names=None), tmp_path)
    rows = read(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv")
    assert {r["氏名"] for r in rows} == {""}
    assert all(re.fullmatch(r"\d{11}", r["宛名番号"]) for r in rows)


def test_pseudonymised_lists_hold_no_number_of_a_person(tmp_path):
    cases, findings, context = make(12)
    personal = f"judo:{INSURER}:c1:202609:12345678:01:19500101:20260901"
    cases = cases.with_columns(claim_ids=pl.col("claim_ids").list.concat(pl.lit([personal])))
    findings = findings.with_columns(message=pl.col("message") + pl.col("person_id"))
    export_worklists(cases, findings, replace(context, pseudonym_key=b"k" * 32), tmp_path)
    text = (tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv").read_text("utf-8-sig")
    from zipfile import ZipFile

    with ZipFile(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.xlsx") as book:
        text += "".join(book.read(n).decode() for n in book.namelist())
    numbers = [p.removeprefix(f"{INSURER}-") for p in cases["person_id"]]
    assert [n for n in (*numbers, "12345678", "国保 太郎") if n in text] == []
    assert text.count("仮-") > 12


def test_pseudonyms_depend_on_the_key_and_stay_the_same_with_it(tmp_path):
    cases, _, context = make(5)
    def people(key):
        return build_rows(listed(cases), replace(context, pseudonym_key=key))["addressee"].to_list()

    assert people(b"a" * 16) == people(b"a" * 16)
    assert not set(people(b"a" * 16)) & set(people(b"b" * 16))


def test_a_short_key_is_refused_with_a_remedy():
    with pytest.raises(UsageError, match="shorter than 16 bytes → "):
        replace(make(1)[2], pseudonym_key=b"short")


def test_cp932_is_offered_and_losses_are_counted_and_logged(tmp_path, caplog):
    cases, findings, context = make(4)
    context = replace(context, names=context.names.with_columns(name=pl.lit("𠮷野 〜子")))
    with caplog.at_level(logging.WARNING):
        report = export_with_report(cases, findings, context, tmp_path, csv_encoding="cp932")
    name = f"worklist_{INSURER}_{MONTH}_judo.csv"
    assert report.replaced == {name: 4}
    assert {r["氏名"] for r in read(tmp_path / name, "cp932")} == {"〓野 ～子"}
    assert "4 characters" in caplog.text
    assert "野" not in caplog.text


def test_another_encoding_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match="utf-16"):
        export_worklists(*make(1), tmp_path / "out", csv_encoding="utf-16")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("change", "word"), [
    ({"team": pl.lit("nobody")}, "team"), ({"selection": pl.lit("whim")}, "selection"), ({"case_id": pl.lit("x")}, "not unique"),
    ({"rule_ids": pl.lit(["ZZ99"])}, "ZZ99"), ({"finding_ids": pl.lit(["ZZ99|x"])}, "not among the findings"),
])
def test_what_the_author_got_wrong_is_said_without_person_data(tmp_path, change, word):
    cases, findings, context = make(3)
    with pytest.raises(ValueError, match=word) as caught:
        export_worklists(cases.with_columns(**change), findings, context, tmp_path)
    assert not re.search(r"\d{8}-\d", str(caught.value))


def test_a_failed_write_leaves_the_old_file_and_no_half_one(tmp_path, monkeypatch):
    cases, findings, context = make(2)
    paths = export_worklists(cases, findings, context, tmp_path)
    before = {p.name: p.read_bytes() for p in paths}

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr("audit.worklists.export.workbook_bytes", fail)
    with pytest.raises(OSError, match="disk full"):
        export_worklists(cases, findings, replace(context, run_id="later"), tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_the_csv_reads_as_the_office_expects(tmp_path, golden):
    cases, findings, context = make(6, ("judo", "health"))
    hostile = cases.with_columns(
        at_stake_yen=pl.when(pl.col("rank") == 1).then(-500).otherwise("at_stake_yen"),
        provider_id=pl.when(pl.col("rank") == 2).then(None).otherwise("provider_id"),
        person_id=pl.when(pl.col("rank") == 3).then(None).otherwise("person_id"),
    )
    names = context.names.with_columns(name=pl.lit('=HYPERLINK("x","＋81")'), kana=pl.lit("'ｺｸﾎ\tﾀﾛｳ"))
    for path in export_worklists(hostile, findings, replace(context, names=names), tmp_path):
        if path.suffix == ".csv":
            golden(f"worklists/{path.name}", path.read_bytes())
    rows = read(tmp_path / f"worklist_{INSURER}_{MONTH}_judo.csv")
    assert rows[0]["影響額（見込）"] == "-500"  # a number, so no apostrophe
    assert text_safety.unprotect(rows[0]["氏名"]) == '=HYPERLINK("x","＋81")'
    assert text_safety.unprotect(rows[0]["カナ氏名"]) == "'ｺｸﾎ\tﾀﾛｳ"
    assert (rows[1]["機関番号"], rows[2]["宛名番号"]) == ("複数", "照合なし")


def test_a_rule_text_is_taken_from_a_registered_rule():
    class Rule:
        title_ja, basis, explanation_ja, severity, next_action_ja = "題", "根拠", "説明", "error", "対応"

    assert RuleText.of(Rule) == RuleText("題", "根拠", "説明", "error", "対応")


@pytest.mark.slow
def test_six_teams_with_300_cases_each_take_three_seconds(tmp_path):
    made = make(300, TEAMS)
    export_worklists(*made, tmp_path)  # imports and caches

    started = time.process_time()
    export_worklists(*made, tmp_path)
    assert time.process_time() - started < 4.5  # 3 s on an idle machine, with room for a busy one


def test_worker_processes_give_the_same_bytes(tmp_path, monkeypatch):
    cases, findings, context = make(n=4, teams=("judo", "health", "care"))
    plain = export_worklists(cases, findings, context, tmp_path / "plain")
    monkeypatch.setattr("audit.worklists.export.MANY_CASES", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    pooled = export_worklists(cases, findings, context, tmp_path / "pooled")
    assert len(plain) == 6
    assert [p.read_bytes() for p in plain] == [p.read_bytes() for p in pooled]
