"""Which reader reads which kind. The only place that knows all of them."""

from __future__ import annotations

from audit.intake.ahaki import read_ahaki_claims
from audit.intake.care import read_care_claims
from audit.intake.care_records import read_care_records
from audit.intake.cover import read_cover_overlaps, read_insurer_settlements
from audit.intake.drug_indications import read_drug_indications
from audit.intake.eligibility import read_eligibility
from audit.intake.fee_tables import read_fee_table
from audit.intake.forms import read_exchange_rates, read_orthosis_claims, read_overseas_claims
from audit.intake.judo import read_judo_claims, read_judo_parts
from audit.intake.leads import read_leads
from audit.intake.masters import read_master
from audit.intake.office_lists import read_drug_interactions, read_placed_doctors
from audit.intake.person_link import read_person_link
from audit.intake.practitioners import read_practitioners
from audit.intake.result import FilePlan, ReadResult
from audit.intake.review_results import read_rereview_rates, read_review_cuts
from audit.intake.third_party_cases import read_third_party_cases
from audit.intake.uke import read_uke

_WITH_INSURERS = {
    "ahaki_claims": read_ahaki_claims,
    "care_claims": read_care_claims, "care_records": read_care_records, "judo_claims": read_judo_claims, "judo_parts": read_judo_parts, "eligibility": read_eligibility, "person_link": read_person_link,
    "practitioners": read_practitioners,
    "overseas_claims": read_overseas_claims, "orthosis_claims": read_orthosis_claims, "exchange_rates": read_exchange_rates,
    "leads": read_leads, "third_party_cases": read_third_party_cases, "review_cuts": read_review_cuts, "rereview_rates": read_rereview_rates,
    "cover_overlaps": read_cover_overlaps, "insurer_settlements": read_insurer_settlements,
}


def read(file: FilePlan, insurers: set[str]) -> ReadResult:
    """Read one file by its kind.

    Args:
        file: the plan's entry.
        insurers: insurers whose rows are expected; rows of others go to quarantine. Registers are read with the
            insurers that the delivery names, since they are what tells who is insured.

    Raises:
        AuditError: the file as a whole cannot be read (see audit.errors).

    """
    if file.kind.startswith("uke_"):
        return read_uke(file, insurers or None)
    if file.kind.startswith("master_"):
        return read_master(file)
    if file.kind.startswith("fee_"):
        return read_fee_table(file)
    if file.kind == "drug_indications":
        return read_drug_indications(file)
    if file.kind == "drug_interactions":
        return read_drug_interactions(file)
    if file.kind == "placed_doctors":
        return read_placed_doctors(file)
    return _WITH_INSURERS[file.kind](file, frozenset(insurers) or None)
