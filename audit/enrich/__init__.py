"""Tables -> one wide frame per grain. Each module declares its grain and has `build(view) -> DataFrame`.

A grain of very many units may have `staged(view) -> Staged` beside it: the engine then lays out all columns of flagged units only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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


class Frames(Mapping[str, "pl.DataFrame | Staged"]):
    """Frames by grain, each there as soon as it is built: asking for one waits for it, and raises what went wrong with it."""

    def __init__(self, building: Mapping[str, Future[pl.DataFrame | Staged]]) -> None:
        self._building = building

    def __getitem__(self, name: str) -> pl.DataFrame | Staged:
        return self._building[name].result()

    def __iter__(self) -> Iterator[str]:
        return iter(self._building)

    def __len__(self) -> int:
        return len(self._building)


def build_all(view: View, only: Collection[str] | None = None) -> Frames:
    """Build every grain, or only some; a whole frame has exactly the declared columns.

    Grains are built in threads: each is many small queries that alone do not fill two cores. They are begun in the order of
    their names, which is the order in which the engine asks for them, so that it judges one while the next are built.
    """
    pool = ThreadPoolExecutor(WORKERS)
    building = {name: pool.submit(_frame, name, build, view) for name, build in builders().items() if only is None or name in only}
    pool.shutdown(wait=False)  # no more will come; what has begun goes on
    return Frames(building)


def _frame(name: str, build: Callable[[View], pl.DataFrame | Staged], view: View) -> pl.DataFrame | Staged:
    frame = build(view)
    if isinstance(frame, pl.DataFrame) and frame.schema != pl.Schema(GRAINS[name].schema):
        raise ValueError(f"grain {name}: {frame.schema} is not as declared")
    return frame
