"""Rules: one module per family. `all_rules()` imports them and gives the registry."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from audit.rules.registry import RULES, Rule

_NOT_FAMILIES = {"grains", "labels", "registry"}


def all_rules() -> dict[str, Rule]:
    """Import every family module once and return the registered rules by id."""
    for module in sorted(m.name for m in iter_modules(__path__)):
        if module not in _NOT_FAMILIES:
            import_module(f"{__name__}.{module}")
    return dict(sorted(RULES.items()))
