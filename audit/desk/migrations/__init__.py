"""Migrations of the desk's tables; run when the desk is opened."""
