"""All families of plants."""

from __future__ import annotations

from pathlib import Path

from synthetic.care import CareSet
from synthetic.claimset import ClaimSet, Frames
from synthetic.config import Month, TownConfig
from synthetic.judo import Courses, JudoMonth
from synthetic.world import World


class Plants:
    """Families of plants."""

    def __init__(self, cfg: TownConfig, world: World) -> None:
        self.cfg, self.world = cfg, world

    def with_courses(self, courses: Courses) -> Courses:
        """Add planted courses."""
        return courses

    def month(self, month: Month) -> dict[str, list[ClaimSet]]:
        """Return planted claims by kind."""
        return {}

    def care(self, month: Month, care: CareSet) -> None:
        """Add planted care claims."""

    def settle(self, month: Month, frames: dict[str, Frames], texts: object) -> None:
        """Learn the claim ids."""

    def settle_judo(self, month: Month, judo: JudoMonth, *, labelled: bool) -> None:
        """Learn the claim ids."""

    def write_labels(self, path: Path, texts: object) -> None:
        """Write labels."""
