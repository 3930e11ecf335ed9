"""The base of every error that a person can mend."""

from __future__ import annotations


class UserError(Exception):
    """Something that a person can mend: the message says what, the value, and what to do.

    Each room has one child of it. The command line prints the message and no traceback; a task ends failed with it.
    """
