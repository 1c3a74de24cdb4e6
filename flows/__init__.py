"""Thin Prefect flows around audit/pipeline.py: each task reads paths, calls one function, returns a path."""
