"""Who is planted with what, and the labels: the bookkeeping shared by all families."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from synthetic.config import Month, TownConfig, load_yaml
from synthetic.population import People, set_certified
from synthetic.render.persons import PersonTexts
from synthetic.world import World

FAMILY_ROLE = {"judo": 1, "care": 100, "drug": 200, "injury": 300, "lead": 250, "ahaki": 400, "clinic": 1, "household": 1, "cover": 700, "history": 710, "fee": 210}
GROUPS = ("clinic", "household")  # families whose plants are several people together
PATIENTS, MEMBERS = 36, 3  # people of a planted clinic; of a planted household
FORMS = ("overseas", "orthosis")  # families of paper forms: their people are ordinary ones, and planted in one month only
LABEL_SCHEMA = {
    "plant_id": pl.String, "plant_type": pl.String, "catalogue_id": pl.String, "is_decoy": pl.Boolean, "insurer_no": pl.String, "person_id": pl.String,
    "provider_id": pl.String, "service_month": pl.String, "claim_ids": pl.List(pl.String), "expected_yen": pl.Int64, "difficulty": pl.String,
    "severity": pl.String, "note": pl.String,
}


@dataclass(frozen=True)
class Pool:
    """Persons of one kind, planted or decoys.

    Attributes:
        kind: name in plants.yaml. decoy: whether these only look like it.
        number: plant numbers, unique over all kinds, from 1 on, shape (n,).
        person: person indices, shape (n,).

    """

    kind: str
    decoy: bool
    number: np.ndarray
    person: np.ndarray

    @property
    def n(self) -> int:
        """Number of members."""
        return len(self.person)

    def active(self, month: Month, turns: int) -> Pool:
        """Return the part of the pool whose turn a month is: every `turns`-th member."""
        use = np.arange(self.n) % turns == month.index % turns
        return Pool(self.kind, self.decoy, self.number[use], self.person[use])

    def variant(self, of: int) -> np.ndarray:
        """Spread the pool evenly over `of` variants, 0-based."""
        return np.arange(self.n) % of


@dataclass
class Ledger:
    """Everything known about plants: pools, and label rows as they become known."""

    cfg: TownConfig
    world: World
    pools: dict[tuple[str, bool], Pool] = field(default_factory=dict)
    groups: dict[tuple[str, bool], np.ndarray] = field(default_factory=dict)  # people of each plant of GROUPS, shape (n, k)
    _rows: list[pl.DataFrame] = field(default_factory=list)
    _claims: list[pl.DataFrame] = field(default_factory=list)

    def pool(self, kind: str, decoy: bool, month: Month) -> Pool:
        """Return the members of a kind that are active in a month."""
        return self.pools[kind, decoy].active(month, turns(self.cfg, kind))

    def once(self, kind: str, decoy: bool, month: Month) -> Pool:
        """Return the members of a kind of paper forms whose month it is: nobody comes twice, so only the last months have some."""
        count = turns(self.cfg, kind)
        pool, back = self.pools[kind, decoy], self.cfg.last.index - month.index
        use = np.full(pool.n, back < count) & (np.arange(pool.n) % count == back % count)
        return Pool(kind, decoy, pool.number[use], pool.person[use])

    def label(self, pool: Pool, month: Month, yen: np.ndarray, provider: np.ndarray, difficulty: np.ndarray, note: np.ndarray, where: np.ndarray | None = None) -> None:
        """Say that the plants of a pool (those of `where`) are in a month.

        Args:
            pool: which.
            month: service month.
            yen: insurer share at stake (0 for decoys).
            provider: provider ids.
            difficulty: easy, medium, hard.
            note: what was done, in one English phrase.
            where: mask over the pool.

        """
        use = np.ones(pool.n, bool) if where is None else where
        amount = np.zeros(pool.n, np.int64) if pool.decoy else np.broadcast_to(np.asarray(yen, dtype=np.int64), pool.n)
        self._rows.append(pl.DataFrame({
            "plant": pool.number[use], "month": np.full(int(use.sum()), month.index), "person": pool.person[use], "provider_id": pl.Series(provider[use].astype(str), dtype=pl.String),
            "yen": amount[use], "difficulty": pl.Series(difficulty[use].astype(str), dtype=pl.String), "note": pl.Series(note[use].astype(str), dtype=pl.String),
            "kind": [pool.kind] * int(use.sum()), "decoy": np.full(int(use.sum()), pool.decoy),
        }, schema_overrides={"kind": pl.String}))

    def claims(self, month: Month, plant: np.ndarray, claim_id: pl.Series) -> None:
        """Add the claim ids of plants."""
        self._claims.append(pl.DataFrame({"plant": np.asarray(plant, dtype=np.int64), "month": np.full(len(plant), month.index), "claim_id": claim_id}))

    def write(self, path: Path, texts: PersonTexts) -> None:
        """Write labels.parquet, sorted by plant id and month."""
        spec = load_yaml("plants.yaml")
        kinds = spec["kinds"] | spec["natural"]
        rows = pl.concat(self._rows) if self._rows else None
        if rows is None:
            pl.DataFrame(schema=LABEL_SCHEMA).write_parquet(path)
            return
        ids = pl.concat(self._claims).unique().sort("plant", "month", "claim_id").group_by("plant", "month", maintain_order=True).agg(pl.col("claim_id").alias("claim_ids"))
        rows = rows.join(ids, on=["plant", "month"], how="inner", maintain_order="left")
        people = texts.person_id()
        label = (pl.col("month") // 12).cast(pl.String) + "-" + (pl.col("month") % 12 + 1).cast(pl.String).str.zfill(2)
        catalogue = {k: v.get("catalogue", k) for k, v in kinds.items()}
        severity = {k: v["severity"] for k, v in kinds.items()}
        of_clinic = [k for k, v in kinds.items() if v["family"] == "clinic"]
        earlier = pl.coalesce(*[pl.when((pl.col("plant_type") == k) & (pl.col("service_month") <= v["was"]["to"])).then(pl.lit(v["was"]["id"])) for k, v in kinds.items() if "was" in v])
        out = rows.with_columns(label.alias("service_month"), people.gather(rows["person"]).alias("person_id"), texts.insurer8.gather(rows["person"]).alias("insurer_no"))
        out = out.with_columns(
            (pl.col("kind") + pl.when("decoy").then(pl.lit("-D")).otherwise(pl.lit("-P")) + pl.col("plant").cast(pl.String).str.zfill(6) + "-" + pl.col("service_month")).alias("plant_id"),
            pl.col("kind").alias("plant_type"), pl.col("kind").replace_strict(catalogue).alias("catalogue_id"), pl.col("decoy").alias("is_decoy"),
            pl.col("yen").alias("expected_yen"), pl.col("kind").replace_strict(severity).alias("severity"),
        ).with_columns(
            pl.coalesce(earlier, "catalogue_id").alias("catalogue_id"),
            pl.when(~pl.col("kind").is_in(of_clinic)).then("person_id").alias("person_id"),  # a tendency is nobody's
        )
        out.select([pl.col(c).cast(t) for c, t in LABEL_SCHEMA.items()]).sort("plant_id", "service_month").write_parquet(path)


def amount_of(kind: str, insured: int) -> int:
    """Plants of a kind in a month for a town of this size (decoys the same number)."""
    spec = load_yaml("plants.yaml")
    if "amount" in spec["kinds"][kind]:
        return spec["kinds"][kind]["amount"]
    least = max(1, round(spec["least"]["value"] * min(1.0, insured / spec["full_size"]["value"])))
    return max(least, round(spec["kinds"][kind]["per_insured"] * insured))


def turns(cfg: TownConfig, kind: str) -> int:
    """Return how many sets of persons of a kind take turns by month: one where the town is small or a pattern lasts."""
    spec = load_yaml("plants.yaml")
    if spec["kinds"][kind].get("once"):  # nobody dies twice
        return len(cfg.months)
    if spec["kinds"][kind]["family"] in FORMS:
        return min(len(cfg.months), spec["turns"]["value"])
    lasting = spec["kinds"][kind]["family"] in ("judo", "cover", "history", *GROUPS) or kind == "TP03" or spec["kinds"][kind].get("lasting", False)
    if lasting or cfg.insured < spec["turns_from"]["value"]:
        return 1
    return min(len(cfg.months), spec["turns"]["value"])


def reserve(cfg: TownConfig, world: World) -> Ledger:
    """Choose the persons of every kind, mark them in `people.role`, and certify those of the care family."""
    rng = cfg.rng("reserve")
    people = world.people
    whole = (people.gained <= cfg.judo_first.first - 400) & (people.lost < 0) & ~people.dialysis & (world.duplicate == 0) & ~people.certified
    whole &= people.age_at(cfg.last.first) >= 41
    order = rng.permutation(np.flatnonzero(whole))
    elderly = order[people.band[order] == 3]
    younger = order[(people.band[order] == 2) & (people.age_at(cfg.last.last)[order] < 64)]  # of working age to the end
    # young adults: few natural patterns of their age, and the others need the older ones
    adults = (people.band == 1) & (people.gained <= cfg.judo_first.first - 400) & (people.lost < 0) & ~people.dialysis & (world.duplicate == 0) & ~people.certified
    adults = cfg.rng("reserve-adults").permutation(np.flatnonzero(adults))
    ledger = Ledger(cfg, world)
    number, used_old, used_young, used_adults = 1, 0, 0, 0
    certify = np.zeros(people.n, bool)
    kinds = load_yaml("plants.yaml")["kinds"]
    for kind, spec in kinds.items():
        if spec["family"] in (*FORMS, *GROUPS):
            continue
        n = amount_of(kind, cfg.insured) * turns(cfg, kind) if spec.get("from", "") <= cfg.last.label else 0
        for decoy in (False, True):
            old = n if spec["family"] == "care" else 0 if spec.get("working_age") else (n + 1) // 2
            if spec["family"] in ("cover", "history"):
                chosen, old = adults[used_adults : used_adults + n], 0
                used_adults += n
            else:
                chosen = np.concatenate([elderly[used_old : used_old + old], younger[used_young : used_young + n - old]])
            if len(chosen) < n:
                raise ValueError("the town is too small for its plants: raise --insured")
            if spec["family"] not in ("cover", "history"):
                used_old, used_young = used_old + old, used_young + n - old
            chosen = np.sort(chosen)
            people.role[chosen] = FAMILY_ROLE[spec["family"]]
            if spec["family"] == "care":
                certify[chosen] = True
            ledger.pools[kind, decoy] = Pool(kind, decoy, np.arange(number, number + n), chosen)
            number += n
    number = _reserve_groups(cfg, world, ledger, number)
    _reserve_paper(cfg, world, ledger, number)
    set_certified(cfg, people, rng, certify)
    people.setting[certify] = 0
    people.care_level[certify] = np.maximum(people.care_level[certify], 21)
    return ledger


def _reserve_groups(cfg: TownConfig, world: World, ledger: Ledger, number: int) -> int:
    """Choose households of enough free members, and the patients of planted clinics; fewer where the town has no more."""
    people, kinds = world.people, load_yaml("plants.yaml")["kinds"]
    rng = cfg.rng("reserve-groups")
    free = (people.gained <= cfg.judo_first.first - 400) & (people.lost < 0) & (people.role == 0) & (people.age_at(cfg.judo_first.first) >= 12)
    at = np.flatnonzero(free)
    home = people.insurer[at].astype(np.int64) * (people.household.max() + 1) + people.household[at]
    _, first, size = np.unique(home, return_index=True, return_counts=True)  # the members of a household stand beside each other
    leads = rng.permutation(first[size >= MEMBERS])
    households = at[leads[:, None] + np.arange(MEMBERS)]
    for kind, spec in kinds.items():
        n = amount_of(kind, cfg.insured)
        for decoy in (False, True):
            if spec["family"] == "household":
                group, households = households[:n], households[n:]
            elif spec["family"] == "clinic":  # of one insurer, adults of every age
                patients = rng.permutation(np.flatnonzero(free & (people.role == 0) & (people.insurer == 0) & (people.band >= 1)))[: n * PATIENTS]
                group = np.sort(patients).reshape(n, -1)
            else:
                continue
            people.role[group.ravel()] = FAMILY_ROLE[spec["family"]]
            ledger.groups[kind, decoy] = group
            ledger.pools[kind, decoy] = Pool(kind, decoy, np.arange(number, number + len(group)), group[:, 0])
            number += n
    return number


def _reserve_paper(cfg: TownConfig, world: World, ledger: Ledger, number: int) -> None:
    """Choose the people of paper forms: covered all the time and in no other family, which may end their cover or judge their days.

    Kinds of one age come first: children are few, and a household is used once.
    """
    people, kinds = world.people, load_yaml("plants.yaml")["kinds"]
    free = (people.gained <= cfg.first.first - 400) & (people.lost < 0) & (people.role == 0)
    paper, used = cfg.rng("reserve-forms").permutation(np.flatnonzero(free)), np.zeros(int(people.household.max()) + 1, bool)
    for kind, spec in sorted(((k, s) for k, s in kinds.items() if s["family"] in FORMS), key=lambda item: "ages" not in item[1]):
        n = amount_of(kind, cfg.insured) * turns(cfg, kind)
        for decoy in (False, True):
            chosen = _of_ages(people, paper, used, spec.get("decoy_ages" if decoy else "ages", [20, 73]), cfg, n)
            ledger.pools[kind, decoy] = Pool(kind, decoy, np.arange(number, number + len(chosen)), chosen)
            number += n


def _of_ages(people: People, paper: np.ndarray, used: np.ndarray, ages: list[int], cfg: TownConfig, n: int) -> np.ndarray:
    """Take up to n people of an age (both ends included, at the end of the town's time), one of a household; fewer where there are no more."""
    age = people.age_at(cfg.last.first)[paper]
    free = paper[(age >= ages[0]) & (age < ages[1] + 1) & ~used[people.household[paper]]]
    _, first = np.unique(people.household[free], return_index=True)
    chosen = np.sort(free[np.sort(first)[:n]])
    used[people.household[chosen]] = True
    return chosen
