"""Applications for care abroad, therapeutic devices, exchange rates: keyed by the office, read through mappings."""

from datetime import date

import polars as pl
import pytest

from audit.errors import LayoutError
from audit.intake import sniff
from audit.intake.forms import read_exchange_rates, read_orthosis_claims, read_overseas_claims
from audit.intake.link import link_people
from audit.intake.redelivery import complete
from audit.params import load
from audit.tables import ALL
from audit.tables.orthosis import DEVICE_KINDS

INSURER = "00110221"
ABROAD = (
    "整理番号,記号,番号,枝番,性別,生年月日,申請日,支給決定日,診療国,医療機関名,診療開始日,診療終了日,出国日,帰国日,翻訳者,診療内容明細書,領収明細書,領収書,日本語訳,翻訳者署名,渡航確認書類,同意書,"
    "通貨,現地支払額,換算率,国内標準額,支給対象額,支給額,給付割合"
)
GOOD = "K1,川01,１２３,1,男,S50.4.1,20261001,20261020,タイ,Ｂａｎｇｋｏｋ Hosp.,R8.8.3,20260805,20260801,20260820,山田,1,有,○,1,1,1,0,usd,\"1,000.50\",150.25,\"200,000\",150325,,7"
DEVICES = "整理番号,品目順,記号,番号,枝番,性別,生年月日,医療機関コード,製作所,装具の種類,左右,修理区分,再製作理由,医師の指示日,装着日,領収日,数量,費用額,給付割合,写真"


def overseas(delivered, *lines, header=ABROAD):
    return read_overseas_claims(delivered("\n".join([header, *lines]) + "\n", "overseas_claims", insurer_no=INSURER), frozenset({INSURER}))


def orthosis(delivered, *lines, header=DEVICES):
    return read_orthosis_claims(delivered("\n".join([header, *lines]) + "\n", "orthosis_claims", insurer_no=INSURER), frozenset({INSURER}))


def test_a_form_of_care_abroad(delivered, accounted):
    result = overseas(delivered, GOOD)
    assert accounted(result) == {}
    row = result.tables["overseas_claims"].row(0, named=True)
    assert (row["claim_id"], row["service_month"], row["number"], row["hospital"]) == (f"overseas:{INSURER}:K1", date(2026, 8, 1), "123", "Bangkok Hosp.")
    assert (row["currency"], row["foreign_amount"], row["exchange_rate"], row["standard_yen"], row["benefit_rate"]) == ("USD", 1000.5, 150.25, 200_000, 70)
    assert (row["receipt_sheet"], row["receipt"], row["consent"]) == (True, True, False)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("20260805", "20260802", "dates_reversed"), ("20260820", "20260731", "dates_reversed"), ("150325", "-5", "bad_amount"), ("150.25", "abc", "bad_amount"),
        ("R8.8.3", "", "missing_value"), ("有", "?", "unknown_value"), ("タイ", "", "missing_value"), ("K1", "", "missing_value"), ("S50.4.1", "S50.14.1", "bad_date"),
    ],
)
def test_form_that_is_refused(delivered, accounted, old, new, reason):
    result = overseas(delivered, GOOD.replace("K1,", "K0,", 1), GOOD.replace(old, new, 1))
    assert accounted(result) == {3: reason}
    assert result.tables["overseas_claims"].height == 1


def test_a_form_twice_and_missing_columns(delivered, accounted):
    assert accounted(overseas(delivered, GOOD, GOOD)) == {3: "duplicate_claim"}
    with pytest.raises(LayoutError, match="診療開始日"):
        overseas(delivered, "1,2", header="整理番号,番号")


def test_devices_and_their_numbers(delivered, accounted):
    result = orthosis(
        delivered,
        "S1,,川01,123,1,2,H30.5.1,1110000001,東義肢,膝装具（硬性）,左,新規,,20260901,,20260920,1,50000,8,",
        "S1,,川01,123,1,2,H30.5.1,1110000001,東義肢,足底装具,両,修理,破損,20260901,,20260920,2,30000,8,",
        "S2,1,川01,123,1,2,H30.5.1,,,靴型装具,,,,,,20260920,,30000,8,無",
        "S2,1,川01,123,1,2,H30.5.1,,,靴型装具,,,,,,20260920,,30000,8,無",
        "S3,1,川01,123,1,2,H30.5.1,,,不思議な装具,,,,,,20260920,,30000,8,無",
    )
    assert accounted(result) == {5: "duplicate_claim", 6: "unknown_value"}
    frame = result.tables["orthosis_claims"]
    assert frame.select("item_no", "device_kind", "side", "is_repair", "reissue_reason", "photo").rows() == [
        (1, "膝装具（硬性）", "left", False, None, None), (2, "足底装具", "both", True, "broken", None), (1, "靴型装具", None, None, None, False),
    ]  # fmt: skip
    assert frame["service_month"].unique().to_list() == [date(2026, 9, 1)]


def test_exchange_rates(delivered, accounted):
    text = "通貨,適用日,売レート\nUSD,20261020,150.25\nusd,2026/10/20,150.30\nEUR,R8.10.20,0\nEUR,R8.10.21,170\n"
    result = read_exchange_rates(delivered(text, "exchange_rates", insurer_no=INSURER))
    assert accounted(result) == {3: "duplicate_row", 4: "bad_amount"}
    assert result.tables["exchange_rates"].select("currency", "rate_on", "selling_rate").rows() == [("USD", date(2026, 10, 20), 150.25), ("EUR", date(2026, 10, 21), 170.0)]


@pytest.mark.parametrize(("header", "kind"), [(ABROAD, "overseas_claims"), (DEVICES, "orthosis_claims"), ("通貨,適用日,売レート", "exchange_rates")])
def test_kind_is_told_by_the_header(header, kind):
    assert sniff.guess((header + "\n1\n").encode("cp932"), "cp932").kind == kind


def test_person_and_share(delivered):
    spell = {"insurer_no": INSURER, "person_id": f"{INSURER}-1", "addressee_no": "1", "symbol": "川01", "number": "123", "branch": "01", "sex": "1", "birth_date": date(1975, 4, 1), "gained_on": date(2020, 4, 1), "benefit_rate": 70}
    linked = link_people({"eligibility": pl.DataFrame([spell]), "overseas_claims": overseas(delivered, GOOD.replace(",7", ",")).tables["overseas_claims"]})
    row = linked["overseas_claims"].row(0, named=True)
    assert (row["person_id"], row["match_state"], row["insurer_yen"]) == (f"{INSURER}-1", "exact", 105_228)  # 150,325 x 70 % = 105,227.5


def test_a_form_delivered_again_replaces_the_stored_one(delivered):
    new = {"orthosis_claims": ALL["orthosis_claims"].conform(orthosis(delivered, "S1,,川01,123,1,2,H30.5.1,,,足底装具,両,,,,,20260920,1,30000,8,").tables["orthosis_claims"])}
    old = ALL["orthosis_claims"].conform(orthosis(
        delivered, "S1,,川01,123,1,2,H30.5.1,,,足底装具,両,,,,,20260920,1,20000,8,", "S1,,川01,123,1,2,H30.5.1,,,肩装具,両,,,,,20260920,1,20000,8,",
        "S2,,川01,123,1,2,H30.5.1,,,足底装具,両,,,,,20260920,1,20000,8,", "S3,,川01,123,1,2,H30.5.1,,,足底装具,両,,,,,20260920,1,20000,8,",
    ).tables["orthosis_claims"])
    nothing = lambda name: ALL[name].empty()  # noqa: E731
    whole = complete(new, lambda name: old if name == "orthosis_claims" else nothing(name), nothing).tables["orthosis_claims"]
    assert sorted(whole.select(pl.col("claim_id").str.slice(-2), "item_no", "amount_yen").rows()) == [("S1", 1, 30000), ("S2", 1, 20000), ("S3", 1, 20000)]


def test_every_kind_of_the_parameters_can_be_delivered():
    known = set(DEVICE_KINDS)
    for name in ("orthosis.life.months", "orthosis.limit.compression", "orthosis.limit.lenses", "orthosis.compression.kinds", "orthosis.glasses.kinds", "orthosis.photo.kinds"):
        for period in load()[name].periods:
            assert set(period.value) <= known, name
