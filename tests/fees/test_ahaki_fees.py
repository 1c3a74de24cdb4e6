"""Fees of あはき against the printed tables of each revision (whole amounts, as the tables give them)."""

from datetime import date

import polars as pl
import pytest

from audit.fees.ahaki import fee_lines
from audit.params import load
from audit.tables import AHAKI_CLAIMS

NEEDLE = [  # month, first examination 1/2 methods, treatment 1/2 methods, electric stimulation
    (date(2018, 6, 1), 1610, 1660, 1540, 1580, 30),
    (date(2019, 10, 1), 1710, 1760, 1540, 1590, 30),
    (date(2020, 12, 1), 1770, 1850, 1550, 1610, 30),
    (date(2022, 6, 1), 1780, 1860, 1550, 1610, 34),
    (date(2024, 6, 1), 1950, 2230, 1610, 1770, 100),
    (date(2026, 6, 1), 1950, 2230, 1610, 1770, 100),
    (date(2026, 7, 1), None, None, 1650, 1820, 100),
]
MASSAGE = [  # month, one site, warm, warm with light, limb, 往療 near, far, report
    (date(2018, 9, 1), 340, 80, 110, 780, 2300, 2700, None),
    (date(2018, 10, 1), 340, 80, 110, 780, 2300, 2700, 300),
    (date(2019, 10, 1), 340, 110, 150, 790, 2300, 2700, 300),
    (date(2020, 12, 1), 350, 110, 150, 450, 2300, 2550, 460),
    (date(2022, 6, 1), 350, 125, 160, 450, 2300, 2550, 480),
    (date(2024, 6, 1), 450, 180, 300, 470, 2300, 2550, 480),
    (date(2024, 10, 1), 450, 180, 300, 470, 2300, 2300, 480),
    (date(2026, 7, 1), 470, 180, 300, 470, None, None, None),
]
HOME = {  # 訪問施術料 with the treatment, as printed: class -> acupuncture 1/2 methods, massage of 1..5 sites
    1: (3910, 4070, 2750, 3200, 3650, 4100, 4550),
    2: (2760, 2920, 1600, 2050, 2500, 2950, 3400),
    3: (2070, 2230, 910, 1360, 1810, 2260, 2710),
    4: (1760, 1920, 600, 1050, 1500, 1950, 2400),
}


def expected(month, **columns):
    row = {"kind": "massage", "service_month": month, "actual_days": 5, "total_yen": 0, "insurer_yen": 0} | columns
    billed = {c: 0 for c in AHAKI_CLAIMS.schema if c.endswith("_yen") and c not in row}
    frame = fee_lines(AHAKI_CLAIMS.conform(pl.DataFrame([row | billed], schema_overrides={c: t for c, t in AHAKI_CLAIMS.schema.items() if c in {**row, **billed}})), load())
    return dict(frame.select("line", "expected_yen").iter_rows())


@pytest.mark.parametrize(("month", "initial1", "initial2", "one", "two", "electro"), NEEDLE)
def test_acupuncture(month, initial1, initial2, one, two, electro):
    lines = expected(month, kind="acupuncture", methods=1, initial_count=1, treatment_count=4, electro_count=3)
    assert (lines["initial"], lines["treatment"], lines["electro"]) == (initial1, 4 * one, 3 * electro)
    lines = expected(month, kind="acupuncture", methods=2, initial_count=1, treatment_count=4, electro_count=3)
    assert (lines["initial"], lines["treatment"]) == (initial2, 4 * two)


@pytest.mark.parametrize(("month", "site", "warm", "light", "limb", "near", "far", "report"), MASSAGE)
def test_massage(month, site, warm, light, limb, near, far, report):
    lines = expected(month, body_sites=3, treatment_count=4, warm_count=2, warm_light_count=1, correction_limbs=4, outcall_count=3, outcall_far_count=1, report_count=1)
    assert lines["treatment"] == 12 * site
    assert lines["warm"] == 2 * warm + light
    assert lines["correction"] == 4 * limb
    assert lines["outcall"] == (None if near is None else 2 * near + far)
    assert lines["report"] == report
    assert expected(month, site_treatments=7, body_sites=3, treatment_count=4)["treatment"] == 7 * site


@pytest.mark.parametrize("level", HOME)
def test_visits_at_home_as_printed(level):
    count = {f"home{level}_count": 2}
    for methods in (1, 2):
        assert expected(date(2024, 10, 1), kind="acupuncture", methods=methods, **count)["home"] == 2 * HOME[level][methods - 1]
    for sites in range(1, 6):
        assert expected(date(2024, 10, 1), body_sites=sites, **count)["home"] == 2 * HOME[level][sites + 1]


def test_visits_at_home_of_2026():
    july = date(2026, 7, 1)
    assert [expected(july, kind="acupuncture", methods=m, home1_count=1)["home"] for m in (1, 2)] == [3950, 4120]
    assert [expected(july, body_sites=s, home1_count=1)["home"] for s in range(1, 6)] == [2770, 3240, 3710, 4180, 4650]
    assert expected(july, body_sites=1, home5_count=1)["home"] == 540
    assert expected(date(2026, 6, 1), body_sites=1, home5_count=1)["home"] is None, "there was no fifth class"


def test_nothing_billed_costs_nothing_even_where_the_price_is_unknown():
    lines = expected(date(2026, 7, 1), kind="acupuncture", methods=1, initial_count=0, outcall_count=0, report_count=0, special_area_count=0)
    assert [lines[n] for n in ("initial", "outcall", "report", "special_area", "warm", "correction")] == [0] * 6


def test_distance_decides_where_far_visits_were_not_counted():
    month = date(2024, 9, 1)
    assert expected(month, outcall_count=2, distance_km=4.0)["outcall"] == 4600
    assert expected(month, outcall_count=2, distance_km=4.1)["outcall"] == 5100
    assert expected(month, outcall_count=2)["outcall"] is None
    assert expected(date(2024, 10, 1), outcall_count=2)["outcall"] == 4600
