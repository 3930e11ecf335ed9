"""What goes into the ledger and what comes out of it."""

from __future__ import annotations

SIMULATED = "simulated"
"""Of every event and alert that comes out of the ledger: whether it happened in a simulated world, true or false."""
