"""begin: the delivery is planned, the run gets its id and its work folder."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from audit import params, params_office
from audit.earlier_runs import earlier_runs
from audit.errors import DuplicateFileError, MonthError, storage_errors
from audit.home import Home, sha256_of_files, write_json
from audit.intake.detect import plan_delivery
from audit.intake.result import FilePlan
from audit.pipeline.past import keep_past, known_outcomes
from audit.pipeline.spec import RunSpec, parse_month
from audit.rules import check_rules

# kinds that may be delivered unchanged month after month
_REPEATABLE = (
    "eligibility", "person_link", "leads", "third_party_cases", "rereview_rates", "master_", "fee_", "drug_indications", "drug_interactions",
    "placed_doctors", "practitioners", "cover_overlaps", "insurer_settlements",
)


@storage_errors()
def begin(spec: RunSpec) -> Path:
    """Plan the delivery and open a work folder; return it.

    The run id is the month and a digest of every input byte, the parameters, the seed and what was known of the past: the
    same run twice is the same id.

    Raises:
        AuditError: the delivery cannot be read as it is; a file was already stored with another month.

    """
    month, home = parse_month(spec.month), Home(spec.home)
    home.recover()
    started = time.perf_counter()
    plan = plan_delivery(spec.delivery)
    if plan.month is not None and plan.month != spec.month:
        raise MonthError(f"the delivery is of {plan.month}, not of {spec.month}", file="delivery.toml", remedy=f"run with --month {plan.month}, or correct delivery.toml")
    _refuse_files_of_other_months(home, spec.month, plan.files)
    # what was read and how, not under which names: the id must not depend on the order of files
    inputs = sorted([f.kind, f.sha256, f.encoding, str(f.revision), f.insurer_no or "", _layout_digest(f)] for f in plan.files)
    parameters, own = parameters_digest(spec.office)
    known, before = known_outcomes(home, spec), earlier_runs(home.runs, spec.month, spec.day)
    # a first month, of which there is no past, keeps the id that it always had
    past = [spec.as_of and f"{spec.as_of}", _frame_digest(known), [f.name for f in before.values()]] if spec.as_of or known.height or before else []
    digest = _sha256(json.dumps([inputs, parameters, spec.seed, spec.override_gate, spec.csv_encoding, *past]))
    work = home.work_folder(f"{month:%Y-%m}-{digest[:8]}")
    write_json(work / "spec.json", asdict(spec))
    keep_past(work, known, before)
    write_json(work / "plan.json", {"run_id": f"{month:%Y-%m}-{digest[:8]}", "insurers": sorted(plan.insurers), "parameters_sha256": parameters, "office_parameters": own})
    write_json(work / "files.json", [asdict(f) for f in plan.files])
    write_json(work / "steps.json", [{"step": "begin", "seconds": round(time.perf_counter() - started, 3), "files": len(plan.files), "bytes": sum(f.size for f in plan.files)}])
    return work


def parameters_digest(office: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return the digest of the shipped and the office's values, and the latter; raises ParameterError where they are wrong."""
    shipped = sha256_of_files(params.FOLDER.glob("*.yaml"), params.FOLDER)
    own = params_office.own_values(params.load(office=office))
    if own:
        check_rules(params.load(office=office))
    return (_sha256(json.dumps([shipped, sha256_of_files(office.glob("*.yaml"), office)])) if own else shipped), own


def _frame_digest(frame: pl.DataFrame) -> str:
    """Return the digest of cases or outcomes, whatever the order of rows; empty for none."""
    return _sha256(frame.sort("case_id").write_ndjson()) if frame.height else ""


def _sha256(text: str) -> str:
    """Return the hex digest of a text."""
    return sha256(text.encode()).hexdigest()


def _layout_digest(file: FilePlan) -> str:
    """Return the digest of an office's own layout file, or the name of a shipped one."""
    layout = Path(file.layout or "")
    return sha256(layout.read_bytes()).hexdigest() if layout.is_file() else str(layout)


def _refuse_files_of_other_months(home: Home, month: str, files: tuple[FilePlan, ...]) -> None:
    known = {i["sha256"]: m["month"] for m in home.manifests() for i in m["inputs"] if m["month"] != month}
    again = [f for f in files if f.sha256 in known and not f.kind.startswith(_REPEATABLE)]
    if again:
        raise DuplicateFileError(f"the same file was delivered with {known[again[0].sha256]}", file=again[0].name, remedy="take it out of this delivery, or ask for the right month's file")
