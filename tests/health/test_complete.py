"""Sweeps: nothing of the catalogue is half done. Cases, plants and look-alikes, bases, months without a value."""

import re
from datetime import date
from pathlib import Path

import pytest

from audit.params import load
from audit.rules import all_rules
from audit.rules.grains import GRAINS
from audit.rules.registry import check
from audit.view import months_before
from tests.rules.test_spec_cases import FILES, read_yaml

RULES = all_rules()
PARAMETERS = load()
FIRST, MONTHS = date(2018, 4, 1), [months_before(date(2027, 12, 1), 116 - n) for n in range(117)]  # 2018-04 to 2027-12

# Parameters that are not in force, or not known, in the first month audited, and why; by the beginning of the name.
LATER = {
    "ahaki_fees.": "the fee tables held begin with the revision of 2018-06",
    "ahaki.double.": "lists made for the fee tables of 2018-06",
    "ahaki.stay.": "lists made for the fee tables of 2018-06",
    "ahaki.consent.": "written consent, 2018-10",
    "ahaki.correction.exclusive": "revision of 2020-12",
    "ahaki.double_home.": "訪問施術料, 2024-10", "ahaki.home.": "訪問施術料, 2024-10; its fifth class 2026-07",
    "ahaki.outcall.": "往療 for sudden visits only, 2024-10",
    "ahaki.reduction.": "revision of 2026-07",
    "care_home.rehab.": "rehabilitation of the care-certified beyond the standard days, 2019-04",
    "clinics.heap.": "reduction of long and frequent treatment, 2024-10",
    "eligibility.confirmed_loss": "online confirmation of cover on receipts, 2021-09",
    "eligibility.transferred": "online confirmation of cover on receipts, 2021-09",
    "eligibility.welfare.loss_reasons": "each city's own codes",
    "history.once.course.": "fee table of 2020-04", "history.once.shunt.": "fee table of 2020-04",
    "judo.fee.exercise": "new in 2018-06", "judo.fee.splint": "three sizes before 2018-06",
    "judo.fee.frequent.": "2024-10", "judo.fee.statement": "new in 2022-10",
    "judo.fee.visit.": "distance add-ons before 2020-06 are not known",
    "judo.reimburse.": "payment by the patient first, 2022-06 and 2024-10",
    "judo.related.": "the same", "judo.self.": "the same", "judo.two_clinics.": "the same",
    "judo.shift_total.": "sixth kind, 2027-01",
    "nhi.benefit_rate.elderly_general": "90 per cent for those who turned 70 before 2014-04, until all were 75",
    "orthosis.corneal_lens.": "first day not in the source",
    "orthosis.limit.artificial_eye": "known to exist, value not known",
}  # fmt: skip

# What a basis names: a law, a notice, a table, a form or a definition somebody published, or that the choice is ours.
NAMED = re.compile(r"法|通知|保発|保医発|疑義|算定|告示|施行|要領|基準|留意事項|様式|規程|点数表|添付文書|保険者努力支援|国民健康保険団体連合会|薬効分類|当方|本システム|市の案内|団体の案内|[12][0-9]{3}")


@pytest.mark.parametrize("parameter", list(PARAMETERS), ids=lambda p: p.name)
def test_a_parameter_is_known_from_the_first_month_on_or_it_is_said_why_not(parameter):
    """Months before a value are "not in force": that must be meant. Where it was known once, an unknown is declared, never a gap."""
    known = [parameter.on(m) is not None and parameter.on(m).status != "unknown" for m in MONTHS]
    told = any(parameter.name == n or (parameter.name.startswith(n)) for n in LATER)
    assert known[0] or told, f"{parameter.name} has no value in {MONTHS[0]}: name the reason in LATER"
    begun = [m for m in MONTHS if parameter.on(m) is not None]
    assert begun == MONTHS[len(MONTHS) - len(begun) :], f"{parameter.name} has a gap or ends"
    for month in begun:
        period = parameter.on(month)
        assert (period.value is None) == (period.status == "unknown"), f"{parameter.name} in {month}"


def test_every_reason_is_still_needed():
    late = [p.name for p in PARAMETERS if p.on(FIRST) is None or p.on(FIRST).status == "unknown"]
    assert [n for n in LATER if not any(name == n or name.startswith(n) for name in late)] == []


@pytest.mark.parametrize("parameter", list(PARAMETERS), ids=lambda p: p.name)
def test_a_parameter_is_used_and_says_what_it_is(parameter):
    assert parameter.name in _named() or any(parameter.name.startswith(stem) for stem in _stems()), f"nothing reads {parameter.name}"
    assert any("぀" <= ch <= "鿿" for ch in parameter.description_ja)
    assert all(p.basis.strip() and p.checked_on >= date(2026, 11, 1) for p in parameter.periods)


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_is_as_it_declares_itself(rule_id):
    """No undeclared column or parameter, no placeholder that does not exist: checked at import, and here once more for all."""
    assert list(check(RULES[rule_id], GRAINS, PARAMETERS)) == []


@pytest.mark.parametrize("rule_id", RULES)
def test_a_rule_names_its_basis(rule_id):
    assert NAMED.search(RULES[rule_id].basis), RULES[rule_id].basis


def test_every_rule_has_spec_cases_of_every_verdict():
    """Of rules in every family, also of one whose folder does not exist: a hit, a miss and a case that cannot be judged."""
    seen: dict[str, set[object]] = {}
    for spec in map(read_yaml, FILES):
        for expected in (e for case in spec["cases"] for e in case["expect"]):
            seen.setdefault(expected.get("rule", spec["rule"]), set()).add("miss" if expected["flag"] in (False, "absent") else expected["flag"])
    assert {r: sorted(map(str, {True, None, "miss"} - seen.get(r, set()))) for r in RULES if {True, None, "miss"} - seen.get(r, set())} == {}
    assert set(seen) <= set(RULES)


def _source() -> str:
    """Code, and the data files that name parameters for it."""
    files = [f for top in ("audit", "models", "flows") for suffix in ("*.py", "*.toml") for f in sorted(Path(top).rglob(suffix))]
    return "\n".join(f.read_text(encoding="utf-8") for f in files)


SOURCE = _source()


def _named() -> set[str]:
    return set(re.findall(r'"([a-z0-9_]+(?:\.[A-Za-z0-9_]+)+)"', SOURCE))


def _stems() -> set[str]:
    """Return beginnings of names that code completes: f"judo.shift.{n}"."""
    return set(re.findall(r'"([a-z0-9_]+\.[a-z0-9_.]*)\{', SOURCE))
