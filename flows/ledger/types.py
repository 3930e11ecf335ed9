"""Column types that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

from aois.week import Week, parse_week
from flows.ledger.errors import LedgerError

JsonColumn = JSON(none_as_null=True)
"""JSON whose None is SQL's NULL.

Not JSONB on PostgreSQL: that reorders keys and rewrites numbers, and the same event has to give the same bytes
whichever database kept it.
"""

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A counter; SQLite counts by itself only in a column called INTEGER."""


class WeekText(TypeDecorator[Week]):
    """A week written ``2026-W47``, which sorts as text in the order of time."""

    impl = String(8)
    cache_ok = True

    def process_bind_param(self, value: Week | None, dialect: Dialect) -> str | None:
        """Write a week."""
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Week | None:
        """Read a week."""
        return None if value is None else parse_week(value)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant with its time zone, kept in UTC; SQLite alone would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Write an instant; one without a time zone is refused, since nobody could say later what it meant."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise LedgerError(f"time `{value.isoformat()}` has no time zone; pass it in UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Read an instant."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def canonical_json(value: Any) -> str:
    """Write a value as JSON, the same text for equal values.

    Keys are sorted. Raises `ValueError` or `TypeError` for what is not JSON.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
