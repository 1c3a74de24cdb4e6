"""finish: the manifest and the page are written, the work folder becomes the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audit import params
from audit.errors import storage_errors
from audit.home import Home, package_versions, write_json
from audit.pipeline.work import files_of, read_json, remove, spec_of
from audit.reports import run_page
from audit.rules import all_rules


@storage_errors()
def finish(work: Path) -> Path:
    """Write manifest and page, rename the work folder into place; return `runs/<run_id>`."""
    spec, plan = spec_of(work), read_json(work, "plan.json")
    write_json(work / "manifest.json", manifest_of(work))
    with params.laid_over(spec.office):
        run_page.write(work, work / "report.html")
    for scratch in ("read", "linked", "found_cases.parquet", "outcomes.parquet", "earlier.json", "spec.json", "plan.json", "files.json", "reads.json", "steps.json", "gate.json"):
        remove(work / scratch)
    return Home(spec.home).publish(work, plan["run_id"])


def manifest_of(work: Path) -> dict[str, Any]:
    """Return what was asked, read, stored and with which versions."""
    spec, plan = spec_of(work), read_json(work, "plan.json")
    reads, steps = read_json(work, "reads.json"), read_json(work, "steps.json")
    sha = {f.name: f.sha256 for f in files_of(work)}
    manifest = {
        "run_id": plan["run_id"], "month": spec.month, "as_of": f"{spec.day}", "seed": spec.seed,
        "inputs": [{k: r[k] for k in ("name", "kind", "rows_in", "rows_in_tables", "quarantined")} | {"sha256": sha[r["name"]]} for r in sorted(reads, key=lambda r: r["name"])],
        "rows": {k: next(s for s in steps if s["step"] == "intake")[k] for k in ("rows_in", "rows_in_tables", "rows_in_quarantine")},
        "parameters_sha256": plan["parameters_sha256"], "office_parameters": plan["office_parameters"], "rules": {r.id: r.version for r in all_rules().values()},
        "packages": package_versions(), "gate": read_json(work, "gate.json"), "steps": steps, "peak_memory_mib": _peak_memory_mib(),
    }
    if manifest["rows"]["rows_in"] != manifest["rows"]["rows_in_tables"] + manifest["rows"]["rows_in_quarantine"]:
        raise AssertionError("rows in are not rows in tables plus rows in quarantine")
    return manifest


def _peak_memory_mib() -> int:
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 2**20) if sys.platform == "darwin" else round(peak / 2**10)
