"""Readers of the receipt files (UKE): 医科, DPC, 調剤, 歯科, 訪問看護, from a clinic's or from the insurer's side."""
