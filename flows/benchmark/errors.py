"""What can go wrong in a comparison."""

from __future__ import annotations

from aois.errors import UserError


class BenchmarkError(UserError):
    """Annotations cannot be read or scored; the message says what, the value, and what to do."""
