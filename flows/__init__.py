"""Thin Prefect flows around audit/pipeline/: each task reads paths, calls one function, returns a path."""
