"""Recomputation of judo therapy claims (柔道整復療養費) from the dated fee table: what was billed, what the rule gives, why.

`recompute(claims, parts)` is the door; everything else here is a step of it. Amounts are yen of 10割.
"""

from audit.fees.judo.calculation import LINES, Recomputed, recompute

__all__ = ["LINES", "Recomputed", "recompute"]
