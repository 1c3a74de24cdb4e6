"""Tables -> one wide frame per grain. Each module declares its grain and has `build(view) -> DataFrame`.

A grain of very many units may have `staged(view) -> Staged` beside it: the engine then lays out all columns of flagged units only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pkgutil import iter_modules

import polars as pl

from audit.rules.grains import GRAINS, Staged
from audit.view import View

WORKERS = 3  # more hold more in memory and are no faster


def builders() -> dict[str, Callable[[View], pl.DataFrame | Staged]]:
    """Return grain name -> function that builds it, for every module here that is named after a grain."""
    found = {m.name: import_module(f"{__name__}.{m.name}") for m in sorted(iter_modules(__path__), key=lambda m: m.name)}
    return {name: getattr(module, "staged", module.build) for name, module in found.items() if name in GRAINS}


def build_all(view: View, only: Collection[str] | None = None) -> dict[str, pl.DataFrame | Staged]:
    """Build every grain, or only some; a whole frame has exactly the declared columns.

    Grains are built in threads: each is many small queries that alone do not fill two cores.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        building = {name: pool.submit(_frame, name, build, view) for name, build in builders().items() if only is None or name in only}
        return {name: frame.result() for name, frame in building.items()}


def _frame(name: str, build: Callable[[View], pl.DataFrame | Staged], view: View) -> pl.DataFrame | Staged:
    frame = build(view)
    if isinstance(frame, pl.DataFrame) and frame.schema != pl.Schema(GRAINS[name].schema):
        raise ValueError(f"grain {name}: {frame.schema} is not as declared")
    return frame
