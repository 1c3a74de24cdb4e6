"""True errors that nobody planted: labels of ordinary receipts and forms that the delivered register, lists or stays contradict.

Ordinary life goes on after cover ends (people come with their old card), and what was done to the register of planted people
holds for their ordinary receipts too. Whoever audits the delivery finds these, and rightly. Receipts of another kind's plants
count as well (those of EL05 come after the loss); those of the kind itself have their label already. A receipt with an
unknown number is nobody's and gets no label. Judo, あはき and paper forms never come after the loss but where they are planted;
nor do stays, which end with cover.

A label stands in the month whose delivery holds the receipt (late receipts, receipts delivered again): there it can be found.
What stands beside a stay that is delivered later than it gets none.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.claimset import Frames
from synthetic.config import Month
from synthetic.judo import JudoMonth, month_first, month_index
from synthetic.plants.base import Ledger, Pool
from synthetic.population import rate_at
from synthetic.render.persons import PersonTexts
from synthetic.render.uke import institutions

NEVER = 1 << 40  # a day that never comes
NOTES = {
    "EL01N": ("after the loss", "before and after the loss"), "EL02N": ("billed at 80, register 70",) * 2, "EL04N": ("75 already", "before and after the 75th birthday"),
    "LD03N": ("after the day of death", "before and after the day of death"), "RC05N": ("at home while in hospital", "at home, on some days while in hospital"),
    "JD19N": ("first examination while in hospital", "first examination while in hospital, then outside"),
}  # all days, some days


class NaturalErrors:
    """Labels of errors that came about by themselves.

    Args:
        ledger: pools and labels.

    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.people = ledger, ledger.world.people
        self._inner: dict[int, np.ndarray] = {}  # month of care (YYYYMM) -> days inside delivered stays of each person

    def receipts(self, month: Month, kind: str, delivered: Frames, died: np.ndarray, texts: PersonTexts) -> None:
        """Label the receipts of a kind that a month delivers.

        Args:
            month: month of the delivery; its register is as of its end.
            kind: med, dpc, pha, den, nur, in this order: stays are known before what is done beside them.
            delivered: all receipts of the kind in the delivery.
            died: day of death by the lists so far, of each person, -1 = none.
            texts: of the persons.

        """
        claims = delivered.claims.filter(~pl.col("unknown"))
        person, mask, care_month = (claims[c].to_numpy() for c in ("person", "mask", "month"))
        first = month_first(care_month // 100 * 12 + care_month % 100 - 1)
        rate = rate_at(self.people, month.first)[person]
        lost, death = self.people.lost[person], died[person]
        lost = np.where((lost >= 0) & (lost <= month.last), lost, NEVER)
        too_much = np.where(self.people.misrated[person], rate - 70, 0)  # the register says 70
        self._see_stays(claims, first)
        inside = np.zeros_like(mask)
        if kind == "nur":
            for of, days in self._inner.items():
                inside |= np.where(care_month == of, mask & days[person], 0)
        found = {
            "EL01N": (_days_from(mask, first, lost), rate), "EL02N": (np.bitwise_count(mask) * (too_much > 0), too_much),
            "EL04N": (_days_from(mask, first, _birthday(self.people.birth[person], 75)), rate),
            "LD03N": (_days_from(mask, first, np.where(death >= 0, death + 1, NEVER)), rate), "RC05N": (np.bitwise_count(inside), rate),
        }
        ids = claims.select(pl.concat_str(pl.lit(kind + ":"), texts.insurer8.gather(claims["person"]), pl.lit(":"), pl.col("search").cast(pl.String)))
        ids = ids.to_series()
        code, _ = institutions(self.ledger.world.providers, kind, claims["inst"].to_numpy())
        price = 1 if kind == "nur" else 10  # 訪問看護 is billed in yen
        history = np.where(claims["plant"] > 0, ", on a receipt planted for something else", np.where(claims["again"] == 1, ", delivered again", ", delivered late"))
        history = np.where((claims["plant"] == 0).to_numpy() & (first == month.first), "", history)
        for label, (days, part) in found.items():
            own = [self.ledger.pools[label[:-1], decoy].number for decoy in (False, True)]
            at = np.flatnonzero((days > 0) & ~np.isin(claims["plant"].to_numpy(), np.concatenate(own)))
            yen = _share(claims["points"].to_numpy()[at] * price * part[at], days[at], np.bitwise_count(mask)[at])
            self._label(label, month, claims["search"].to_numpy()[at], person[at], yen, code[at], days[at] < np.bitwise_count(mask)[at], ids.gather(at), history[at])

    def forms(self, month: Month, judo: JudoMonth, texts: PersonTexts) -> None:
        """Label the natural judo forms of a month with days inside a stay: the first examination does not ask where one is."""
        claims = judo.claims.filter(pl.col("tag") == 0)
        person, mask = claims["person"].to_numpy(), claims["mask"].to_numpy()
        days = np.bitwise_count(mask & self._inner.get(month.yyyymm, np.zeros(self.people.n, np.int64))[person])
        at = np.flatnonzero(days > 0)
        yen = claims["claimed"].to_numpy()[at] * days[at] // np.bitwise_count(mask)[at]
        ids = claims.select(pl.concat_str(pl.lit("judo:"), texts.insurer8.gather(claims["person"]), pl.lit(":"), pl.col("number").cast(pl.String))).to_series()
        code = self.ledger.world.providers.judo.code[claims["clinic"].to_numpy()]
        some = days[at] < np.bitwise_count(mask)[at]
        self._label("JD19N", month, claims["number"].to_numpy()[at], person[at], yen, code[at], some, ids.gather(at), np.full(len(at), ""))

    def _see_stays(self, claims: pl.DataFrame, first: np.ndarray) -> None:
        """Remember the days inside of stays: those of admission and discharge are left out, other care is fine on them."""
        stays = (claims["inpatient"] == 1).to_numpy()
        person, mask, care_month, came, left = (claims[c].to_numpy()[stays] for c in ("person", "mask", "month", "admitted", "discharged"))
        inner = mask & ~_one_day(came - first[stays]) & ~_one_day(left - first[stays])
        for of in np.unique(care_month):
            days = self._inner.setdefault(int(of), np.zeros(self.people.n, np.int64))
            np.bitwise_or.at(days, person[care_month == of], inner[care_month == of])

    def _label(self, kind: str, month: Month, number: np.ndarray, person: np.ndarray, yen: np.ndarray, provider: np.ndarray, some: np.ndarray, ids: pl.Series, history: np.ndarray) -> None:
        """Write labels; the number of the receipt or form stands for that of a plant."""
        every, part = NOTES[kind]
        note = np.char.add(np.where(some, part, every).astype(str), history.astype(str))
        self.ledger.label(Pool(kind, decoy=False, number=number, person=person), month, yen, provider, np.full(len(number), "easy"), note)
        self.ledger.claims(month, number, ids)


def _days_from(mask: np.ndarray, first: np.ndarray, since: np.ndarray) -> np.ndarray:
    """Count the days of masks of the months that begin on `first`, from the day `since` on."""
    return np.bitwise_count(mask >> np.clip(since - first, 0, 31))


def _one_day(offset: np.ndarray) -> np.ndarray:
    """Mask of one day, `offset` days after the first of a month; none where it is in another one."""
    return np.where((offset >= 0) & (offset < 31), 1 << np.clip(offset, 0, 31), 0)


def _birthday(birth: np.ndarray, years: int) -> np.ndarray:
    """Day of a birthday; that of 29 February is 1 March."""
    month = month_index(birth)
    return month_first(month + 12 * years) + birth - month_first(month)


def _share(percent_yen: np.ndarray, days: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Yen for `days` of the days billed, from yen times per cent; half a yen is rounded up."""
    return (2 * percent_yen * days // (100 * of.astype(np.int64)) + 1) // 2
