"""What a call asks for, checked before anything is fetched: a wrong call does nothing and says why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aois.area import Area
from aois.demonstration import DEMONSTRATION_IDS, demonstration
from aois.reading import read_areas
from flows.channels import routes_of
from flows.imagery.address import is_url
from flows.ledger.ledger import open_ledger
from flows.plan import Asked, last_week
from flows.settings import Settings, SettingsError, SourceName

RESTRICTED = ("alerts", "archive", "areas")  # these hold coordinates: for their owner's eyes only


def check_call(settings: Settings, asked: Asked, only: Sequence[str] = ()) -> None:
    """The call can be done as far as can be told without asking the source.

    Makes the outputs' folder and the ledger when they are not there. Raises `AreaError`, `AlertsError`,
    `SettingsError` or `LedgerError`.
    """
    areas_of(settings, only)
    last_week(asked)
    _check_catalog(settings)
    routes_of(settings)
    _check_outputs(settings.outputs)
    open_ledger(settings.ledger).close()


def areas_of(settings: Settings, only: Sequence[str] = ()) -> tuple[tuple[Area, ...], tuple[Area, ...]]:
    """The areas to watch and the whole list they come from; raises `SettingsError` for an unknown id.

    The demonstration lies at sea, so no satellite is asked for it.
    """
    known = demonstration() if settings.areas is None else read_areas(settings.areas)
    fictional = sorted({a.id for a in known} & set(DEMONSTRATION_IDS))
    if fictional and settings.source is not SourceName.SIMULATED:
        raise SettingsError(
            f"area `{fictional[0]}` belongs to the fictional demonstration, which source `{settings.source}` has never "
            "seen; give your own list with --areas FILE, or use --source simulated"
        )
    unknown = sorted(set(only) - {a.id for a in known})
    if unknown:
        raise SettingsError(f"area `{unknown[0]}` is not in the list; it holds {', '.join(a.id for a in known)}")
    return tuple(a for a in known if not only or a.id in only), known


def _check_catalog(settings: Settings) -> None:
    catalog = settings.catalog
    if settings.source is SourceName.STAC and catalog and not is_url(catalog) and not Path(catalog).is_file():
        raise SettingsError(f"catalog `{catalog}` is not a file; name its catalog.json, or an address")


def _check_outputs(outputs: Path) -> None:
    try:
        outputs.mkdir(parents=True, exist_ok=True)
        for name in RESTRICTED:
            (outputs / name).mkdir(mode=0o700, exist_ok=True)
        probe = outputs / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SettingsError(
            f"outputs `{outputs}` cannot be written: {error.strerror}; name another folder with --outputs"
        ) from None
