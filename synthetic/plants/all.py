"""All families of plants behind one door."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from synthetic.ahaki import Forms, concat_forms
from synthetic.care import CareMonth, CareSet
from synthetic.claimset import ClaimSet, Frames
from synthetic.config import Month, TownConfig
from synthetic.judo import Courses, JudoMonth, Listed, concat_courses
from synthetic.plants.ahaki_plants import AhakiPlants
from synthetic.plants.base import Ledger, reserve
from synthetic.plants.care_home_plants import CareHomePlants
from synthetic.plants.care_plants import CarePlants
from synthetic.plants.clinic_plants import ClinicPlants
from synthetic.plants.cover_plants import CoverPlants
from synthetic.plants.drug_plants import DrugPlants
from synthetic.plants.fee_table_plants import FeeTablePlants
from synthetic.plants.history_plants import HistoryPlants
from synthetic.plants.injury_plants import InjuryPlants
from synthetic.plants.judo_fee_plants import JudoFeePlants
from synthetic.plants.judo_form_plants import JudoFormPlants
from synthetic.plants.judo_plants import JudoPlants
from synthetic.plants.lead_plants import LeadPlants
from synthetic.plants.natural import NaturalErrors
from synthetic.plants.orthosis_plants import OrthosisPlants
from synthetic.plants.overseas_plants import OverseasPlants
from synthetic.plants.visit_plants import VisitPlants
from synthetic.render.care import care_texts
from synthetic.render.persons import PersonTexts
from synthetic.world import World


class Plants:
    """Reserves people, plants their claims, and keeps the labels.

    Args:
        cfg: settings.
        world: the town; its `people.role` and certification are changed here, before anything natural is drawn.

    """

    def __init__(self, cfg: TownConfig, world: World) -> None:
        self.world = world
        self.ledger: Ledger = reserve(cfg, world)
        self.judo, self.ahaki = JudoPlants(self.ledger), AhakiPlants(self.ledger)
        self._clinics = ClinicPlants(self.ledger)
        self.leads = LeadPlants(self.ledger)
        self.forms = JudoFormPlants(self.ledger)
        self._judo_fees = JudoFeePlants(self.ledger)
        self.cover, self._history = CoverPlants(self.ledger), HistoryPlants(self.ledger)
        self._fees = FeeTablePlants(self.ledger)
        self._care, self._drugs, self._injuries = CarePlants(self.ledger), DrugPlants(self.ledger), InjuryPlants(self.ledger)
        self._care_home, self._visits = CareHomePlants(self.ledger), VisitPlants(self.ledger)
        self._overseas, self._orthosis = OverseasPlants(self.ledger), OrthosisPlants(self.ledger)
        self._natural = NaturalErrors(self.ledger)

    def with_courses(self, natural: Courses) -> Courses:
        """Return natural and planted courses together."""
        return concat_courses([natural, self.judo.courses(), self.forms.courses(), self._judo_fees.courses(), self._clinics.courses()])

    def month(self, month: Month, care: CareSet) -> dict[str, list[ClaimSet]]:
        """Return the planted claims of a month by kind (med, pha, den, nur); care claims go into `care`."""
        out: dict[str, list[ClaimSet]] = {}
        made_by_family = (
            self._care.month(month, care), self._drugs.month(month), self._injuries.month(month), self.ahaki.month(month), self.leads.month(month),
            self._care_home.month(month, care), self._visits.month(month), self.cover.month(month), self._history.month(month), self._fees.month(month),
            self.forms.month(month),
        )
        for made in made_by_family:
            for kind, sets in made.items():
                out.setdefault(kind, []).extend(sets)
        return out

    def settle(self, month: Month, kind: str, made: Frames, texts: PersonTexts) -> None:
        """Learn the claim ids of a month's planted receipts of a kind."""
        planted = made.claims.filter(pl.col("plant") > 0)
        insurer = texts.insurer8.gather(planted["person"])
        ids = planted.select(pl.concat_str([pl.lit(kind + ":"), insurer, pl.lit(":"), pl.col("search").cast(pl.String)]).alias("id"))["id"]
        self.ledger.claims(month, planted["plant"].to_numpy(), ids)
        if kind == "med":
            self.leads.settle(month, made)
        self.cover.settle(month, made)

    def settle_natural(self, month: Month, kind: str, delivered: Frames, texts: PersonTexts) -> None:
        """Label what a month's delivery of a kind holds of errors that nobody planted."""
        self._natural.receipts(month, kind, delivered, self.leads.died, texts)

    def paper_forms(self, month: Month) -> tuple[list[pl.DataFrame], list[pl.DataFrame]]:
        """Return the planted paper forms of a month: care abroad, therapeutic devices."""
        return self._overseas.month(month), self._orthosis.month(month)

    def settle_paper(self, month: Month, kind: str, forms: pl.DataFrame, texts: PersonTexts) -> None:
        """Learn the claim ids of a month's planted paper forms."""
        planted = forms.filter(pl.col("plant") > 0)
        ids = planted.select(pl.concat_str([pl.lit(kind + ":"), texts.insurer8.gather(planted["person"]), pl.lit(":"), "no"]).alias("id"))["id"]
        self.ledger.claims(month, planted["plant"].to_numpy(), ids)

    def settle_care(self, month: Month, care: CareMonth, texts: PersonTexts) -> None:
        """Learn the claim ids of a month's planted care claims."""
        named = care_texts(self.world.people, texts, self.world.providers, care).filter(pl.col("plant") > 0)
        parts = ["care_insurer", "provider_id", "care_no", pl.col("month").cast(pl.String), pl.col("form").cast(pl.String)]
        ids = named.select(pl.concat_str([pl.lit("care"), *parts], separator=":").alias("id"))["id"]
        self.ledger.claims(month, named["plant"].to_numpy(), ids)

    def spoil_judo(self, month: Month, judo: JudoMonth) -> JudoMonth:
        """Put the planted fee errors into the forms of a month."""
        return self._judo_fees.spoil(month, judo)

    def settle_judo(self, month: Month, judo: JudoMonth, texts: PersonTexts, *, labelled: bool) -> None:
        """Label the judo plants of a month (history months only count towards what comes later)."""
        self.judo.settle(month, judo, self.world.people, texts, labelled=labelled)
        if labelled:
            self.forms.settle(month, judo, texts)
            self._judo_fees.settle(month, judo)
            self._clinics.settle(month, judo)
            self._natural.forms(month, judo, texts)

    def mark_judo(self, judo: JudoMonth) -> JudoMonth:
        """Return a month's forms with what the planted ones say amiss."""
        return self.forms.mark(judo)

    def listed(self) -> Listed:
        """The office's list of the people of judo clinics."""
        return self.forms.listed()

    def with_forms(self, month: Month, natural: Forms, texts: PersonTexts) -> Forms:
        """Return the month's natural and planted あはき forms together, the planted ones labelled."""
        forms = concat_forms([natural, self.ahaki.forms(month)])
        self.ahaki.settle(month, forms, texts)
        return forms

    def write_labels(self, path: Path, texts: PersonTexts) -> None:
        """Write labels.parquet."""
        self.ledger.write(path, texts)
