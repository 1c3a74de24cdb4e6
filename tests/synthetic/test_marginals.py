"""The natural part of the town holds the base statistics it is calibrated to."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from synthetic.config import TownConfig, catalog, load_yaml, month_range, rate
from synthetic.judo import judo_month
from synthetic.town import Town

CASES = yaml.safe_load((Path(__file__).parent / "marginals.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    cfg = TownConfig(60_000, month_range("2026-10"), 3, date(2026, 11, 21))
    town = Town(cfg)
    people, n = town.world.people, cfg.insured
    sets = town.claims(cfg.first)
    out = {
        "outpatient_claims": sets["med"].n / n, "inpatient_claims": (sets["inp"].n + sets["dpc"].n) / n, "pharmacy_claims": sets["pha"].n / n,
        "dental_claims": sets["den"].n / n, "nursing_claims": sets["nur"].n / n,
    }
    stays = np.concatenate([sets["inp"].points, sets["dpc"].points])
    days = np.concatenate([sets["inp"].columns["days"], sets["dpc"].columns["days"]])
    out |= {
        "outpatient_points_median": np.median(sets["med"].points), "outpatient_points_mean": sets["med"].points.mean(), "inpatient_days_mean": days.mean(),
        "inpatient_points_median": np.median(stays), "inpatient_points_mean": stays.mean(), "pharmacy_points_mean": sets["pha"].points.mean(),
        "dental_points_mean": sets["den"].points.mean(), "nursing_yen_mean": sets["nur"].points.mean(),
    }
    codes = catalog("diseases").filter(pl.col("icd10").str.contains("^[ST]"))["code"].cast(pl.Int64)
    diagnoses = sets["med"].frames().diagnoses
    out["outpatient_injury_share"] = diagnoses.filter(pl.col("code").is_in(codes.implode()))["key"].n_unique() / sets["med"].n
    drugs = catalog("drugs").select(pl.col("code").cast(pl.Int64), pl.col("price_code").str.slice(0, 4).alias("effect"), "form")
    pharmacy = sets["pha"].frames()
    oral = pharmacy.extra["drugs"].join(pharmacy.claims.select("key", "person", "prescriber"), on="key").join(drugs, on="code").filter(pl.col("form") == "1")
    doubled = oral.group_by("person", "effect").agg(pl.col("prescriber").n_unique().alias("by")).filter(pl.col("by") >= 2)
    persons = doubled.group_by("person").agg(pl.len().alias("classes"), pl.col("by").max())
    out["pharmacy_duplicates_kdb"] = persons.filter((pl.col("classes") >= 2) | (pl.col("by") >= 3)).height / n
    forms = judo_month(town.world, town.courses, cfg.first).claims.filter(pl.col("tag") == 0)
    visits, parts, counted = (forms[c].to_numpy() for c in ("days", "part_count", "counted"))
    out |= {
        "judo_claims": forms.height / n, "judo_visits_mean": visits.mean(), "judo_visits_ge_10": (visits >= 10).mean(), "judo_visits_ge_15": (visits >= 15).mean(),
        "judo_over_3_months": (counted > 3).mean(), "judo_over_5_months": (counted > 5).mean(), "judo_multi_and_frequent": ((parts >= 3) & (visits >= 15)).mean(),
        "judo_yen_mean": forms["total"].mean(),
    }
    out |= {f"judo_parts_{k}": (parts == k).mean() for k in (1, 2, 3, 4)}
    for band, name in enumerate(("0_19", "20_39", "40_64", "65_74")):
        out[f"people_age_{name}"] = (people.band == band).mean()
    old = (people.band == 3) & (people.role == 0)
    out["care_certified_65_74"] = people.certified[old].mean()
    return {k: float(v) for k, v in out.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["measure"])
def test_marginal(measured, case):
    assert measured[case["measure"]] == pytest.approx(rate(case["rate"]), rel=case["tolerance"])


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_parts_per_claim(measured, k):
    assert measured[f"judo_parts_{k}"] == pytest.approx(rate("judo.parts")[k - 1], abs=0.03)


def test_every_rate_names_its_source():
    def leaves(node, path=""):
        for key, value in node.items():
            if isinstance(value, dict) and "value" in value:
                yield f"{path}{key}", value
            else:
                yield from leaves(value, f"{path}{key}.")

    found = dict(leaves(load_yaml("rates.yaml")))
    assert len(found) > 50
    for name, leaf in found.items():
        assert set(leaf) == {"value", "source"}, name
        assert leaf["source"].startswith(("kit §", "assumed")), name


def test_every_fee_names_source_and_confidence():
    for name, entry in load_yaml("fees.yaml").items():
        assert set(entry) == {"values", "source", "confidence"}, name
        assert sorted(entry["values"]) == list(entry["values"]), name
