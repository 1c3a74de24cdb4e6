"""CSV files: eligibility, person link, judo therapy, and their column mappings; care claims and benefit records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from synthetic.config import Month, TownConfig, rate
from synthetic.judo import CAUSES, INJURIES, JudoMonth, Listed
from synthetic.population import People, rate_at
from synthetic.providers import Providers
from synthetic.render.persons import PersonTexts
from synthetic.render.text import day_text

ELIGIBILITY_MAPPING = """\
description_ja = "資格情報（合成データ）"

[eligibility]
header = true

[eligibility.columns]
insurer_no = "保険者番号"
addressee_no = "宛名番号"
household_no = "世帯番号"
symbol = "記号"
number = "番号"
branch = "枝番"
name = "氏名"
kana = "カナ氏名"
sex = "性別"
birth_date = "生年月日"
gained_on = "資格取得日"
lost_on = "資格喪失日"
loss_reason = "喪失事由"
benefit_rate = "給付割合"
care_insurer_no = "介護保険者番号"
care_no = "介護被保険者番号"
care_level = "要介護状態区分"
certified_from = "認定開始日"
certified_to = "認定終了日"

[eligibility.values.sex]
"1" = "1"
"2" = "2"
"男" = "1"
"女" = "2"

[person_link]
header = true

[person_link.columns]
insurer_no = "保険者番号"
addressee_no = "宛名番号"
care_insurer_no = "介護保険者番号"
care_no = "介護被保険者番号"
"""

JUDO_MAPPING = """\
description_ja = "柔道整復療養費（合成データ）"

[judo_claims]
header = true

[judo_claims.columns]
claim_no = "整理番号"
insurer_no = "保険者番号"
service_month = "施術年月"
billing_month = "請求年月"
clinic_id = "登録記号番号"
clinic_name = "施術所名"
symbol = "記号"
number = "番号"
branch = "枝番"
sex = "性別"
birth_date = "生年月日"
part_count = "部位数"
actual_days = "実日数"
first_exam_on = "初検年月日"
initial_fee_yen = "初検料"
reexam_fee_yen = "再検料"
visit_fee_yen = "往療料"
visit_count = "往療回数"
visit_km = "往療距離"
consult_fee_yen = "初検時相談支援料"
extra_hours_fee_yen = "時間外等加算"
splint_fee_yen = "金属副子等加算"
exercise_fee_yen = "運動後療料"
info_fee_yen = "施術情報提供料"
statement_fee_yen = "明細書発行加算"
flat_fee_yen = "備考5定額"
aftercare_yen = "後療料等"
total_yen = "合計金額"
copay_yen = "一部負担金"
claimed_yen = "請求金額"
benefit_rate = "給付割合"
cause = "負傷原因"
long_reason = "長期理由書"

[judo_claims.values.sex]
"1" = "1"
"2" = "2"
"男" = "1"
"女" = "2"

[judo_claims.values.long_reason]
"1" = "true"
"有" = "true"
"0" = "false"
"無" = "false"

[judo_claims.days]
form = "text"
column = "施術日"

[judo_parts]
header = true

[judo_parts.columns]
claim_no = "整理番号"
insurer_no = "保険者番号"
part_no = "部位順"
injury_name = "負傷名"
injured_on = "負傷年月日"
first_exam_on = "初検年月日"
started_on = "施術開始年月日"
ended_on = "施術終了年月日"
actual_days = "実日数"
outcome = "転帰"
aftercare_yen = "後療料等"
first_treatment_yen = "施療料等"
after_count = "後療回数"
after_yen = "後療料"
warm_count = "温罨法回数"
warm_yen = "温罨法料"
cold_count = "冷罨法回数"
cold_yen = "冷罨法料"
electro_count = "電療回数"
electro_yen = "電療料"
multi_rate = "多部位逓減率"
long_rate = "長期逓減率"

[judo_parts.values.outcome]
"1" = "cured"
"2" = "stopped"
"3" = "moved"
"4" = "open"
"治癒" = "cured"
"中止" = "stopped"
"転医" = "moved"
"継続" = "open"
"""


def write_csv(frame: pl.DataFrame, path: Path) -> None:
    """Write a CP932 CSV with CRLF; every column is text already."""
    cells = frame.select(pl.when(pl.all() != "").then(pl.all()))  # blank, not two quotes
    text = cells.write_csv(line_terminator="\r\n", quote_style="necessary")
    path.write_bytes(text.encode("cp932"))


def write_eligibility(cfg: TownConfig, people: People, texts: PersonTexts, month: Month, path: Path) -> None:
    """Write the register as of the end of a month: people who joined later are not in it yet."""
    kept = (people.lost < 0) | (people.lost > month.first - 370) | (people.role >= 700)  # losses of plants stay on the register
    at = np.flatnonzero((people.gained <= month.last) & kept)
    listed = rate_at(people, month.first)
    if len(people.misrated):
        listed = np.where(people.misrated, 70, listed)
    rows = pl.Series(at)
    lost = np.where(people.lost[at] <= month.last, people.lost[at], -1)
    rng = cfg.rng("register-oddness")
    wide = pl.Series(rng.random(people.n)[at] < rate("oddness.register_fullwidth"))
    plain = people.role[at] == 0
    no_care = pl.Series((rng.random(people.n)[at] < rate("oddness.register_no_care_number")) & plain & cfg.dirt)
    care_no = pl.select(pl.when(no_care).then(pl.lit("")).otherwise(texts.care_no.gather(rows))).to_series()
    digits = texts.number.gather(rows)
    full = digits
    for i, w in enumerate("０１２３４５６７８９"):
        full = full.str.replace_all(str(i), w, literal=True)
    frame = pl.DataFrame({
        "保険者番号": texts.insurer8.gather(rows), "宛名番号": texts.addressee.gather(rows), "世帯番号": texts.household.gather(rows),
        "記号": texts.symbol.gather(rows), "番号": digits.zip_with(~wide, full) if cfg.dirt else digits, "枝番": texts.branch.gather(rows),
        "氏名": texts.name.gather(rows), "カナ氏名": texts.kana.gather(rows), "性別": pl.Series(people.sex[at].astype(np.int64)).cast(pl.String),
        "生年月日": day_text(people.birth[at]), "資格取得日": day_text(people.gained[at]), "資格喪失日": day_text(lost),
        "喪失事由": pl.Series(lost >= 0).cast(pl.Int64).cast(pl.String).replace({"0": "", "1": "02"}),
        "給付割合": pl.Series(listed[at]).cast(pl.String),
        "介護保険者番号": texts.care_insurer.gather(rows), "介護被保険者番号": care_no,
        "要介護状態区分": pl.Series(people.care_level[at]).cast(pl.String).replace({"0": ""}),
        "認定開始日": day_text(people.cert_from[at]), "認定終了日": day_text(people.cert_to[at]),
    })
    write_csv(frame, path)


def write_person_link(cfg: TownConfig, people: People, texts: PersonTexts, path: Path) -> None:
    """Write 宛名番号 beside the care number of the certified; a few links are missing."""
    missing = (cfg.rng("link-oddness").random(people.n) < rate("oddness.no_link")) & (people.role == 0) & cfg.dirt
    rows = pl.Series(np.flatnonzero(people.certified & ~missing))
    write_csv(pl.DataFrame({
        "保険者番号": texts.insurer8.gather(rows), "宛名番号": texts.addressee.gather(rows),
        "介護保険者番号": texts.care_insurer.gather(rows), "介護被保険者番号": texts.care_no.gather(rows),
    }), path)


def day_list(mask: pl.Series) -> pl.Series:
    """Return the days of masks as `3 10 17`."""
    frame = pl.DataFrame({"mask": mask})
    days = [pl.when((pl.col("mask") // (1 << d)) % 2 == 1).then(pl.lit(str(d + 1))) for d in range(31)]
    return frame.select(pl.concat_str(days, separator=" ", ignore_nulls=True).alias("d")).to_series()


def write_practitioners(texts: PersonTexts, providers: Providers, listed: Listed, path: Path) -> None:
    """Write the office's list of the people of judo clinics, as the shipped example layout has it."""
    rows = pl.Series(listed.person)
    write_csv(pl.DataFrame({
        "保険者番号": texts.insurer8.gather(rows), "登録記号番号": pl.Series(providers.judo.code[listed.clinic]), "宛名番号": texts.addressee.gather(rows),
        "関係": pl.Series(listed.relation.astype(str)), "開始日": pl.Series([""] * len(rows), dtype=pl.String), "終了日": day_text(listed.until),
    }), path)


def judo_number(frame: pl.DataFrame) -> pl.Series:
    """整理番号 as text."""
    return frame["number"].cast(pl.String)


def write_judo(cfg: TownConfig, people: People, texts: PersonTexts, providers: Providers, judo: JudoMonth, month: Month, claims_path: Path, parts_path: Path,
               hidden: np.ndarray) -> None:
    """Write the forms and their part lines.

    Args:
        cfg, people, texts, providers: the town.
        judo: the month's forms.
        month: month of treatment.
        claims_path, parts_path: files to write.
        hidden: forms whose part lines were not keyed, by row.

    """
    claims = judo.claims
    rows = claims["person"]
    clinic = claims["clinic"].to_numpy()
    digits = texts.number.gather(rows)
    rng = cfg.rng("judo-widths", month.index)
    wide = pl.Series((rng.random(claims.height) < rate("oddness.fullwidth_number")) & cfg.dirt)
    era = pl.Series((rng.random(claims.height) < rate("oddness.judo_era_dates")) & cfg.dirt)
    spoilt = pl.Series((rng.random(claims.height) < rate("oddness.judo_bad_dates")) & (claims["tag"].to_numpy() == 0) & cfg.dirt)
    first_exam = day_text(claims["start"]).zip_with(~spoilt, pl.Series(["5061301"] * claims.height, dtype=pl.String))
    full = digits
    for i, w in enumerate("０１２３４５６７８９"):
        full = full.str.replace_all(str(i), w, literal=True)
    person = rows.to_numpy()
    frame = pl.DataFrame({
        "整理番号": judo_number(claims), "保険者番号": texts.insurer8.gather(rows), "施術年月": claims["month"].cast(pl.String),
        "請求年月": pl.Series([str((month + 1).yyyymm)] * claims.height, dtype=pl.String), "登録記号番号": pl.Series(providers.judo.code[clinic]),
        "施術所名": pl.Series(providers.judo.name[clinic]), "記号": texts.symbol.gather(rows), "番号": digits.zip_with(~wide, full), "枝番": texts.branch.gather(rows),
        "性別": pl.Series(people.sex[person].astype(np.int64)).cast(pl.String), "生年月日": day_text(people.birth[person]).zip_with(~era, day_text(people.birth[person], "era")),
        "部位数": claims["part_count"].cast(pl.String), "実日数": claims["days"].cast(pl.String), "施術日": day_list(claims["mask"]),
        "初検年月日": first_exam, "初検料": claims["initial"].cast(pl.String), "再検料": claims["reexam"].cast(pl.String),
        "往療料": claims["visit"].cast(pl.String), "往療回数": claims["visit_times"].cast(pl.String), "往療距離": claims["visit_km"].cast(pl.String),
        "初検時相談支援料": claims["advice"].cast(pl.String), "明細書発行加算": claims["receipt"].cast(pl.String),
        **{name: pl.Series(["0"] * claims.height, dtype=pl.String) for name in ("時間外等加算", "金属副子等加算", "運動後療料", "施術情報提供料", "備考5定額")},
        "後療料等": claims["aftercare"].cast(pl.String), "合計金額": claims["total"].cast(pl.String),
        "一部負担金": claims["copay"].cast(pl.String), "請求金額": claims["claimed"].cast(pl.String), "給付割合": claims["rate"].cast(pl.String),
        "負傷原因": claims["cause_text"].fill_null("").zip_with(claims["cause_text"].is_not_null(), pl.Series(CAUSES).gather(claims["cause"]).zip_with(claims["part_count"] >= 3, pl.Series([""] * claims.height, dtype=pl.String))),
        "長期理由書": claims["reason"].cast(pl.String),
    })
    write_csv(frame, claims_path)
    parts = judo.parts.filter(~pl.Series(hidden).gather(judo.parts["row"]))
    of = claims["number"].gather(parts["row"])
    who = rows.gather(parts["row"])
    write_csv(pl.DataFrame({
        "整理番号": of.cast(pl.String), "保険者番号": texts.insurer8.gather(who), "部位順": parts["part_no"].cast(pl.String),
        "負傷名": pl.Series(INJURIES).gather(parts["injury"]), "負傷年月日": day_text(parts["injured"]), "初検年月日": day_text(parts["first_exam"]),
        "施術開始年月日": day_text(parts["begin"]), "施術終了年月日": day_text(parts["end"]), "実日数": parts["days"].cast(pl.String),
        "転帰": pl.Series(["", "治癒", "中止", "転医", "継続"]).gather(parts["outcome"]), "後療料等": parts["aftercare"].cast(pl.String),
        "施療料等": parts["opening"].cast(pl.String),
        **{f"{ja}{of_what}": parts[f"{c}_{en}"].cast(pl.String) for c, ja in (("after", "後療"), ("warm", "温罨法"), ("cold", "冷罨法"), ("electro", "電療")) for of_what, en in (("回数", "n"), ("料", "yen"))},
        "多部位逓減率": parts["multi"].cast(pl.String), "長期逓減率": parts["long"].cast(pl.String),
    }), parts_path)
