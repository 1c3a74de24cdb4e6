"""What several grains read is read once per view."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from audit.view import View

Function = TypeVar("Function", bound=Callable[..., Any])


class _Kept:
    """Results of one function for one view, by its other arguments."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.results: dict[tuple[Hashable, ...], Any] = {}


def once_per_view(function: Function) -> Function:
    """Return the function `f(view, ...)`, computing each result once for as long as the view lives.

    Grains are built in threads: a second caller waits for the first. Callers must not change what they get, and a view's
    tables must not change under it.
    """
    kept: WeakKeyDictionary[View, _Kept] = WeakKeyDictionary()
    guard = Lock()

    @wraps(function)
    def shared(view: View, *arguments: Hashable) -> Any:
        with guard:
            of_view = kept.setdefault(view, _Kept())
        with of_view.lock:
            if arguments not in of_view.results:
                of_view.results[arguments] = function(view, *arguments)
            return of_view.results[arguments]

    return shared  # type: ignore[return-value]
