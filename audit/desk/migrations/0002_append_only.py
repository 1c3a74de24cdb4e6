"""Triggers: rows of the desk are added, never changed, replaced, deleted or truncated."""

from django.db import migrations

TABLES = {"desk_event": "seq", "desk_case": "case_id, run_id", "desk_batch": "batch"}


def append_only(apps, schema_editor):
    """Create the triggers on either engine."""
    for table, key in TABLES.items():
        for statement in (_sqlite if schema_editor.connection.vendor == "sqlite" else _postgresql)(table, key):
            schema_editor.execute(statement, params=None)


def _sqlite(table, key):
    for verb in ("update", "delete"):
        yield f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    # INSERT OR REPLACE deletes the old row without asking the trigger above
    same = " AND ".join(f"{k.strip()} = NEW.{k.strip()}" for k in key.split(","))
    yield (
        f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
        "BEGIN SELECT RAISE(ABORT, 'append-only'); END"
    )


def _postgresql(table, key):
    yield (
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'append-only'; END $$"
    )
    yield f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
    yield f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"


class Migration(migrations.Migration):
    """There is no way back: a desk without its triggers is no ledger."""

    dependencies = [("desk", "0001_initial")]
    operations = [migrations.RunPython(append_only)]
