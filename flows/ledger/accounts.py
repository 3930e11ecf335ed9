"""Who may use the review desk, who is logged in there, and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import Session

from flows.ledger.errors import LedgerError
from flows.ledger.outbox import Transaction
from flows.ledger.tables import AccountRow, ActRow, SessionRow
from flows.printable import printable
from flows.records.account_names import fold_name, name_image, scripts_of
from flows.records.desk import Account, AuditEntry, DeskSession

MOST_LETTERS = 64
MADE, CHANGED = "account-made", "account-changed"
"""Acts that stand in the transaction itself, so that no account changes without one: `audit` asks for them."""


@dataclass(frozen=True)
class Accounts:
    """Accounts and sessions; each method is one transaction. Passwords come hashed and keys come hashed."""

    reading: Transaction
    writing: Transaction

    def add(self, name: str, *, role: str, sees_positions: bool, password_hash: str, at: datetime) -> Account:
        """Add an account, and return it.

        Raises `LedgerError` for a name that cannot be used, that is taken, or that cannot be told from others.
        """
        name = plain_name(name)
        with self.writing() as session:
            _check_new(session, name)
            row = AccountRow(
                name=name, role=role, sees_positions=sees_positions, password_hash=password_hash, made_at=at
            )
            session.add(row)
            session.flush()
            note(session, MADE, by=None, subject=name, detail=role, at=at)
            return _account(row)

    def all(self) -> list[Account]:
        """List every account, closed ones among them, in the order in which they were made."""
        with self.reading() as session:
            return [_account(row) for row in session.scalars(select(AccountRow).order_by(AccountRow.id))]

    def find(self, name: str) -> Account | None:
        """Find the account of a name; None where there is none."""
        with self.reading() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name == fold_name(name)))
            return None if row is None else _account(row)

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
        """Change what is given of an account, log every browser of its own out, and return it.

        Raises `LedgerError` where there is no such account, and where nobody with the role `always_one` would be left.
        """
        with self.writing() as session:
            row = session.scalar(select(AccountRow).where(AccountRow.name == fold_name(name)))
            if row is None:
                shown = printable(name, longest=MOST_LETTERS)
                raise LedgerError(f"account `{shown}` is not there; `sitewatch desk account list` names those that are")
            row.role = role or row.role
            row.sees_positions = row.sees_positions if sees_positions is None else sees_positions
            row.password_hash = password_hash or row.password_hash
            row.closed_at = closed_at or row.closed_at
            note_change(session, row)
            session.execute(delete(SessionRow).where(SessionRow.account_id == row.id))
            session.flush()
            if always_one is not None:
                _check_left(session, always_one)
            return _account(row)

    def open_session(self, key_hash: str, form_key: str, *, account: int, at: datetime, ends_at: datetime) -> None:
        """Log a browser in until `ends_at`, and forget sessions that have ended."""
        with self.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.ends_at <= at))
            session.add(
                SessionRow(key_hash=key_hash, account_id=account, form_key=form_key, opened_at=at, ends_at=ends_at)
            )

    def session(self, key_hash: str, *, at: datetime) -> DeskSession | None:
        """Find whose browser it is; None where the session is unknown, ended, or of a closed account."""
        query = select(SessionRow, AccountRow).join(AccountRow, AccountRow.id == SessionRow.account_id)
        with self.reading() as session:
            found = session.execute(query.where(SessionRow.key_hash == key_hash)).one_or_none()
            if found is None or found[0].ends_at <= at or found[1].closed_at is not None:
                return None
            return DeskSession(_account(found[1]), found[0].form_key)

    def close_session(self, key_hash: str) -> None:
        """Log a browser out."""
        with self.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.key_hash == key_hash))

    def note(self, act: str, *, by: int | None, subject: str = "", detail: str = "", at: datetime) -> None:
        """Record what was done."""
        with self.writing() as session:
            note(session, act, by=by, subject=subject, detail=detail, at=at)

    def acts(self, *, subject: str | None = None, limit: int | None = None) -> list[AuditEntry]:
        """List what was done (to a subject), newest first."""
        query = select(ActRow, AccountRow.name).join(AccountRow, AccountRow.id == ActRow.account_id, isouter=True)
        if subject is not None:
            query = query.where(ActRow.subject == subject)
        with self.reading() as session:
            rows = session.execute(query.order_by(ActRow.id.desc()).limit(limit))
            return [AuditEntry(row.at, name or "", row.act, row.subject, row.detail) for row, name in rows]


def note(session: Session, act: str, *, by: int | None, subject: str, detail: str = "", at: datetime) -> None:
    """Record what was done, in the transaction that does it."""
    session.add(ActRow(at=at, account_id=by, act=act, subject=subject, detail=detail))


def note_change(session: Session, row: AccountRow) -> None:
    """Note what is changed of an account, in the transaction that changes it; nothing where nothing is."""
    changed = [column.key for column in inspect(row).attrs if column.history.has_changes()]
    if changed:
        note(session, CHANGED, by=None, subject=row.name, detail=", ".join(sorted(changed)), at=datetime.now(UTC))


def plain_name(name: str) -> str:
    """Return a name as it is kept: no two alike but for case, width or blanks.

    Raises `LedgerError` for a name that is too long, has other signs than letters, digits, blanks and ``-_.@``, or is
    in more than one alphabet, since letters of one can pass for those of another.
    """
    plain = fold_name(name)
    if not plain or len(plain) > MOST_LETTERS or not all(letter.isalnum() or letter in "-_.@ " for letter in plain):
        shown = printable(name, longest=MOST_LETTERS)
        raise LedgerError(
            f"account name `{shown}` cannot be used; take up to {MOST_LETTERS} letters, digits, blanks and `-_.@`"
        )
    if len(scripts := scripts_of(plain)) > 1:
        raise LedgerError(
            f"account name `{plain}` mixes letters of different alphabets ({', '.join(sorted(scripts)).lower()}), so "
            "it can pass for another name; write it in one"
        )
    return plain


def _check_new(session: Session, name: str) -> None:
    """Raise `LedgerError` for a name that is taken, or that people would take for another one."""
    for taken in session.scalars(select(AccountRow.name)):
        if taken == name:
            raise LedgerError(f"account `{name}` is there already; take another name, or change that one")
        if name_image(taken) == name_image(name):
            raise LedgerError(f"account name `{name}` looks like `{taken}`, which is there already; take another name")


def _check_left(session: Session, role: str) -> None:
    """Raise `LedgerError`, which undoes the transaction, where no open account has the role."""
    query = select(AccountRow.id).where(AccountRow.role == role, AccountRow.closed_at.is_(None))
    if session.scalar(query.limit(1)) is None:
        raise LedgerError(f"nobody with the role `{role}` would be left; give it to another account first")


def _account(row: AccountRow) -> Account:
    return Account(row.id, row.name, row.role, row.sees_positions, row.password_hash, row.made_at, row.closed_at)
