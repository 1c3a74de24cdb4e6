"""Last touches to a month's claims: 検索番号, second payers, and the oddness that real files have."""

from __future__ import annotations

import numpy as np
import polars as pl

from synthetic.claimset import Frames
from synthetic.config import Month, TownConfig, rate

KIND_DIGIT = {"med": 1, "dpc": 2, "den": 3, "pha": 4, "nur": 6}


def finish(cfg: TownConfig, month: Month, kind: str, frames: Frames, serial: int) -> Frames:
    """Add the columns that only the written file knows.

    Args:
        cfg: the town.
        month: month of care.
        kind: med, dpc, den, pha, nur.
        frames: claims of that kind.
        serial: first serial of 検索番号 (each claim of a month and kind gets its own).

    Returns:
        The frames, with in `claims`: search (17 digits), public (second payer), area (特記 26-30 or 0), and the flags
        sn, jd, mf, era, wide, unknown. Claims of plants get all of it but an unknown person.

    """
    n = frames.claims.height
    rng = cfg.rng("finish-" + kind, month.index)
    plain = frames.claims["plant"].to_numpy() == 0

    def odd(name: str) -> np.ndarray:
        draw = rng.random(n)
        return (draw < rate("oddness." + name)) if cfg.dirt else np.zeros(n, bool)

    search = (month + 1).yyyymm * 10**11 + KIND_DIGIT[kind] * 10**10 + serial + np.arange(n)
    public = plain & (rng.random(n) < rate("outpatient.public_payer"))
    area = np.where(plain & (rng.random(n) < rate("outpatient.special_area")), rng.integers(26, 31, n), 0)
    claims = frames.claims.with_columns(
        pl.Series("search", search), pl.Series("public", public), pl.Series("area", area),
        pl.Series("sn", ~odd("no_sn")), pl.Series("jd", ~odd("no_jd")), pl.Series("mf", ~odd("no_mf")),
        pl.Series("era", odd("era_dates")), pl.Series("wide", odd("fullwidth_number")), pl.Series("unknown", plain & odd("unknown_person")),
        pl.lit(0, dtype=pl.Int8).alias("again"),
    )
    return Frames(claims, frames.diagnoses, frames.lines, frames.comments, frames.extra)


def later(cfg: TownConfig, month: Month, kind: str, frames: Frames) -> tuple[Frames, Frames]:
    """Split off what arrives a month later: (delivered now, delivered next month).

    Late claims are held back whole. Resubmitted ones are delivered now and once more, with a note; half of them keep
    their 検索番号, half get a new one.
    """
    claims = frames.claims
    rng = cfg.rng("later-" + kind, month.index)
    plain = (claims["plant"] == 0).to_numpy()
    draw = rng.random(claims.height)
    late = plain & (draw < rate("oddness.late"))
    again = plain & ~late & (draw < rate("oddness.late") + rate("oddness.resubmitted"))
    if not cfg.dirt:
        late, again = np.zeros_like(late), np.zeros_like(again)
    keys = claims["key"]
    now = frames.subset(keys.filter(pl.Series(~late)))
    held = frames.subset(keys.filter(pl.Series(late | again)))
    repeated = pl.col("key").is_in(keys.filter(pl.Series(again)).implode())
    held.claims = held.claims.with_columns(
        pl.lit((month + 2).yyyymm, dtype=pl.Int64).alias("billing"), repeated.cast(pl.Int8).alias("again"),
        pl.when(repeated & (pl.col("key") % 2 == 0)).then(pl.col("search") + 5 * 10**9).otherwise(pl.col("search")).alias("search"),
    )
    return now, held
