"""The second reading of the parameters (second_reading.yaml) and how a parameter differs from it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from audit.params import Parameter, read_yaml

FILE = Path(__file__).with_name("second_reading.yaml")
FIRST_MONTH = date(2018, 4, 1)  # the first month that the project audits
Steps = list[tuple[date, Any, bool]]  # first day, value, provisional


def readings() -> dict[str, dict[Any, Any]]:
    """Return name -> first day (or "all") -> value as written."""
    return read_yaml(FILE)


def numeric(parameter: Parameter) -> bool:
    """Return whether a parameter holds numbers (lists and texts have no next value and no second reading)."""
    return any(isinstance(p.value, int | float | dict) and not isinstance(p.value, bool) for p in parameter.periods)


def differs(parameter: Parameter, reading: dict[Any, Any]) -> str | None:
    """Return how a parameter differs from its second reading: a value, a first day, a mark as provisional; None = not at all."""
    read, shipped = _read(reading), _shipped(parameter)
    if read and read[0][0] == date.min:
        if shipped and shipped[0][0] > FIRST_MONTH:
            return f"holds from {shipped[0][0]} only, read: all along"
        shipped = [(date.min, *shipped[0][1:]), *shipped[1:]]
    if read == shipped:
        return None
    return f"shipped {_shown(shipped, read)}, read {_shown(read, shipped)}"


def _shown(steps: Steps, others: Steps) -> str:
    return str([f"{day}: {value}{'?' * weak}" for day, value, weak in steps if (day, value, weak) not in others])


def _read(reading: dict[Any, Any]) -> Steps:
    return _merged([(date.min if day == "all" else day, *_value(value)) for day, value in reading.items()])


def _value(value: Any) -> tuple[Any, bool]:
    if isinstance(value, dict):
        return {k: v for k, v in value.items() if k != "?"}, "?" in value
    if isinstance(value, str):
        assert value.endswith("?"), value
        return float(value[:-1]), True
    return value, False


def _shipped(parameter: Parameter) -> Steps:
    steps: Steps = []
    for i, period in enumerate(parameter.periods):
        steps.append((period.start, period.value, period.status == "provisional"))
        following = parameter.periods[i + 1].start if i + 1 < len(parameter.periods) else None
        if period.end is not None and following != period.end + timedelta(days=1):
            steps.append((period.end + timedelta(days=1), None, False))
    return _merged(steps)


def _merged(steps: Steps) -> Steps:
    """Leave out steps that change nothing, and "not known" before the first value."""
    out: Steps = []
    for step in steps:
        if step[1] == (out[-1][1] if out else None) and (not out or step[2] == out[-1][2]):
            continue
        out.append(step)
    return out
