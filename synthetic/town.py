"""The whole town, month by month: simulate, plant, make odd, write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from synthetic.ahaki import natural_forms, natural_patients
from synthetic.care import CareMonth, CareSet, care_natural
from synthetic.claimset import ClaimSet, Frames, stack
from synthetic.config import Month, TownConfig, rate
from synthetic.dental import dental_month, nursing_month
from synthetic.dirt import break_lines
from synthetic.finish import finish, later
from synthetic.forms import natural
from synthetic.inpatient import Stays, build_stays, inpatient_month
from synthetic.judo import Courses, judo_month, natural_courses
from synthetic.office_lists import write_office_lists
from synthetic.outpatient import outpatient_month
from synthetic.pharmacy import pharmacy_month
from synthetic.plants import Plants
from synthetic.plants.cover_plants import OTHER_INSURER
from synthetic.population import insurer_numbers
from synthetic.render.ahaki import AHAKI_MAPPING, write_ahaki
from synthetic.render.book import VOLUME_CLAIMS
from synthetic.render.care import write_claims, write_records
from synthetic.render.cover import COVER_MAPPING, write_overlaps, write_settlements
from synthetic.render.fee_tables import write_fee_tables
from synthetic.render.forms import forms_mapping, numbered, write_exchange_rates, write_orthosis, write_overseas
from synthetic.render.leads import write_cases, write_cuts, write_leads, write_rates
from synthetic.render.masters import write_masters
from synthetic.render.persons import PersonTexts
from synthetic.render.tables import (
    ELIGIBILITY_MAPPING,
    JUDO_MAPPING,
    write_eligibility,
    write_judo,
    write_person_link,
    write_practitioners,
)
from synthetic.render.uke import Sheet, dpc_lines, medical_lines, volumes
from synthetic.render.uke_other import dental_lines, nursing_lines, pharmacy_lines
from synthetic.world import World, build_world

RENDER: dict[str, Callable[[Sheet, Month], None]] = {
    "med": medical_lines, "dpc": dpc_lines, "pha": pharmacy_lines, "den": dental_lines, "nur": nursing_lines,
}


class Town:
    """A town ready to be written.

    Args:
        cfg: settings.

    Attributes:
        world, stays, courses, patients, plants, texts: everything that lasts.

    """

    def __init__(self, cfg: TownConfig) -> None:
        self.cfg = cfg
        self.world: World = build_world(cfg)
        self.plants = Plants(cfg, self.world)  # reserves persons before anything natural is drawn for them
        self.stays: Stays = build_stays(cfg, self.world)
        self.courses: Courses = self.plants.with_courses(natural_courses(cfg, self.world))
        self.patients = natural_patients(cfg, self.world)
        self.texts = PersonTexts(cfg, self.world.people)
        self._held: dict[str, Frames] = {}

    def claims(self, month: Month) -> dict[str, ClaimSet]:
        """Return the month's natural claims by kind: med (outpatient), inp, dpc, pha, den, nur."""
        people, world = self.world.people, self.world
        busy = self.stays.busy(month, people.n)
        visits = outpatient_month(world, month, busy, self.stays.days(month, people.n))
        inpatient, dpc = inpatient_month(world, self.stays, month)
        pharmacy = pharmacy_month(world, month, visits.claims, visits.prescriptions)
        return {
            "med": visits.claims, "inp": inpatient, "dpc": dpc, "pha": pharmacy, "den": dental_month(world, month, busy),
            "nur": nursing_month(world, month, busy),
        }

    def month_care(self, month: Month) -> tuple[CareMonth, dict[str, list[ClaimSet]]]:
        """Return the month's care claims, natural and planted, and the planted receipts by kind."""
        care = CareSet(month)
        care_natural(self.world, month, self.stays.days(month, self.world.people.n), care)
        planted = self.plants.month(month, care)
        done = care.done()
        self.plants.settle_care(month, done, self.texts)
        return done, planted

    def month_frames(self, month: Month, planted: dict[str, list[ClaimSet]]) -> Iterator[tuple[str, Frames]]:
        """Yield (kind, finished claims) of a month, natural and planted, one kind at a time to keep memory low."""
        natural = self.claims(month)
        for kind, sets in {"med": ["med", "inp"], "dpc": ["dpc"], "pha": ["pha"], "den": ["den"], "nur": ["nur"]}.items():
            parts = [natural.pop(s).frames() for s in sets] + [p.frames() for p in planted.get(kind, [])]
            made = finish(self.cfg, month, kind, stack(parts), 0)
            del parts
            self.plants.settle(month, kind, made, self.texts)
            yield kind, made

    def write(self, out: Path, progress: Callable[[str], None] = lambda _: None) -> None:
        """Write all deliveries and the labels."""
        cfg = self.cfg
        if cfg.judo_history:
            self._write_history(out / "delivery" / (cfg.first - 1).label)
        for month in cfg.months:
            progress(month.label)
            self._write_month(out / "delivery" / month.label, month)
        self.plants.write_labels(out / "labels.parquet", self.texts)

    def _write_month(self, folder: Path, month: Month) -> None:
        cfg = self.cfg
        folder.mkdir(parents=True, exist_ok=True)
        care, planted = self.month_care(month)
        files: list[tuple[str, str, str]] = []
        for kind, made in self.month_frames(month, planted):
            now, held = later(cfg, month, kind, made)
            if kind in self._held:
                now = stack([now, self._held.pop(kind)])
            self._held[kind] = held
            self.plants.settle_natural(month, kind, now, self.texts)
            files += self._uke(folder, month, kind, now)
        files += self._care(folder, month, care)
        files += self._judo(folder, month, labelled=True)
        files += self._ahaki(folder, month)
        files += self._forms(folder, month)
        files += self._register(folder, month)
        files += self._told(folder, month)
        files += self._cover(folder, month)
        files += [(f, k, "") for f, k in write_masters(folder, month)]
        files += [(f, k, "") for f, k in write_fee_tables(folder, month)]
        files += write_office_lists(self.world, folder)
        self._delivery(folder, month, files)

    def _uke(self, folder: Path, month: Month, kind: str, frames: Frames) -> list[tuple[str, str, str]]:
        count = -(-frames.claims.height // VOLUME_CLAIMS)
        files = []
        for v, part in enumerate(volumes(frames) if count else ()):
            sheet = Sheet(self.cfg, kind, part, self.world.people, self.texts, self.world.providers, v)
            RENDER[kind](sheet, month)
            if self.cfg.dirt:
                break_lines(sheet, month)
            files.append((sheet.write(folder, last=v == count - 1).name, f"uke_{kind}", ""))
        return files

    def _care(self, folder: Path, month: Month, care: CareMonth) -> list[tuple[str, str, str]]:
        """Write the care file of each insurer: its rows do not name the NHI insurer, so the delivery has to."""
        cfg, people, providers = self.cfg, self.world.people, self.world.providers
        of = people.insurer[care.claims["person"].to_numpy()]
        files = []
        for i, number in enumerate(insurer_numbers(cfg.insurers)):
            claims = care.claims.filter(pl.Series(of == i))
            if claims.is_empty():
                continue
            part = CareMonth(claims, care.lines.join(claims.select("key"), on="key", how="semi", maintain_order="left"))
            name = f"care_{month.yyyymm}.csv" if cfg.insurers == 1 else f"care_{month.yyyymm}_{number}.csv"
            if cfg.care_format == "records":
                write_records(people, self.texts, providers, part, month, folder / name)
            else:
                write_claims(people, self.texts, providers, part, month, folder / name)
            files.append((name, "care_records" if cfg.care_format == "records" else "care_claims", f'insurer_no = "{number}"'))
        return files

    def _write_history(self, folder: Path) -> None:
        """Write the judo months before the first as one delivery, with the register as of its month."""
        folder.mkdir(parents=True, exist_ok=True)
        files: list[tuple[str, str, str]] = []
        for back in range(self.cfg.judo_history, 0, -1):
            files += self._judo(folder, self.cfg.first - back, labelled=False)
        month = self.cfg.first - 1
        files += self._register(folder, month)
        self._delivery(folder, month, files)

    def _judo(self, folder: Path, month: Month, *, labelled: bool) -> list[tuple[str, str, str]]:
        cfg, people = self.cfg, self.world.people
        made = self.plants.mark_judo(judo_month(self.world, self.courses, month, self.stays.days(month, people.n)))
        judo = self.plants.spoil_judo(month, made)
        rng = cfg.rng("judo-hidden", month.index)
        hidden = (rng.random(judo.claims.height) < rate("oddness.judo_without_parts")) & (judo.claims["tag"].to_numpy() == 0) & cfg.dirt
        claims, parts = f"judo_{month.yyyymm}.csv", f"judo_parts_{month.yyyymm}.csv"
        write_judo(cfg, people, self.texts, self.world.providers, judo, month, folder / claims, folder / parts, hidden)
        self.plants.settle_judo(month, judo, self.texts, labelled=labelled)
        (folder / "judo_mapping.toml").write_text(JUDO_MAPPING, encoding="utf-8")
        return [(claims, "judo_claims", 'layout = "judo_mapping.toml"'), (parts, "judo_parts", 'layout = "judo_mapping.toml"')]

    def _ahaki(self, folder: Path, month: Month) -> list[tuple[str, str, str]]:
        natural = natural_forms(self.world, self.patients, month, self.stays.days(month, self.world.people.n))
        forms = self.plants.with_forms(month, natural, self.texts)
        name = f"ahaki_{month.yyyymm}.csv"
        write_ahaki(self.cfg, self.world.people, self.texts, forms, month, folder / name)
        (folder / "ahaki_mapping.toml").write_text(AHAKI_MAPPING, encoding="utf-8")
        return [(name, "ahaki_claims", 'layout = "ahaki_mapping.toml"')]

    def _forms(self, folder: Path, month: Month) -> list[tuple[str, str, str]]:
        """Write care abroad, therapeutic devices and exchange rates, natural and planted together."""
        people, files = self.world.people, []
        ordinary, planted = natural(self.cfg, people, month), self.plants.paper_forms(month)
        for kind, letter, own, more, write in (("overseas", "K", ordinary[0], planted[0], write_overseas), ("orthosis", "S", ordinary[1], planted[1], write_orthosis)):
            forms = numbered(pl.concat([own, *more]), letter, month)
            write(people, self.texts, forms, folder / f"{kind}_{month.yyyymm}.csv")
            self.plants.settle_paper(month, kind, forms, self.texts)
            files.append((f"{kind}_{month.yyyymm}.csv", f"{kind}_claims", 'layout = "forms_mapping.toml"'))
        write_exchange_rates(month, insurer_numbers(self.cfg.insurers), folder / f"rates_{month.yyyymm}.csv")
        (folder / "forms_mapping.toml").write_text(forms_mapping(), encoding="utf-8")
        return [*files, (f"rates_{month.yyyymm}.csv", "exchange_rates", 'layout = "forms_mapping.toml"')]

    def _register(self, folder: Path, month: Month) -> list[tuple[str, str, str]]:
        eligibility, link = f"shikaku_{month.yyyymm}.csv", f"person_link_{month.yyyymm}.csv"
        write_eligibility(self.cfg, self.world.people, self.texts, month, folder / eligibility)
        write_person_link(self.cfg, self.world.people, self.texts, folder / link)
        listed = f"practitioners_{month.yyyymm}.csv"
        write_practitioners(self.texts, self.world.providers, self.plants.listed(), folder / listed)
        (folder / "register_mapping.toml").write_text(ELIGIBILITY_MAPPING, encoding="utf-8")
        return [(eligibility, "eligibility", 'layout = "register_mapping.toml"'), (link, "person_link", 'layout = "register_mapping.toml"'), (listed, "practitioners", "")]

    def _told(self, folder: Path, month: Month) -> list[tuple[str, str, str]]:
        """Write what other bodies and the reviews tell."""
        told, stem = self.plants.leads, f"{month.yyyymm}.csv"
        files = [(name, "leads") for name in write_leads(self.cfg, self.world.people, self.texts, told.leads, month, folder)]
        files += [(f"jian_{stem}", "third_party_cases"), (f"satei_{stem}", "review_cuts"), (f"saishinsa_{stem}", "rereview_rates")]
        write_cases(self.texts, told.cases, month, folder / files[-3][0])
        write_cuts(self.texts, told.cuts, month, folder / files[-2][0])
        write_rates(self.cfg, month, folder / files[-1][0])
        return [(name, kind, "") for name, kind in files]

    def _cover(self, folder: Path, month: Month) -> list[tuple[str, str, str]]:
        overlaps, settlements = f"shikaku_chofuku_{month.yyyymm}.csv", f"hokenshakan_{month.yyyymm}.csv"
        write_overlaps(self.world.people, self.texts, self.plants.cover.overlaps(month), folder / overlaps)
        write_settlements(self.texts, self.plants.cover.settlements(), OTHER_INSURER, month, folder / settlements)
        (folder / "cover_mapping.toml").write_text(COVER_MAPPING, encoding="utf-8")
        return [(overlaps, "cover_overlaps", 'layout = "cover_mapping.toml"'), (settlements, "insurer_settlements", 'layout = "cover_mapping.toml"')]

    def _delivery(self, folder: Path, month: Month, files: list[tuple[str, str, str]]) -> None:
        insurers = insurer_numbers(self.cfg.insurers)
        only = [f'insurer_no = "{insurers[0]}"'] if len(insurers) == 1 else []
        lines = [*only, "insurers = [" + ", ".join(f'"{i}"' for i in insurers) + "]", f'month = "{month.label}"']
        for name, kind, more in files:
            lines += ["", "[[file]]", f'name = "{name}"', f'kind = "{kind}"', *([more] if more else [])]
        (folder / "delivery.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
