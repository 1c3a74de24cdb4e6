"""Stored models: Parquet for numbers, JSON for the card, nothing that runs code when it is read.

A stored model of a team is a folder:

- `tails.parquet`: group, feature, side, at, p (the step functions)
- `peers.parquet`: group, feature, n, median, spread
- `sample.parquet`: the forest's fitting sample; the forest is fitted again from it
- `card.json`: what it is, what it was fitted on, with which versions, and the sha256 of the other files
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl

from audit.errors import ModelError
from models.forest import fit_forest
from models.spec import UNIT_SETS, features_of
from models.steps import Tail
from models.tail import SIDES, TailModel
from models.team_model import TeamModel

# 2: peer groups by provider type, near or far, kind of care of a person; models of clinics as a whole
SCHEMA_VERSION = 2
FILES = ("tails.parquet", "peers.parquet", "sample.parquet")
_FIT_AGAIN = "delete the folder and run `kokuho-audit run` again: the model is then fitted anew"
# Packages whose minor version changes what a refitted forest says.
PINNED = ("scikit-learn", "numpy")


def save_team(model: TeamModel, folder: Path) -> Path:
    """Write a model into a new folder, whole or not at all, and return the folder.

    The same model gives the same bytes. An existing folder is replaced.
    """
    work = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    _tails_frame(model.tail).write_parquet(work / "tails.parquet")
    model.tail.peers.sort("group", "feature").write_parquet(work / "peers.parquet")
    model.forest.sample.write_parquet(work / "sample.parquet")
    card = {
        "schema_version": SCHEMA_VERSION,
        "team": model.team,
        "features": [{"name": f.name, "direction": f.direction} for f in model.features],
        "first_month": model.first_month,
        "last_month": model.last_month,
        "n": model.tail.n,
        "weight": model.tail.weight,
        "seed": model.seed,
        "trees": model.forest.trees,
        "agreement_top100": round(model.agreement(), 4),
        "versions": versions(),
        "sha256": {name: sha256_file(work / name) for name in FILES},
    }
    (work / "card.json").write_text(json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return replace_folder(work, folder)


def replace_folder(work: Path, folder: Path) -> Path:
    """Rename a finished folder into the place of another, which may exist; return the latter."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(work, folder)
    shutil.rmtree(old, ignore_errors=True)
    return folder


def load_team(folder: Path) -> TeamModel:
    """Read a model back and fit its forest again from the stored sample.

    Raises:
        ModelError: a file is missing or altered, or the model was made for other features, another schema, or another
            minor version of scikit-learn or numpy.

    """
    card = _card(folder)
    place = f"{folder.name}/card.json"
    try:
        _check(card, place)
        for name in FILES:
            _check_file(folder, name, card["sha256"][name])
        features = features_of(card["team"])
        tail = TailModel(
            features=features, tails=_read_tails(pl.read_parquet(folder / "tails.parquet")),
            peers=pl.read_parquet(folder / "peers.parquet"), weight=float(card["weight"]), n=int(card["n"]),
        )
        if missing := [f.name for f in features for s in SIDES[f.direction] if ("*", f.name, s) not in tail.tails]:
            raise ModelError(f"tail missing of: {', '.join(missing)}", file=f"{folder.name}/tails.parquet", remedy=_FIT_AGAIN)
        forest = fit_forest(pl.read_parquet(folder / "sample.parquet"), tail, seed=int(card["seed"]), trees=int(card["trees"]))
        return TeamModel(card["team"], tail, forest, card["first_month"], card["last_month"], int(card["seed"]))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise ModelError(f"is not a model card ({type(e).__name__})", file=place, remedy=_FIT_AGAIN) from e


def save_teams(models: Mapping[str, TeamModel], root: Path) -> dict[str, Path]:
    """Write each team's model to `root/<team>`."""
    return {team: save_team(model, root / team) for team, model in sorted(models.items())}


def load_teams(root: Path) -> dict[str, TeamModel]:
    """Read every team's model under a folder; an absent folder gives none."""
    return {p.parent.name: load_team(p.parent) for p in sorted(root.glob("*/card.json")) if p.parent.name in UNIT_SETS} if root.is_dir() else {}


def _tails_frame(tail: TailModel) -> pl.DataFrame:
    keys = sorted(tail.tails)
    lengths = [len(tail.tails[k].at) for k in keys]
    columns = {name: pl.Series([k[i] for k in keys], dtype=pl.String) for i, name in enumerate(("group", "feature", "side"))}
    rows = np.repeat(np.arange(len(keys)), lengths)
    return pl.DataFrame({name: s.gather(rows) for name, s in columns.items()}).with_columns(
        pl.Series("at", np.concatenate([tail.tails[k].at for k in keys])), pl.Series("p", np.concatenate([tail.tails[k].p for k in keys]))
    )


def _read_tails(frame: pl.DataFrame) -> dict[tuple[str, str, str], Tail]:
    parts = frame.partition_by("group", "feature", "side", maintain_order=True, as_dict=True)
    return {key: Tail(part["at"].to_numpy(), part["p"].to_numpy()) for key, part in parts.items()}


def _card(folder: Path) -> dict:
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise ModelError("cannot be read", file=f"{folder.name}/card.json", remedy=_FIT_AGAIN) from e
    if not isinstance(card, dict):
        raise ModelError("is not a model card", file=f"{folder.name}/card.json", remedy=_FIT_AGAIN)
    return card


def _check(card: dict, place: str) -> None:
    def refuse(what: str) -> None:
        raise ModelError(what, file=place, remedy=_FIT_AGAIN)

    if card.get("schema_version") != SCHEMA_VERSION:
        refuse(f"has schema version {card.get('schema_version')}, this program reads {SCHEMA_VERSION}")
    wanted = [{"name": f.name, "direction": f.direction} for f in features_of(card["team"])]
    if card["features"] != wanted:
        refuse("was fitted on other features than this program computes")
    check_versions(card["versions"], place, _FIT_AGAIN)


def versions() -> dict[str, str]:
    """Return the installed versions that a card names."""
    return {name: version(name) for name in (*PINNED, "polars")}


def check_versions(made: Mapping[str, str], place: str, remedy: str) -> None:
    """Raise ModelError where a model was made with another minor version of a package that changes what it says."""
    for name in PINNED:
        if (have := version(name)).split(".")[:2] != made[name].split(".")[:2]:
            raise ModelError(f"was made with {name} {made[name]}, installed is {have}", file=place, remedy=remedy)


def _check_file(folder: Path, name: str, digest: str) -> None:
    if not (folder / name).is_file():
        raise ModelError("is missing", file=f"{folder.name}/{name}", remedy=_FIT_AGAIN)
    if sha256_file(folder / name) != digest:
        raise ModelError("was changed after it was stored", file=f"{folder.name}/{name}", remedy=_FIT_AGAIN)


def sha256_file(path: Path) -> str:
    """Return the hex digest of a file."""
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
