"""Planted errors and their decoys, with labels."""

from synthetic.plants.all import Plants

__all__ = ["Plants"]
