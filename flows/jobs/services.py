"""What a run works with, opened once, so that no step of it reads settings, routes or keys again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aois.area import Area, AreaKind
from flows.alerts.route_settings import MessageRoutes, message_routes
from flows.config.settings import Settings
from flows.evidence.authorities import TimestampAuthority, read_authorities
from flows.evidence.manifests import signing_key
from flows.imagery.archive.store import Archive
from flows.imagery.plan_files import FOLDER as PLANS
from flows.imagery.plan_files import keep_plans
from flows.imagery.scene import ImageryError
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.worlds import World, world_of
from flows.pipeline.area_replay import Stores
from flows.pipeline.outputs_mirror import OutputsMirror
from flows.pipeline.sources import open_archive, open_source
from flows.telemetry.logs import log


class Services:
    """The ledger, the archive, the source, the routes, the signing key and the copies of a run.

    Each is opened when it is first asked for, and once. Steps below this room are given only what they need of it: a
    ledger, a path, the stores of an area. It lies here and not lower since no lower room sees the routes.
    """

    def __init__(self, settings: Settings, ledger: Ledger, *, sharers: int = 1) -> None:
        """Work by these settings over a ledger that is open; `sharers` processes keep to one quota of the source."""
        self.settings, self.ledger, self._sharers = settings, ledger, sharers

    @classmethod
    @contextmanager
    def open(cls, settings: Settings, *, sharers: int = 1) -> Iterator[Services]:
        """Open the ledger of the settings, made if there is none, for the length of a ``with``."""
        with open_ledger(settings.ledger) as ledger:
            yield cls(settings, ledger, sharers=sharers)

    @property
    def outputs(self) -> Path:
        """The folder that everything is written to."""
        return self.settings.outputs

    @property
    def source_name(self) -> str:
        """The name of the source, as scenes and the record have it."""
        return self.settings.source.value

    @property
    def is_simulated(self) -> bool:
        """Whether the pictures are made up."""
        return world_of(self.source_name) is World.SIMULATED

    @cached_property
    def archive(self) -> Archive:
        """The archive, with the object store behind it."""
        return open_archive(self.settings)

    @cached_property
    def routes(self) -> MessageRoutes:
        """By which routes messages leave."""
        return message_routes(self.settings)

    @cached_property
    def signing_key(self) -> Ed25519PrivateKey | None:
        """The key that signs what a run leaves; None for none."""
        return signing_key(self.settings.signing_key)

    @cached_property
    def authorities(self) -> tuple[TimestampAuthority, ...]:
        """Who stamps the evidence of each week."""
        return read_authorities(self.settings.timestamp_authorities)

    @cached_property
    def mirror(self) -> OutputsMirror:
        """Where copies of the outputs go."""
        return OutputsMirror(self.outputs, self.settings.outputs_store, self.settings.public_store)

    def keep_plans(self) -> None:
        """Keep copies of the acquisition plans; what cannot be had today is logged, and is no failure of a run.

        Plans of real satellites say nothing of a simulated world.
        """
        if self.is_simulated:
            return
        try:
            keep_plans(self.settings.acquisition_plans, self.outputs / PLANS)
        except ImageryError as error:
            log.warning(str(error))

    def stores(self, known: Sequence[Area] = (), *, story_end: date | None = None) -> Stores:
        """Return what an area's watch reads and writes.

        Parameters
        ----------
        known
            The whole list, whose sites a region leaves out.
        story_end
            Where a simulated world that is not there yet ends (see `open_source`). None: the archive alone is asked.
        """
        settings = self.settings
        return Stores(
            settings.outputs,
            self.archive,
            self.ledger,
            None if story_end is None else open_source(settings, story_end=story_end, sharers=self._sharers),
            self.source_name,
            tuple(area for area in known if area.kind is AreaKind.SITE),
            settings.history_days,
            settings.lookback_weeks,
            settings.parallel_downloads,
            settings.suspects_a_week,
        )
