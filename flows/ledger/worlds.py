"""The world that a record is of: the real one, or a simulated one. A record is of one world, and stays so."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from sqlalchemy import Connection, inspect, select
from sqlalchemy.orm import Session

from flows.ledger.database import looking_at
from flows.ledger.errors import LedgerError
from flows.ledger.migrations.versions.v0006_worlds import world_of_before
from flows.ledger.tables import SceneRow, WorldRow

SIMULATED_SOURCE = "simulated"
THE_ROW = 1


class World(StrEnum):
    """Where what is on record happened."""

    REAL = "real"
    SIMULATED = "simulated"
    MIXED = "mixed"
    """Both in one record, which earlier versions let happen. It can be read, and nothing is added to it."""


def world_of(source: str) -> World:
    """Return the world that a source's pictures are of."""
    return World.SIMULATED if source == SIMULATED_SOURCE else World.REAL


def read_world(session: Session) -> World | None:
    """Return the world that the record is of; None as long as nothing was seen."""
    row = session.get(WorldRow, THE_ROW)
    return None if row is None else World(row.world)


def claim(session: Session, sources: Iterable[str]) -> None:
    """Claim the record for the world of these sources.

    Raises `LedgerError` where it is of another one, so that nothing of this transaction is recorded.
    """
    for source in sources:
        world, wanted = read_world(session), world_of(source)
        if world is None:
            session.add(WorldRow(id=THE_ROW, world=wanted.value))
            session.flush()
        elif world is not wanted:
            raise LedgerError(
                f"the record is {world}, and source `{source}` is {wanted}; a record cannot be both, so name other "
                "outputs with --outputs (and another database, where SITEWATCH_LEDGER_URL names one)"
            )


def simulated_areas(session: Session) -> Callable[[str], bool]:
    """Return what tells of an area's id whether its record is simulated.

    In a mixed record its scenes say so.
    """
    world = read_world(session)
    if world is not World.MIXED:
        return lambda _: world is World.SIMULATED
    made_up = set(session.scalars(select(SceneRow.area_id).where(SceneRow.source == SIMULATED_SOURCE).distinct()))
    return made_up.__contains__


def world_at(url: str) -> World | None:
    """Read the world of the ledger at an SQLAlchemy URL, of whatever version.

    The ledger is neither made nor changed.

    None where there is no ledger, or nothing in it. Raises `LedgerError` when the database cannot be reached or is no
    ledger.
    """
    with looking_at(url) as connection:
        if connection is None or not inspect(connection).has_table("scenes"):
            return None
        return _world_in(connection)


def refuse_another_world(backup: Connection, ledger: Connection) -> None:
    """Refuse a backup of another world than that of the ledger it would replace.

    Raises `LedgerError`.
    """
    new, old = _world_in(backup), _world_in(ledger)
    if new is not None and old is not None and new is not old:
        raise LedgerError(f"the backup is {new}, and the ledger is {old}; restore it with --outputs of its own")


def _world_in(connection: Connection) -> World | None:
    if not inspect(connection).has_table(WorldRow.__tablename__):
        found = world_of_before(connection)
    else:
        found = connection.scalar(select(WorldRow.world))
    return None if found is None else World(found)
