"""A judo clinic unlike its peers, and households of one pattern (JC01, JC02); beside each one that is as usual."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.config import Month, rate
from synthetic.judo import MAX_MONTHS, MAX_PARTS, Courses, JudoMonth, concat_courses, draw_parts, month_first
from synthetic.plants.base import MEMBERS, Ledger, Pool
from synthetic.plants.judo_plants import BLOCK, SETS, SINGLE
from synthetic.providers import KEPT_CLINICS

KINDS = ("JC01", "JC02")
ALIKE, VISITS = np.array([1, 2, 6, -1]), 9  # injuries that everybody has at the clinic, and how often each comes
ENOUGH = 20  # forms of a month below which a clinic says nothing


class ClinicPlants:
    """Courses of the two kinds, and their labels.

    Args:
        ledger: pools, the people of each plant, and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.cfg, self.providers = ledger, ledger.cfg, ledger.world.providers
        self._parts: list[Courses] = []
        for decoy in (False, True):
            self._clinic(ledger.pools["JC01", decoy])
            self._households(ledger.pools["JC02", decoy])

    def courses(self) -> Courses:
        """All planted courses."""
        return concat_courses(self._parts)

    def _make(self, person: np.ndarray, clinic: np.ndarray, month: int, day: np.ndarray | int, months: int, parts: np.ndarray, visits: np.ndarray, tag: np.ndarray) -> Courses:
        n = len(person)
        injuries = np.full((n, MAX_PARTS), -1)
        injuries[:, : parts.shape[1]] = parts
        none = np.full(n, -1)
        return Courses(
            person, np.broadcast_to(clinic, n), month_first(np.full(n, month)) + day - 1, np.full(n, months), injuries,
            np.broadcast_to(visits[:, None], (n, MAX_MONTHS)), np.ones(n, bool), tag, none, np.zeros(n, np.int64), none.copy(),
        )

    # ---- JC01 -----------------------------------------------------------------------------------------------------
    def _clinic(self, pool: Pool) -> None:
        """Two months of treatment, one without, in turns; at the decoy's parts and visits are drawn as everywhere."""
        rng = self.cfg.rng("planted-clinic", int(pool.decoy))
        share = rate("judo.parts")
        for tag, patients in zip(pool.number, self.ledger.groups[pool.kind, pool.decoy], strict=True):
            clinic = self.providers.judo.n - KEPT_CLINICS + int(pool.decoy)
            for month in range(self.cfg.judo_first.index - 1, self.cfg.last.index + 1):
                person = patients[np.arange(len(patients)) % 3 == month % 3]
                n = len(person)
                parts, visits = np.broadcast_to(ALIKE, (n, MAX_PARTS)), np.full(n, VISITS)
                if pool.decoy:
                    parts = draw_parts(rng, 1 + np.searchsorted(np.cumsum(share)[:-1], rng.random(n)))
                    visits = np.clip(np.rint(4.5 * np.exp(0.5 * rng.standard_normal(n))), 2, 15).astype(np.int64)
                self._parts.append(self._make(person, np.array(clinic), month, 2 + person % 12, 2, parts, visits, np.full(n, tag)))

    # ---- JC02 -----------------------------------------------------------------------------------------------------
    def _households(self, pool: Pool) -> None:
        """Three members on the same days, or with the same parts; decoys: days and parts of their own, or only two of them."""
        groups, variant = self.ledger.groups[pool.kind, pool.decoy], pool.variant(2)
        lead, back = pool.person, -(-self.cfg.judo_history // BLOCK)
        together = (variant == 1) if pool.decoy else (variant == 0)
        alike = variant == 1
        for b, month in enumerate(range(self.cfg.first.index - back * BLOCK, self.cfg.last.index + 1, BLOCK)):
            members = []
            for m in range(MEMBERS):
                own = np.full((pool.n, 2), -1)
                own[:, 0] = SINGLE[(lead + b + m) % len(SINGLE)]
                parts = np.where(alike[:, None], SETS[(lead + b) % len(SETS)][:, :2], own)
                away = ((m == 2) & pool.decoy & (variant == 1)).astype(int)
                clinic = (lead * 5 + 3 + b + away) % self.providers.judo_open
                members.append(self._make(groups[:, m], clinic, month, 2 + b % 3, BLOCK, parts, np.full(pool.n, 6 - int(pool.decoy)), pool.number))
            made = concat_courses(members)
            follow = np.tile(together, MEMBERS)
            follow[: pool.n] = False
            made.partner[follow] = np.tile(np.arange(pool.n), MEMBERS)[follow]
            made.same_day[follow] = 2
            self._parts.append(made)

    # ---- labels ---------------------------------------------------------------------------------------------------
    def settle(self, month: Month, judo: JudoMonth) -> None:
        """Write the labels of a delivered month (the claim ids are told with those of the other judo kinds)."""
        paid = pl.col("third") * pl.col("rate") // 100
        forms = judo.claims.group_by("tag").agg(pl.len().alias("forms"), pl.col("clinic").first(), pl.col("claimed").sum(), paid.sum().alias("third")).sort("tag")
        for kind in KINDS:
            for decoy in (False, True):
                pool = self.ledger.pools[kind, decoy]
                mine = pl.DataFrame({"tag": pool.number}).join(forms, on="tag", how="left", maintain_order="left")
                count = mine["forms"].fill_null(0).to_numpy()
                use = count >= (ENOUGH if kind == "JC01" else MEMBERS)
                yen = mine["third" if kind == "JC01" else "claimed"].fill_null(0).to_numpy()
                provider = self.providers.judo.code[mine["clinic"].fill_null(0).to_numpy()]
                note = _NOTES[kind][decoy]
                self.ledger.label(pool, month, yen, provider, np.full(pool.n, "hard" if decoy else "medium"), np.full(pool.n, note), use)


_NOTES = {
    "JC01": ("the same three injuries on every form of a clinic", "a clinic like the others"),
    "JC02": ("three of a household on the same days, or with the same parts", "days and parts of their own, or only two of them"),
}
