"""Figures of the ranking over prepared pools: before any outcome, after six months of reviews, and under another seed.

What was measured is kept per town under a digest of the ranking's code and data, so that a stopped report goes on where it was,
and a changed ranking is measured anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import polars as pl

from models.evaluation import Evaluation, measure, summarise
from models.evaluation.page import Page, as_html, as_text
from models.evaluation.targets import learnt
from models.fairness import compare, mark, people_of
from models.fairness_page import section
from tests.bench.ranking_history import History, make_history
from tests.bench.ranking_pools import ROOT
from tests.bench.ranking_rank import Pool

LEFT_OUT = 0.10  # share of the types of error whose outcomes nobody may learn from
UNRULED = "その種類のルールもないとき"
TITLES = {"before": "結果がないとき", "after": "300件×6か月の点検の後"}
RESEEDED = 2  # the other seed


def digest() -> str:
    """Return the digest of everything that decides an order: models/ but for evaluation, fairness and simulation."""
    files = sorted(p for p in Path("models").rglob("*") if p.suffix in (".py", ".yaml") and not {"evaluation", "simulation"} & set(p.parts) and "fairness" not in p.name)
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()[:8]


def history(folder: Path, seed: int) -> History:
    """Return the reviewed months that are a town's past, made once per digest and town."""
    listed, reviewed = folder / f"history-{seed}-listed.parquet", folder / f"history-{seed}-reviewed.parquet"
    if not reviewed.exists():
        made = make_history(seed)
        folder.mkdir(parents=True, exist_ok=True)
        made.listed.write_parquet(listed)
        made.reviewed.write_parquet(reviewed)
    return History(pl.read_parquet(listed), pl.read_parquet(reviewed))


def types_left_out(labels: pl.DataFrame, seed: int) -> list[str]:
    """Return the types that a town leaves out, drawn by its seed."""
    types = labels.filter(~pl.col("is_decoy"))["catalogue_id"].unique().sort()
    return types.gather(np.sort(np.random.default_rng([seed, 1]).choice(len(types), round(LEFT_OUT * len(types)), replace=False))).to_list()


def measure_town(seed: int, folder: Path, *, reseed: bool = False) -> None:
    """Measure one town under all scenarios and keep what was measured."""
    pool, out = Pool(seed), folder / f"seed-{seed}"
    left_out = types_left_out(pool.labels, seed)
    reviewed = history(folder, seed)
    for name in ("before", "after", "unruled"):
        past = reviewed.past(seed=seed, left_out=left_out) if name == "after" else None
        for again in (1, RESEEDED) if reseed and name != "unruled" else (1,):
            place = out / f"{name}-{again}"
            if place.exists():
                continue
            cases, priors, uphold = pool.rank(past, seed=again, without=left_out if name == "unruled" else ())
            rows, judged = pool.universe(cases, priors, again), pool.judged(cases)
            told = {"account": uphold.account(), "known": 0 if past is None else past.known().height, "left_out": left_out}
            if name == "after" and again == 1:
                register = pool.view.scan("eligibility", 12).select("insurer_no", "person_id", "sex", "birth_date", "delivery_month").collect()
                mark(rows, judged, people_of(register, pool.view.month)).write_parquet(_part(out) / "fairness.parquet")
            keep(measure(judged, rows, left_out=left_out), told, place)


def _part(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(evaluation: Evaluation, told: dict, place: Path) -> None:
    """Write an evaluation: one file per frame, the rest as JSON."""
    part = _part(place.with_name(f".{place.name}.part"))
    plain = dict(told)
    for f in fields(evaluation):
        value = getattr(evaluation, f.name)
        if isinstance(value, pl.DataFrame):
            value.write_parquet(part / f"{f.name}.parquet")
        else:
            plain[f.name] = value
    (part / "plain.json").write_text(json.dumps(plain))
    part.rename(place)


def kept(place: Path) -> tuple[Evaluation, dict]:
    """Read an evaluation back."""
    plain = json.loads((place / "plain.json").read_text())
    values = {f.name: pl.read_parquet(place / f"{f.name}.parquet") if (place / f"{f.name}.parquet").exists() else plain.pop(f.name) for f in fields(Evaluation)}
    values["universe"] = tuple(values["universe"])
    return Evaluation(**values), plain


def report(seeds: Sequence[int], out: Path) -> str:
    """Measure what is not measured yet, write page and JSON, return the page as text."""
    folder = ROOT / "results" / digest()
    for n, seed in enumerate(seeds):
        measure_town(seed, folder, reseed=n < 5)
        print(f"seed {seed} measured", flush=True)
    return write(seeds, folder, out)


def write(seeds: Sequence[int], folder: Path, out: Path) -> str:
    """Write page and JSON of what is measured; return the page as text."""
    scenarios, first, accounts = [], {}, {}
    for name, title in TITLES.items():
        read = {(s, a): kept(p) for s in seeds for a in (1, RESEEDED) if (p := folder / f"seed-{s}" / f"{name}-{a}").exists()}
        first[name] = [e for (_, a), (e, _) in read.items() if a == 1]
        accounts[name] = [plain for (_, a), (_, plain) in read.items() if a == 1]
        scenarios.append((title, summarise([e for e, _ in read.values()])))
    marked = [pl.read_parquet(p) for s in seeds if (p := folder / f"seed-{s}" / "fairness.parquet").exists()]
    rungs = sorted({a["account"]["rung"] for a in accounts["after"]})
    decided = sorted(a["account"]["decided"] for a in accounts["after"])
    notes = (
        f"町の種は {min(seeds)}～{max(seeds)} の {len(first['after'])}町です。開発中に見た町（種 1、5～16）とも、過去の月に使った町とも別です。",
        f"「{TITLES['after']}」は、別の12町から町ごとに選んだ6町の6か月分のリストを、各月300件まで点検したとしたものです。点検者は10件に1件を誤り、結果は2～4か月後に届きます（その時点で分かっていた結果 {decided[0]:,}～{decided[-1]:,}件、使った方法 {'・'.join(rungs)}）。",
    )
    unruled = [kept(p)[0] for s in seeds if (p := folder / f"seed-{s}" / "unruled-1").exists()]
    page = Page(scenarios, learnt(first["before"], first["after"]), section(compare(marked)), notes, [(UNRULED, summarise(unruled))] if unruled else [])
    text = as_text(page)
    out.mkdir(parents=True, exist_ok=True)
    (out / "ranking.html").write_text(as_html(page), encoding="utf-8")
    (out / "ranking.txt").write_text(text + "\n", encoding="utf-8")
    figures = {name: s.figures.to_dicts() for name, (_, s) in zip(TITLES, scenarios, strict=True)}
    (out / "ranking.json").write_text(json.dumps({"seeds": list(seeds), "digest": folder.name, "figures": figures, "accounts": accounts}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return text
