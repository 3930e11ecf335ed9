"""The ledger as the desk is given it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flows.desk.errors import DeskError
from flows.desk.inputs import ReviewCase
from flows.ledger.errors import LedgerError, LedgerUnavailableError
from flows.ledger.ledger import Ledger
from flows.ledger.precision import StatedBand
from flows.records.desk import Account, AuditEntry, DeskSession, ReviewVerdict
from flows.records.reviews import Judgement, Reason, Verdict

REASONS = tuple(reason.value for reason in Reason)


@dataclass(frozen=True)
class DeskAccounts:
    """Accounts, sessions and the trail."""

    ledger: Ledger

    def all(self) -> Sequence[Account]:
        """Every account, closed ones among them."""
        return self.ledger.accounts.all()

    def find(self, name: str) -> Account | None:
        """The account of that name, or None."""
        return self.ledger.accounts.find(name)

    def change(
        self,
        name: str,
        *,
        role: str | None = None,
        sees_positions: bool | None = None,
        password_hash: str | None = None,
        closed_at: datetime | None = None,
        always_one: str | None = None,
    ) -> Account:
        """The account is as given, and logged out everywhere."""
        given = {"role": role, "sees_positions": sees_positions, "password_hash": password_hash}
        key = "complaint.no_account" if self.find(name) is None else "complaint.last_one"
        with _explained(key, name=name[:64]):
            return self.ledger.accounts.change(name, closed_at=closed_at, always_one=always_one, **given)  # type: ignore[arg-type]

    def open_session(self, key_hash: str, form_key: str, *, account: int, at: datetime, ends_at: datetime) -> None:
        """A browser is logged in until then."""
        self.ledger.accounts.open_session(key_hash, form_key, account=account, at=at, ends_at=ends_at)

    def session(self, key_hash: str, *, at: datetime) -> DeskSession | None:
        """Whose browser it is, None where nobody is logged in."""
        return self.ledger.accounts.session(key_hash, at=at)

    def close_session(self, key_hash: str) -> None:
        """That browser is logged out."""
        self.ledger.accounts.close_session(key_hash)

    def note(self, act: str, *, by: int | None, subject: str = "", detail: str = "", at: datetime) -> None:
        """What was done is on record."""
        self.ledger.accounts.note(act, by=by, subject=subject, detail=detail, at=at)

    def acts(self, *, limit: int) -> Sequence[AuditEntry]:
        """What was done, newest first."""
        return self.ledger.accounts.acts(limit=limit)


@dataclass
class DeskReviews:
    """Cases and verdicts."""

    ledger: Ledger
    _precision: tuple[object, Mapping[str, Sequence[Any]]] = ((), {})
    _reliability: tuple[object, Sequence[StatedBand]] = ((), ())

    def generation(self) -> tuple[int, ...]:
        """Numbers that are others as soon as a case is."""
        return self.ledger.reviews.generation()

    def cases(self) -> Sequence[ReviewCase]:
        """Every event that no other one took over."""
        names = {area.id: area.name for area in self.ledger.areas()}
        return [
            ReviewCase(one, names.get(one.area_id, ""))
            for one in self.ledger.reviews.cases()
            if one.merged_into is None
        ]

    def last_said(self) -> tuple[int, int]:
        """The number of the last verdict, and how many were taken back."""
        return self.ledger.reviews.last_said()

    def opinions(self, *, after: int = 0, only_withdrawn: bool = False) -> Sequence[ReviewVerdict]:
        """Every verdict with a higher number, in order."""
        return self.ledger.reviews.opinions(after=after, only_withdrawn=only_withdrawn)

    def judge(
        self, event_id: str, *, verdict: str, reason: str, note: str, account: Account, at: datetime
    ) -> ReviewVerdict:
        """The verdict is on record; raises `DeskError` when it lacks something."""
        words = judgement_of(verdict, reason, note, by=account.name)
        with _explained("case.needs_note" if reason == "other" and not note else "complaint.no_verdict"):
            return self.ledger.reviews.judge(event_id, words, account=account.number, at=at)

    def withdraw(self, number: int, *, account: Account, at: datetime) -> ReviewVerdict:
        """The verdict is taken back; raises `DeskError` when it is not that account's own."""
        with _explained("complaint.not_yours"):
            return self.ledger.reviews.withdraw(number, account=account.number, at=at)

    def precision(self) -> Mapping[str, Sequence[Any]]:
        """Live precision of each group, told apart in every way."""
        stand = (self.generation(), self.last_said())
        if self._precision[0] != stand:
            groups = {by.value: groups for by, groups in self.ledger.reviews.precision().items()}
            self._precision = (stand, groups)
        return self._precision[1]

    def reliability(self) -> Sequence[StatedBand]:
        """What became of stated confidences, by band."""
        stand = (self.generation(), self.last_said())
        if self._reliability[0] != stand:
            self._reliability = (stand, self.ledger.reliability())
        return self._reliability[1]


def judgement_of(verdict: str, reason: str, note: str, *, by: str) -> Judgement:
    """The words of a form; raises `DeskError` for those that no button of the page sends."""
    if verdict not in list(Verdict) or reason not in ("", *REASONS):
        raise DeskError(
            f"verdict `{verdict[:20]}` for reason `{reason[:20]}` is unknown; use the buttons of the page",
            key="complaint.no_verdict",
        )
    return Judgement(Verdict(verdict), by=by, reason=Reason(reason) if reason else None, note=note)


@contextmanager
def _explained(key: str, **values: object) -> Iterator[None]:
    try:
        yield
    except LedgerUnavailableError:
        raise
    except LedgerError as error:
        raise DeskError(str(error), key=key, **values) from None
