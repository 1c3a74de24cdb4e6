"""The engine on a made-up grain: verdicts, reasons for null, mitigations, yen, messages, order independence."""

from datetime import date

import polars as pl
import pytest

from audit.engine import run_rules
from audit.errors import RuleError
from audit.params import Parameter, Parameters, Period
from audit.rules import grains, registry

MONTH = date(2026, 7, 1)


def period(start, end, value, status="confirmed"):
    return Period(start, end, value, "notice", status, date(2026, 11, 21))


PARAMETERS = Parameters(
    [
        Parameter("t.limit", "count", "", (period(date(2026, 6, 1), date(2026, 7, 31), 3), period(date(2026, 8, 1), None, 5, "provisional")), "t"),
        Parameter("t.codes", "codes", "", (period(date(2026, 6, 1), None, ("A", "B")),), "t"),
        Parameter("t.unknown", "yen", "", (period(date(2026, 6, 1), None, None, "unknown"),), "t"),
    ]
)


@pytest.fixture
def world(monkeypatch):
    """A registry with one grain and nothing else."""
    grain = grains.Grain("thing", "one thing", ("things",), {"x": pl.Int64(), "code": pl.String(), "on": pl.Date()})
    monkeypatch.setattr(registry, "GRAINS", {"thing": grain})
    monkeypatch.setattr("audit.engine.GRAINS", {"thing": grain})
    monkeypatch.setattr(registry, "RULES", {})
    monkeypatch.setattr(registry, "load", lambda: PARAMETERS)

    def declare(condition=lambda p: pl.col("x") >= p("t.limit"), **change):
        spec = {
            "id": "T1", "version": 1, "title_ja": "試験", "severity": "error", "team": "judo", "grain": "thing", "basis": "通知",
            "explanation_ja": "", "next_action_ja": "", "reads": ("x",), "params": ("t.limit",), "message_ja": "{x}件（上限{t.limit}件）",
            "evidence": ("x", "on"), "at_stake": lambda p: pl.col("x") * 100, "stake_reads": ("x",),
        } | change
        registry.rule(**spec)(condition)
        return registry.RULES[spec["id"]]

    def frame(rows):
        base = {
            "insurer_no": "00110000", "unit_id": "u", "person_id": "p", "provider_id": "q", "service_month": MONTH, "claim_ids": ["c"],
            "stake_claim_id": "c", "stake_cap_yen": 1000, "x": 3, "code": "A", "on": MONTH,
        }
        return pl.DataFrame([base | {"unit_id": f"u{i}"} | r for i, r in enumerate(rows)], schema=grain.schema)

    return declare, frame


def run(world_rule, frame, **kw):
    return run_rules({"thing": frame}, PARAMETERS, [world_rule], **kw)


def test_flag_clean_and_null_are_three_things(world):
    declare, frame = world
    result = run(declare(), frame([{"x": 3}, {"x": 2}, {"x": None}]))
    assert result.findings["finding_id"].to_list() == ["T1|00110000|u0"]
    assert result.not_evaluated.select("reason", "n").rows() == [("missing:x", 1)]
    assert result.evaluated == {"T1": 2}


def test_outside_its_dates_a_parameter_is_not_evaluated_never_clean(world):
    declare, frame = world
    result = run(declare(), frame([{"x": 99, "service_month": date(2026, 5, 1)}]))
    assert result.findings.is_empty()
    assert result.not_evaluated.select("month", "reason").rows() == [("2026-05", "parameter:t.limit")]


def test_the_value_on_the_service_date_decides(world):
    declare, frame = world
    result = run(declare(), frame([{"x": 4, "service_month": date(2026, 7, 1)}, {"x": 4, "service_month": date(2026, 8, 1)}]))
    assert result.findings["service_month"].to_list() == ["2026-07"]


def test_a_provisional_value_makes_a_suspicion(world):
    declare, frame = world
    result = run(declare(), frame([{"x": 5, "service_month": date(2026, 8, 1)}, {"x": 5}]))
    assert dict(result.findings.select("service_month", "severity").iter_rows()) == {"2026-07": "error", "2026-08": "suspicion"}
    assert result.findings["provisional"].to_list() == [True, False]


def test_an_unknown_value_is_not_evaluated(world):
    declare, frame = world
    r = declare(lambda p: pl.col("x") > p("t.unknown"), params=("t.unknown",), message_ja="{x}")
    assert run(r, frame([{}])).not_evaluated["reason"].to_list() == ["parameter:t.unknown"]


def test_dated_lists(world):
    declare, frame = world
    r = declare(lambda p: p.is_in("t.codes", pl.col("code")), params=("t.codes",), reads=("code",), message_ja="{code}")
    result = run(r, frame([{"code": "A"}, {"code": "C"}, {"code": None}]))
    assert result.findings.height == 1
    assert result.not_evaluated["reason"].to_list() == ["missing:code"]


def test_mitigation_clears_or_notes(world):
    declare, frame = world
    m = (
        registry.Mitigation("fine", "問題なし", lambda p: pl.col("x") == 9, "clear"),
        registry.Mitigation("look", "留意", lambda p: pl.col("x") == 8, "note"),
    )
    result = run(declare(mitigations=m), frame([{"x": 9}, {"x": 8}, {"x": 7}]))
    assert result.findings["mitigations"].to_list() == [["留意"], []]
    assert result.mitigated.select("mitigation", "n").rows() == [("fine", 1)]


def test_evidence_message_and_yen(world):
    declare, frame = world
    r = declare(message_ja="{x:yen} {on:date} {service_month:month} {claim_ids:list} {t.limit}")
    f = run(r, frame([{"x": 1234567, "claim_ids": ["c", "d"]}])).findings
    assert f["message"].item() == "1,234,567円 2026年7月1日 2026年7月 c、d 3"
    assert f["evidence"].item() == '{"on":"2026-07-01","x":1234567}'
    assert f["at_stake_yen"].item() == 123456700


def test_yen_is_never_negative_and_rounds_half_up(world):
    declare, frame = world
    r = declare(at_stake=lambda p: pl.when(pl.col("x") == 3).then(-5.0).otherwise(2.5), stake_reads=("x",))
    assert run(r, frame([{"x": 3}, {"x": 4}])).findings["at_stake_yen"].to_list() == [0, 3]


def test_needs_person(world):
    declare, frame = world
    result = run(declare(needs_person=True), frame([{"x": 5, "person_id": None}]))
    assert result.findings.is_empty()
    assert result.not_evaluated["reason"].to_list() == ["person_unmatched"]


def test_absent_table_is_said_once(world):
    declare, frame = world
    result = run(declare(), frame([]), absent_tables={"things"})
    assert result.not_evaluated.select("insurer_no", "reason", "n").rows() == [("-", "table:things", 0)]


def test_order_of_rows_and_rules_does_not_matter(world):
    declare, frame = world
    rules = [declare(), declare(lambda p: pl.col("x") > 100, id="T2", params=(), message_ja="{x}")]
    rows = frame([{"x": i} for i in (1, 200, 5, 3, 101)])
    a = run_rules({"thing": rows}, PARAMETERS, rules)
    b = run_rules({"thing": rows.sample(fraction=1, shuffle=True, seed=7)}, PARAMETERS, rules[::-1])
    assert a.findings.equals(b.findings)
    assert a.not_evaluated.equals(b.not_evaluated)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"basis": " "}, "basis is missing"),
        ({"reads": ("x", "nothing")}, "'nothing' is not in grain"),
        ({"reads": ("x", "code")}, "declared but not read: ['code']"),
        ({"reads": ("code",)}, "condition reads undeclared columns ['x']"),
        ({"params": ("t.limit", "t.gone")}, "parameter 't.gone' does not exist"),
        ({"params": (), "message_ja": "{x}"}, "undeclared parameters ['t.limit']"),
        ({"params": ("t.limit", "t.codes")}, "unused parameters ['t.codes']"),
        ({"message_ja": "{y}"}, "placeholder 'y'"),
        ({"message_ja": "{x:euro}"}, "message format 'euro'"),
        ({"team": "nobody"}, "team 'nobody'"),
        ({"severity": "fatal"}, "severity 'fatal'"),
        ({"grain": "void"}, "grain 'void'"),
        ({"stake_reads": ()}, "at_stake reads undeclared columns ['x']"),
        ({"mitigations": (registry.Mitigation("m", "", lambda p: pl.col("x") > 1, "hide"),)}, "effect 'hide'"),
    ],
)
def test_a_wrong_declaration_is_refused_at_import(world, change, words):
    declare, _ = world
    with pytest.raises(RuleError) as caught:
        declare(**change)
    assert words in str(caught.value)


def test_a_taken_id_is_refused(world):
    declare, _ = world
    declare()
    with pytest.raises(RuleError, match="id is taken"):
        declare()


def test_an_error_may_not_rest_on_our_own_choice(world, monkeypatch):
    declare, _ = world
    own = Parameters([Parameter("t.limit", "count", "", (period(date(2026, 6, 1), None, 3, "own_choice"),), "t")])
    monkeypatch.setattr(registry, "load", lambda: own)
    with pytest.raises(RuleError, match="own choice"):
        declare()
    declare(severity="suspicion")
