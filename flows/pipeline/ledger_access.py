"""The ledger of the settings, for whoever reads a record that must be there."""

from __future__ import annotations

from flows.config.settings import Settings, SettingsError
from flows.ledger.ledger import Ledger, open_ledger


def existing_address(settings: Settings) -> str:
    """Return the URL of the ledger of the settings; raises `SettingsError` when there is none yet."""
    if settings.ledger_url is None and not (settings.outputs / "ledger.sqlite").exists():
        raise SettingsError(
            f"no ledger in `{settings.outputs}`; run `sitewatch watch` first or name the folder with --outputs"
        )
    return settings.ledger


def recorded_ledger(settings: Settings) -> Ledger:
    """Open the ledger of the settings; raises `SettingsError` when there is none yet."""
    return open_ledger(existing_address(settings))
