"""Acupuncture and massage: lasting courses, the forms of a month, and their fees by date.

Amounts come from fees.yaml. Prices from 2026-07 that nobody has seen yet stay those of the revision before (an assumption of
this town, not a fact).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from synthetic.config import Month, TownConfig, fee, rate
from synthetic.judo import month_first, month_index
from synthetic.sampling import choose, pick_days, popcount
from synthetic.world import World

ACUPUNCTURE, MASSAGE = 0, 1
DISEASES = ("腰痛症", "神経痛", "頸腕症候群", "五十肩", "頸椎捻挫後遺症", "リウマチ", "片麻痺", "関節拘縮", "廃用症候群")
LOW_BACK, PALSY = 0, 6
OWN_HOME = 1_000_000  # buildings from here on are a person's own home
HOME_BEGAN = "2024-10"
CLASSES = 5
_SHARE = [0.42, 0.14, 0.14, 0.16, 0.08, 0.06]


@dataclass
class Forms:
    """Forms of a month; arrays of shape (n,), `classes` (n, 5).

    Attributes:
        person, kind, clinic: indices. building: 0 none, OWN_HOME + person, else a facility.
        start, consent: dates as days since 1970-01-01.
        mask, home, outcall: day masks of all treatments, of 訪問施術料, of 往療料.
        classes: 訪問施術料 billed per class. methods, sites: 術数, 局所数.
        electro, warm, correction, limbs: counts. initial, report: 0 or 1.
        km10: distance in tenths of a km, -1 blank. reason, sheet: 1 yes, 0 no, -1 blank. reduced: treatments reduced.
        over_line, over_total: yen billed beyond the price of the treatment line, beyond the sum of the lines.
        disease: index of DISEASES. tag: number of the plant, 0 natural.

    """

    person: np.ndarray
    kind: np.ndarray
    clinic: np.ndarray
    building: np.ndarray
    start: np.ndarray
    consent: np.ndarray
    mask: np.ndarray
    home: np.ndarray
    outcall: np.ndarray
    classes: np.ndarray
    methods: np.ndarray
    sites: np.ndarray
    electro: np.ndarray
    warm: np.ndarray
    correction: np.ndarray
    limbs: np.ndarray
    initial: np.ndarray
    report: np.ndarray
    km10: np.ndarray
    reason: np.ndarray
    sheet: np.ndarray
    reduced: np.ndarray
    over_line: np.ndarray
    over_total: np.ndarray
    disease: np.ndarray
    tag: np.ndarray

    @property
    def n(self) -> int:
        """Number of forms."""
        return len(self.person)


_DEFAULT = {
    "building": 0, "home": 0, "outcall": 0, "methods": 2, "sites": 3, "electro": 0, "warm": 0, "correction": 0, "limbs": 0, "initial": 0, "report": 0,
    "km10": -1, "reason": -1, "sheet": 0, "reduced": 0, "over_line": 0, "over_total": 0, "tag": 0,
}


def make_forms(person: np.ndarray, **given: np.ndarray | int) -> Forms:
    """Return forms; what is not given gets its usual value, `classes` those of nobody at home."""
    n, out = len(person), {}
    for f in fields(Forms):
        if f.name == "person":
            out[f.name] = np.asarray(person, dtype=np.int64)
        elif f.name == "classes":
            out[f.name] = np.array(given.get("classes", np.zeros((n, CLASSES))), dtype=np.int64).reshape(n, CLASSES)
        else:
            out[f.name] = np.array(np.broadcast_to(np.asarray(given[f.name] if f.name in given else _DEFAULT[f.name], dtype=np.int64), n))
    return Forms(**out)


def concat_forms(parts: list[Forms]) -> Forms:
    """Put forms under each other."""
    return Forms(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Forms)})


@dataclass
class Patients:
    """Natural courses: person, kind, clinic, building, start (day), months they last, visits a month, traits."""

    person: np.ndarray
    kind: np.ndarray
    clinic: np.ndarray
    building: np.ndarray
    start: np.ndarray
    months: np.ndarray
    pace: np.ndarray
    trait: np.ndarray


def natural_patients(cfg: TownConfig, world: World) -> Patients:
    """Draw the town's own courses: about as many at any time as the rates say."""
    rng, people = cfg.rng("ahaki-courses"), world.people
    first, end = cfg.first.first, cfg.last.last
    parts = []
    for kind, name, low in ((ACUPUNCTURE, "acupuncture", 1), (MASSAGE, "massage", 2)):
        lasting = float(rate(f"ahaki.{name}_months"))
        span = (end - first) / 30.4 + 2 * lasting
        able = (people.role == 0) & (people.band >= low) & (people.setting != 3) & (people.lost < 0) & (people.gained < first - 900)
        at = np.flatnonzero(able)
        wanted = min(len(at), round(rate(f"ahaki.{name}") * people.n * span / lasting))
        person = np.sort(rng.choice(at, wanted, replace=False)) if wanted else at[:0]
        months = np.clip(rng.geometric(1 / lasting, wanted), 1, 60)
        start = first - (2 * lasting * 30.4) + rng.random(wanted) * span * 30.4
        place = rng.random(wanted)
        facility = 1 + rng.integers(0, max(2, people.n // 4000), wanted)
        at_home = rate("ahaki.massage_at_home") if kind == MASSAGE else rate("ahaki.acupuncture_at_home")
        in_facility = rate("ahaki.in_facility") * (kind == MASSAGE)
        building = np.where(place < at_home * in_facility, facility, np.where(place < at_home, OWN_HOME + person, 0))
        own = choose(rng, wanted, np.arange(clinics(world)), np.exp(0.5 * rng.standard_normal(clinics(world))))
        clinic = np.where((building > 0) & (building < OWN_HOME), (building * 7 + 1) % clinics(world), own)
        pace = np.clip(np.rint(rate(f"ahaki.{name}_visits") * np.exp(0.4 * rng.standard_normal(wanted))), 1, 15)
        parts.append(Patients(person, np.full(wanted, kind), clinic, building, start.astype(np.int64), months, pace.astype(np.int64), rng.random(wanted)))
    return Patients(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Patients)})


def clinics(world: World) -> int:
    """Number of clinics of the town."""
    return max(8, round(rate("ahaki.clinics") * world.people.n / 100_000))


def clinic_code(index: np.ndarray) -> np.ndarray:
    """Registration numbers, 10 digits."""
    return np.array([f"27{10000000 + 1009 * (int(i) + 1)}" for i in index], dtype=object)


def valid_consent(start: np.ndarray, month: Month) -> np.ndarray:
    """Return the last (re-)consent of a course in a month: renewed on the 20th of the month in which the old one ends."""
    begun = month_index(start)
    ends = begun + 5 + (start - month_first(begun) + 1 >= 16)
    again = np.maximum(month.index - ends - 1, 0) // 6
    return np.where(month.index <= ends, start, month_first(ends + 6 * again) + 19)


def natural_forms(world: World, patients: Patients, month: Month, hospital: np.ndarray) -> Forms:
    """Make the month's natural forms: consented, correctly classed and priced, never on a hospital day."""
    rng = world.cfg.rng("ahaki", month.index)
    k = month.index - month_index(patients.start)
    at = np.flatnonzero((k >= 0) & (k < patients.months))
    p = Patients(**{f.name: getattr(patients, f.name)[at] for f in fields(Patients)})
    n, first = len(at), k[at] == 0
    begin = np.where(first, p.start - month.first, 0)
    free = np.where(first, (month.full_mask >> np.clip(begin, 0, 30)) << np.clip(begin, 0, 30), month.full_mask) & ~hospital[p.person]
    mask = pick_days(rng, p.pace, month.open_days(), free)
    # a practitioner comes to a home on its days
    shared = (p.building > 0) & (p.building < OWN_HOME)
    weekly = _weekday_mask(month, p.building)
    mask = np.where(shared, weekly & free, mask)
    opening = 1 << np.clip(begin, 0, 30)
    # who is in hospital on the first day begins a month later
    mask = np.where(first & ~shared, np.where((opening & free) > 0, mask | opening, 0), mask)
    keep = mask > 0
    p, mask, first = Patients(**{f.name: getattr(p, f.name)[keep] for f in fields(Patients)}), mask[keep], first[keep]
    n = len(mask)
    visited = (p.building > 0) & (month.label >= HOME_BEGAN)
    days = popcount(mask)
    needle = p.kind == ACUPUNCTURE
    disease = np.where(needle, choose(world.cfg.rng("ahaki-disease"), patients.person.size, np.arange(6), _SHARE)[at][keep], PALSY + (p.person % 3))
    forms = make_forms(
        p.person, kind=p.kind, clinic=p.clinic, building=np.where(visited, p.building, 0), start=p.start, consent=valid_consent(p.start, month), mask=mask,
        home=np.where(visited, mask, 0), methods=1 + (p.trait < 0.6), sites=2 + (p.person % 4), electro=np.where(needle & (p.trait < 0.35), days, 0),
        warm=np.where(~needle & (p.trait < 0.5), days, 0), initial=(first & needle).astype(np.int64), report=(p.person + month.index) % 6 == 0, km10=np.where(visited, 10 + p.person % 100, -1),
        disease=disease,
    )
    # now and then a sudden call to somebody who otherwise comes
    sudden = (p.building == 0) & (rng.random(n) < rate("ahaki.sudden")) & (month.label >= HOME_BEGAN)
    forms.outcall = np.where(sudden, mask & -mask, 0)
    forms.km10 = np.where(sudden, 20, forms.km10)
    forms.classes = home_classes(forms, month)
    return forms


def _weekday_mask(month: Month, building: np.ndarray) -> np.ndarray:
    day = (month.first + np.arange(month.days) + 3) % 7
    masks = np.array([int(((day == w) | (day == (w + 3) % 7)).astype(np.int64) @ (1 << np.arange(month.days))) for w in range(4)])
    return masks[building % 4]


def home_classes(forms: Forms, month: Month, among: Forms | None = None) -> np.ndarray:
    """Return how many 訪問施術料 of each class are right: by the persons at home in a building on a day, shape (n, 5)."""
    everyone = forms if among is None else among
    key, own = _places(everyone), _places(forms)
    _, code = np.unique(np.concatenate([key, own]), return_inverse=True)
    size = code.max(initial=-1) + 1
    out = np.zeros((forms.n, CLASSES), dtype=np.int64)
    edges = np.array([1, 2, 3, 10, 20 if month.label >= "2026-07" else 10_000])
    for d in range(month.days):
        there = (everyone.home >> d & 1) == 1
        pairs = np.unique(np.stack([code[: everyone.n][there], everyone.person[there]], axis=1), axis=0) if there.any() else np.zeros((0, 2), np.int64)
        count = np.bincount(pairs[:, 0], minlength=size)
        mine = np.flatnonzero(forms.home >> d & 1)
        level = np.searchsorted(edges, np.maximum(count[code[everyone.n :][mine]], 1), side="right") - 1
        np.add.at(out, (mine, level), 1)
    return out


def _places(forms: Forms) -> np.ndarray:
    return forms.building * 10_000 + forms.clinic


def prices(forms: Forms, month: Month) -> dict[str, np.ndarray]:
    """Return the yen of each line: initial, treatment, electro, warm, correction, home, outcall, report, total."""
    needle, two = forms.kind == ACUPUNCTURE, forms.methods == 2

    def by_methods(item: str) -> np.ndarray:
        return np.where(two, int(fee(f"ahaki_{item}_two", month)), int(fee(f"ahaki_{item}_one", month)))

    each = np.where(needle, by_methods("treatment"), forms.sites * int(fee("ahaki_site", month)))
    at_clinic = popcount(forms.mask) - popcount(forms.home)
    travel = np.array([int(fee(f"ahaki_home_{i}", month)) if month.label >= HOME_BEGAN else 0 for i in range(1, CLASSES + 1)])
    out = {
        "initial": forms.initial * by_methods("initial"), "treatment": at_clinic * each + forms.over_line, "electro": forms.electro * int(fee("ahaki_electro", month)),
        "warm": forms.warm * int(fee("ahaki_warm", month)), "correction": forms.limbs * int(fee("ahaki_correction", month)),
        "home": (forms.classes * (each[:, None] + travel)).sum(axis=1), "outcall": popcount(forms.outcall) * int(fee("ahaki_outcall", month)),
        "report": forms.report * int(fee("ahaki_report", month)),
    }
    out["total"] = sum(out.values()) + forms.over_total
    return out


def picked(forms: Forms, where: np.ndarray) -> Forms:
    """Return the forms of a mask or of indices."""
    return replace(forms, **{f.name: getattr(forms, f.name)[where] for f in fields(Forms)})
