"""The people at the review desk: accounts, sessions, what they did and what they think."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Account:
    """Somebody who may use the desk; `role` is a word of the desk, `closed_at` None while the account may be used."""

    number: int
    name: str
    role: str
    sees_positions: bool
    password_hash: str
    made_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True)
class DeskSession:
    """A browser that is logged in; `form_key` is what its forms carry."""

    account: Account
    form_key: str


@dataclass(frozen=True)
class AuditEntry:
    """Something that was done at the desk; `by` is empty where nobody was logged in."""

    at: datetime
    by: str
    act: str
    subject: str
    detail: str


@dataclass(frozen=True)
class ReviewVerdict:
    """A verdict as the desk shows it.

    `account` is None where it was given by the command line; `seen_state` and `seen_change` are what the event was to
    who gave it; `withdrawn_at` is None while it stands.
    """

    number: int
    event_id: str
    verdict: str
    reason: str
    note: str
    by: str
    account: int | None
    at: datetime
    seen_state: str
    seen_change: str
    withdrawn_at: datetime | None

    @property
    def person(self) -> str:
        """Whose word it is: the account's, or that of the name given on the command line."""
        return f"by:{self.by}" if self.account is None else f"account:{self.account}"
