"""The steps of a month. Each takes the run's work folder, does one thing, writes files there, returns a path.

    begin -> intake -> link -> gate -> store -> check -> rank -> worklists -> finish

The same functions run plainly (`run_month`) and as Prefect tasks (`flows/`): frames never travel between steps, paths do.
A step's counts go to `steps.json`: rows in and out, seconds. No step logs anything of a person.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from audit import cases as case_making
from audit import desk, engine, enrich, params, params_office
from audit.earlier_runs import default_day, earlier_cases, earlier_runs
from audit.errors import DuplicateFileError, GateStop, MonthError, UsageError, storage_errors
from audit.home import Home, package_versions, sha256_of_files, write_json, write_parquet
from audit.intake import readers
from audit.intake.detect import plan_delivery
from audit.intake.link import link_people
from audit.intake.link_names import STATES
from audit.intake.redelivery import complete
from audit.intake.result import FilePlan
from audit.intake.versions import supersede
from audit.reports import run_page
from audit.rules import all_rules, check_rules
from audit.tables import ALL, FINDINGS, MASTERS, QUARANTINE
from audit.view import StoredView, months_before
from audit.worklists.context import listed_context

if TYPE_CHECKING:
    from models.past import Past

Progress = Callable[[str], None]
_REPEATABLE = ("eligibility", "person_link", "leads", "third_party_cases", "rereview_rates", "master_", "fee_", "drug_indications", "drug_interactions", "placed_doctors", "practitioners", "cover_overlaps", "insurer_settlements")  # kinds that may be delivered unchanged month after month
# lists that are looked at again in later months: a run without a new one still judges by them
_KEPT_MONTHS = {"leads": 11, "third_party_cases": 11}


@dataclass(frozen=True)
class RunSpec:
    """What a run was asked to do.

    Attributes:
        delivery: folder of delivered files.
        month: delivery month, 'YYYY-MM'.
        home: home folder.
        seed: seeds the random control sample; recorded in the manifest.
        override_gate: reason for going on although the gate says stop; None = respect it.
        csv_encoding: of the CSV worklists: utf-8-sig or cp932.
        parameters: folder of the office's own parameter values; None = `<home>/parameters`.
        as_of: day of knowledge: outcomes that the office knew later are not used; None = `default_day` of the month.

    """

    delivery: Path
    month: str
    home: Path
    seed: int = 1
    override_gate: str | None = None
    csv_encoding: str = "utf-8-sig"
    parameters: Path | None = None
    as_of: date | None = None

    @property
    def day(self) -> date:
        """Day of knowledge."""
        return self.as_of or default_day(parse_month(self.month))

    @property
    def office(self) -> Path:
        """Folder of the office's own parameter values, whether it exists or not."""
        return self.parameters or self.home / "parameters"


def parse_month(text: str) -> date:
    """Return the first day of 'YYYY-MM'; raises UsageError for anything else."""
    if not re.fullmatch(r"[12][0-9]{3}-(0[1-9]|1[0-2])", text):
        raise UsageError(f"{text!r} is not a month", remedy="write it as 2026-10")
    return date.fromisoformat(f"{text}-01")


# -- the work folder ------------------------------------------------------------------------------------------------
def _spec(work: Path) -> RunSpec:
    raw = json.loads((work / "spec.json").read_text(encoding="utf-8"))
    return RunSpec(**{
        **raw, "delivery": Path(raw["delivery"]), "home": Path(raw["home"]), "parameters": raw.get("parameters") and Path(raw["parameters"]),
        "as_of": raw.get("as_of") and date.fromisoformat(raw["as_of"]),
    })


def _read(work: Path, name: str) -> Any:
    return json.loads((work / name).read_text(encoding="utf-8"))


def counts_of(work: Path, step: str) -> dict[str, Any]:
    """Return the counts of a finished step."""
    return next((s for s in _read(work, "steps.json") if s["step"] == step), {})


@contextmanager
def _step(work: Path, name: str) -> Iterator[dict[str, Any]]:
    """Time a step and add its counts to steps.json."""
    started, counts = time.perf_counter(), {}
    with storage_errors(), params.laid_over(_spec(work).office):
        yield counts
    steps = _read(work, "steps.json") if (work / "steps.json").exists() else []
    steps = [s for s in steps if s["step"] != name]  # a retried task replaces its earlier attempt
    write_json(work / "steps.json", [*steps, {"step": name, "seconds": round(time.perf_counter() - started, 3), **counts}])


# -- steps ----------------------------------------------------------------------------------------------------------
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
    parameters, own = _parameters_digest(spec.office)
    known, before = _known(home, spec), earlier_runs(home.runs, spec.month, spec.day)
    # a first month, of which there is no past, keeps the id that it always had
    past = [spec.as_of and f"{spec.as_of}", frame_digest(known), [f.name for f in before.values()]] if spec.as_of or known.height or before else []
    digest = sha256_text(json.dumps([inputs, parameters, spec.seed, spec.override_gate, spec.csv_encoding, *past]))
    work = home.work_folder(f"{month:%Y-%m}-{digest[:8]}")
    write_json(work / "spec.json", asdict(spec))
    _keep_past(work, known, before)
    write_json(work / "plan.json", {"run_id": f"{month:%Y-%m}-{digest[:8]}", "insurers": sorted(plan.insurers), "parameters_sha256": parameters, "office_parameters": own})
    write_json(work / "files.json", [asdict(f) for f in plan.files])
    write_json(work / "steps.json", [{"step": "begin", "seconds": round(time.perf_counter() - started, 3), "files": len(plan.files), "bytes": sum(f.size for f in plan.files)}])
    return work


def _parameters_digest(office: Path) -> tuple[str, list[dict[str, Any]]]:
    """Return the digest of the shipped and the office's values, and the latter; raises ParameterError where they are wrong."""
    shipped = sha256_of_files(params.FOLDER.glob("*.yaml"), params.FOLDER)
    own = params_office.own_values(params.load(office=office))
    if own:
        check_rules(params.load(office=office))
    return (sha256_text(json.dumps([shipped, sha256_of_files(office.glob("*.yaml"), office)])) if own else shipped), own


def _known(home: Home, spec: RunSpec) -> pl.DataFrame:
    """Return the outcomes that the office knew on the day of knowledge, sorted by case."""
    return desk.outcomes(home.root, spec.day).filter(pl.col("processed_on") <= spec.day).sort("case_id")


def _keep_past(work: Path, known: pl.DataFrame, before: dict[str, Path]) -> None:
    """Write what is known of the past into the work folder: what is learnt from it must be what the run id says."""
    write_parquet(work / "outcomes.parquet", known)
    write_json(work / "earlier.json", {month: folder.name for month, folder in before.items()})


def _past(work: Path) -> Past:
    from models.past import Past

    spec = _spec(work)
    folders = {month: Home(spec.home).runs / name for month, name in _read(work, "earlier.json").items()}
    known = pl.read_parquet(work / "outcomes.parquet")
    return Past(spec.day, known, earlier_cases(folders, known["case_id"]))


def frame_digest(frame: pl.DataFrame) -> str:
    """Return the digest of cases or outcomes, whatever the order of rows; empty for none."""
    return sha256_text(frame.sort("case_id").write_ndjson()) if frame.height else ""


def sha256_text(text: str) -> str:
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


def _files(work: Path) -> list[FilePlan]:
    def plan(raw: dict[str, Any]) -> FilePlan:
        revision = raw["revision"] and date.fromisoformat(raw["revision"])
        return FilePlan(**{**raw, "path": Path(raw["path"]), "revision": revision})

    return [plan(raw) for raw in _read(work, "files.json")]


def intake(work: Path) -> Path:
    """Read every file into tables and quarantine; return the folder of tables read."""
    with _step(work, "intake") as counts:
        spec, files = _spec(work), _files(work)
        # who is insured decides whose receipts are known, so the registers are read before the receipts
        files.sort(key=lambda f: (f.kind not in ("eligibility", "person_link"), f.kind, f.name))
        insurers = set(_read(work, "plan.json")["insurers"]) | Home(spec.home).insurers()
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
    with _step(work, "link") as counts:
        spec, home = _spec(work), Home(_spec(work).home)
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


def _linked(work: Path) -> dict[str, pl.DataFrame]:
    return {p.stem: pl.read_parquet(p) for p in sorted((work / "linked").glob("*.parquet"))}


def gate(work: Path) -> Path:
    """Check the delivery as a whole; return the gate's HTML report.

    Raises:
        GateStop: the verdict is stop and no reason to override was given; report and quarantine stay in
            `runs/<run_id>-stopped/`.

    """
    from audit.intake.gate import FileRead, run_gate

    with _step(work, "gate") as counts:
        spec, home = _spec(work), Home(_spec(work).home)
        month = parse_month(spec.month)
        reads = [FileRead(**r) for r in _read(work, "reads.json")]
        tables = {n: f for n, f in _linked(work).items() if not ALL[n].is_master and n not in ("persons", "superseded")}
        result = run_gate(tables, reads, pl.read_parquet(work / "quarantine.parquet"), home.volumes(month), spec.month, work, spec.override_gate)
        counts["status"] = result.status
        write_json(work / "gate.json", {"status": result.status, "override_reason": spec.override_gate})
        if result.status == "stop":
            run_id = _read(work, "plan.json")["run_id"]
            kept = home.keep_part(work, f"{run_id}-stopped", ("gate", "quarantine.parquet"))
            stopped = result.checks.filter(pl.col("status") == "stop")
            raise GateStop(
                f"the gate stops this delivery: {', '.join(stopped['title_ja'].to_list()[:3])}",
                file=spec.delivery.name, remedy=f"read {kept / 'gate' / 'report.html'}; correct the delivery, or run again with --override-gate '理由'",
            )
    return work / "gate" / "report.html"


def store(work: Path) -> Path:
    """Store the linked tables in the home folder, all or nothing; return the tables folder."""
    with _step(work, "store") as counts:
        spec, home = _spec(work), Home(_spec(work).home)
        counts["rows"] = home.store(_read(work, "plan.json")["run_id"], parse_month(spec.month), _linked(work))
    return home.tables


def _view(work: Path) -> StoredView:
    spec = _spec(work)
    return StoredView(Home(spec.home).tables, parse_month(spec.month))


def check(work: Path) -> Path:
    """Run all rules over the stored month; write findings, not_evaluated, mitigated and cases; return the cases' file."""
    with _step(work, "check") as counts:
        view, rules = _view(work), all_rules()
        absent = [t for t in ALL if not ALL[t].is_master and t not in ("quarantine", "findings", "not_evaluated", "cases") and not view.has(t, _KEPT_MONTHS.get(t, 0))]
        absent += [m.name for m in MASTERS if not view.has(m.name)]
        if only := _read(work, "plan.json").get("rules"):
            rules = {k: r for k, r in rules.items() if k in only}
        frames = enrich.build_all(view, {r.grain for r in rules.values()})
        result = engine.run_rules(frames, params.load(), rules.values(), absent)
        write_parquet(work / "findings.parquet", result.findings)
        write_parquet(work / "not_evaluated.parquet", result.not_evaluated)
        write_parquet(work / "mitigated.parquet", result.mitigated)
        write_json(work / "evaluated.json", result.evaluated)
        cases = case_making.build_cases(result.findings)
        write_parquet(work / "found_cases.parquet", cases)
        counts |= {"rules": len(rules), "units": {g: engine.staged(f).rows.height for g, f in frames.items()}, "findings": result.findings.height, "cases": cases.height}
    return work / "found_cases.parquet"


def rank(work: Path) -> Path:
    """Score units against their peers, choose this month's lists; return cases.parquet."""
    from models import monthly

    with _step(work, "rank") as counts:
        spec = _spec(work)
        # Fitted once per home folder and team: a score must mean the same next month. Remove the folder to fit anew.
        stored = spec.home / "models"
        ranked = monthly.rank_month(
            pl.read_parquet(work / "found_cases.parquet"), _view(work), spec.seed, work / "model", stored=stored if stored.exists() else None,
            findings=pl.read_parquet(work / "findings.parquet", columns=["finding_id", "rule_id", "stake_unit", "evidence"]), past=_past(work),
        )
        write_parquet(work / "cases.parquet", ALL["cases"].conform(ranked))
        (work / "model" / "list_account.parquet").replace(work / "list_account.parquet")
        counts["fitted"] = _keep_models(work / "model", stored)
        known = _read(work, "model/uphold/card.json")
        counts["uphold"] = {k: known[k] for k in ("rung", "why", "decided", "with_features", "unjudged", "model_from")}
        if (work / "model" / "rereview.json").exists():
            counts["rereview"] = _read(work, "model/rereview.json")
        listed = ranked.filter(pl.col("rank").is_not_null())
        counts |= {"cases": ranked.height, "listed": listed.height, "by_selection": {s: int((listed["selection"] == s).sum()) for s in ("rule", "model", "explore", "random")}}
    return work / "cases.parquet"


def _keep_models(used: Path, stored: Path) -> list[str]:
    """Keep the models of teams that had none yet; return these teams."""
    new = sorted({p.name for p in used.iterdir() if p.is_dir() and p.name != "uphold"} - ({p.name for p in stored.iterdir()} if stored.exists() else set()))
    if new:
        fresh = stored.with_name(".models.part")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(used, fresh, ignore=shutil.ignore_patterns("control.parquet", "rereview.json", "uphold"))
        shutil.rmtree(stored, ignore_errors=True)
        fresh.rename(stored)
    return new


def worklists(work: Path) -> Path:
    """Write the reviewers' lists; return their folder."""
    from audit.worklists.export import export_worklists

    with _step(work, "worklists") as counts:
        spec = _spec(work)
        cases, findings = pl.read_parquet(work / "cases.parquet"), pl.read_parquet(work / "findings.parquet")
        context = listed_context(cases, _view(work), run_id=_read(work, "plan.json")["run_id"], month=spec.month)
        files = export_worklists(cases, findings, context, work / "worklists", csv_encoding=spec.csv_encoding)
        counts["files"] = len(files)
    return work / "worklists"


def _manifest(work: Path) -> dict[str, Any]:
    """Return what was asked, read, stored and with which versions."""
    spec, plan = _spec(work), _read(work, "plan.json")
    reads, steps = _read(work, "reads.json"), _read(work, "steps.json")
    sha = {f.name: f.sha256 for f in _files(work)}
    manifest = {
        "run_id": plan["run_id"], "month": spec.month, "as_of": f"{spec.day}", "seed": spec.seed,
        "inputs": [{k: r[k] for k in ("name", "kind", "rows_in", "rows_in_tables", "quarantined")} | {"sha256": sha[r["name"]]} for r in sorted(reads, key=lambda r: r["name"])],
        "rows": {k: next(s for s in steps if s["step"] == "intake")[k] for k in ("rows_in", "rows_in_tables", "rows_in_quarantine")},
        "parameters_sha256": plan["parameters_sha256"], "office_parameters": plan["office_parameters"], "rules": {r.id: r.version for r in all_rules().values()},
        "packages": package_versions(), "gate": _read(work, "gate.json"), "steps": steps, "peak_memory_mib": _peak_memory_mib(),
    }
    if manifest["rows"]["rows_in"] != manifest["rows"]["rows_in_tables"] + manifest["rows"]["rows_in_quarantine"]:
        raise AssertionError("rows in are not rows in tables plus rows in quarantine")
    return manifest


@storage_errors()
def finish(work: Path) -> Path:
    """Write manifest and page, rename the work folder into place; return `runs/<run_id>`."""
    spec, plan = _spec(work), _read(work, "plan.json")
    write_json(work / "manifest.json", _manifest(work))
    with params.laid_over(spec.office):
        run_page.write(work, work / "report.html")
    for scratch in ("read", "linked", "found_cases.parquet", "outcomes.parquet", "earlier.json", "spec.json", "plan.json", "files.json", "reads.json", "steps.json", "gate.json"):
        _remove(work / scratch)
    return Home(spec.home).publish(work, plan["run_id"])


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _peak_memory_mib() -> int:
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / 2**20) if sys.platform == "darwin" else round(peak / 2**10)


STEPS: tuple[tuple[str, Callable[[Path], Path]], ...] = (
    ("取込", intake), ("個人照合", link), ("納品の検査", gate), ("保存", store), ("ルール判定", check), ("順位付け", rank), ("点検リスト作成", worklists),
)


@contextmanager
def working_in(home: Path) -> Iterator[None]:
    """Hold the home folder for one run: a second one at the same time is a BusyError."""
    with storage_errors():
        place = Home(home)
        with place.alone():
            yield


@contextmanager
def discarded_on_error(work: Path) -> Iterator[None]:
    """Remove the work folder of a run that does not come to its end: it holds persons' rows."""
    try:
        yield
    except BaseException:
        discard(work)
        raise


def discard(work: Path) -> None:
    """Remove a work folder."""
    shutil.rmtree(work, ignore_errors=True)


def run_month(spec: RunSpec, progress: Progress = lambda _: None) -> Path:
    """Run all steps plainly, without Prefect; return `runs/<run_id>`."""
    spec = replace(spec, delivery=Path(spec.delivery).absolute(), home=Path(spec.home).absolute(), parameters=spec.parameters and Path(spec.parameters).absolute())
    started = time.perf_counter()
    progress(f"[{time.perf_counter() - started:5.1f}s] 納品を確認しています")
    with working_in(spec.home):
        work = begin(spec)
        with discarded_on_error(work):
            for title, step in STEPS:
                progress(f"[{time.perf_counter() - started:5.1f}s] {title}")
                step(work)
            done = finish(work)
    progress(f"[{time.perf_counter() - started:5.1f}s] 完了 {done.name}")
    return done


def findings_of(run: Path) -> pl.DataFrame:
    """Return the findings of a published run."""
    return FINDINGS.conform(pl.read_parquet(run / "findings.parquet"))


def judge_stored(home: Path, month: str, *, seed: int = 1, rules: Collection[str] = (), until: str = "worklists", progress: Progress = lambda _: None) -> Path:
    """Judge, rank and list a month that is stored, without reading any delivery; return the folder of results.

    For the benchmark, and to see what changed values would do: nothing is published, the folder is `runs/.work-<month>-stored`.
    With `rules` (ids) only these judge. `until` names the last step (check, rank, worklists).
    """
    place = Home(Path(home).absolute())
    work = place.work_folder(f"{parse_month(month):%Y-%m}-stored")
    spec = RunSpec(place.root, month, place.root, seed)
    write_json(work / "spec.json", asdict(spec))
    _keep_past(work, _known(place, spec), earlier_runs(place.runs, month, spec.day))
    write_json(work / "plan.json", {"run_id": work.name.removeprefix(".work-"), "rules": sorted(rules)})
    for title, step in STEPS[4:]:
        progress(title)
        step(work)
        if step.__name__ == until:
            break
    return work


def store_only(spec: RunSpec, progress: Progress = lambda _: None) -> dict[str, int]:
    """Take a delivery in and store it without judging it; return rows stored by table.

    The account (as in a run's manifest), the gate's report and the refused lines stay in `runs/<run_id>-intake/`.
    """
    spec = replace(spec, delivery=Path(spec.delivery).absolute(), home=Path(spec.home).absolute(), parameters=spec.parameters and Path(spec.parameters).absolute())
    with working_in(spec.home):
        work = begin(spec)
        with discarded_on_error(work):
            for title, step in STEPS[:4]:
                progress(title)
                step(work)
            manifest = _manifest(work)
            with storage_errors():
                write_json(work / "intake.json", manifest)
                Home(spec.home).keep_part(work, f"{manifest['run_id']}-intake", ("intake.json", "gate", "quarantine.parquet"))
                _remove(work)
    return next(s for s in manifest["steps"] if s["step"] == "store")["rows"]


@storage_errors()
def export_again(run: Path, csv_encoding: str, out: Path | None, pseudonym_key: bytes | None = None) -> list[Path]:
    """Write the worklists of a published run once more, e.g. in another encoding or pseudonymised; return the files."""
    from audit.worklists.export import export_worklists

    if pseudonym_key is not None and out is None:
        raise UsageError("pseudonymised lists are not laid over the run's own", remedy="give a folder with --out")
    manifest = _read(run, "manifest.json")
    view = StoredView(run.parent.parent / "tables", parse_month(manifest["month"]))
    cases = pl.read_parquet(run / "cases.parquet")
    context = listed_context(cases, view, run_id=manifest["run_id"], month=manifest["month"], pseudonym_key=pseudonym_key)
    return export_worklists(cases, findings_of(run), context, out or run / "worklists", csv_encoding=csv_encoding)
