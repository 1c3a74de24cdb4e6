"""How problems are told: lines that name the place, and a workbook or CSV of them."""

import csv
import io

import openpyxl
import polars as pl
import pytest

from audit.cli import main
from audit.errors import UsageError
from audit.worklists import readback_problems as problems
from tests.worklists.filled import UPHELD, fill, office

ROWS = pl.DataFrame({"file": ["a.xlsx"] * 9, "sheet": ["一覧"] * 9, "row": [3, 4, 5, 9, 20, 21, 40, 41, 42], "case_no": [f"柔-{i:03}" for i in range(9)], "bad": [True] * 8 + [None]})


def test_the_same_problem_in_many_rows_is_one_line():
    found = problems.of_rows(ROWS, pl.col("bad"), "判定", "選択肢にない値です", "認容・棄却")
    assert problems.lines(found) == ["  a.xlsx　一覧シート　3〜5、9、20〜21、40〜41行　「判定」: 選択肢にない値です（8行） → 認容・棄却"]


def test_a_file_and_a_row_as_a_whole():
    found = problems.together([problems.of_file("b.csv", "空です", "渡し直す"), problems.of_rows(ROWS.head(1).with_columns(sheet=pl.lit(None, pl.String)), pl.lit(True), None, "違います", "戻す")])
    assert problems.lines(found) == ["  a.xlsx　3行: 違います → 戻す", "  b.csv: 空です → 渡し直す"]


def test_rows_in_thousands_stay_readable():
    rows = pl.DataFrame({"file": "a", "row": range(0, 9000, 2)})
    [line] = problems.lines(problems.of_rows(rows, pl.lit(True), "氏名", "違います", "戻す"))
    assert len(line) < 200
    assert "ほか" in line


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_the_list_of_problems_can_be_worked_through_in_excel(tmp_path, ending):
    rows = ROWS.head(2).with_columns(file=pl.lit("=cmd.xlsx"))
    path = problems.write(problems.of_rows(rows, pl.lit(True), "判定", "選択肢にない値です", "認容・棄却"), tmp_path / f"問題.{ending}")
    if ending == "csv":
        got = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
        name = "'=cmd.xlsx"
    else:
        got = [["" if v is None else str(v) for v in r] for r in openpyxl.load_workbook(path).active.iter_rows(values_only=True)]
        name = "=cmd.xlsx"
        assert openpyxl.load_workbook(path).active["A2"].data_type == "s"
    assert got == [["ファイル", "シート", "行", "整理番号", "列", "問題", "直し方・入れられる値"], [name, "一覧", "3", "柔-000", "判定", "選択肢にない値です", "認容・棄却"], [name, "一覧", "4", "柔-001", "判定", "選択肢にない値です", "認容・棄却"]]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UsageError, match="xlsx or"):
        problems.write(problems.none(), tmp_path / "a.docx")


def test_the_command_takes_in_or_says_why_not(tmp_path, capsys):
    from audit import desk
    from tests.worklists.filled import AT

    town = office(tmp_path / "home")
    desk.publish(town.home, town.run, by="点検係", at=AT)
    bad = fill(town.book(), tmp_path / "誤.xlsx", {0: {"decision": "OK"}})
    assert main(["worklist", "import", str(bad), "--home", str(town.home), "--by", "係", "--problems", str(tmp_path / "問題.csv")]) == 50
    said = capsys.readouterr()
    assert "「判定」: 選択肢にない値です" in said.err
    assert (tmp_path / "問題.csv").exists()
    good = fill(town.book(), tmp_path / "良.xlsx", {0: UPHELD})
    assert main(["worklist", "import", str(good), "--home", str(town.home), "--by", "係"]) == 0
    assert capsys.readouterr().out == "取込 1件（認容 1）、未判定 7件\n"
    other = fill(town.book(), tmp_path / "別.xlsx", {0: UPHELD | {"reason_code": "U03", "assignee": "別の 人"}})
    assert main(["worklist", "import", str(other), "--home", str(town.home), "--by", "係"]) == 51
    assert main(["worklist", "import", str(other), "--home", str(town.home), "--by", "係", "--take", "mine"]) == 0
    assert main(["worklist", "import", str(other), "--home", str(town.home), "--by", " "]) == 2
    assert main(["worklist", "import", str(tmp_path / "none"), "--home", str(town.home)]) == 2
