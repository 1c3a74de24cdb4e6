"""Judo fees computed by another hand (day by day, from the notices' words) agree with the recomputation, over all revisions."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.fees.judo import recompute
from audit.reports.judo_fees import fee_text
from tests.rules.case_tables import tables

# (from, 初検, 相談, 再検, 施療, 後療, 温, 冷, 電, 明細書, 2nd, 3rd)
TABLE = [
    (date(2019, 10, 1), 1520, 50, 410, 760, 505, 75, 85, 30, 0, 1.0, 0.6),
    (date(2020, 6, 1), 1520, 100, 410, 760, 505, 75, 85, 30, 0, 1.0, 0.6),
    (date(2022, 10, 1), 1520, 100, 410, 760, 505, 75, 85, 30, 13, 1.0, 0.6),
    (date(2024, 6, 1), 1550, 100, 410, 760, 505, 75, 85, 33, 13, 1.0, 0.6),
    (date(2024, 10, 1), 1550, 100, 410, 760, 505, 75, 85, 33, 10, 1.0, 0.6),
    (date(2026, 7, 1), 1560, 100, 420, 770, 550, 80, 80, 46, 10, 0.8, 0.6),
]
SITES = [("頸部", None), ("腰部", None), ("足関節", "left"), ("手関節", "right")]
MONTHS = [date(2019, 10, 1), date(2020, 5, 1), date(2020, 6, 1), date(2022, 9, 1), date(2022, 10, 1), date(2024, 5, 1), date(2024, 6, 1), date(2024, 9, 1),
          date(2024, 10, 1), date(2026, 6, 1), date(2026, 7, 1), date(2026, 10, 1)]


def half_up(x: float) -> int:
    return int(x + 0.5 + 1e-9)


def form(month: date, days: list[int], parts: int, new: bool, long: bool, cured: int | None) -> dict:
    """One form that follows the notices; `cured`: day on which the first part is cured (days after it move the others up)."""
    _, initial, consult, reexam, first, after, warm, _cold, electro, statement, second, third = [r for r in TABLE if r[0] <= month][-1]
    begun = month.replace(day=days[0]) if new else date(month.year - 1, month.month, 20) if long else month - timedelta(days=20)
    factor = 0.75 if long and not new else 1.0
    rows, body = [], 0
    for i in range(parts):
        own = [d for d in days if i > 0 or cured is None or d <= cured]
        counts = {"after": 0, "warm": 0, "cold": 0, "electro": 0}
        yen = dict.fromkeys(counts, 0)
        for d in own[1:] if new else own:
            place = i + 1 - (1 if cured is not None and i > 0 and d > cured else 0)
            share = {1: 1.0, 2: second, 3: third}.get(place, 0.0)
            waited = (month.replace(day=d) - begun).days >= 5
            for item, price, use in (("after", after, True), ("warm", warm, waited), ("electro", electro, waited)):
                if use:
                    counts[item] += 1
                    yen[item] += half_up(half_up(price * share) * factor)
        rows.append({
            "site": SITES[i][0], "side": SITES[i][1], "injured_on": begun, "first_exam_on": begun, "started_on": max(begun, month), "ended_on": month.replace(day=own[-1]),
            "outcome": "cured" if i == 0 and cured is not None else "open", "actual_days": len(own), "aftercare_yen": sum(yen.values()),
            "first_treatment_yen": first if new else 0, **{f"{k}_count": v for k, v in counts.items()}, **{f"{k}_yen": v for k, v in yen.items()},
        })
        body += rows[-1]["aftercare_yen"] + rows[-1]["first_treatment_yen"]
    again = reexam if new and len(days) > 1 else 0
    total = body + (initial + consult if new else 0) + again + statement
    zero = dict.fromkeys(("extra_hours_fee_yen", "visit_fee_yen", "splint_fee_yen", "exercise_fee_yen", "info_fee_yen", "flat_fee_yen"), 0)
    return zero | {
        "visit_days": days, "actual_days": len(days), "initial_fee_yen": initial if new else 0, "consult_fee_yen": consult if new else 0, "reexam_fee_yen": again,
        "statement_fee_yen": statement, "aftercare_yen": sum(r["aftercare_yen"] for r in rows), "total_yen": total, "benefit_rate": 70,
        "claimed_yen": half_up(total * 0.7), "insurer_yen": half_up(total * 0.7), "judo_parts": rows,
    }


def lines(month: date, claim: dict) -> pl.DataFrame:
    made = tables({"judo_claims": [claim]}, month)
    return recompute(made["judo_claims"], made["judo_parts"]).lines()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    month=st.sampled_from(MONTHS), days=st.lists(st.integers(1, 28), min_size=2, max_size=16, unique=True).map(sorted), parts=st.integers(1, 3),
    new=st.booleans(), long=st.booleans(), cure=st.integers(1, 28) | st.none(),
)
def test_a_correct_form_has_no_difference(month, days, parts, new, long, cure):
    cured = max((d for d in days if cure is not None and d <= cure), default=None) if parts > 1 and cure is not None else None
    if cured == days[-1] or (new and cured == days[0]):
        cured = None
    out = lines(month, form(month, days, parts, new, long, cured))
    assert out.filter(pl.col("reason") != "ok").is_empty(), out.filter(pl.col("reason") != "ok").to_dicts()
    assert out["difference_yen"].abs().max() == 0
    assert out["allowed_yen"].null_count() == 0
    each = out.filter(~pl.col("item").is_in(["part", "aftercare", "total", "claimed"]))
    assert each["allowed_yen"].sum() <= out.filter(pl.col("item") == "total")["billed_yen"].item()


@pytest.mark.parametrize("month", MONTHS)
def test_every_amount_above_the_table_shows(month):
    claim = form(month, [2, 9, 16, 23], 2, True, False, None)
    for fee in ("initial_fee_yen", "consult_fee_yen", "reexam_fee_yen", "statement_fee_yen"):
        if claim[fee]:
            out = lines(month, claim | {fee: claim[fee] + 37, "total_yen": claim["total_yen"] + 37})
            assert out.filter(pl.col("item") == fee.removesuffix("_fee_yen"))["difference_yen"].item() == (7 if fee[0:9] == "statement" and month >= date(2026, 7, 1) else 37), fee  # 40 may be four issues


def test_any_order_of_rows_gives_the_same():
    claims = [form(m, [1, 8, 15, 22], 3, n, not n, 8) for m in MONTHS[:4] for n in (True, False)]
    made = tables({"judo_claims": [c | {"service_month": m} for c, m in zip(claims, [m for m in MONTHS[:4] for _ in (0, 1)], strict=True)]}, MONTHS[0])
    there = recompute(made["judo_claims"], made["judo_parts"]).lines()
    back = recompute(made["judo_claims"].reverse(), made["judo_parts"].sample(fraction=1.0, shuffle=True, seed=3)).lines()
    assert there.equals(back)


def test_what_was_never_keyed_is_not_computed():
    out = lines(date(2026, 6, 1), {"actual_days": 5, "judo_parts": [{"site": "腰部", "aftercare_yen": 3000}]})
    assert out.filter(pl.col("allowed_yen").is_not_null()).is_empty()
    assert set(out["reason"]) == {"unknown"}


def test_unknown_prices_stay_unknown():
    claim = form(date(2020, 5, 1), [2, 9], 1, True, False, None) | {"splint_fee_yen": 950, "visit_fee_yen": 1860}
    out = lines(date(2020, 5, 1), claim)
    assert out.filter(pl.col("item").is_in(["splint", "visit"]))["reason"].to_list() == ["unknown", "unknown"]


def test_lines_as_text_say_what_differs_and_why():
    claim = form(date(2026, 6, 1), [2, 9, 16, 23], 3, True, False, None)
    third = claim["judo_parts"][2]
    third["after_yen"], third["aftercare_yen"] = 505 * 3, third["aftercare_yen"] + 505 * 3 - third["after_yen"]
    text = list(fee_text(lines(date(2026, 6, 1), claim)))
    assert "部位3 後療料 3回（単価505円）　請求1,515円　算定909円　差606円　多部位の逓減（備考3）が反映されていません" in text
    assert sum("料金表のとおりです" not in t for t in text) == 4  # the line, its part's sum, and both sums of the form, which were left as they were
