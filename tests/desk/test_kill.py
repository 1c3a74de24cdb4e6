"""A few of the kills of `make kill-proof`, in every test run."""

import pytest

from tests.desk.kill import prove


@pytest.mark.parametrize("kills", [2, pytest.param(50, marks=pytest.mark.slow)])
def test_kill_9_loses_nothing_and_doubles_nothing(home, kills):
    assert prove(home, kills, seed=kills).kills == kills
