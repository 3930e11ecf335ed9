"""References: what alerts are called towards people who may not know the places.

An id is a digest of the area, the day and the pixel where an event was first seen. Whoever tries all of them finds the
same digest, and so the pixel. A reference is a digest of the id under a secret of the record, so only the record leads
from it back to the id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from secrets import token_hex
from typing import TypeVar

from sqlalchemy.orm import Session

from flows.ledger.ids import DIGITS, alert_id
from flows.ledger.tables import ReferenceSecretRow
from flows.records.incidents import Incident, Incidents

BEGINNING = "ref-"
ID = re.compile(r"(?<![0-9A-Za-z])(?:al|ev|in)-[0-9a-f]{12}(?![0-9A-Za-z])")
"""The id of an alert, an event or an incident, wherever it stands in a text."""
REFERENCE = re.compile(r"ref-[0-9a-f]{12}")
THE_ROW = 1
KNOWN = 1 << 16  # references kept in memory, of some 200 bytes each
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True)
class References:
    """The references of a record.

    An event and its alert have the same reference, and so has the incident that begins with that alert: people need one
    name for all three. The same id has the same reference as long as the record has its secret.
    """

    secret: str = field(repr=False)

    def of(self, name: str) -> str:
        """Return the reference of the id of an event, an alert or an incident; any other text stays as it is."""
        return _reference(self.secret, name) if ID.fullmatch(name) else name

    def in_text(self, text: str) -> str:
        """Return a text with a reference for each id in it."""
        return ID.sub(lambda found: _reference(self.secret, found[0]), text)

    def named(self, reference: str, names: Iterable[Name]) -> Name | None:
        """Return the one of some ids that a reference stands for, None where it is no reference or of none of them."""
        wanted = reference.strip().lower()
        if REFERENCE.fullmatch(wanted) is None:
            return None
        return next((one for one in names if self.of(one) == wanted), None)


def incident_named(incidents: Incidents, name: str, references: References) -> Incident | None:
    """Return the incident of an id or of a reference, None where none is on record."""
    alert_id = references.named(name, [alert_id for one in incidents.all for alert_id in one.alert_ids])
    return incidents.named(name) if alert_id is None else incidents.of(alert_id)


def read_secret(session: Session) -> str | None:
    """Return the secret of the record's references, None as long as there is none."""
    row = session.get(ReferenceSecretRow, THE_ROW)
    return None if row is None else row.secret


def settle_secret(session: Session, secret: str | None = None) -> str:
    """Return the secret of the record's references, and make it (or take the one given) if there is none."""
    held = read_secret(session)
    if held is not None:
        return held
    made = secret or token_hex(32)
    session.add(ReferenceSecretRow(id=THE_ROW, secret=made))
    return made


@lru_cache(maxsize=KNOWN)
def _reference(secret: str, name: str) -> str:
    """HMAC-SHA256 of the digits that an alert, its event and its incident share: those of the alert."""
    digits = (alert_id(name) if name.startswith("ev-") else name)[-DIGITS:]
    return BEGINNING + digest(bytes.fromhex(secret), digits.encode(), sha256).hex()[:DIGITS]
