"""Readers of the delivered formats, person matching, and the gate."""
