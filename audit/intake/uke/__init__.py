"""Readers of the receipt files (UKE): 医科, DPC, 調剤, 歯科, 訪問看護, from a clinic's or from the insurer's side."""

from audit.intake.uke.header import uke_kind
from audit.intake.uke.read import read_uke

__all__ = ["read_uke", "uke_kind"]
