"""The three tables of the desk. All are only ever added to: triggers (migrations/0001) refuse UPDATE and DELETE.

Bulk reading and writing goes through audit/desk/rows.py; these classes are what migrations are made from, and what single
rows are read by.
"""

from django.db import models


class Batch(models.Model):
    """One import, publication or entry: what was recorded together. Its name is unique, so nothing is recorded twice."""

    batch = models.TextField()
    source = models.TextField()
    who = models.TextField()
    at = models.DateTimeField()
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()

    class Meta:
        """Where it is stored."""

        db_table = "desk_batch"
        constraints = [models.UniqueConstraint(fields=["batch"], name="desk_batch_once")]


class Case(models.Model):
    """A case as a run published it; lists are texts joined by line ends. `published_seq` is the event of its publication."""

    case_id = models.TextField()
    run_id = models.TextField()
    published_seq = models.BigIntegerField()
    month = models.TextField()
    insurer_no = models.TextField()
    team = models.TextField()
    service_month = models.TextField()
    person_id = models.TextField(null=True)
    provider_id = models.TextField(null=True)
    provider_kind = models.TextField()
    rule_ids = models.TextField(null=True)
    claim_ids = models.TextField(null=True)
    severity = models.TextField(null=True)
    selection = models.TextField()
    inclusion_probability = models.FloatField()
    stratum = models.IntegerField(null=True)
    universe_n = models.BigIntegerField(null=True)
    sample_n = models.BigIntegerField(null=True)
    role = models.TextField(null=True)
    rank = models.IntegerField(null=True)
    at_stake_yen = models.BigIntegerField()
    p_upheld = models.FloatField(null=True)
    minutes = models.FloatField(null=True)

    class Meta:
        """Where it is stored."""

        db_table = "desk_case"
        constraints = [models.UniqueConstraint(fields=["case_id", "run_id"], name="desk_case_once")]
        indexes = [models.Index(fields=["run_id"], name="desk_case_run")]


class Event(models.Model):
    """One thing that happened. `hash` is SHA-256 over the previous event's hash and this event's own columns."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    who = models.TextField()
    kind = models.TextField()
    case_id = models.TextField(null=True)
    run_id = models.TextField(null=True)
    request_id = models.TextField(null=True)
    code = models.TextField(null=True)
    reason = models.TextField(null=True)
    yen = models.BigIntegerField(null=True)
    on_date = models.DateField(null=True)
    minutes = models.FloatField(null=True)
    text = models.TextField(null=True)
    batch = models.TextField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        """Where it is stored."""

        db_table = "desk_event"
        indexes = [models.Index(fields=["case_id"], name="desk_event_case"), models.Index(fields=["request_id"], name="desk_event_request")]
