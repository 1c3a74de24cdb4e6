"""One report of a seeded town for all tests of how it is shown."""

from datetime import date

import pytest

from audit.params import load
from audit.reports.recovery.assemble import Report, report_of
from audit.rules import all_rules
from tests.reports.recovery.ledgers import town

AS_OF = date(2026, 11, 20)


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Report:
    """The report of a town with a random arm, requests in all states and a home folder without runs."""
    return report_of(town(cases=2500, months=16), AS_OF, tmp_path_factory.mktemp("home"), rules=tuple(all_rules()), parameters=load())
