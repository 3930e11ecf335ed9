"""What can go wrong in the ledger."""

from __future__ import annotations


class LedgerError(Exception):
    """The ledger cannot be opened, read or written; the message says what, the value, and what to do."""


UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a row raises whose JSON, text, day or word is none."""
