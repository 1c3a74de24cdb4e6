"""Sentences for reports, in Japanese: that it is an estimate, its interval, what it rests on."""

from __future__ import annotations

from audit.statistics.estimates import ListRate, TownEstimate


def town_sentence(estimate: TownEstimate, *, public: bool = False) -> str:
    """Return the sentence for an estimate of all units; `public` leaves out counts below 10 and what gives them away."""
    raise NotImplementedError


def list_sentence(rate: ListRate) -> str:
    """Return the sentence for one list's own rate, which says that it is not the town's."""
    raise NotImplementedError
