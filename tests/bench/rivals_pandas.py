"""All rules once more in pandas, from the stored Parquet partitions to the flagged keys: the second rival of the rules.

Idiomatic and vectorised (merge, groupby, masks, `numpy.repeat` for days), without Python per row; every table is read once
and only the columns that are needed. As with the SQL only the keys are computed: no message, evidence or yen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from audit.params import load
from audit.tables import ALL
from audit.view import months_before

CLAIM = ["insurer_no", "claim_id", "version_no"]
UNIT = ["insurer_no", "person_id", "service_month"]
BONE = ("fracture", "incomplete_fracture", "dislocation")
FAMILY = {"fracture": "fracture", "incomplete_fracture": "fracture", "dislocation": "dislocation", "sprain": "soft", "bruise": "soft", "strain": "soft"}


def flagged(home: Path, month: date) -> pd.DataFrame:
    """Return the flagged keys of a stored delivery month: rule_id, insurer_no, unit_id, severity (all text), unsorted."""
    store = _Store(home / "tables", month)
    parts = [frame.assign(rule_id=rule) for family in (_judo, _care, _drugs, _injuries) for rule, frame in family(store).items()]
    return pd.concat(parts, ignore_index=True)[["rule_id", "insurer_no", "unit_id", "severity"]]


class _Store:
    """Tables of a home folder as of a delivery month, and parameters laid beside their rows."""

    def __init__(self, tables: Path, month: date) -> None:
        self.tables, self.month, self.now = tables, month, pd.Timestamp(month)
        gone = self._read("superseded", ["insurer_no", "claim_id", "version_no"], 24)
        self._gone = gone

    def _read(self, table: str, columns: Sequence[str], back: int) -> pd.DataFrame:
        first, parts = f"{months_before(self.month, back):%Y-%m}", []
        for file in sorted((self.tables / table).glob("insurer=*/month=*/part.parquet")):
            delivered = file.parent.name.removeprefix("month=")
            if first <= delivered <= f"{self.month:%Y-%m}":
                frame = pd.read_parquet(file, columns=list(columns), partitioning=None)
                parts.append(frame.assign(delivered=pd.Timestamp(delivered)))
        if not parts:
            return ALL[table].empty().select(columns).to_pandas().assign(delivered=pd.Timestamp(self.month))
        frame = pd.concat(parts, ignore_index=True)
        dates = [c for c in columns if str(ALL[table].schema[c]) == "Date"]
        return frame.assign(**{c: pd.to_datetime(frame[c]) for c in dates})

    def read(self, table: str, columns: Sequence[str], back: int = 0) -> pd.DataFrame:
        """Return rows that stand, with `delivered` (delivery month)."""
        schema = ALL[table].schema
        current = ["is_current"] if "is_current" in schema else []
        frame = self._read(table, [*columns, *current], back)
        if current:
            frame = frame[frame["is_current"]].drop(columns="is_current")
        key = ["claim_id", "version_no"] if "version_no" in schema else ["care_claim_id"] if "care_claim_id" in schema else []
        if not key:
            return frame.reset_index(drop=True)
        gone = self._gone.rename(columns={"claim_id": key[0]})[["insurer_no", *key]].drop_duplicates()
        maybe = frame[key[0]].isin(gone[key[0]])  # few: the exact key is compared on these only
        again = frame.loc[maybe, ["insurer_no", *key]].reset_index().merge(gone, on=["insurer_no", *key])
        return frame.drop(index=again["index"]).reset_index(drop=True)

    def codes(self, table: str, columns: Sequence[str]) -> pd.DataFrame:
        """Return a master as of the month: the latest revision of each code, else the earliest later one."""
        files = sorted((self.tables / table).glob("revision=*/part.parquet"))
        if not files:
            return ALL[table].empty().select("code", *columns).to_pandas()
        frame = pd.concat([pd.read_parquet(f, columns=["revision", "code", *columns], partitioning=None) for f in files], ignore_index=True)
        after = pd.Timestamp(months_before(self.month, -1))
        revision = pd.to_datetime(frame["revision"])
        frame = frame.assign(late=revision >= after, distance=(revision - after).abs()).sort_values(["code", "late", "distance"])
        return frame.drop_duplicates("code")[["code", *columns]]

    def value(self, name: str, months: pd.Series) -> pd.Series:
        """Return a scalar parameter on each row's month; NaN where it is undefined."""
        values = {m: load().value(name, m.date()) for m in months.dropna().unique()}
        return pd.to_numeric(months.map(values))

    def listed(self, name: str, what: pd.Series, months: pd.Series) -> pd.Series:
        """Return whether a text is in the list that holds in each row's month."""
        hit = pd.Series(False, index=what.index)
        for m in months.dropna().unique():
            hit |= (months == m) & what.isin(load().value(name, m.date()) or ())
        return hit


def _any_period(name: str) -> set[str]:
    return {item for period in load()[name].periods for item in period.value or ()}


def _bits(mask: pd.Series) -> pd.Series:
    """Count bits; NaN stays NaN."""
    return pd.Series(np.bitwise_count(mask.fillna(0).astype("int64").to_numpy()), index=mask.index).astype(float).where(mask.notna())


def _lowest(mask: pd.Series) -> pd.Series:
    number = mask.where(mask > 0).fillna(0).astype("int64")
    return pd.Series(np.log2((number & -number).where(number > 0, 1)), index=mask.index).where(number > 0)


def _highest(mask: pd.Series) -> pd.Series:
    number = mask.where(mask > 0).fillna(0)
    return np.floor(np.log2(number.where(number > 0, 1).astype(float))).where(number > 0)


def _number(day: pd.Series) -> pd.Series:
    return day.dt.year * 12 + day.dt.month


def _month_end(month: pd.Series) -> pd.Series:
    return month + pd.offsets.MonthEnd(0)


def _first_of(day: pd.Series) -> pd.Series:
    return day.dt.to_period("M").dt.to_timestamp()


def _counted(store: _Store, first: pd.Series, month: pd.Series) -> pd.Series:
    late = (first.dt.day >= store.value("judo.counting.next_month_from_day", month)).astype(float)
    late = late.where(store.value("judo.counting.next_month_from_day", month).notna())
    return (_number(month) - _number(first) - late + 1).where(first <= _month_end(month))


def _plain(frame: pd.DataFrame, severity: str = "suspicion") -> pd.DataFrame:
    return frame[["insurer_no", "unit_id"]].assign(severity=severity)


def _semi(frame: pd.DataFrame, keys: pd.DataFrame, on: list[str]) -> pd.DataFrame:
    """Return rows whose key is among `keys`."""
    return frame.merge(keys[on].dropna().drop_duplicates(), on=on, how="inner")


# -- judo therapy -----------------------------------------------------------------------------------------------------
def _judo(store: _Store) -> dict[str, pd.DataFrame]:
    columns = [*CLAIM, "person_id", "clinic_id", "service_month", "part_count", "actual_days", "visit_days", "first_exam_on", "insurer_yen"]
    stored = store.read("judo_claims", columns, 24)
    stored = stored.assign(m=_number(stored["service_month"]))
    here = stored[stored["delivered"] == store.now]
    history = _semi(stored[stored["delivered"] < store.now], here, ["insurer_no", "person_id"])
    claims = pd.concat([history.sort_values("delivered"), here]).drop_duplicates(CLAIM, keep="last")
    current = claims[claims["delivered"] == store.now]
    last = current.groupby(["insurer_no", "claim_id"])["version_no"].transform("max")
    plain = current["version_no"] == last
    current = current.assign(unit_id=current["claim_id"].where(plain, current["claim_id"] + "#v" + current["version_no"].astype(str)))
    parts = store.read("judo_parts", [
        *CLAIM, "part_no", "injury_name", "injury_type", "site", "side", "level", "injured_on", "first_exam_on", "started_on",
        "ended_on", "actual_days", "outcome", "aftercare_yen", "first_treatment_yen",
    ], 24).drop(columns="delivered")  # fmt: skip
    parts = parts.rename(columns={"first_exam_on": "exam", "actual_days": "part_days"})
    parts = parts.assign(
        bone=parts["injury_type"].isin(BONE), family=parts["injury_type"].map(FAMILY),
        part=parts["site"].fillna(parts["injury_name"]) + "|" + parts["side"].fillna("-"),
        start=parts["injured_on"].fillna(parts["exam"]), first=parts["exam"].fillna(parts["injured_on"]),
        ended=parts["ended_on"].where(parts["outcome"].isin(["cured", "stopped"])),
    )  # fmt: skip
    found = _judo_claim(store, current, parts)
    found |= _judo_shift(store, stored, claims, current, parts)
    found["JD17"] = _judo_pairs(store, claims, parts)
    return found


def _judo_claim(store: _Store, current: pd.DataFrame, parts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    lines = parts.merge(current[[*CLAIM, "service_month"]], on=CLAIM)
    lines = lines.assign(k=_counted(store, lines["exam"], lines["service_month"]))
    lines = lines.assign(k_soft=lines["k"].where(~lines["bone"]))
    lines = lines.groupby(CLAIM).agg(lines=("part_no", "size"), has_bone=("bone", "any"), exam=("exam", "min"), k=("k", "max"), k_soft=("k_soft", "max"))
    frame = current.merge(lines.reset_index(), on=CLAIM, how="left")
    month = frame["service_month"]
    n = frame["part_count"].fillna(frame["lines"])
    days = frame["actual_days"].fillna(_bits(frame["visit_days"]))
    months = frame["k"].fillna(_counted(store, frame["first_exam_on"].fillna(frame["exam"]), month))
    long = store.value("judo.long.months", month)
    only_bone = frame["has_bone"].eq(True) & (frame["k_soft"].fillna(0) < long)
    both = (n >= store.value("judo.multi_frequent.parts", month)) & (days >= store.value("judo.multi_frequent.days", month))
    return {
        "JD12": _plain(frame[n >= store.value("judo.multi_part.parts", month)]),
        "JD13": _plain(frame[(months >= long) & ~only_bone]),
        "JD14": _plain(frame[days >= store.value("judo.frequent.visits", month)]),
        "JD15": _plain(frame[both]),
    }


def _judo_shift(store: _Store, stored: pd.DataFrame, claims: pd.DataFrame, current: pd.DataFrame, parts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Chains of injuries at one clinic (JD16) and the totals of its last months (JD16B)."""
    course = ["insurer_no", "person_id", "clinic_id"]
    units = current.dropna(subset="person_id")[[*course, "service_month", "m"]].drop_duplicates().reset_index(names="u")
    seen = units.merge(claims[[*course, *CLAIM[1:], "m"]].rename(columns={"m": "seen"}), on=course)
    seen = seen[seen["seen"].between(seen["m"] - 23, seen["m"])]
    injuries = (
        seen.merge(parts, on=CLAIM)
        .groupby(["u", "part", "start"], dropna=False, sort=False)
        .agg(first=("first", "min"), ended=("ended", "max"), last_seen=("seen", "max"), m=("m", "first"), service_month=("service_month", "first"))
        .reset_index()
    )
    dated = injuries.dropna(subset="start").sort_values(["u", "start", "part"])
    by_day = dated.groupby(["u", "start"])
    episodes = by_day.agg(
        first=("first", "min"), end_first=("ended", "min"), end_last=("ended", "max"), service_month=("service_month", "first")
    ).reset_index()  # fmt: skip
    episodes["n"] = episodes.groupby("u").cumcount()
    of_episode = dated[["u", "start", "part"]].merge(episodes[["u", "start", "n"]], on=["u", "start"])
    # each episode beside the three before it; those that bring no new part fall out
    beside = pd.concat([episodes.merge(episodes.assign(n=episodes["n"] + lag), on=["u", "n"], suffixes=("", "_b")).assign(lag=lag) for lag in (1, 2, 3)])
    pairs = of_episode.merge(beside[["u", "n", "lag"]], on=["u", "n"]).assign(back=lambda f: f["n"] - f["lag"])
    pairs = pairs.merge(of_episode[["u", "n", "part"]].rename(columns={"n": "back"}), on=["u", "back", "part"], how="left", indicator="known")
    new = pairs[pairs["known"] == "left_only"][["u", "n", "lag"]].drop_duplicates()
    beside = beside.merge(new, on=["u", "n", "lag"])
    p = {n: store.value(f"judo.shift.{n}", beside["service_month"]) for n in ("link_days", "count_long", "count_reduction", "near_months")}
    k, half = _counted(store, beside["first_b"], _first_of(beside["start"])), (p["near_months"] - 1) // 2
    near = ((k - p["count_long"]).abs() <= half) | ((k - p["count_reduction"]).abs() <= half)
    days = pd.to_timedelta(p["link_days"], unit="D")
    at_cure = (beside["start"] >= beside["end_first_b"] - days) & (beside["start"] <= beside["end_last_b"] + days)
    linked = beside[near | at_cure][["u", "n"]].drop_duplicates().assign(linked=True)
    episodes = episodes.merge(linked, on=["u", "n"], how="left").sort_values(["u", "n"])
    episodes["run"] = episodes["linked"].isna().groupby(episodes["u"]).cumsum()
    chain = episodes[episodes["run"] == episodes.groupby("u")["run"].transform("max")]
    chain = chain.groupby("u").agg(injuries=("n", "size"), first_start=("start", "min")).reset_index().merge(units, on="u")
    counted = stored.groupby(["insurer_no", "m"]).size().rename("n").reset_index()
    whole = counted[counted["n"] * 3 >= counted.groupby("insurer_no")["n"].transform("max")].groupby("insurer_no")["m"].min()
    begun = pd.concat([_number(chain["first_start"]), chain["insurer_no"].map(whole), chain["m"] - 23], axis=1).max(axis=1)
    chain["since"] = np.minimum(begun, chain["m"])
    chain["span"] = chain["m"] - chain["since"] + 1
    covered = seen.merge(chain[["u", "since"]], on="u")
    covered = covered[covered["seen"] >= covered["since"]].groupby("u")["seen"].nunique()
    chain["coverage"] = (chain["u"].map(covered).fillna(0) / chain["span"]).round(3)
    # whose own lines tell the money of the chain
    own = parts.merge(current.loc[current["insurer_yen"].notna(), CLAIM], on=CLAIM)
    own = own.assign(
        keyed=own["aftercare_yen"].notna() | own["first_treatment_yen"].notna(),
        yen=own["aftercare_yen"].fillna(0) + own["first_treatment_yen"].fillna(0), dated=own["start"].notna(),
    ).groupby(CLAIM).agg(keyed=("keyed", "all"), yen=("yen", "sum"), dated=("dated", "any")).reset_index()  # fmt: skip
    told = own[(own["keyed"] & (own["yen"] > 0)) | own["dated"]]
    chained = _semi(current, told, CLAIM).merge(chain[["u", *course, "m", "injuries", "span", "coverage"]], on=[*course, "m"])
    month = chained["service_month"]
    hit = (
        (chained["injuries"] >= store.value("judo.shift.injuries", month))
        & (chained["span"] >= store.value("judo.shift.span_months", month))
        & (chained["coverage"] >= store.value("judo.shift.coverage", month))
    )
    window = store.value("judo.shift_total.window_months", seen["service_month"])
    months = seen[seen["seen"] > seen["m"] - window].groupby("u")["seen"].nunique()
    window = store.value("judo.shift_total.window_months", injuries["service_month"])
    total = injuries[injuries["last_seen"] > injuries["m"] - window].groupby("u").size()
    # what the other claims of the window show does not need this claim's own lines
    counted = current.merge(units[["u", *course, "m"]], on=[*course, "m"])
    month = counted["service_month"]
    many = (counted["u"].map(months) >= store.value("judo.shift_total.months", month)) & (counted["u"].map(total) >= store.value("judo.shift_total.parts", month))
    return {"JD16": _plain(chained[hit]), "JD16B": _plain(counted[many])}


def _judo_pairs(store: _Store, claims: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """JD17: the same part at two clinics in one month."""
    linked = claims.dropna(subset="person_id").assign(here=lambda f: f["delivered"] == store.now)
    months = linked.groupby([*UNIT]).agg(low=("clinic_id", "min"), high=("clinic_id", "max"), here=("here", "any")).reset_index()
    linked = _semi(linked, months[(months["low"] != months["high"]) & months["here"]], UNIT[:2])
    two = linked.merge(linked, on=UNIT, suffixes=("_a", "_b"))
    two = two[two["clinic_id_a"] < two["clinic_id_b"]].assign(here=lambda f: f["here_a"] | f["here_b"]).reset_index(names="pair")
    sides = linked[[*CLAIM, "service_month", "visit_days"]].merge(parts, on=CLAIM, how="left")
    month, end = sides["service_month"], _month_end(sides["service_month"])
    begin = sides["started_on"].dt.day.astype(float).mask(sides["started_on"] < month, 1).mask(sides["started_on"] > end, 32)
    until = sides["ended_on"].dt.day.astype(float).mask(sides["ended_on"] > end, 31).mask(sides["ended_on"] < month, 0)
    span = (2 ** until.fillna(31) - 2 ** (begin.fillna(1) - 1)).clip(lower=0).astype("int64")
    mask = (sides["visit_days"].fillna(0).astype("int64") & span).astype(float).where(sides["visit_days"].notna())
    treated = mask > 0
    sides = sides.assign(
        mask=mask, spare=(_bits(mask) - sides["part_days"]).clip(lower=0).fillna(0),
        first_day=(_lowest(mask) + 1).where(treated, begin), last_day=(_highest(mask) + 1).where(treated, until),
    )[[*CLAIM, "site", "side", "level", "family", "outcome", "mask", "spare", "first_day", "last_day"]]  # fmt: skip
    beside = two[["pair", *UNIT, "clinic_id_a", "clinic_id_b", "claim_id_a", "version_no_a", "claim_id_b", "version_no_b", "here"]]
    for s in "ab":
        beside = beside.merge(sides.rename(columns={c: f"{c}_{s}" for c in sides.columns if c != "insurer_no"}), on=["insurer_no", f"claim_id_{s}", f"version_no_{s}"])
    a, b = beside["side_a"], beside["side_b"]
    unknown = beside[["site_a", "site_b", "family_a", "family_b"]].isna().any(axis=1)
    equal_side = (a == b).fillna(False) | (a.isna() & b.isna()) | (a == "both").fillna(False) | (b == "both").fillna(False)
    other_level = (beside["level_a"].notna() & beside["level_b"].notna()) & (beside["level_a"] != beside["level_b"])
    same = ~unknown & (beside["site_a"] == beside["site_b"]) & (beside["family_a"] == beside["family_b"]) & equal_side & ~other_level
    differ = (
        (beside["site_a"].notna() & beside["site_b"].notna() & (beside["site_a"] != beside["site_b"]))
        | (beside["family_a"].notna() & beside["family_b"].notna() & (beside["family_a"] != beside["family_b"]))
        | (a.notna() & b.notna() & ~equal_side) | other_level
    )  # fmt: skip
    beside = beside.assign(same=same.astype(bool))[~differ.astype(bool)]
    known = beside[beside["same"]]
    a_first, b_first = known["last_day_a"] < known["first_day_b"], known["last_day_b"] < known["first_day_a"]
    closed = {s: known[f"outcome_{s}"].isin(["cured", "stopped", "moved"]) for s in "ab"}
    course = [*UNIT[:2], "clinic_id_a", "clinic_id_b", "site_a", "side_a", "family_a"]
    shared = (known["mask_a"].fillna(0).astype("int64") & known["mask_b"].fillna(0).astype("int64")).where(known["mask_a"].notna() & known["mask_b"].notna())
    known = known.assign(
        handed=(a_first & closed["a"]) | (~a_first & b_first & closed["b"]), sure=_bits(shared) - known["spare_a"] - known["spare_b"],
        overlap=known.groupby(course, dropna=False)["service_month"].rank("dense"),
    )  # fmt: skip
    summary = known.groupby("pair").agg(months=("overlap", "max"), sure=("sure", "max"), handed=("handed", "all"))
    ids = ["insurer_no", "claim_id_a", "claim_id_b"]
    pairs = beside.loc[beside["here"], ["pair", *ids, "version_no_a", "version_no_b", "service_month"]].drop_duplicates("pair")
    pairs = pairs.sort_values([*ids, "version_no_a", "version_no_b"]).drop_duplicates(ids, keep="last").merge(summary, on="pair")
    pairs = pairs[(pairs["months"] >= store.value("judo.two_clinics.months", pairs["service_month"])) & ~(pairs["handed"] & (pairs["months"] == 1))]
    a_low = pairs["claim_id_a"] < pairs["claim_id_b"]
    low, high = pairs["claim_id_a"].where(a_low, pairs["claim_id_b"]), pairs["claim_id_b"].where(a_low, pairs["claim_id_a"])
    return pairs[["insurer_no"]].assign(unit_id=low + "+" + high, severity=np.where(pairs["sure"] > 0, "error", "suspicion"))


# -- medical care and care insurance ------------------------------------------------------------------------------------
def _care(store: _Store) -> dict[str, pd.DataFrame]:
    claims = store.read("claims", [
        *CLAIM, "person_id", "service_month", "kind", "inpatient", "institution_id", "visit_days", "actual_days", "admitted_on", "discharged_on",
    ], 6).rename(columns={"delivered": "claim_delivered"})  # fmt: skip
    care = store.read("care_claims", ["insurer_no", "care_claim_id", "person_id", "service_month", "care_level", "stay_days"], 6)
    care = care.dropna(subset="service_month").sort_values("delivered").drop_duplicates(["insurer_no", "care_claim_id"], keep="last")
    on = ["insurer_no", "care_claim_id", "delivered"]
    lines = _semi(store.read("care_lines", [*on[:2], "line_no", "service_kind", "item", "times"], 6), care, on)
    totals = _semi(store.read("care_totals", [*on[:2], "service_kind", "actual_days", "short_actual_days"], 6), care, on)
    stays = _stays(store, claims)
    kinds = _kinds(store, care, lines, totals)
    found = _stay_care(store, kinds, stays)
    sections = store.codes("m_procedures", ["section"])
    home_care = store.read("lines", [*CLAIM, "record", "category", "code"], 6)
    home_care = home_care[(home_care["record"].isin(["SI", "HJ", "JS"]))]
    billed = home_care[(home_care["record"] == "SI") & (home_care["category"] == "14")]
    found["MC03"] = _nursing(store, claims, kinds, sections, home_care, billed)
    found["MC05"] = _guidance(store, claims, care, lines, sections, billed)
    found["MC07"] = _hygiene(store, claims, care, lines, totals, stays)
    return found


def _kinds(store: _Store, care: pd.DataFrame, lines: pd.DataFrame, totals: pd.DataFrame) -> pd.DataFrame:
    key = ["insurer_no", "care_claim_id", "service_kind"]
    times = lines.groupby(key)["times"].max().reset_index()
    positive = totals.assign(actual=totals["actual_days"].where(totals["actual_days"] > 0), short=totals["short_actual_days"].where(totals["short_actual_days"] > 0))
    sums = positive.groupby(key)[["actual", "short"]].max().reset_index()
    kinds = care.merge(times.merge(sums, on=key, how="outer"), on=key[:2])
    stay = kinds["stay_days"].where(kinds["stay_days"] > 0).fillna(kinds["short"])
    by_day = store.listed("care.count.once_a_day_kinds", kinds["service_kind"], kinds["service_month"])
    days = pd.concat([kinds["actual"], stay], axis=1).astype(float).min(axis=1)
    return kinds.assign(service_days=days.fillna(kinds["times"].where(by_day & (kinds["times"] > 0)).astype(float)))


def _stays(store: _Store, claims: pd.DataFrame) -> pd.DataFrame:
    """Hospital days of persons and months: mask (bit d = day d), inner_days (NaN: unknown), known, now."""
    stays = claims[claims["inpatient"] & claims["person_id"].notna() & claims["service_month"].notna()]
    month, end = stays["service_month"], _month_end(stays["service_month"])
    dim, admitted, discharged, actual = end.dt.day, stays["admitted_on"], stays["discharged_on"], stays["actual_days"].astype(float)
    first = admitted.dt.day.astype(float).mask(admitted.isna() | (admitted < month), 1).mask(admitted > end)
    length = np.minimum(actual, dim - first + 1)
    laid = ((2**length - 1) * 2**first).where((admitted.notna() | (actual >= dim)) & (actual > 0))
    mask = (stays["visit_days"].astype(float) * 2).fillna(laid)

    def bit(day: pd.Series) -> pd.Series:
        return (2 ** day.dt.day.astype(float)).where((day >= month) & (day <= end)).fillna(0).astype("int64")

    beside = (admitted < month).astype("int64") | (2 ** (dim + 1)).where(discharged > end, 0).astype("int64")
    stays = stays[[*UNIT, "institution_id"]].assign(
        mask=mask.fillna(0).astype("int64"), ends=bit(admitted) | bit(discharged), beside=beside, blind=mask.isna(),
        guessed=stays["visit_days"].isna(), now=stays["claim_delivered"] == store.now,
    )  # fmt: skip
    flags = ["blind", "guessed", "now"]
    hospital = _or_by(stays, [*UNIT, "institution_id"], ["mask", "ends", "beside", *flags])
    wide, dim = hospital["mask"] | hospital["beside"], _month_end(hospital["service_month"]).dt.day.to_numpy(dtype="int64")
    hospital["inner"] = wide & (wide * 2) & (wide // 2) & ((np.int64(1) << (dim + 1)) - 2) & ~hospital["ends"]
    stay = _or_by(hospital, UNIT, ["mask", "inner", *flags])
    known = stay["guessed"] == 0
    return stay[[*UNIT, "mask"]].assign(known=known, now=stay["now"] > 0, inner_days=_bits(stay["inner"]).where(stay["blind"] == 0))


def _or_by(frame: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """Return one row per key with the bitwise OR of each column (truth values as 0 and 1)."""
    frame = frame.sort_values(keys)
    starts = np.flatnonzero(~frame.duplicated(keys))
    values = {c: np.bitwise_or.reduceat(frame[c].to_numpy(dtype="int64"), starts) if len(starts) else np.array([], "int64") for c in columns}
    return frame.iloc[starts][keys].reset_index(drop=True).assign(**values)


def _stay_care(store: _Store, kinds: pd.DataFrame, stays: pd.DataFrame) -> dict[str, pd.DataFrame]:
    both = kinds.dropna(subset="person_id").merge(stays, on=UNIT)
    both = both[(both["delivered"] == store.now) | both["now"]]
    month, kind = both["service_month"], both["service_kind"]
    sure = (both["inner_days"] + both["service_days"] - _month_end(month).dt.day).clip(lower=0).mask(both["inner_days"] == 0, 0)
    both = both.assign(unit_id=both["care_claim_id"] + "#" + kind + "@" + both["insurer_no"])
    daily, monthly = (store.listed(f"care.home.{n}_kinds", kind, month) for n in ("day", "monthly"))
    facility = store.listed("care.facility.kinds", kind, month) & (sure > store.value("care.facility.absence_days", month))
    known = both["known"]
    return {
        "MC01": both[["insurer_no", "unit_id"]].assign(severity=np.where(known & daily, "error", "suspicion"))[(daily | monthly) & (sure > 0)],
        "MC02": both[["insurer_no", "unit_id"]].assign(severity=np.where(known, "error", "suspicion"))[facility],
    }


def _nursing(store: _Store, claims: pd.DataFrame, kinds: pd.DataFrame, sections: pd.DataFrame, lines: pd.DataFrame, billed: pd.DataFrame) -> pd.DataFrame:
    nursing = kinds[store.listed("care.nursing.kinds", kinds["service_kind"], kinds["service_month"])].dropna(subset="person_id")
    nursing = nursing.assign(care_now=nursing["delivered"] == store.now).groupby(UNIT)["care_now"].any().reset_index()
    codes = sections.loc[sections["section"].isin(_any_period("care.nursing.medical_sections")), "code"]
    outpatient = claims[(claims["kind"] == "med") & ~claims["inpatient"]]
    medical = pd.concat([claims[claims["kind"] == "nur"], _semi(outpatient, billed[billed["code"].isin(codes)], CLAIM)]).dropna(subset="service_month")
    medical = medical.sort_values([*CLAIM, "claim_delivered"]).drop_duplicates(CLAIM[:2], keep="last")
    both = medical.dropna(subset="person_id").merge(nursing, on=UNIT)
    both = both[(both["claim_delivered"] == store.now) | both["care_now"]]
    record, code = lines["record"], lines["code"]
    ordered = lines[((record == "JS") & (code == "01")) | ((record == "HJ") & code.isin(["02", "03", "04"]))][CLAIM].drop_duplicates().assign(ordered=True)
    both = both.merge(ordered, on=CLAIM, how="left")
    both = both[both["ordered"].isna() | (both["kind"] != "nur")]
    of_units = _semi(claims[[*CLAIM, *UNIT[1:]]], both, UNIT)
    written = store.read("diagnoses", [*CLAIM, "code", "icd10", "name", "modifiers"], 6)
    written = written[written["claim_id"].isin(of_units["claim_id"])].merge(of_units, on=CLAIM)
    diseases = store.codes("m_diseases", ["name", "icd10", "icd10_2"]).rename(columns={"icd10": "first", "icd10_2": "second", "name": "coded"})
    written = written.merge(diseases, on="code", how="left")
    own, month = written["icd10"].notna(), written["service_month"]
    modifiers = written["modifiers"].explode()
    ending = modifiers.index[modifiers.isin(_any_period("care.nursing.terminal_modifiers"))]
    word = load().value("care.nursing.terminal_word", store.month) or "\0"
    terminal = written["name"].where(own, written["coded"]).str.contains(word, regex=False, na=False) | written.index.isin(ending)
    exempt = pd.Series(False, index=written.index)
    for column in (written["icd10"].where(own, written["first"]), written["second"].mask(own)):
        exempt |= terminal & store.listed("care.nursing.terminal_icd", column.str[:1], month)
        for n in (1, 3, 4):
            exempt |= store.listed("care.nursing.exempt_icd", column.str[:n], month)
    clear = written.loc[exempt, UNIT].drop_duplicates().assign(clear=True)
    both = both.merge(clear, on=UNIT, how="left")
    return _plain(both[both["clear"].isna()].rename(columns={"claim_id": "unit_id"}))


def _guidance(store: _Store, claims: pd.DataFrame, care: pd.DataFrame, lines: pd.DataFrame, sections: pd.DataFrame, billed: pd.DataFrame) -> pd.DataFrame:
    codes = sections.loc[sections["section"].isin(_any_period("care.management.sections")), "code"]
    outpatient = claims[(claims["kind"] == "med") & ~claims["inpatient"]].dropna(subset="person_id")
    fees = _semi(outpatient, billed[billed["code"].isin(codes)], CLAIM)
    fees = fees.assign(fee_now=fees["claim_delivered"] == store.now).groupby(UNIT)["fee_now"].any().reset_index()
    guided = lines.merge(care, on=["insurer_no", "care_claim_id", "delivered"]).merge(fees, on=UNIT)
    month, item = guided["service_month"], guided["item"]
    first = pd.Series(False, index=guided.index)
    for tier in ("one", "few", "many"):
        first |= store.listed(f"care.guidance.first_items_{tier}", item, month)
    guided = guided[first & store.listed("care.guidance.kinds", guided["service_kind"], month) & ((guided["delivered"] == store.now) | guided["fee_now"])]
    return _plain(guided.assign(unit_id=guided["care_claim_id"] + "#" + guided["line_no"].astype(str) + "@" + guided["insurer_no"]), "error")


def _hygiene(store: _Store, claims: pd.DataFrame, care: pd.DataFrame, lines: pd.DataFrame, totals: pd.DataFrame, stays: pd.DataFrame) -> pd.DataFrame:
    names = store.codes("m_dental", ["name"])
    named = names[names["name"].str.contains(load().value("care.hygiene.name", store.month) or "\0", regex=False)]
    dental = claims[(claims["kind"] == "den") & ~claims["inpatient"] & (claims["claim_delivered"] == store.now)]
    visits = store.read("lines", [*CLAIM, "record", "code", "day_mask"])
    visits = visits[(visits["record"] == "SS") & visits["code"].isin(named["code"])].merge(dental, on=CLAIM)
    visits = visits.assign(days=visits["day_mask"].fillna(0).astype("int64"))
    visits = _or_by(visits[visits["person_id"].notna()], [*CLAIM, "code", *UNIT[1:]], ["days"])
    visits = visits.sort_values("version_no").drop_duplicates(["insurer_no", "claim_id", "code"], keep="last")
    visits["unit_id"] = visits["claim_id"] + "#" + visits["code"]
    visits = visits[[*UNIT, "unit_id", "days"]].reset_index(drop=True)
    month, dated = visits["service_month"], visits["days"] > 0
    first = (month + pd.to_timedelta(_lowest(visits["days"]), unit="D")).where(dated, month)
    last = (month + pd.to_timedelta(_highest(visits["days"]), unit="D")).where(dated, _month_end(month))
    visits = visits.assign(first=first, last=last)
    register = store.read("eligibility", ["insurer_no", "person_id", "care_level", "certified_from", "certified_to"], 6).dropna(subset="care_level")
    register = register[register["delivered"] == register.groupby(UNIT[:2])["delivered"].transform("max")]
    held = visits.merge(register, on=UNIT[:2])
    held = held[
        store.listed("care.certified_levels", held["care_level"], held["service_month"])
        & (held["certified_from"].fillna(held["first"]) <= held["first"]) & (held["certified_to"].fillna(held["last"]) >= held["last"])
    ]  # fmt: skip
    claimed = visits.merge(care[store.listed("care.certified_levels", care["care_level"], care["service_month"])][UNIT].dropna().drop_duplicates(), on=UNIT)
    kinds = pd.concat([f[["insurer_no", "care_claim_id", "service_kind"]] for f in (lines, totals)]).merge(care, on=["insurer_no", "care_claim_id"])
    inside = visits.merge(kinds[store.listed("care.facility.inpatient_kinds", kinds["service_kind"], kinds["service_month"])][UNIT].dropna().drop_duplicates(), on=UNIT)
    stayed = visits.merge(stays, on=UNIT)
    stayed = stayed[(stayed["days"] == 0) | ((stayed["mask"] & (stayed["days"] * 2)) > 0)]
    certified = visits["unit_id"].isin(held["unit_id"]) | visits["unit_id"].isin(claimed["unit_id"])
    return _plain(visits[certified & ~visits["unit_id"].isin(inside["unit_id"]) & ~visits["unit_id"].isin(stayed["unit_id"])], "error")


# -- drugs --------------------------------------------------------------------------------------------------------------
def _drugs(store: _Store) -> dict[str, pd.DataFrame]:
    claims = store.read("claims", [*CLAIM, "person_id", "service_month", "kind", "inpatient", "institution_id", "prescriber_id", "visit_days"], 3)
    pharmacy = claims["kind"] == "pha"
    claims = claims[(pharmacy | ((claims["kind"] == "med") & ~claims["inpatient"])) & claims["person_id"].notna()]
    claims = claims.assign(institution=claims["institution_id"].where(claims["kind"] != "pha", claims["prescriber_id"]))
    claims = claims.drop(columns=["institution_id", "prescriber_id"]).rename(columns={"delivered": "claim_delivered"})
    handed = store.read("dispensings", [*CLAIM, "form", "dispensed_on", "days", "code"], 3)
    handed = handed[handed["form"] == "1"].merge(claims, on=CLAIM).rename(columns={"dispensed_on": "start"})
    lines = store.read("lines", [*CLAIM, "category", "record", "unit_no", "code", "times", "day_mask"], 3)
    lines = lines[(lines["category"] == "21") & lines["record"].isin(["IY", "SI"])].merge(claims, on=CLAIM)
    unit = lines.groupby([*CLAIM, "unit_no"], dropna=False)
    lines = lines.assign(days=unit["times"].transform("max"), mask=unit["day_mask"].transform("max"))
    offset = _lowest(lines["mask"]).fillna(_lowest(lines["visit_days"])).fillna(0)
    in_house = lines.assign(start=lines["service_month"] + pd.to_timedelta(offset, unit="D"))[lines["record"] == "IY"]
    columns = ["insurer_no", "person_id", "service_month", "institution", "start", "days", "code"]
    supply = pd.concat([handed[columns], in_house[columns]], ignore_index=True)
    supply = supply.assign(days=supply["days"].astype("float64").where((supply["days"] > 0) & (supply["days"] <= 180)))
    supply = supply.assign(end=supply["start"] + pd.to_timedelta(supply["days"], unit="D"))
    with_drugs = pd.concat([claims[claims["kind"] == "pha"], _semi(claims[claims["kind"] == "med"], lines, CLAIM)])
    oldest = pd.Timestamp(months_before(store.month, 3))
    touched = with_drugs[(with_drugs["claim_delivered"] == store.now) & with_drugs["service_month"].between(oldest, store.now)]
    touched = touched[["person_id", "service_month"]].drop_duplicates()
    drugs = store.codes("m_drugs", ["price_code"])
    code = drugs["price_code"].where(drugs["price_code"].str.len() >= 9)
    drugs = drugs.assign(component=code.str[:7], strength=code.str[:9], effect=code.str[:4], group=code.str[:3]).drop(columns="price_code")
    supply = supply.merge(drugs, on="code", how="left")
    parts = [_drug_month(store, supply, touched, m) for m in sorted(touched["service_month"].unique())]
    return {rule: pd.concat([p[rule] for p in parts]) for rule in (parts[0] if parts else ())}


def _drug_month(store: _Store, supply: pd.DataFrame, touched: pd.DataFrame, month: pd.Timestamp) -> dict[str, pd.DataFrame]:
    def value(name: str) -> float:
        found = load().value(name, month.date())
        return np.nan if found is None else found

    people = touched.loc[touched["service_month"] == month, "person_id"]
    theirs = supply[supply["person_id"].isin(people)]
    # what was prescribed in the month counts without its days, an overlap does not
    rows = theirs[(theirs["service_month"] == month) & (theirs["end"].isna() | (theirs["end"] > month))]
    seen = theirs[(theirs["service_month"] <= month) & (theirs["end"] > month)]
    seen = seen.assign(days=seen["days"].astype("int64"))
    kampo = load().value("drugs.duplicate.excluded_classes", month.date()) or ()
    text = f":{month:%Y-%m}"
    listed = rows[rows["effect"].notna() & ~rows["group"].isin(kampo) & rows["institution"].notna()]
    several = listed.groupby(["person_id", "effect"])["institution"].transform("nunique") > 1
    duplicate = listed[several].groupby(["insurer_no", "person_id"]).agg(classes=("effect", "nunique"), institutions=("institution", "nunique")).reset_index()
    duplicate = duplicate[(duplicate["institutions"] >= value("drugs.kdb.many_institutions")) | (duplicate["classes"] >= value("drugs.kdb.many_classes"))]
    long = rows.dropna(subset="strength").groupby(["insurer_no", "person_id", "strength"])["days"].sum()
    long = (long >= value("drugs.poly.days")).groupby(["insurer_no", "person_id"]).sum()
    poly = long[long >= value("drugs.poly.drugs")].reset_index()
    overlap = _twice(seen.dropna(subset="component").assign(key=lambda f: f["component"]), month)
    overlap = overlap[(overlap["overlap"] >= value("drugs.duplicate.overlap_days")) & ~overlap["key"].str[:3].isin(kampo)]
    hypnotic = seen[seen["group"].isin(load().value("drugs.hypnotic.classes", month.date()) or ())]
    sleep = _twice(hypnotic.assign(key="hypnotic"), month)
    sleep = sleep[sleep["overlap"] >= value("drugs.hypnotic.overlap_days")]
    return {
        "RX01": _plain(overlap.assign(unit_id=overlap["person_id"] + text + ":" + overlap["key"])),
        **{r: _plain(f.assign(unit_id=f["person_id"] + text)) for r, f in (("RX02", duplicate), ("RX03", poly), ("RX04", sleep))},
    }


def _twice(seen: pd.DataFrame, month: pd.Timestamp) -> pd.DataFrame:
    """Days on which two institutions' supplies of a key cover a person and one of them is of the month."""
    seen = seen[seen["institution"].notna()].assign(now=lambda f: f["service_month"] == month)
    by_key = seen.groupby(["person_id", "key"])
    seen = seen[(by_key["institution"].transform("nunique") > 1) & by_key["now"].transform("any")]
    days = seen.loc[seen.index.repeat(seen["days"]), ["insurer_no", "person_id", "key", "institution", "now", "start"]]
    offset = np.arange(len(days)) - np.repeat(seen["days"].cumsum().to_numpy() - seen["days"].to_numpy(), seen["days"])
    days = days.assign(day=days["start"] + pd.to_timedelta(offset, unit="D"))
    daily = days.groupby(["insurer_no", "person_id", "key", "day"]).agg(low=("institution", "min"), high=("institution", "max"), now=("now", "any")).reset_index()
    return daily[(daily["low"] != daily["high"]) & daily["now"]].groupby(["insurer_no", "person_id", "key"]).size().rename("overlap").reset_index()


# -- third-party injury -----------------------------------------------------------------------------------------------
def _injuries(store: _Store) -> dict[str, pd.DataFrame]:
    special = load().value("third_party.special_code", store.month)
    open_months = load().value("third_party.open_months", store.month) or 0
    claims = store.read("claims", [*CLAIM, "person_id", "service_month", "kind", "inpatient", "points", "special_codes"], 12)
    codes = claims["special_codes"].explode()
    written = claims["special_codes"].notna()
    claims = claims.assign(marked=claims.index.isin(codes.index[codes == special]), written=written).drop(columns="special_codes")
    receipts = claims[(claims["delivered"] == store.now) & (claims["kind"].isin(["med", "dpc"]) | claims["marked"])]
    diseases = store.codes("m_diseases", ["icd10", "icd10_2"])
    first, second = _regions(store, diseases["icd10"]), _regions(store, diseases["icd10_2"])
    table = diseases[["code"]].assign(injury=first["injury"] | second["injury"], region=first["region"].where(first["injury"], second["region"]))
    table = table[table["injury"]]
    diagnoses = store.read("diagnoses", [*CLAIM, "code", "icd10", "started_on", "modifiers"], 12)
    own = diagnoses["icd10"].notna()
    by_code = diagnoses[~own].merge(table, on="code")
    of_dpc = diagnoses[own]
    by_icd = pd.concat([of_dpc, _regions(store, of_dpc["icd10"])], axis=1)
    hurt = pd.concat([by_code, by_icd[by_icd["injury"]]], ignore_index=True)
    modifiers = hurt["modifiers"].explode()
    hurt = hurt.assign(certain=~hurt.index.isin(modifiers.index[modifiers == "8002"])).drop(columns="modifiers")
    now = hurt[hurt["delivered"] == store.now].merge(receipts.drop(columns="delivered"), on=CLAIM)
    new = now.assign(new=_first_of(now["started_on"]) == now["service_month"])
    by_claim = new.assign(sure=new["new"] & new["certain"]).groupby(CLAIM)[["new", "sure"]].any().reset_index()
    lines = store.read("lines", [*CLAIM, "record", "category"])
    surgery = lines[(lines["record"] == "SI") & lines["category"].isin(_any_period("third_party.surgery_categories"))][CLAIM].drop_duplicates()
    cases = hurt.drop(columns="delivered").merge(claims[claims["marked"] & claims["person_id"].notna()][[*CLAIM, *UNIT[1:]]], on=CLAIM)
    cases = cases[[*UNIT, "region"]].drop_duplicates().rename(columns={"service_month": "case_month", "region": "case_region"})
    later = now[~now["marked"] & now["region"].notna()].merge(cases, on=UNIT[:2])
    distance = _number(later["service_month"]) - _number(later["case_month"])
    same = (later["region"] == later["case_region"]).fillna(False) | (later["region"] == "全身") | (later["case_region"] == "全身").fillna(False)
    opened = later[same & distance.between(0, open_months)][CLAIM].drop_duplicates().assign(open_case=True)
    frame = receipts.merge(by_claim, on=CLAIM, how="left").merge(surgery.assign(surgery=True), on=CLAIM, how="left").merge(opened, on=CLAIM, how="left")
    version = frame["claim_id"] + "/" + frame["version_no"].astype(str)
    frame = frame.assign(unit_id=frame["claim_id"].where(frame["version_no"] == 0, version))
    heavy = (frame["points"] >= store.value("third_party.points", frame["service_month"])) | frame["inpatient"] | frame["surgery"].notna()
    unmarked = ~frame["marked"] & frame["written"]
    return {
        "TP01": _plain(frame[frame["marked"]], "error"),
        "TP02": _plain(frame[frame["new"].eq(True) & frame["sure"].eq(True) & heavy & unmarked & frame["open_case"].isna()]),
        "TP03": _plain(frame[frame["open_case"].notna() & unmarked]),
    }


def _regions(store: _Store, icd: pd.Series) -> pd.DataFrame:
    """Return `injury` and `region` of ICD-10 codes, looked up once per block of three characters."""
    block = icd.str[:3].str.upper()
    known = pd.Series(block.dropna().unique(), dtype="str")

    def within(span: str) -> pd.Series:
        low, _, high = span.partition("-")
        return (known >= low) & (known <= high)

    injury, region = pd.Series(False, index=known.index), pd.Series(None, index=known.index, dtype="str")
    for span in load().value("third_party.injury_blocks", store.month) or ():
        injury |= within(span)
    for span, _, name in (e.partition("=") for e in load().value("third_party.regions", store.month) or ()):
        region = region.mask(within(span), name)
    hit, names = (block.map(dict(zip(known, values, strict=True))) for values in (injury, region))
    return pd.DataFrame({"injury": hit.eq(True), "region": names.astype("str")}, index=icd.index)
