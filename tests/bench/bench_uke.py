"""Time of `read_uke` beside the time only to decode the same bytes; prints one JSON object.

Run ``python tests/bench/bench_uke.py [--megabytes 100] [--kind uke_med] [--repeat 3]``. The input is generated: a few
thousand different receipts with the line mix of an outpatient month, repeated with other 検索番号 until the size is
reached. Same arguments, same bytes.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

_PLACE = "9" * 30  # every receipt's 検索番号 in the template; overwritten in each copy
_KANA = "アイウエオカキクケコサシスセソタチツテトナニヌネノ"
_COMMENTS = ("疼痛時", "１日５回　右眼", "手術前内服", "検査のため", "別の診療科で処方あり　経過を確認", "左膝　関節液あり")

_HEADERS = {
    "uke_med": "IR,2,23,1,0112341,,名古屋市　内科クリニック,202605,00,0520000000",
    "uke_pha": "YK,2,23,4,0212342,名古屋市　みほん薬局,202605,00,0520000000",
}


def _days(rng: random.Random, visits: list[int]) -> str:
    """Return the 31 day cells of a line given on some of the visit days."""
    cells = [""] * 31
    for day in visits:
        cells[day - 1] = str(rng.choice((1, 1, 1, 1, 2)))
    return ",".join(cells)


def _total(days: str) -> int:
    return sum(int(c) for c in days.split(",") if c)


def _med_receipt(rng: random.Random, number: int) -> list[str]:
    """Return the lines of one outpatient receipt: about 1 RE, 1 HO, 4 SY, 10 SI, 4 IY, 2 CO."""
    visits = sorted(rng.sample(range(1, 32), rng.choice((1, 1, 1, 2, 2, 3, 4))))
    if rng.random() < 0.03:  # in hospital
        visits = list(range(rng.randint(1, 10), rng.randint(12, 31)))
    name = "".join(rng.choices(_KANA, k=5))
    birth = f"{rng.randint(1935, 2020)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    receipt_type = rng.choice(("1112", "1116", "1118", "1110"))
    lines = [
        f"RE,{number},{receipt_type},202604,{name}　{name},{rng.randint(1, 2)},{birth},,,,,,,{rng.randint(1, 99999)}"
        f",,,,,{_PLACE},,,,,,,,,,,,,,,,,,{name},",
        f"HO,  23{rng.randint(1, 9):04},{''.join(rng.choices('１２３４５', k=2))},{rng.randint(1, 999999)}"
        f",{len(visits)},{rng.randint(200, 9000)},,,,,,,,,",
    ]
    if rng.random() < 0.25:
        lines.append(f"KO,8123{rng.randint(1, 9999):04},{rng.randint(1, 9999999):07},,{len(visits)},,500,,,,,")
    lines += [f"SN,1,01,,,,{rng.randint(0, 3):02},,", "JD,1," + _days(rng, visits).replace("2", "1"), "MF,00" + "," * 31]
    for i in range(rng.randint(1, 8)):
        start = f"{rng.randint(2019, 2025)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
        modifiers = rng.choice(("", "", "8002", "20568048"))
        main = "01" if i == 0 else ""
        if rng.random() < 0.08:
            lines.append(f"SY,0000999,{start},1,,未コード化の傷病名,{main},")
        else:
            lines.append(f"SY,{rng.randint(1000000, 9000000)},{start},1,{modifiers},,{main},")
    for category in sorted(rng.choices((12, 12, 13, 21, 21, 23, 33, 40, 60, 60, 70, 80), k=rng.randint(3, 9))):
        days = _days(rng, rng.sample(visits, rng.randint(1, len(visits))))
        medicine = category in (21, 23, 33)
        size = rng.randint(1, 4)
        for i in range(size):
            first, last = (str(category) if i == 0 else ""), i == size - 1
            points = str(rng.randint(1, 900)) if last else ""
            record = "IY" if medicine and not last else "SI"
            code = f"{rng.randint(610000000, 629999999) if record == 'IY' else rng.randint(110000000, 199999999)}"
            amount = f"{rng.randint(1, 9)}" if record == "IY" else ""
            comment = f"840000098,{rng.choice(_COMMENTS)},,,," if rng.random() < 0.06 else ",,,,,"
            lines.append(f"{record},{first},1,{code},{amount},{points},{_total(days)},{comment},{days}")
        if rng.random() < 0.25:
            lines.append(f"CO,{category},1,810000001,{rng.choice(_COMMENTS)}")
    return lines


def _pha_receipt(rng: random.Random, number: int) -> list[str]:
    """Return the lines of one pharmacy receipt: 1-3 剤 with 1-2 dispensing days and 1-4 drugs each, one KI a day."""
    name = "".join(rng.choices(_KANA, k=5))
    birth = f"{rng.randint(1935, 2020)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}"
    lines = [
        f"RE,{number},4112,202604,{name}　{name},{rng.randint(1, 2)},{birth},,,23,1,01{rng.randint(1, 99999):05},みほん医院,,医師　一郎"
        + "," * 20 + f",,{rng.randint(1, 99999)},,{_PLACE},,,,{name}",
        f"HO,  23{rng.randint(1, 9):04},{''.join(rng.choices('１２３４５', k=2))},{rng.randint(1, 999999)}"
        f",{rng.randint(1, 2)},{rng.randint(200, 9000)},,,,,,,,",
        f"SN,1,01,,,,{rng.randint(0, 3):02},,", "JD,1," + _days(rng, [rng.randint(1, 30)]), "MF,00" + "," * 31,
    ]
    days = sorted(rng.sample(range(1, 31), rng.choice((1, 1, 2))))
    for group in range(1, rng.randint(1, 3) + 1):
        lines.append(f"SH,{group},{rng.choice((1, 1, 1, 5))},{rng.randint(1, 48):03},,{rng.randint(1, 90)},,,,")
        for time_, day in enumerate(days, 1):
            lines.append(f"CZ,1,202604{day:02},202604{day:02},{time_},{rng.choice((7, 14, 28))},1,1,,410000010,24" + "," * 46 + "1,1,,430000010,4,,,,,28,,,,")
        lines += [f"IY,1,{rng.randint(610000000, 629999999)},{rng.randint(1, 6)},,,,,," for _ in range(rng.randint(1, 4))]
        if rng.random() < 0.3:
            lines.append(f"CO,820100002,{rng.choice(_COMMENTS)}")
    lines += [f"KI,202604{day:02},{i},1,410000110,45,,1,440000110,1,45" + "," * 104 for i, day in enumerate(days, 1)]
    return lines


def sample_block(receipts: int, seed: int = 0, kind: str = "uke_med") -> bytes:
    """Return that many different receipts as CP932 bytes, each with the placeholder as its 検索番号."""
    rng = random.Random(seed)
    make = _med_receipt if kind == "uke_med" else _pha_receipt
    lines = [line for n in range(1, receipts + 1) for line in make(rng, n)]
    return ("\r\n".join(lines) + "\r\n").encode("cp932")


def write_file(path: Path, megabytes: float, receipts: int = 4000, seed: int = 0, kind: str = "uke_med") -> int:
    """Write a file of about that size; return its number of receipts."""
    block = np.frombuffer(sample_block(receipts, seed, kind), dtype=np.uint8)
    text = block.tobytes()
    places, at = [], text.find(_PLACE.encode())
    while at >= 0:
        places.append(at)
        at = text.find(_PLACE.encode(), at + 30)
    copies = max(1, round(megabytes * 1e6 / block.size))
    digits = 10 ** np.arange(17, -1, -1, dtype=np.int64)
    cells = np.array(places)[:, None] + np.arange(30)[None, :]
    with path.open("wb") as out:
        out.write((_HEADERS[kind] + "\r\n").encode("cp932"))
        for copy in range(copies):
            numbers = np.arange(len(places), dtype=np.int64) + copy * len(places) + 1
            tail = numbers[:, None] // digits[None, :] % 10
            filled = block.copy()
            filled[cells[:, :12]] = np.frombuffer(b"202605230112", dtype=np.uint8)
            filled[cells[:, 12:]] = (tail + 48).astype(np.uint8)
            out.write(filled.tobytes())
        out.write(b"GO,0,0,99\r\n\x1a")
    return copies * len(places)


def main() -> None:
    """Generate, decode, read, print."""
    from audit.intake.result import FilePlan
    from audit.intake.uke import read_uke

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--kind", choices=sorted(_HEADERS), default="uke_med")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "RECEIPTC.UKE"
        receipts = write_file(path, args.megabytes, kind=args.kind)
        size = path.stat().st_size
        plan = FilePlan(path=path, name=path.name, kind=args.kind, sha256="", size=size, insurer_no="00230001")
        decode_s, read_s = [], []
        for _ in range(args.repeat):
            start = time.perf_counter()
            with path.open("rb") as file:
                text = file.read().decode("cp932")
            decode_s.append(time.perf_counter() - start)
            del text
            start = time.perf_counter()
            result = read_uke(plan, None)
            read_s.append(time.perf_counter() - start)
        print(json.dumps({
            "kind": args.kind, "bytes": size, "receipts": receipts, "lines": result.rows_in,
            "decode_s": round(min(decode_s), 3), "read_s": round(min(read_s), 3),
            "ratio": round(min(read_s) / min(decode_s), 2),
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "rows": {name: frame.height for name, frame in result.tables.items()},
        }))


if __name__ == "__main__":
    main()
