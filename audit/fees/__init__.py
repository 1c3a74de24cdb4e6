"""Fees computed anew from dated tables, to the yen; one module or folder per kind of therapy."""
