"""Near parts (JD06) by the text of domain §1.4 and domain-2 §2.2, §11.

A pair is told where the text names it, on the same side and with overlapping periods; it is open where side, level or kind are
missing, where "two joints up or down" would reach further than the pairs that are named, and for fractures, whose place on the
bone and finger the name does not tell.
"""

from __future__ import annotations

from tests.oracle.judo_fee import by_part, period
from tests.oracle.judo_fee import parts_of as parts_by_version
from tests.oracle.reading import Row, Verdict, World, version

BRUISED = {"bruise", "strain"}
# sprained joint -> place of a bruise near it -> the level that is far enough (null: none)
NEAR = {
    "手関節": {"前腕部": "upper", "手根・中手部": None},
    "肘関節": {"前腕部": "lower", "上腕部": "upper", "肘部": None},
    "肩関節": {"上腕部": "lower"},
    "膝関節": {"大腿部": "upper", "下腿部": "lower", "膝部": None},
    "股関節": {"大腿部": "lower"},
    "足関節": {"下腿部": "upper", "足根・中足部": None},
    "中手指・指関節": {"手根・中手部": None, "指部": None},
    "中足趾・趾関節": {"趾部": None, "足根・中足部": None},
}
LIMBS = (
    {"肩関節", "上腕部", "肘関節", "肘部", "前腕部", "手関節", "手根・中手部", "中手指・指関節", "指部", "上腕骨", "前腕骨", "手根骨", "中手骨", "指骨", "鎖骨", "背部", "胸部", "頸部"},
    {"股関節", "大腿部", "膝関節", "膝部", "下腿部", "足関節", "足根・中足部", "中足趾・趾関節", "趾部", "大腿骨", "下腿骨", "足根骨", "中足骨", "趾骨", "膝蓋骨", "腰部", "腰臀部", "骨盤", "背部"},
    {"顎関節", "顔面部", "頭部", "頸部"},
    {"頸部", "腰部", "背部", "胸部", "肋骨", "胸骨", "腰臀部", "骨盤", "肩関節", "鎖骨"},
)
BONES = {"fracture", "incomplete_fracture", "dislocation"}


def _overlap(claim: Row, a: Row, b: Row) -> bool | None:
    """Do the treatments overlap? Null: a day is missing, or only the injury fell into the other's treatment, or one goes on unended."""
    one, two = period(claim, a), period(claim, b)
    if one is None or two is None:
        return None
    if set(one) & set(two):
        return True
    early, late, last = (a, b, one[-1]) if one[-1] < two[0] else (b, a, two[-1])
    ended = early["outcome"] in ("cured", "stopped", "moved")
    return None if not ended or late["injured_on"] is None or late["injured_on"] <= last else False


def _pair(claim: Row, gone: Row, stays: Row) -> list[bool]:
    """Is `gone` contained in the fee of `stays`?"""
    together = _overlap(claim, gone, stays)
    if together is False:
        return [False]
    if None in (gone["injury_type"], stays["injury_type"], gone["site"], stays["site"]):
        return [True, False]
    one_limb = any({gone["site"], stays["site"]} <= limb for limb in LIMBS)
    sided = None not in (gone["side"], stays["side"]) and "both" not in (gone["side"], stays["side"])
    if not one_limb or (sided and gone["side"] != stays["side"]):
        return [False]
    said = [True, False]
    if stays["injury_type"] == "sprain" and gone["injury_type"] in BRUISED and not {gone["site"], stays["site"]} & {"背部", "胸部"}:
        if stays["site"] in NEAR and gone["site"] in NEAR[stays["site"]]:
            free = NEAR[stays["site"]][gone["site"]]
            said = [free is None or gone["level"] != free]
        elif (stays["site"], gone["site"]) == ("顎関節", "顔面部"):
            said = [True]
    elif stays["injury_type"] == gone["injury_type"] == "sprain" or (stays["injury_type"] in BRUISED):
        return [False]  # two joints, or a bruise that would have to contain something
    elif (stays["site"], gone["site"]) == ("頸部", "背部") and gone["injury_type"] in BRUISED:
        said = [False] if gone["level"] == "lower" else [True] if gone["injury_type"] == "strain" else [True, False]
    elif stays["injury_type"] not in BONES and gone["injury_type"] in BONES:
        return [False]
    if said == [True] and (together is None or not sided) and (stays["site"], gone["site"]) != ("頸部", "背部"):
        return [True, False]
    return [True, False] if together is None and said == [True] else said


def _trunk(claim: Row, parts: list[Row], part: Row) -> list[bool]:
    """ア and イ: two of neck, loins and shoulders sprained contain a bruise of the back; both shoulders also a sprained neck."""
    sprains = [p for p in parts if p["injury_type"] == "sprain" and p["site"] in ("頸部", "腰部", "肩関節") and p is not part]
    unread = any(p["injury_type"] is None or p["site"] is None for p in parts)
    overlaps = [_overlap(claim, p, part) for p in sprains]
    at_once = [p for p, o in zip(sprains, overlaps, strict=True) if o]
    blurred = None in overlaps or unread
    both = {p["side"] for p in at_once if p["site"] == "肩関節"} >= {"left", "right"}
    if part["site"] == "背部" and part["injury_type"] in BRUISED:
        kinds = {(p["site"], p["side"]) for p in at_once}
        # all must meet each other too: "at the same time"
        meet = all(_overlap(claim, p, q) for p in at_once for q in at_once)
        if len(kinds) >= 2:
            if part["level"] == "lower":
                return [False] if both and len(kinds) == 2 else [True, False]
            return [True] if meet and not blurred else [True, False]
        return [True, False] if blurred else [False]
    if part["site"] == "頸部" and part["injury_type"] == "sprain":
        if both:
            meet = all(_overlap(claim, p, q) for p in at_once for q in at_once if p["site"] == q["site"] == "肩関節")
            return [True] if meet and not blurred else [True, False]
        unsure = any(p["site"] == "肩関節" and p["side"] in (None, "both") for p in sprains)
        return [True, False] if blurred or unsure else [False]
    return [False]


def jd06(world: World) -> Verdict:
    """JD06: one injury of the form is contained in the fee of another; the unit is the part that falls away."""
    verdict, parts = Verdict(), parts_by_version(world)
    for claim in world.delivered("judo_claims"):
        mine = parts[version(claim)]
        for part in mine:
            if part["aftercare_yen"] == part["first_treatment_yen"] == 0:
                verdict.say(("JD06", claim["claim_id"], str(part["part_no"])), [False])  # nothing was billed for it
                continue
            said = [_trunk(claim, mine, part), *(_pair(claim, part, other) for other in mine if other is not part)]
            verdict.say(("JD06", claim["claim_id"], str(part["part_no"])), [True] if [True] in said else [False] if all(s == [False] for s in said) else [True, False])
    return verdict


UNITS = {"JD06": by_part}
COUNTED: set[str] = set()
ORACLES = (jd06,)


def money(world: World) -> dict:
    """Nothing is compared: what the part that falls away would have cost depends on the order left."""
    return {}
