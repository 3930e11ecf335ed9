"""What can go wrong at the desk."""

from __future__ import annotations

from aois.errors import UserError


class DeskError(UserError, ValueError):
    """The desk cannot do what was asked; the message says what, the value, and what to do.

    `key` names the same sentence in the desk's catalogs, filled in with `values`; empty where there is English alone.
    """

    def __init__(self, message: str, *, key: str = "", **values: object) -> None:
        """With words for a person at the desk, where the catalogs have any."""
        super().__init__(message)
        self.key, self.values = key, values
