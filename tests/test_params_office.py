"""The office's own values: laid over the shipped ones, signed, as strict, and in the run's manifest."""

import json
from datetime import date
from pathlib import Path

import pytest

from audit.cli import main
from audit.errors import ParameterError
from audit.params import laid_over, load
from audit.params_office import own_values
from audit.pipeline.opening import parameters_digest

EYE, GLASSES, LIFE = "orthosis.limit.artificial_eye", "orthosis.limit.glasses", "orthosis.life.months"
SIGNED = "basis: 告示を確認, status: confirmed, checked_on: 2026-11-21, by: 給付係"


def office(folder: Path, text: str):
    folder.mkdir(exist_ok=True)
    (folder / "office.yaml").write_text(text, encoding="utf-8")
    return load(office=folder)


def test_an_unknown_value_is_known_from_the_office_s_day_on(tmp_path):
    held = office(tmp_path, f"- name: {EYE}\n  values:\n    - {{from: 2026-04-01, value: 100000, {SIGNED}}}\n")
    assert [held.value(EYE, d) for d in (date(2026, 3, 31), date(2026, 4, 1), date(2030, 1, 1))] == [None, 100_000, 100_000]
    assert held[EYE].on(date(2026, 3, 31)).status == "unknown"
    assert [(v["name"], v["from"], v["value"], v["by"]) for v in own_values(held)] == [(EYE, date(2026, 4, 1), 100_000, "給付係")]


def test_an_own_value_stands_on_its_days_only(tmp_path):
    held = office(tmp_path, f"- name: {GLASSES}\n  values:\n    - {{from: 2025-01-01, to: 2025-06-30, value: 1, {SIGNED}}}\n")
    assert [held.value(GLASSES, d) for d in (date(2024, 12, 31), date(2025, 1, 1), date(2025, 6, 30), date(2025, 7, 1))] == [40_492, 1, 1, 40_492]


def test_an_open_own_value_ends_where_a_later_shipped_one_begins(tmp_path):
    held = office(tmp_path, f"- name: {GLASSES}\n  values:\n    - {{from: 2025-01-01, value: 1, {SIGNED}}}\n")
    assert [held.value(GLASSES, d) for d in (date(2025, 1, 1), date(2026, 3, 31), date(2026, 4, 1))] == [1, 1, 40_492]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"- name: orthosis.limit.eye\n  values:\n    - {{from: 2026-04-01, value: 1, {SIGNED}}}\n", "does not exist"),
        (f"- name: {EYE}\n  values:\n    - {{from: 2026-04-01, value: 1, basis: x, status: confirmed, checked_on: 2026-11-21}}\n", r"missing keys \['by'\]"),
        (f"- name: {EYE}\n  values:\n    - {{from: 2026-04-01, value: [a], {SIGNED}}}\n", "a list, where the shipped value is a number"),
        (f"- name: {EYE}\n  unit: yen\n  values:\n    - {{from: 2026-04-01, value: 1, {SIGNED}}}\n", "unknown keys"),
        (f"- name: {EYE}\n  values:\n    - {{from: 2026-04-01, to: 2026-03-01, value: 1, {SIGNED}}}\n", "ends before"),
        (f"- name: {EYE}\n  values:\n    - {{from: 2026-04-01, to: 2026-09-01, value: 1, {SIGNED}}}\n    - {{from: 2026-05-01, value: 1, {SIGNED}}}\n", "overlap"),
        (f"- name: {LIFE}\n  values:\n    - {{from: 2026-04-01, value: {{a: b}}, {SIGNED}}}\n", "text: number"),
        (f"- name: {EYE}\n  values: []\n- name: {EYE}\n  values: []\n", "entered twice"),
    ],
)
def test_what_is_refused(tmp_path, text, words):
    with pytest.raises(ParameterError, match=words) as caught:
        office(tmp_path, text)
    assert "→" in str(caught.value)


def test_laid_over_for_the_whole_process_and_no_longer(tmp_path):
    office(tmp_path, f"- name: {EYE}\n  values:\n    - {{from: 2026-04-01, value: 100000, {SIGNED}}}\n")
    with laid_over(tmp_path):
        assert load().value(EYE, date(2026, 4, 1)) == 100_000
    assert load().value(EYE, date(2026, 4, 1)) is None


def test_the_digest_covers_both(tmp_path):
    alone, none = parameters_digest(tmp_path / "none")
    office(tmp_path, f"- name: {EYE}\n  values:\n    - {{from: 2026-04-01, value: 100000, {SIGNED}}}\n")
    with_own, own = parameters_digest(tmp_path)
    assert (none, len(own)) == ([], 1)
    assert alone != with_own
    json.dumps(own, default=str)


def put(home: Path, *more: str, name: str = EYE, value: str = "100000", **changed: str) -> int:
    given = {"--value": value, "--from": "2026-04-01", "--status": "confirmed", "--basis": "告示を確認", "--by": "給付係"} | {f"--{k}": v for k, v in changed.items()}
    return main(["params", "set", name, *(x for pair in given.items() if pair[1] for x in pair), *more, "--home", str(home)])


def test_set_writes_what_show_and_list_tell(tmp_path, capsys):
    assert put(tmp_path) == 0
    assert "100000" in capsys.readouterr().out
    assert main(["params", "list", "--office", "--home", str(tmp_path)]) == 0
    assert "告示を確認" in capsys.readouterr().out
    assert main(["params", "show", EYE, "--on", "2026-04-01", "--home", str(tmp_path)]) == 0
    assert "当所で登録: 給付係" in capsys.readouterr().out
    assert put(tmp_path, value="110000", basis="再確認") == 0
    assert load(office=tmp_path / "parameters").value(EYE, date(2026, 4, 1)) == 110_000
    assert "replaced" in (tmp_path / "parameters" / "office.yaml").read_text(encoding="utf-8")  # the first entry is kept for the record
    assert main(["params", "list", "--unknown", "--home", str(tmp_path)]) == 0
    assert f"{EYE}\t2012-04-01から2026-03-31まで" in capsys.readouterr().out


def test_set_of_one_entry_of_a_table_keeps_the_others(tmp_path):
    assert put(tmp_path, name=LIFE, value="足底装具=20") == 0
    held = load(office=tmp_path / "parameters").value(LIFE, date(2026, 4, 1))
    assert (held["足底装具"], held["膝装具（硬性）"]) == (20, 36)


@pytest.mark.parametrize(
    ("changed", "code", "word"),
    [
        ({"by": ""}, 2, "--by"), ({"value": ""}, 2, "--value"), ({"value": "abc"}, 30, "not a value"), ({"value": "nan"}, 30, "not a value"), ({"status": "rumour"}, 30, "rumour"),
        ({"from": "R8.4.1"}, 2, "2026-07-01"), ({"name": "orthosis.limit.artificial_ey"}, 30, EYE), ({"status": "own_choice"}, 30, "own choice"), ({"to": "2026-01-01"}, 30, "ends before"),
    ],
)
def test_set_refuses_in_one_line_and_writes_nothing(tmp_path, capsys, changed, code, word):
    assert put(tmp_path, **changed) == code
    told = capsys.readouterr().err
    assert word in told
    assert len(told.strip().splitlines()) == 1
    assert not (tmp_path / "parameters").exists()
