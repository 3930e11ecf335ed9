"""What tests of this room share."""

from __future__ import annotations

from sea_alert import feature

__all__ = ["feature"]
