"""The people at the review desk: accounts, sessions, what they did and what they think."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flows.records.ids import EventId


@dataclass(frozen=True)
class Account:
    """An account of the review desk.

    Attributes
    ----------
    number
        Its key in the ledger.
    name
        As `fold_name` writes it.
    role
        What its holder may do at the desk.
    sees_positions
        True where its holder may see where restricted areas are.
    password_hash
        Salted hash of the password, never the password.
    made_at
        When the account was made.
    closed_at
        When it was closed, UTC; None while it may be used.
    """

    number: int
    name: str
    role: str
    sees_positions: bool
    password_hash: str
    made_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True)
class DeskSession:
    """A browser that is logged in.

    Attributes
    ----------
    account
        Whose browser it is.
    form_key
        The secret that each form of this session carries, against forms of other pages.
    """

    account: Account
    form_key: str


@dataclass(frozen=True)
class AuditEntry:
    """An entry of the desk's audit log: something that was done.

    Attributes
    ----------
    at
        When, UTC.
    by
        Name of the account; empty where nobody was logged in.
    act
        What was done, one word of the log.
    subject
        What or whom it was done to, by id or name.
    detail
        Anything else, free text; may be empty.
    """

    at: datetime
    by: str
    act: str
    subject: str
    detail: str


@dataclass(frozen=True)
class ReviewVerdict:
    """A verdict as the desk shows it.

    Attributes
    ----------
    number
        Its key in the ledger.
    event_id
        The event that it is about.
    verdict, reason
        Values of `Verdict` and `Reason`; `reason` is empty where the verdict has none.
    note
        The reviewer's own words; may be empty.
    by
        Name of the reviewer.
    account
        Number of the reviewer's account; None where the verdict was given by the command line.
    at
        When it was given, UTC.
    seen_state, seen_change
        State and change of the event as the reviewer saw it.
    withdrawn_at
        When it was withdrawn, UTC; None while it stands.
    """

    number: int
    event_id: EventId
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
        """Name whose word it is: the account's number, or else the name given on the command line."""
        return f"by:{self.by}" if self.account is None else f"account:{self.account}"
