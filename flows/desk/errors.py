"""What can go wrong at the desk."""

from __future__ import annotations


class DeskError(ValueError):
    """The desk cannot do what was asked; the message says what, the value, and what to do."""
