"""Fees computed anew from dated tables, to the yen; one module per kind of therapy."""
