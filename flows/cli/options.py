"""What all commands share: where they print, where the outputs are, and the record they ask."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, TypeVar

import typer
from rich.console import Console

from flows.config.settings import Engine, Settings, SettingsError, SourceName, load_settings
from flows.imagery.network.url import is_url, without_secrets
from flows.ledger.ledger import Ledger
from flows.pipeline.ledger_access import recorded_ledger
from flows.pipeline.period import RunRequest
from flows.pipeline.record_world import at_record, mixed_record, other_record
from flows.printable import printable

if TYPE_CHECKING:
    from prefect import State

T = TypeVar("T")

console = Console() if sys.stdout.isatty() else Console(width=150)

OutputsOption = Annotated[Optional[Path], typer.Option("--outputs", help="The folder of the outputs.")]  # noqa: UP045
AreasOption = Annotated[Optional[Path], typer.Option("--areas", help="The watch list, a GeoJSON file.")]  # noqa: UP045
SourceOption = Annotated[Optional[SourceName], typer.Option("--source", help="The source of the imagery.")]  # noqa: UP045
CatalogOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--catalog",
        help="A STAC API or catalog: URL, path, or a name such as earth-search-c1; with a key, set SITEWATCH_CATALOG.",
    ),
]
OnlyOption = Annotated[
    Optional[list[str]], typer.Option("--area", help="Only this area; may be repeated.")  # noqa: UP045
]
ClusterOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--cluster", help="The Dask scheduler for --on dask, such as tcp://host:8786; left out, a cluster is started."
    ),
]
EngineOption = Annotated[
    Optional[Engine],  # noqa: UP045
    typer.Option("--on", help="The engine that works on the areas; SITEWATCH_ENGINE, else threads, if left out."),
]
DayOption = Annotated[Optional[str], typer.Option(metavar="YYYY-MM-DD")]  # noqa: UP045


def existing_ledger(settings: Settings) -> Ledger:
    """The ledger of the settings, with a word where it is of both worlds; raises `SettingsError` when there is none."""
    ledger = recorded_ledger(settings)
    _note(mixed_record(ledger))
    return ledger


def over_record(settings: Settings) -> Settings:
    """The settings of a command that reads the record (see `at_record`); says which it is where there are two."""
    found = at_record(settings)
    if found is not settings and settings.ledger_url is None:
        _note(other_record())
    return found


def record_settings(outputs: Path | None) -> Settings:
    """The settings of the environment for a command that reads the record."""
    return over_record(load_settings(outputs=outputs))


def _note(words: str) -> None:
    if words:
        Console(stderr=True).print(words, highlight=False, markup=False, soft_wrap=True)


def asked_of(since: str | None, until: str | None, *, replay: bool = False) -> RunRequest:
    """The dates that were typed; raises `SettingsError` for what is none."""
    return RunRequest(day_of(since, "--since"), day_of(until, "--until"), datetime.now(UTC).date(), replay)


def day_of(text: str | None, option: str) -> date | None:
    """The date given to an option; raises `SettingsError` for what is none."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} `{text}` is not a date; write it as 2026-11-22") from None


def settings_of(
    areas: Path | None,
    source: SourceName | None,
    catalog: str | None,
    outputs: Path | None,
    **given: Any,
) -> Settings:
    """The settings with what was typed above them; raises `SettingsError` for a catalog that nothing would read."""
    settings = load_settings(areas=areas, source=source, catalog=catalog, outputs=outputs, **given)
    if catalog is not None and settings.source is not SourceName.STAC:
        raise SettingsError(
            f"catalog `{catalog}` is read only by the source `stac`; add --source stac, or leave it out"
        )
    if given.get("cluster") is not None and settings.engine is not Engine.DASK:
        raise SettingsError(f"cluster `{given['cluster']}` is only for Dask; add --on dask, or leave it out")
    if catalog is not None and holds_secret(catalog):
        Console(stderr=True).print(
            f"warning: --catalog {printable(without_secrets(catalog))} was typed with a key, which other users of this "
            "machine can read in the list of processes; put SITEWATCH_CATALOG=… into .env instead, and leave --catalog "
            "out",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    return settings


def holds_secret(address: str) -> bool:
    """Whether an address has a query or a name and password in it, which are for its owner alone."""
    try:
        return is_url(address) and without_secrets(address) != address
    except ValueError:
        return False  # it is no address, which its reader says


def result_of(state: State[Any], kind: type[T]) -> T:
    """What a flow came to; raises what it failed of, where it came to nothing."""
    result = state.result(raise_on_failure=False)
    if isinstance(result, kind):
        return result
    raise result if isinstance(result, Exception) else SettingsError(f"the run ended as {state.name}: {state.message}")
