"""What can go wrong on the way out."""

from __future__ import annotations

from aois.errors import UserError


class AlertsError(UserError):
    """A file or a message cannot be made; the message says what, the value, and what to do."""
