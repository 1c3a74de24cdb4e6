"""People: coverage spells (資格), names (kept apart), and links between NHI, 宛名 and care numbers."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

ELIGIBILITY = Table(
    "eligibility", "資格", "One row per person and coverage spell, as of the delivery.", ("insurer_no", "person_id", "gained_on"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("person_id", pl.String, "個人ID", "<insurer_no>-<addressee_no>"),
        C("addressee_no", pl.String, "宛名番号", "as text, leading zeros kept"),
        C("household_no", pl.String, "世帯番号", null="not delivered"),
        C("symbol", pl.String, "記号", null="none"),
        C("number", pl.String, "番号"),
        C("branch", pl.String, "枝番", "2 digits", null="not delivered"),
        C("sex", pl.String, "性別"),
        C("birth_date", pl.Date, "生年月日"),
        C("gained_on", pl.Date, "資格取得日"),
        C("lost_on", pl.Date, "資格喪失日", "first day without cover", null="still covered"),
        C("loss_reason", pl.String, "喪失事由", "as in the office's own code table", null="still covered"),
        C("benefit_rate", pl.Int32, "給付割合", "per cent", null="not delivered"),
        C("care_insurer_no", pl.String, "介護保険者番号", null="not care-certified"),
        C("care_no", pl.String, "介護被保険者番号", null="not care-certified or unknown"),
        C("care_level", pl.String, "要介護状態区分", null="not certified"),
        C("certified_from", pl.Date, "認定開始", null="not certified"),
        C("certified_to", pl.Date, "認定終了", null="not certified"),
    ),
    person_data=True,
)

PERSONS = Table(
    "persons", "氏名", "One row per person: the only table with names; joined only where a person works on a case.", ("insurer_no", "person_id"),
    (
        C("insurer_no", pl.String, "保険者番号"),
        C("person_id", pl.String, "個人ID"),
        C("name", pl.String, "氏名", null="not delivered"),
        C("kana", pl.String, "カナ氏名", null="not delivered"),
    ),
    person_data=True,
)

PERSON_LINK = Table(
    "person_link", "個人連携", "One row per link between a care number and an NHI person.", ("insurer_no", "care_insurer_no", "care_no"),
    (
        C("insurer_no", pl.String, "国保保険者番号"),
        C("addressee_no", pl.String, "宛名番号"),
        C("care_insurer_no", pl.String, "介護保険者番号"),
        C("care_no", pl.String, "介護被保険者番号"),
    ),
)
