"""One Great Expectations context for the folder: its set-up costs more than a check."""

from __future__ import annotations

import pytest

from audit.intake.gate import Boundary


@pytest.fixture(scope="session")
def boundary() -> Boundary:
    return Boundary()
