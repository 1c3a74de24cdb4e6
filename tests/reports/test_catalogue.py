"""What a person reads at the terminal: rules, values on a date, what is stale."""

from datetime import date

import pytest

from audit.cli import main
from audit.params import Parameter, Parameters, Period
from audit.reports.catalogue import parameter_page, rule_lines, rule_page, stale_lines
from audit.rules import all_rules

RULES = all_rules()


def parameter(*periods: Period) -> Parameter:
    return Parameter("a.fee", "yen", "料金", periods, "a.yaml")


OLD = Period(date(2018, 6, 1), date(2026, 6, 30), 400, "通知", "confirmed", date(2024, 1, 5))
NEW = Period(date(2026, 7, 1), None, 420, "1資料", "provisional", date(2026, 11, 21))


def test_every_rule_has_a_line_and_a_page():
    assert [line.split("\t")[0] for line in rule_lines(RULES.values())] == sorted(RULES)
    for r in RULES.values():
        page = rule_page(r)
        assert r.title_ja in page
        assert r.basis in page
        assert all(name in page for name in r.params)
        assert all(m.text_ja in page for m in r.mitigations)


def test_a_value_on_a_day_and_all_its_periods():
    p = parameter(OLD, NEW)
    assert "400" in parameter_page(p, date(2026, 6, 30))
    assert "420" not in parameter_page(p, date(2026, 6, 30))
    assert "暫定" in parameter_page(p, date(2026, 7, 1))
    assert parameter_page(p, None).count("\n") == 2
    assert "判定不能" in parameter_page(p, date(2018, 5, 31))


def test_stale_values_unknown_values_and_ends():
    unknown = Period(date(2027, 1, 1), None, None, "未公表", "unknown", date(2026, 11, 21))
    ending = Period(date(2018, 6, 1), date(2026, 12, 31), 400, "通知", "confirmed", date(2026, 11, 21))
    today = date(2026, 11, 21)
    assert stale_lines(Parameters([parameter(NEW)]), today, 12) == []
    assert "12か月超" in stale_lines(Parameters([parameter(Period(NEW.start, None, 1, "通知", "confirmed", date(2025, 1, 1)))]), today, 12)[0]
    assert "不明" in stale_lines(Parameters([parameter(unknown)]), today, 12)[0]
    assert "2026-12-31 で終わり" in stale_lines(Parameters([parameter(ending)]), today, 12)[0]
    assert stale_lines(Parameters([parameter(OLD)]), today, 12) == []  # no longer in force: nobody need look


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["rules", "list"], 0, "JD14"), (["rules", "show", "JD14"], 0, "頻回"), (["rules", "show", "XX99"], 2, "one of"),
        (["params", "show"], 0, "judo.frequent.visits"), (["params", "show", "judo.frequent.visits", "--on", "2026-10-01"], 0, "10"),
        (["params", "show", "judo.frequnt.visits"], 30, "judo.frequent.visits"), (["params", "show", "judo.frequent.visits", "--on", "R8.10.1"], 2, "2026-07-01"),
        (["params", "stale", "--on", "2030-01-01"], 0, "か月超"), (["report"], 2, "no run"),
    ],
)
def test_verbs(arguments, code, word, tmp_path, capsys):
    home = ["--home", str(tmp_path)] if arguments[0] == "report" else []
    assert main([*arguments, *home]) == code
    told = capsys.readouterr()
    assert word in told.out + told.err
    assert code == 0 or len(told.err.strip().splitlines()) == 1
