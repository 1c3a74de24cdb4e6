"""Lists that the town's office keeps: institutions of placed doctors, and drugs that must not meet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthetic.world import World

EDITION = "20260401"  # the day from which the office uses both lists: the same bytes every month
# (first, second, names, why): an antifungal and two sleeping pills, as their package inserts say
INTERACTIONS = (
    ("6290004", "1124007", "イトラコナゾール", "トリアゾラム", "代謝が妨げられ作用が強まる"),
    ("6290004", "1179052", "イトラコナゾール", "ブロナンセリン", "血中濃度が上がる"),
)
PLACED_HEAD = "介護事業所番号,医療機関コード,施設名,配置開始日,配置終了日"
INTERACTION_HEAD = "薬価基準収載医薬品コード1,薬価基準収載医薬品コード2,医薬品名1,医薬品名2,理由,適用開始日,適用終了日"


def placed_clinics(world: World) -> np.ndarray:
    """Return the practice whose doctor each facility has, by facility index; -1 for a 老健, which has its own.

    A practice that no person living in a 特養 goes to of old: natural visits are never those of the placed doctor.
    """
    facility, people = world.providers.facility, world.people
    residents = people.setting == 2
    taken = np.union1d(world.slots["chronic"][residents], world.slots["second"][residents])
    free = np.setdiff1d(world.providers.of_specialty(0), taken)
    free = free if len(free) else world.providers.of_specialty(0)
    return np.where(facility.trait == 0, free[np.arange(facility.n) % len(free)], -1)


def write_office_lists(world: World, folder: Path) -> list[tuple[str, str, str]]:
    """Write both lists; return (file name, kind, further settings)."""
    placed, providers = placed_clinics(world), world.providers
    rows = [f"{providers.facility.code[i]},{providers.clinic.code[c]},{providers.facility.name[i]},20200401," for i, c in enumerate(placed) if c >= 0]
    pairs = [f"{a},{b},{x},{y},{why},," for a, b, x, y, why in INTERACTIONS]
    files = []
    for name, kind, head, body in (("haichii", "placed_doctors", PLACED_HEAD, rows), ("heiyo_kinki", "drug_interactions", INTERACTION_HEAD, pairs)):
        file = f"{name}_{EDITION}.csv"
        (folder / file).write_bytes(("\r\n".join([head, *body]) + "\r\n").encode("cp932"))
        files.append((file, kind, ""))
    return files
