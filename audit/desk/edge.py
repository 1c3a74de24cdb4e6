"""Who: the name that the desk records where the caller gives none."""

from __future__ import annotations

import getpass
import os


def login() -> str:
    """Return the name of the login, or the user's number where the system has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
