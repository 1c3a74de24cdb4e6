"""Rules: one module per family. `all_rules()` imports them and gives the registry."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from audit.errors import ParameterError
from audit.params import Parameters
from audit.rules.grains import GRAINS
from audit.rules.registry import RULES, Rule, check

_NOT_FAMILIES = {"grains", "labels", "registry"}


def check_rules(parameters: Parameters) -> None:
    """Hold every rule against other parameters than the shipped ones.

    Raises:
        ParameterError: a value that a rule may not rest on, e.g. an error on a threshold of the office's own choice.

    """
    problems = [f"{r.id}: {p}" for r in all_rules().values() for p in check(r, GRAINS, parameters)]
    if problems:
        raise ParameterError("; ".join(problems), remedy="take the value out of the office's parameters, or give it another status")


def all_rules() -> dict[str, Rule]:
    """Import every family module once and return the registered rules by id."""
    for module in sorted(m.name for m in iter_modules(__path__)):
        if module not in _NOT_FAMILIES:
            import_module(f"{__name__}.{module}")
    return dict(sorted(RULES.items()))
