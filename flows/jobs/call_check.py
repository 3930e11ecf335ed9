"""Check what a call asks for before anything is fetched: a wrong call does nothing and says why."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from aois.area import Area
from flows.alerts.errors import AlertsError
from flows.alerts.route_settings import MessageRoutes, check_channels, doubts_about
from flows.config.credentials import check_account
from flows.config.handed_settings import HandedSettings
from flows.config.settings import Engine, Settings, SettingsError
from flows.evidence.authorities import read_authorities
from flows.evidence.manifests import signing_key
from flows.jobs.setting_names import unknown_names
from flows.jobs.task_runners import runner_of
from flows.ledger.ledger import open_ledger
from flows.pipeline.outputs_mirror import OutputsMirror, check_stores
from flows.pipeline.period import RunRequest, last_week
from flows.pipeline.record_world import check_world
from flows.pipeline.request import areas_of, check_catalog, check_outputs, check_record
from flows.pipeline.sources import open_archive
from flows.telemetry.logs import log


def check_call(settings: Settings, asked: RunRequest, only: Sequence[str] = (), *, from_archive: bool = False) -> None:
    """The call can be done as far as can be told without asking the source.

    A run from the archive needs no account. Routes and channels refuse nothing (`tell_routes`). Makes the outputs'
    folder and the ledger when they are not there.
    Raises `AreaError`, `SettingsError`, `ImageryError` or `LedgerError`.
    """
    areas, _ = areas_of(settings, only)
    last_week(asked)
    check_catalog(settings)
    if not from_archive:
        check_account(settings)
    open_archive(settings)  # an object store whose address is none says so
    check_stores(OutputsMirror(settings.outputs, settings.outputs_store, settings.public_store))
    signing_key(settings.signing_key)
    read_authorities(settings.timestamp_authorities)
    check_world(settings)
    check_outputs(settings.outputs)
    with open_ledger(settings.ledger) as ledger:
        check_record(settings, areas, ledger)


def check_engine(settings: Settings) -> None:
    """The engine of the settings is there, and its workers can read the secrets; raises `SettingsError` if not."""
    if settings.engine is Engine.THREADS:
        return
    runner_of(settings.engine, at_once=settings.workers, cluster=settings.cluster)
    HandedSettings.of(settings)


def tell_routes(routes: MessageRoutes) -> None:
    """Log routes that cannot be used and channels that cannot work.

    They refuse nothing: places are watched all the same, and messages wait until somebody has mended them.
    """
    try:
        check_channels(routes.routes)
    except AlertsError as error:
        log.error("messages will wait: %s", error)


def tell_doubts(routes: MessageRoutes, areas: Sequence[Area]) -> None:
    """Log what in settings and routes is ignored or reaches nobody, though it may be meant so."""
    with suppress(AlertsError, SettingsError):  # said by `check_call` and `tell_routes`
        doubts = [one.words for one in unknown_names()]
        doubts += doubts_about(routes.routes, [area.id for area in areas])
        for words in doubts:
            log.warning(words)
