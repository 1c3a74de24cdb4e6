"""What we hold. One declaration per table; `ALL` maps names to tables."""

from audit.tables.care import CARE_CLAIMS, CARE_LINES, CARE_TOTALS
from audit.tables.claims import CLAIMS, DIAGNOSES, DISPENSINGS, LINES, PAYERS
from audit.tables.history import SUPERSEDED
from audit.tables.judo import JUDO_CLAIMS, JUDO_PARTS
from audit.tables.masters import (
    COMMENTS,
    DENTAL_PROCEDURES,
    DISEASES,
    DRUGS,
    MATERIALS,
    MODIFIERS,
    PROCEDURES,
)
from audit.tables.outputs import CASES, FINDINGS, NOT_EVALUATED, QUARANTINE, REASON
from audit.tables.people import ELIGIBILITY, PERSON_LINK, PERSONS
from audit.tables.schema import Column, Table

MONTHLY: tuple[Table, ...] = (
    CLAIMS, PAYERS, DIAGNOSES, LINES, DISPENSINGS, CARE_CLAIMS, CARE_LINES, CARE_TOTALS, JUDO_CLAIMS, JUDO_PARTS,
    ELIGIBILITY, PERSONS, PERSON_LINK, SUPERSEDED,
)
MASTERS: tuple[Table, ...] = (PROCEDURES, DENTAL_PROCEDURES, DRUGS, DISEASES, MODIFIERS, MATERIALS, COMMENTS)
ALL: dict[str, Table] = {t.name: t for t in (*MONTHLY, *MASTERS, QUARANTINE, FINDINGS, NOT_EVALUATED, CASES)}

__all__ = ["ALL", "CASES", "CLAIMS", "MASTERS", "MONTHLY", "REASON", "Column", "Table"] + [
    "CARE_CLAIMS", "CARE_LINES", "CARE_TOTALS", "COMMENTS", "DENTAL_PROCEDURES", "DIAGNOSES", "DISEASES", "DISPENSINGS",
    "DRUGS", "ELIGIBILITY", "FINDINGS", "JUDO_CLAIMS", "JUDO_PARTS", "LINES", "MATERIALS", "MODIFIERS", "NOT_EVALUATED",
    "PAYERS", "PERSONS", "PERSON_LINK", "PROCEDURES", "QUARANTINE", "SUPERSEDED",
]
