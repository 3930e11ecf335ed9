"""What goes wrong when something is made for people outside."""

from __future__ import annotations

from aois.errors import UserError


class PublicationError(UserError, ValueError):
    """A pack cannot be made as asked; the message says what, the value, and what to do."""
