"""Errors that a user can fix: one line, no traceback, a distinct exit code per kind.

A message names the file (and line, where there is one), what is wrong, and the remedy. It never holds a value of a
person's record.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AuditError(Exception):
    """Base of all user errors; `exit_code` is what the command returns."""

    exit_code = 10

    def __init__(self, message: str, *, file: str | None = None, line: int | None = None, remedy: str = "") -> None:
        self.file, self.line, self.remedy, self.problem = file, line, remedy, message
        where = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(f"{where}{message}" + (f" → {remedy}" if remedy else ""))


class ManyErrors(AuditError):
    """Several problems, found in one pass; its code is that of the first."""

    def __init__(self, errors: list[AuditError]) -> None:
        self.errors = errors
        Exception.__init__(self, "\n".join(str(e) for e in errors))
        self.exit_code = errors[0].exit_code


class UsageError(AuditError):
    """The command was called with something that cannot be (a month of another form, an unknown rule)."""

    exit_code = 2


class DeliveryError(AuditError):
    """The delivery folder or its delivery.toml is missing or contradictory."""

    exit_code = 11


class FileKindError(AuditError):
    """A file's kind cannot be told, or it is not of the kind that delivery.toml says."""

    exit_code = 12


class EncodingError(AuditError):
    """A file is not in the encoding that its format demands."""

    exit_code = 13


class EmptyFileError(AuditError):
    """A file has no rows."""

    exit_code = 14


class TruncatedFileError(AuditError):
    """A file ends before its end record, or in the middle of a line."""

    exit_code = 15


class LayoutError(AuditError):
    """A required column is missing, or the width fits no known layout."""

    exit_code = 16


class DuplicateFileError(AuditError):
    """The same bytes were delivered twice."""

    exit_code = 17


class MonthError(AuditError):
    """The month asked for is not in the delivery."""

    exit_code = 18


class GateStop(AuditError):
    """The gate says stop; nothing was stored. `--override-gate REASON` goes on and records the reason."""

    exit_code = 20


class ParameterError(AuditError):
    """A parameter file has an unknown or duplicate key, a missing basis, or overlapping dates."""

    exit_code = 30


class RuleError(AuditError):
    """A rule is declared wrongly: unknown column or parameter, duplicate id, missing basis."""

    exit_code = 31


class ModelError(AuditError):
    """A stored model does not fit this installation or these features."""

    exit_code = 40


class WorklistError(AuditError):
    """A worklist file cannot be read back as it was written."""

    exit_code = 50


class DeskError(AuditError):
    """The desk's database does not answer, or refuses what it was asked to record."""

    exit_code = 70


class LedgerBroken(AuditError):
    """The ledger's chain of hashes is broken: somebody has changed the database by hand."""

    exit_code = 72


class DeskConflict(DeskError):
    """Cases were changed by somebody else meanwhile; `case_ids` names them, the message only counts them."""

    exit_code = 71

    def __init__(self, case_ids: list[str]) -> None:
        self.case_ids = case_ids
        super().__init__(f"{len(case_ids)} cases were changed by somebody else meanwhile", remedy="look at both entries, then import again")


class BusyError(AuditError):
    """Another run is working in the same home folder."""

    exit_code = 60


class StorageError(AuditError):
    """The disk refuses: full, write-protected, no such folder, no permission."""

    exit_code = 61


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what the operating system says of a folder or disk into a StorageError: for a step's or a command's edge."""
    try:
        yield
    except BrokenPipeError:  # a reader that has seen enough is no fault of the disk
        raise
    except OSError as error:
        place = Path(os.fsdecode(error.filename)).name if error.filename else None
        raise StorageError(
            f"the disk refuses ({error.strerror or error})", file=place,
            remedy="check the folder given with --home or --out: its disk's free space, its permissions, its path",
        ) from error
