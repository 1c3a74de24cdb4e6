"""The outcome model of a run, stored: numbers as Parquet, the card as JSON, nothing that runs code when it is read.

A folder `uphold/` beside the teams' models of a run (models.store):

- `rates.parquet`: rule_id, prior, rate, strength, learned, by_stake: of every rule, before and after the town's own verdicts;
  by_stake: the rate of each stratum of yen, null where verdicts do not tell them apart
- `verdicts.parquet`: what the model was fitted on, without any id: upheld, weight, fold, left_out_rate and the columns; only
  where one was fitted (`card.json` says whether it is used). The trees are fitted again from it when they are loaded: no pickle.
- `card.json`: which rung, learnt from what, known on which day, how well it foresaw, versions, sha256 of the other files

A run refits: the stored model is the record of what its list was made with.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from audit.errors import ModelError
from models.priors import Priors
from models.store import check_versions, replace_folder, sha256_file, versions
from models.uphold import Uphold
from models.uphold_model import TREES, UpholdModel, Verdicts, fit_trees

FOLDER = "uphold"
SCHEMA_VERSION = 2
_RUN_AGAIN = "run the month again with `kokuho-audit run`: the model is then fitted anew"


@dataclass(frozen=True)
class StoredUphold:
    """What a run's `uphold/` holds.

    Attributes:
        card: of `card.json`.
        rates: rule_id, prior, rate, strength, learned, by_stake.
        model: the fitted model, used or not (card["rung"]); None = none was fitted.

    """

    card: dict[str, object]
    rates: pl.DataFrame
    model: UpholdModel | None


def save_uphold(uphold: Uphold, priors: Priors, root: Path, *, seed: int) -> Path:
    """Write what a month knew of p(upheld) to `root/uphold`, whole or not at all; the same knowledge gives the same bytes.

    Args:
        uphold: of models.uphold.learn.
        priors: before any verdict.
        root: the run's model folder.
        seed: of the run (the fit itself has no chance in it).

    """
    folder = root / FOLDER
    work = folder.with_name(f".{FOLDER}.part")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    rules = sorted(priors.rules)
    pl.DataFrame(
        {
            "rule_id": rules, "prior": [priors.rules[r].rate for r in rules], "rate": [uphold.priors.rules[r].rate for r in rules],
            "strength": [float(uphold.priors.rules[r].strength) for r in rules], "learned": [uphold.priors.rules[r].confidence == "learned" for r in rules],
            "by_stake": pl.Series([uphold.priors.stake_rates.get(r) for r in rules], dtype=pl.List(pl.Float64)),
        }
    ).write_parquet(work / "rates.parquet")
    files = ["rates.parquet"]
    card: dict[str, object] = {
        "schema_version": SCHEMA_VERSION, **uphold.account(), "as_of": uphold.as_of and f"{uphold.as_of}", "first_month": uphold.first_month,
        "last_month": uphold.last_month, "seed": seed, "stake_edges": list(priors.stake_edges),
        "without_rule": {k: p.rate for k, p in uphold.priors.without_rule.items()}, "learning": vars(priors.learning).copy(), "versions": versions(), "model": None,
    }
    if (m := uphold.tried) is not None:
        v = m.verdicts
        told = pl.DataFrame({"upheld": v.upheld, "weight": v.weights, "fold": v.fold, "left_out_rate": v.left_out_rate})
        told.hstack([pl.Series(name, v.x[:, k]) for k, name in enumerate(m.columns)]).write_parquet(work / "verdicts.parquet")
        files.append("verdicts.parquet")
        card["model"] = {
            "kind": "HistGradientBoostingRegressor, calibrated beside the rules' rates", "trees": TREES, "features": list(m.columns), "n": m.n,
            "upheld": int(v.upheld.sum()), "shift": m.shift, "tilt": m.tilt, "gain": m.gain, "loss_rates": m.loss_rates, "loss_model": m.loss_model, "wrong": m.wrong,
        }
    card["sha256"] = {name: sha256_file(work / name) for name in files}
    (work / "card.json").write_text(json.dumps(card, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    return replace_folder(work, folder)


def load_uphold(root: Path) -> StoredUphold:
    """Read a run's `uphold/` back.

    Raises:
        ModelError: a file is missing or was changed, or it was made with another schema or another minor version of
            scikit-learn or numpy.

    """
    folder, place = root / FOLDER, f"{FOLDER}/card.json"
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise ModelError("cannot be read", file=place, remedy=_RUN_AGAIN) from e
    try:
        if card["schema_version"] != SCHEMA_VERSION:
            raise ModelError(f"has schema version {card['schema_version']}, this program reads {SCHEMA_VERSION}", file=place, remedy=_RUN_AGAIN)
        check_versions(card["versions"], place, _RUN_AGAIN)
        for name, digest in card["sha256"].items():
            if Path(name).name != name or not (folder / name).is_file():
                raise ModelError("is missing", file=f"{FOLDER}/{name}", remedy=_RUN_AGAIN)
            if sha256_file(folder / name) != digest:
                raise ModelError("was changed after it was stored", file=f"{FOLDER}/{name}", remedy=_RUN_AGAIN)
        return StoredUphold(card, pl.read_parquet(folder / "rates.parquet"), _read_model(card["model"], folder))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise ModelError(f"is not a model card ({type(e).__name__})", file=place, remedy=_RUN_AGAIN) from e


def _read_model(told: dict | None, folder: Path) -> UpholdModel | None:
    if told is None:
        return None
    numbers, names = pl.read_parquet(folder / "verdicts.parquet"), told["features"]
    if numbers.columns[4:] != names:
        raise ModelError("holds other columns than the card names", file=f"{FOLDER}/verdicts.parquet", remedy=_RUN_AGAIN)
    if told["trees"] != TREES:
        raise ModelError("was made with other trees than this program fits", file=f"{FOLDER}/card.json", remedy=_RUN_AGAIN)
    v = Verdicts(
        x=numbers.select(names).to_numpy(), upheld=numbers["upheld"].to_numpy(), weights=numbers["weight"].to_numpy(), fold=numbers["fold"].to_numpy(),
        left_out_rate=numbers["left_out_rate"].to_numpy(),
    )
    return UpholdModel(
        tuple(names), v, fit_trees(v, np.ones(len(numbers), dtype=bool), float(told["wrong"])), float(told["shift"]), float(told["tilt"]), float(told["gain"]),
        float(told["loss_rates"]), float(told["loss_model"]), float(told["wrong"]),
    )
