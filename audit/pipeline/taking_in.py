"""intake, link, gate, store: a delivery becomes stored tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl

from audit.errors import GateStop, MonthError
from audit.home import write_json, write_parquet
from audit.intake import readers
from audit.intake.link import link_people
from audit.intake.link_names import STATES
from audit.intake.redelivery import complete
from audit.intake.versions import supersede
from audit.pipeline.spec import RunSpec, parse_month
from audit.pipeline.work import counting, files_of, home_of, read_json, spec_of
from audit.tables import ALL, QUARANTINE
from audit.view import StoredView, months_before


def intake(work: Path) -> Path:
    """Read every file into tables and quarantine; return the folder of tables read."""
    with counting(work, "intake") as counts:
        files = files_of(work)
        # who is insured decides whose receipts are known, so the registers are read before the receipts
        files.sort(key=lambda f: (f.kind not in ("eligibility", "person_link"), f.kind, f.name))
        insurers = set(read_json(work, "plan.json")["insurers"]) | home_of(work).insurers()
        quarantine, reads = [QUARANTINE.empty()], []
        for n, file in enumerate(files):
            if file.insurer_no is None and len(insurers) == 1:  # there is nobody else whose file it could be
                file = replace(file, insurer_no=next(iter(insurers)))
            result = readers.read(file, insurers)
            if file.kind == "eligibility":
                insurers |= set(result.tables["eligibility"]["insurer_no"].unique())
            for table, frame in result.tables.items():
                write_parquet(work / "read" / table / f"{n:04d}.parquet", ALL[table].conform(frame))
            quarantine.append(result.quarantine)
            refused = result.rows_in - result.rows_in_tables
            reads.append({"name": file.name, "kind": file.kind, "rows_in": result.rows_in, "rows_in_tables": result.rows_in_tables, "quarantined": refused, "controls": result.controls})
        write_parquet(work / "quarantine.parquet", QUARANTINE.conform(pl.concat(quarantine)))
        write_json(work / "reads.json", reads)
        counts |= {"rows_in": sum(r["rows_in"] for r in reads), "rows_in_tables": sum(r["rows_in_tables"] for r in reads), "rows_in_quarantine": sum(r["quarantined"] for r in reads)}
    return work / "read"


def _load(folder: Path, table: str) -> pl.DataFrame:
    files = sorted((folder / table).glob("*.parquet"))
    return pl.concat([pl.read_parquet(f) for f in files]) if files else ALL[table].empty()


def link(work: Path) -> Path:
    """Give claims their person, insurer share and version; return the folder of linked tables.

    Where the month is stored already, what is stored of it and not replaced is linked again with what arrives.
    """
    with counting(work, "link") as counts:
        spec, home = spec_of(work), home_of(work)
        month = parse_month(spec.month)
        tables = {p.name: _load(work / "read", p.name) for p in sorted((work / "read").iterdir())}
        _require_month(spec, tables, stored=home.holds(month))
        view = StoredView(home.tables, months_before(month, 1))
        whole = complete(tables, lambda name: home.stored(name, month), lambda name: _last_register(view, name))
        counts |= {"replaced_files": whole.replaced, "rows_from_store": whole.kept}
        tables = supersede(link_people(whole.tables), view)
        for name, frame in tables.items():
            write_parquet(work / "linked" / f"{name}.parquet", ALL[name].conform(frame))
        counts["unlinked"] = {t: int(tables[t]["person_id"].is_null().sum()) for t in ("claims", "judo_claims", "ahaki_claims", "care_claims", "overseas_claims", "orthosis_claims") if t in tables}
        counts |= {f"{t}_matched": {s: int((tables[t]["match_state"] == s).sum()) for s in STATES} for t in ("leads", "third_party_cases") if t in tables}
    return work / "linked"


def _last_register(view: StoredView, name: str) -> pl.DataFrame:
    """Return each insurer's rows of the last delivery within a year that brought it a register."""
    rows = view.scan(name, months_back=12).filter(pl.col("delivery_month") == pl.col("delivery_month").max().over("insurer_no")).drop("delivery_month").collect()
    return ALL[name].conform(rows)


def _require_month(spec: RunSpec, tables: dict[str, pl.DataFrame], *, stored: bool) -> None:
    """Claims are delivered, and some are of the month; to a stored month a register or part lines may come alone."""
    month = parse_month(spec.month)
    dated = [tables[t]["service_month"] for t in ("claims", "judo_claims", "ahaki_claims", "care_claims") if t in tables and tables[t].height]
    if stored and not dated:
        return
    if not any((s == month).any() for s in dated):
        held = sorted({f"{m:%Y-%m}" for s in dated for m in s.drop_nulls().unique()})
        raise MonthError(f"no claim of {spec.month} is in the delivery", file=spec.delivery.name, remedy=f"it holds {', '.join(held[-3:]) or 'no claims'}: check --month or the folder")


def gate(work: Path) -> Path:
    """Check the delivery as a whole; return the gate's HTML report.

    Raises:
        GateStop: the verdict is stop and no reason to override was given; report and quarantine stay in
            `runs/<run_id>-stopped/`.

    """
    from audit.intake.gate import FileRead, run_gate

    with counting(work, "gate") as counts:
        spec, home = spec_of(work), home_of(work)
        month = parse_month(spec.month)
        reads = [FileRead(**r) for r in read_json(work, "reads.json")]
        tables = {n: f for n, f in _linked(work).items() if not ALL[n].is_master and n not in ("persons", "superseded")}
        result = run_gate(tables, reads, pl.read_parquet(work / "quarantine.parquet"), home.volumes(month), spec.month, work, spec.override_gate)
        counts["status"] = result.status
        write_json(work / "gate.json", {"status": result.status, "override_reason": spec.override_gate})
        if result.status == "stop":
            run_id = read_json(work, "plan.json")["run_id"]
            kept = home.keep_part(work, f"{run_id}-stopped", ("gate", "quarantine.parquet"))
            stopped = result.checks.filter(pl.col("status") == "stop")
            raise GateStop(
                f"the gate stops this delivery: {', '.join(stopped['title_ja'].to_list()[:3])}",
                file=spec.delivery.name, remedy=f"read {kept / 'gate' / 'report.html'}; correct the delivery, or run again with --override-gate '理由'",
            )
    return work / "gate" / "report.html"


def store(work: Path) -> Path:
    """Store the linked tables in the home folder, all or nothing; return the tables folder."""
    with counting(work, "store") as counts:
        spec, home = spec_of(work), home_of(work)
        counts["rows"] = home.store(read_json(work, "plan.json")["run_id"], parse_month(spec.month), _linked(work))
    return home.tables


def _linked(work: Path) -> dict[str, pl.DataFrame]:
    return {p.stem: pl.read_parquet(p) for p in sorted((work / "linked").glob("*.parquet"))}
