"""The settings of a run as another process gets them: all that is no secret, and the names of what is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flows.config.settings import Settings, SettingsError, load_settings, mendable_settings
from flows.imagery.network.url import without_secrets

SECRETS = ("ledger_url", "sh_client_id", "sh_client_secret")
ADDRESSES = ("catalog", "archive_url", "outputs_url", "public_url", "sh_base_url", "sh_token_url")
"""Settings that are secret only where a password or a key is in them."""
NOT_FOR_WORKERS = ("alert_urls", "operator_urls", "timestamp_authorities")
"""Secrets that no worker needs: messages are sent, and time stamps asked for, by the run itself."""


@dataclass(frozen=True)
class HandedSettings:
    """What a task carries to a worker: it can be pickled, and holds no secret.

    Attributes
    ----------
    values
        The settings by name; outputs and a catalog on disk as absolute paths, since a worker may stand in another
        folder.
    withheld
        The names of those that are secret. A worker reads them from its own environment or `.env`, as the run did, so
        that no pickle, log or cluster ever holds them.
    """

    values: dict[str, Any]
    withheld: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> HandedSettings:
        """Hand over the settings of a run.

        Raises `SettingsError` for a secret that was given to the call alone, which no worker can read.
        """
        withheld = tuple(name for name in (*SECRETS, *ADDRESSES) if _is_secret(_plain(settings, name), name))
        own = load_settings() if withheld else settings
        for name in withheld:
            if _plain(own, name) != _plain(settings, name):
                raise SettingsError(
                    f"setting `{name}` holds a secret and was given to the call alone, and workers of the engine "
                    f"`{settings.engine}` read secrets from their environment; put {_variable(name)}=… into .env, or "
                    "use the engine `threads`"
                )
        values = {name: getattr(settings, name) for name in Settings.model_fields if name not in withheld}
        values |= {"outputs": settings.outputs.absolute(), **dict.fromkeys(NOT_FOR_WORKERS, ())}
        if "catalog" in values:  # a type of its own only because it may hold a key
            values["catalog"] = _from_anywhere(_plain(settings, "catalog"))
        return cls(values, withheld)

    @property
    def outputs(self) -> Path:
        """Return the folder of the outputs."""
        return Path(self.values["outputs"])

    def settings(self) -> Settings:
        """Return the settings in this process.

        Raises `SettingsError` for a secret that the run had and this process has not.
        """
        own = load_settings() if self.withheld else None
        for name in self.withheld:
            if own is None or not _plain(own, name):
                raise SettingsError(
                    f"this worker has no {_variable(name)}, which the run has; set it in the worker's environment, or "
                    "in .env in the folder where the worker was started"
                )
        secrets: dict[str, Any] = {} if own is None else {name: _plain(own, name) for name in self.withheld}
        with mendable_settings():
            return Settings(**self.values, **secrets)


def _plain(settings: Settings, name: str) -> str | None:
    """The value of a setting that is text, secret or not."""
    value: SecretStr | str | None = getattr(settings, name)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _from_anywhere(catalog: str | None) -> str | None:
    """A catalog by an address that holds in any folder."""
    return catalog if catalog is None or "://" in catalog else str(Path(catalog).absolute())


def _is_secret(value: str | None, name: str) -> bool:
    return bool(value) and (name in SECRETS or without_secrets(str(value)) != value)


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return str(alias or f"SITEWATCH_{name.upper()}")
