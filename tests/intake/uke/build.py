"""Small UKE files for tests, and a slow reader written apart from the real one."""

from pathlib import Path

from audit.intake.result import FilePlan, ReadResult
from audit.intake.uke import read_uke


def cells(**days: int) -> str:
    """Return 31 day cells: cells(d3=1, d10=2)."""
    return ",".join(str(days.get(f"d{d}", "")) for d in range(1, 32))


def write(folder: Path, lines: list[str], *, end: bytes = b"\r\n", mark: bytes = b"\x1a", encoding: str = "cp932") -> Path:
    """Write lines as a UKE file."""
    path = folder / "RECEIPT.UKE"
    path.write_bytes(b"".join(line.encode(encoding) + end for line in lines) + mark)
    return path


def plan(path: Path, kind: str = "uke_med", insurer_no: str | None = None) -> FilePlan:
    """Return the plan's entry of a file."""
    return FilePlan(path, path.name, kind, "", path.stat().st_size, insurer_no=insurer_no)


def read(folder: Path, lines: list[str], kind: str = "uke_med", **options) -> ReadResult:
    """Write and read; `insurer_no`, `known_insurers`, `chunk_bytes` as in the reader."""
    known = options.pop("known_insurers", None)
    chunk = {"chunk_bytes": options.pop("chunk_bytes")} if "chunk_bytes" in options else {}
    return read_uke(plan(write(folder, lines), kind, options.pop("insurer_no", None)), known, **chunk)


MED_IR = "IR,2,23,1,0112341,,みほん医院,202605,00,"


def med_re(number: int = 1, month: str = "202604", birth: str = "19500203", kind: str = "1112", search: str = "") -> str:
    """Return an RE line of 医科."""
    search = search or f"{number:020}"
    return f"RE,{number},{kind},{month},サンプル　タロウ,1,{birth},,,,,,,,,,,,{search}"


def med_ho(insurer: str = "  230011", points: int = 100, days: int = 1) -> str:
    """Return an HO line of 医科."""
    return f"HO,{insurer},１２,３４５,{days},{points}"


def si(category: str, code: str, points: str = "", times: int = 1, *, record: str = "SI", days: str = "", comment: str = ",,,,,") -> str:
    """Return an SI or IY line of 医科."""
    return f"{record},{category},1,{code},,{points},{times},{comment},{days or cells(d1=times)}"


GO = "GO,0,0,99"
