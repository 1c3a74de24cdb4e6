"""Therapeutic devices (治療用装具) by the text of domain-2 §8 (OR01-OR07). Units: (rule, claim id, item)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta

from tests.oracle.forms import NUMBERS, UNTIL, ages, later, less, now, standing
from tests.oracle.reading import Row, Unit, Verdict, World, half_up, months_between

TABLE = "orthosis_claims"
GARMENTS = set(NUMBERS["garment_limit"])
GLASSES = {"治療用眼鏡", "治療用コンタクトレンズ", "治療用コンタクトレンズ（多段階）", "治療用コンタクトレンズ（虹彩付）"}
CORNEAL = "輪部支持型レンズ"
# the trunk has one side: no word on the form leaves nothing open
ONE_SIDED = ("頸椎", "胸椎", "腰椎", "仙腸", "骨盤", "側弯", "治療用眼鏡")


def _unit(rule: str, c: Row) -> Unit:
    return rule, c["claim_id"], str(c["item_no"])


def _same_side(a: Row, b: Row) -> bool | None:
    """Same side of the body; null: one of them not written, or a pair beside a single one."""
    if a["device_kind"].startswith(ONE_SIDED) and a["side"] is None and b["side"] is None:
        return True
    if a["side"] is None or b["side"] is None:
        return None
    return a["side"] == b["side"] if "both" not in (a["side"], b["side"]) or a["side"] == b["side"] else None


def _supplied(c: Row) -> set[date]:
    """A device is had on the day of fitting or of the receipt: both readings where they differ."""
    return {d for d in (c["fitted_on"], c["paid_on"]) if d is not None}


def _too_early(then: date, day: date, months: int) -> bool | None:
    """Fewer months than asked; null: the very day on which they end (counted or not), and ends in a month without it."""
    end, short = later(then, months)
    if day == end or (short and day == end + timedelta(days=1)):
        return None
    return day < end


def _before(world: World, kinds: Callable[[str], bool]) -> dict[tuple[str, str], list[Row]]:
    out = defaultdict(list)
    for _, c in standing(world, TABLE):
        if c["person_id"] is not None and kinds(c["device_kind"]):
            out[c["insurer_no"], c["person_id"]].append(c)
    return out


def _again(world: World, rule: str, kinds: Callable[[str], bool], early: Callable[[Row, Row], set[bool | None]]) -> Verdict:
    """One rule of renewals: `early(earlier, this)` for every earlier device of the same kind and side.

    Open: sides not written, the same day (a second one, or one after another), repairs on either side where a new device
    is meant, and another device of the same form.
    """
    verdict, of = Verdict(), _before(world, kinds)
    for c in now(world, TABLE):
        unit = _unit(rule, c)
        if not kinds(c["device_kind"]) or c["person_id"] is None:
            verdict.say(unit, [False] if c["person_id"] is not None or not kinds(c["device_kind"]) else [None])
            continue
        said: set[bool | None] = {False}
        for e in of[c["insurer_no"], c["person_id"]]:
            if e["device_kind"] != c["device_kind"] or (e["claim_id"], e["item_no"]) == (c["claim_id"], c["item_no"]):
                continue
            side = _same_side(e, c)
            if side is False:
                continue
            order = {a < b for a in _supplied(e) for b in _supplied(c)}
            if order == {False} and not _supplied(e) & _supplied(c):
                continue
            words = early(e, c)
            if words == {False}:
                continue
            repaired = c["is_repair"] is not False or e["is_repair"] is not False
            sure = words == {True} and side and order == {True} and not repaired and e["claim_id"] != c["claim_id"]
            said = {True} if sure or said == {True} else {True, False}
        verdict.say(unit, said)
    return verdict


def _life(kind: str, age: int) -> int | None:
    if kind not in NUMBERS["device_life"]:
        return None
    for last, months in NUMBERS["device_life_young"]:
        if age <= last:
            return 12 if months > 12 and kind in NUMBERS["device_short_lived"] else months
    return NUMBERS["device_life"][kind]


def or01(world: World) -> Verdict:
    """OR01: the same device again inside its service life, the table by age first.

    Open: whose age (at the earlier device or at this one) where the two give different lives, the day on which the life
    ends, and repairs (the notes make them a suspicion, the rule asks for new devices).
    """
    def early(e: Row, c: Row) -> set[bool | None]:
        words: set[bool | None] = set()
        for then in _supplied(e):
            for day in _supplied(c):
                for age in ages(e["birth_date"], then) | ages(c["birth_date"], day):
                    months = _life(c["device_kind"], age)
                    words.add(_too_early(then, day, months) if months else False)
        return words
    return _again(world, "OR01", lambda k: k in NUMBERS["device_life"], early)


def or02(world: World) -> Verdict:
    """OR02: amount above limit x pieces, of garments. Without a number of pieces only an amount up to one limit is clean."""
    verdict = Verdict()
    for c in now(world, TABLE):
        limit = NUMBERS["garment_limit"].get(c["device_kind"])
        n = c["quantity"]
        verdict.say(_unit("OR02", c), [False] if limit is None else [c["amount_yen"] > limit * n] if n else [c["amount_yen"] > limit, False])
    return verdict


def _limits(steps: list[list], c: Row, until: date) -> list[int | None]:
    """Limits by the day of the receipt, the fitting and the order; null: the notes know none."""
    out = []
    for day in {c["service_month"], c["paid_on"], c["fitted_on"] or c["paid_on"], c["ordered_on"] or c["paid_on"]}:
        known = [yen for start, yen in steps if start <= day]
        out.append(known[-1] if known and day <= until else None)
    return out


def or02b(world: World) -> Verdict:
    """OR02 for glasses, by date. Open: before 2019-10 and from 2026-04 (limits not known), and no number of pairs."""
    verdict = Verdict()
    for c in now(world, TABLE):
        if c["device_kind"] != "治療用眼鏡":
            verdict.say(_unit("OR02B", c), [False])
            continue
        n = c["quantity"]
        limits = _limits(NUMBERS["glasses_limit"], c, UNTIL["glasses_limit"])
        verdict.say(_unit("OR02B", c), [w for y in limits for w in ([True, False] if y is None else [c["amount_yen"] > y * n] if n else [c["amount_yen"] > y, False])])
    return verdict


def or02c(world: World) -> Verdict:
    """OR02 for lenses: limit of one x number. Open: as for glasses; one lens may be meant where no number is written.

    Multi-step and iris lenses have a price, but no dates: an amount above it is open.
    """
    verdict = Verdict()
    for c in now(world, TABLE):
        steps = NUMBERS["lens_limit"].get(c["device_kind"])
        if steps is None:
            verdict.say(_unit("OR02C", c), [False])
            continue
        n = c["quantity"]
        words = []
        for y in _limits(steps, c, UNTIL["lens_limit"]):
            if y is None or "（" in c["device_kind"]:
                words += [True, False]
            else:
                words += [c["amount_yen"] > y * n] if n else [c["amount_yen"] > y, False]
        verdict.say(_unit("OR02C", c), words)
    return verdict


def or03(world: World) -> Verdict:
    """OR03: garments within six months of the last receipt, or three pieces.

    Open: the day on which the months end, several entries of one kind on a form, and pieces for both sides.
    """
    def early(e: Row, c: Row) -> set[bool | None]:
        return {_too_early(e["paid_on"], c["paid_on"], NUMBERS["garment_months"])}
    verdict = _again(world, "OR03", lambda k: k in GARMENTS, early)
    together = defaultdict(int)
    for c in now(world, TABLE):
        together[c["insurer_no"], c["claim_id"], c["device_kind"]] += c["quantity"] or 1
    for c in now(world, TABLE):
        most = NUMBERS["garment_pieces"]
        if c["device_kind"] in GARMENTS and c["person_id"] is not None:
            if (c["quantity"] or 0) > most and c["side"] != "both":
                verdict.say(_unit("OR03", c), [True])
            elif together[c["insurer_no"], c["claim_id"], c["device_kind"]] > most:
                verdict.say(_unit("OR03", c), [True, False])
    return verdict


def or03b(world: World) -> Verdict:
    """OR03 for glasses and lenses: worn a year below five, two years from five on, by the age at the earlier pair.

    Open: whose age decides where it matters; children of nine and more (OR04); the kinds of lenses among each other.
    """
    def early(e: Row, c: Row) -> set[bool | None]:
        words: set[bool | None] = set()
        for then in _supplied(e):
            for day in _supplied(c):
                for age in ages(e["birth_date"], then) | ages(c["birth_date"], day):
                    words.add(_too_early(then, day, NUMBERS["glasses_months"][age >= NUMBERS["glasses_young_age"]]))
        too_old = any(a >= NUMBERS["glasses_below_age"] for d in [c["ordered_on"], *_supplied(c)] if d for a in ages(c["birth_date"], d))
        return words | {False} if too_old else words
    return _again(world, "OR03B", lambda k: k in GLASSES, early)


def or03c(world: World) -> Verdict:
    """OR03 for limbus-supported lenses: five years."""
    def early(e: Row, c: Row) -> set[bool | None]:
        return {_too_early(then, day, NUMBERS["corneal_months"]) for then in _supplied(e) for day in _supplied(c)}
    return _again(world, "OR03C", lambda k: k == CORNEAL, early)


def or04(world: World) -> Verdict:
    """OR04: glasses or lenses ordered at nine or later. Open: the day before the birthday."""
    verdict = Verdict()
    for c in now(world, TABLE):
        if c["device_kind"] not in GLASSES:
            verdict.say(_unit("OR04", c), [False])
        else:
            verdict.say(_unit("OR04", c), [a >= NUMBERS["glasses_below_age"] for a in ages(c["birth_date"], c["ordered_on"])] if c["ordered_on"] else [None])
    return verdict


def or05(world: World) -> Verdict:
    """OR05: orthopaedic shoes without a photo; a repair is open."""
    verdict = Verdict()
    for c in now(world, TABLE):
        if c["device_kind"] not in NUMBERS["photo_kinds"]:
            verdict.say(_unit("OR05", c), [False])
        else:
            word = None if c["photo"] is None else not c["photo"]
            verdict.say(_unit("OR05", c), [word] if c["is_repair"] is False else [word, False])
    return verdict


def or06(world: World) -> Verdict:
    """OR06: the doctor's order is dated after the receipt."""
    verdict = Verdict()
    for c in now(world, TABLE):
        verdict.say(_unit("OR06", c), [less(c["paid_on"], c["ordered_on"])])
    return verdict


def or07(world: World) -> Verdict:
    """OR07: one maker and hospital, the same kind at a high rate: >= 10 of the last 12 months, >= 80 % and twice the others'.

    Readings: devices or forms are counted; the months end with this form's, or with the delivery. Open: exactly twice the
    share of the others.
    """
    verdict, forms = Verdict(), [c for _, c in standing(world, TABLE)]
    cache: dict[tuple, dict[tuple, set]] = {}

    def seen(insurer: str, last: date, width: int, what: str) -> dict[tuple, set]:
        """Devices or forms of the months by (maker, hospital, kind), where both are written."""
        if (insurer, last, width, what) not in cache:
            out = cache[insurer, last, width, what] = defaultdict(set)
            for o in forms:
                if o["insurer_no"] == insurer and 0 <= months_between(o["service_month"], last) < width and o["maker"] and o["institution_id"]:
                    out[o["maker"], o["institution_id"], o["device_kind"]].add((o["claim_id"], o["item_no"]) if what == "devices" else o["claim_id"])
        return cache[insurer, last, width, what]

    def counted(c: Row, *window: date | int | str) -> tuple[int, float, float | None]:
        mine = mine_all = others = others_all = 0
        for (maker, hospital, kind), found in seen(c["insurer_no"], *window).items():
            own, same = (maker, hospital) == (c["maker"], c["institution_id"]), kind == c["device_kind"]
            mine, mine_all = mine + len(found) * (own and same), mine_all + len(found) * own
            others, others_all = others + len(found) * (same and not own), others_all + len(found) * (not own)
        return mine, mine / mine_all if mine_all else 0.0, others / others_all if others_all else None

    for c in now(world, TABLE):
        if c["maker"] is None or c["institution_id"] is None:
            verdict.say(_unit("OR07", c), [None])
            continue
        words: set[bool | None] = set()
        for last in {c["service_month"], world.month}:
            for width in (NUMBERS["maker_months"], NUMBERS["maker_months"] + 1):
                for what in ("devices", "forms"):
                    n, share, usual = counted(c, last, width, what)
                    enough = n >= NUMBERS["maker_items"] and share >= NUMBERS["maker_share"]
                    if enough and usual is not None and abs(share - NUMBERS["maker_times"] * usual) < 1e-9:
                        words |= {True, False}
                    words.add(False if not enough else None if usual is None else share > NUMBERS["maker_times"] * usual)
        verdict.say(_unit("OR07", c), words)
    return verdict


def money(world: World) -> dict[Unit, set[int]]:
    """Yen at stake: the insurer's share of the device; OR02: of what is above the limit."""
    out: dict[Unit, set[int]] = {}
    for c in now(world, TABLE):
        for rule in ("OR01", "OR03", "OR03B", "OR03C", "OR04", "OR05", "OR06", "OR07"):
            out[_unit(rule, c)] = {c["insurer_yen"]}
        rate, n = c["benefit_rate"] or 70, c["quantity"] or 1
        if c["device_kind"] in GARMENTS:
            over = c["amount_yen"] - NUMBERS["garment_limit"][c["device_kind"]] * n
            out[_unit("OR02", c)] = {max(0, over) * rate // 100, half_up(max(0, over) * rate, 100)}
        for rule, steps in (("OR02B", NUMBERS["glasses_limit"] if c["device_kind"] == "治療用眼鏡" else []), ("OR02C", NUMBERS["lens_limit"].get(c["device_kind"], []))):
            known = [y for start, y in steps if start <= c["paid_on"]]
            if known:
                over = c["amount_yen"] - known[-1] * (1 if rule == "OR02B" else n)
                out[_unit(rule, c)] = {max(0, over) * rate // 100, half_up(max(0, over) * rate, 100)}
    return out


def severities(world: World) -> dict[Unit, bool]:
    """E, but S where 破損 is noted and for patterns. Left open: other reasons, limits of one source and of after 2026-03."""
    out: dict[Unit, bool] = {}
    for c in now(world, TABLE):
        out |= {_unit(rule, c): rule != "OR07" for rule in ("OR02", "OR04", "OR05", "OR06", "OR07")}
        if c["reissue_reason"] in (None, "none", "broken"):
            out |= {_unit(rule, c): c["reissue_reason"] != "broken" for rule in ("OR01", "OR03")}
        if c["paid_on"] <= UNTIL["glasses_limit"]:
            out[_unit("OR02B", c)] = True
    return out


def _told(finding: dict) -> Unit:
    return finding["rule_id"], finding["stake_claim_id"], finding["finding_id"].rpartition("#")[2]


UNITS = dict.fromkeys(("OR01", "OR02", "OR02B", "OR02C", "OR03", "OR03B", "OR03C", "OR04", "OR05", "OR06", "OR07"), _told)
COUNTED = {"OR06"}
ORACLES = (or01, or02, or02b, or02c, or03, or03b, or03c, or04, or05, or06, or07)
