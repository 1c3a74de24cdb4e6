"""A synthetic town: claims, care, judo therapy and people, written in the formats that really arrive.

Imports nothing of ``audit`` or ``models``: it knows the formats only from their published layouts, so that the readers
are tested against another author's idea of the same file.
"""
