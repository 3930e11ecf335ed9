"""What counts as change: pure functions on arrays, frozen records out."""

VERSION = "13"
"""Raised whenever the same acquisitions give other events: every area is then replayed from its archive."""
