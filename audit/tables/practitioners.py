"""Who belongs to a judo clinic: its practitioners, their families and employees, as the office keeps a list of them."""

import polars as pl

from audit.tables.schema import Column as C
from audit.tables.schema import Table

PRACTITIONERS = Table(
    "practitioners", "施術所の関係者", "One row per clinic, insured person and relation.", ("insurer_no", "clinic_id", "addressee_no", "relation"),
    (
        C("insurer_no", pl.String, "保険者番号", "8 digits"),
        C("clinic_id", pl.String, "登録記号番号", "as on the claim form, half width"),
        C("addressee_no", pl.String, "宛名番号", "as given"),
        C("person_id", pl.String, "個人ID", "of the register's person with that 宛名番号 (leading zeros aside)", null="nobody has it"),
        C("relation", pl.String, "関係", "self 施術者本人, family 家族, employee 従業員"),
        C("listed_from", pl.Date, "開始日", null="not given: from ever"),
        C("listed_to", pl.Date, "終了日", "last day", null="not given: still"),
    ),
    person_data=True,
)
