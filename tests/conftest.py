"""Options and fixtures of the whole test suite."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

GOLDEN = Path(__file__).parent / "golden"

# No test writes into a database that somebody works with: the server is used for scratch databases only (tests/desk).
if _server := os.environ.pop("DATABASE_URL", None):
    os.environ["KOKUHO_AUDIT_TEST_SERVER"] = _server

# Two shared cores: a slow example is no fault. The same examples on each run: a red suite is red for everybody.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew from what the code gives now; read the diff before committing")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew."""
    return request.config.getoption("--update-golden")


@pytest.fixture
def golden(update_golden: bool) -> Callable[[str, bytes], None]:
    """Compare bytes with tests/golden/<name>; with --update-golden write them there instead."""

    def compare(name: str, content: bytes) -> None:
        path = GOLDEN / name
        if update_golden:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            return
        assert path.exists(), f"{name} is missing: run pytest with --update-golden and read what it wrote"
        assert content == path.read_bytes(), f"{name} differs: run pytest with --update-golden and read the diff"

    return compare
