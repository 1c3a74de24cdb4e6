"""`kokuho-audit desk` and `outcomes`: what is printed, which exit code, what is written."""

import csv
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from audit import desk
from audit.cli import main
from audit.desk.database import opened
from tests.desk.world import AT, case_id, cases, decided, events, run_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """A home with a finished run that nobody has published yet."""
    run_of(tmp_path, cases(3))
    monkeypatch.setattr("audit.cli.office.now", lambda: AT.astimezone(ZoneInfo("Asia/Tokyo")))
    return tmp_path


def test_publish_status_verify(ran, capsys):
    at = ["--home", str(ran)]
    assert main(["desk", "publish", "2026-10-aaaa", "--by", "佐藤", *at]) == 0
    assert "3件を公開しました" in capsys.readouterr().out
    assert main(["desk", "publish", "2026-10-aaaa", *at]) == 0
    assert "公開済み" in capsys.readouterr().out
    assert main(["desk", "publish", *at]) == 0
    assert "未公開の実行結果はありません" in capsys.readouterr().out
    desk.record(ran, events(decided(0, yen=900)), batch="1", source="test", by="a", at=AT)
    assert main(["desk", "status", *at]) == 0
    said = capsys.readouterr().out
    assert "レセプト点検: 案件 3、うち点検リスト 3、判定済 1、リストの未判定 2" in said
    assert "申出 1件 900円、結果待ち 1件" in said
    assert main(["desk", "verify", *at]) == 0
    said = capsys.readouterr().out
    head = said.split("末尾: ")[1].split("（")[0]
    assert main(["desk", "verify", "--head", head, *at]) == 0
    assert main(["desk", "verify", "--head", f"1:{'0' * 64}", *at]) == 72
    assert main(["desk", "verify", "--head", "nonsense", *at]) == 2


def test_the_next_command_publishes_what_was_cut_off(ran, capsys):
    assert main(["desk", "status", "--home", str(ran)]) == 0
    told = capsys.readouterr()
    assert "2026-10-aaaa" in told.err
    assert "案件 3件" in told.out


def test_a_run_is_published_at_its_end(ran, capsys, monkeypatch):
    done = ran / "runs" / "2026-10-aaaa"
    monkeypatch.setattr("audit.pipeline.run_month", lambda spec, progress: done)
    monkeypatch.setattr("audit.reports.summary.summary_text", lambda run: f"要約 {run.name}")
    command = ["run", str(ran / "delivery"), "--month", "2026-10", "--home", str(ran), "--no-prefect", "--by", "佐藤"]
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:geheim@127.0.0.1:1/none")
    assert main(command) == 70
    told = capsys.readouterr()
    assert "要約 2026-10-aaaa" in told.out, "the run is finished, whatever the desk says"
    assert "geheim" not in told.err
    monkeypatch.delenv("DATABASE_URL")
    assert main(command) == 0
    assert desk.state(ran).height == 3
    assert main(command) == 0
    assert desk.verify(ran) == []


def test_a_request_by_hand(ran, capsys):
    command = ["desk", "request", case_id(1), "--way", "inquiry", "--yen", "0", "--on", "2026-11-27", "--due", "2026-12-25", "--home", str(ran)]
    assert main(command) == 0
    assert "照会の申出を登録しました" in capsys.readouterr().out
    assert main(command) == 0
    assert "登録済み" in capsys.readouterr().out
    (asked,) = desk.ledger(ran, AT.date()).requests.rows(named=True)
    assert (asked["way"], asked["requested_yen"], str(asked["requested_on"]), str(asked["due_on"])) == ("inquiry", 0, "2026-11-27", "2026-12-25")
    assert main(["desk", "request", "nobody", "--way", "inquiry", "--yen", "0", "--home", str(ran)]) == 70
    assert main(["desk", "request", case_id(1), "--way", "settlement", "--yen", "-5", "--home", str(ran)]) == 70
    assert desk.ledger(ran, AT.date()).requests.height == 1


def test_an_empty_home(tmp_path, capsys):
    assert main(["desk", "status", "--home", str(tmp_path)]) == 0
    assert "公開された案件はありません" in capsys.readouterr().out


def test_nobody_records_without_a_name(ran, capsys):
    assert main(["desk", "publish", "--by", " ", "--home", str(ran)]) == 2
    assert "--by" in capsys.readouterr().err


def test_a_broken_ledger_has_its_own_exit_code(ran, capsys):
    main(["desk", "publish", "--home", str(ran)])
    with opened(ran) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER desk_case_no_update")
        cursor.execute("UPDATE desk_case SET at_stake_yen = 1 WHERE rank = 2")
    assert main(["desk", "verify", "--home", str(ran)]) == 72
    said = capsys.readouterr().err
    assert "公開した案件の内容が公開時と違います" in said
    assert "desk_case_no_update" in said
    assert "p1" not in said


def test_an_export_for_an_auditor(ran, tmp_path, capsys):
    main(["desk", "publish", "--home", str(ran)])
    desk.record(ran, events(decided(0, yen=900), {"kind": "memo", "case_id": case_id(0), "text": "=1+1"}), batch="1", source="test", by="a", at=AT)
    for more, memo in (([], ""), (["--with-memo"], "'=1+1")):
        out = tmp_path / "out" / f"{len(more)}.csv"
        assert main(["desk", "export", "--out", str(out), *more, "--home", str(ran)]) == 0
        with out.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [r["kind"] for r in rows] == ["published", "decided", "memo", "requested", "due"]
        assert [r["kind_ja"] for r in rows] == ["公開", "判定", "メモ", "申出", "期限"]
        assert rows[2]["text"] == memo
        assert [r["prev_hash"] for r in rows[1:]] == [r["hash"] for r in rows[:-1]]


def test_outcomes_on_the_command_line(ran, tmp_path, capsys):
    main(["desk", "publish", "--home", str(ran)])
    desk.record(ran, events(decided(0, yen=900)), batch="1", source="test", by="a", at=AT)
    results = tmp_path / "結果.csv"
    results.write_text("検索番号,結果,増減額,結果通知日\n202608000000,査定,900,R8.11.20\n9,査定,900,R8.11.20\n", encoding="cp932")
    command = ["outcomes", "import", str(results), "--kind", "rereview", "--home", str(ran)]
    assert main([*command, "--list", str(tmp_path / "未照合.csv")]) == 0
    said = capsys.readouterr().out
    assert "2行のうち 1行が申出と結び付きました" in said
    assert "該当する申出なし: 1行" in said
    assert (tmp_path / "未照合.csv").is_file()
    results.write_text("検索番号,結果,増減額,結果通知日\n202608000000,減額,9,R8.13.20\n", encoding="cp932")
    assert main(command) == 52
    assert "何も登録していません" in capsys.readouterr().err


def test_migrations_are_up_to_date():
    call_command("makemigrations", "desk", check=True, dry_run=True, verbosity=0)


def test_a_database_of_a_later_version_is_left_alone(ran, capsys):
    main(["desk", "publish", "--home", str(ran)])
    with opened(ran) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('desk', '0099_of_next_year', '2027-01-01')")
    assert main(["desk", "status", "--home", str(ran)]) == 70
    assert "later version" in capsys.readouterr().err


def test_who_only_asks_loads_no_django():
    code = "import sys; from audit import desk; from pathlib import Path; desk.exists(Path('nowhere')); sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
