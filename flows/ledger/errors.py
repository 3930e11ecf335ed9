"""What can go wrong in the ledger."""

from __future__ import annotations

from aois.errors import UserError


class LedgerError(UserError):
    """The ledger cannot be opened, read or written; the message says what, the value, and what to do."""


class LedgerUnavailableError(LedgerError):
    """The database does not answer, or cannot do now what it could before; the same may work later."""


UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a row raises whose JSON, text, day or word is none."""
