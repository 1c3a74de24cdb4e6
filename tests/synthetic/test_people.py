"""The register: keys, households, cover."""

from __future__ import annotations

import polars as pl


def test_people_are_unique_by_address_number_and_by_certificate(town):
    register = town.csv("2026-10", "shikaku_202610.csv")
    assert register["宛名番号"].n_unique() == register.height
    half = register.with_columns(pl.col("番号").str.normalize("NFKC"))
    assert half.select("記号", "番号", "枝番").n_unique() == register.height


def test_every_planted_person_is_covered_and_known(town):
    register = town.csv("2026-10", "shikaku_202610.csv")
    ids = register.select(pl.concat_str(["保険者番号", "宛名番号"], separator="-").alias("person_id"), "資格喪失日")
    # persons who lose their cover are planted with just that
    labels = town.labels.filter(~pl.col("plant_type").is_in(["EL01", "EL01N", "EL05", "JD20"])).join(ids, on="person_id", how="left")
    assert labels["資格喪失日"].null_count() == labels.height
    assert set(town.labels["person_id"].drop_nulls()) <= set(ids["person_id"])


def test_most_certified_people_are_in_the_link(town):
    register = town.csv("2026-10", "shikaku_202610.csv").filter(pl.col("要介護状態区分").is_not_null())
    link = town.csv("2026-10", "person_link_202610.csv")
    linked = register["宛名番号"].is_in(link["宛名番号"].implode())
    assert 0.97 <= linked.mean() <= 1
    planted = {p.split("-")[1] for p in town.labels.filter(pl.col("plant_type").str.starts_with("MC"))["person_id"]}
    assert planted <= set(link["宛名番号"])


def test_care_numbers_of_link_and_register_agree(town):
    register = town.csv("2026-10", "shikaku_202610.csv").select("宛名番号", "介護被保険者番号").drop_nulls()
    link = town.csv("2026-10", "person_link_202610.csv").select("宛名番号", linked="介護被保険者番号")
    both = register.join(link, on="宛名番号")
    assert both.height > 150
    assert (both["介護被保険者番号"] == both["linked"]).all()


def test_late_joiners_are_not_in_an_earlier_register(town):
    early, late = (town.csv(m, f"shikaku_{m.replace('-', '')}.csv") for m in ("2026-09", "2026-10"))
    assert early["資格取得日"].max() <= "20260930"
    assert late["資格取得日"].max() > "20260930"


def test_nobody_is_75_in_the_last_month(town):
    elderly = town.labels.filter(pl.col("plant_type") == "EL04")["person_id"].str.split("-").list.get(1)
    register = town.csv("2026-10", "shikaku_202610.csv").filter(~pl.col("宛名番号").is_in(elderly.implode()))
    assert register["生年月日"].drop_nulls().min() > "19511031"
