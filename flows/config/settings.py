"""Settings: typed, from the environment (``SITEWATCH_…``) and a ``.env`` file, checked at the start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from aois.errors import UserError
from flows.imagery.network.url import without_secrets
from flows.imagery.sentinelhub.account import Service
from flows.printable import printable

LONGEST_COMPLAINT = 1_500

OUTPUTS = Path("outputs")
DEMONSTRATION = OUTPUTS / "demonstration"
"""Where the simulated world is kept, unless other outputs are named: nothing of it lies among real records."""


class SettingsError(UserError, ValueError):
    """A setting or a call cannot be used; the message says what, the value, and what to do."""


class SourceName(StrEnum):
    """Where imagery comes from."""

    SIMULATED = "simulated"
    STAC = "stac"
    SENTINELHUB = "sentinelhub"


class Engine(StrEnum):
    """Where the areas of a run are worked on."""

    THREADS = "threads"
    PROCESSES = "processes"
    DASK = "dask"


class Settings(BaseSettings):
    """Everything an operator may set; each field is ``SITEWATCH_<NAME>`` in the environment or in ``.env``."""

    model_config = SettingsConfigDict(env_prefix="SITEWATCH_", env_file=".env", extra="ignore", populate_by_name=True)

    outputs: Path = Field(
        OUTPUTS, description="where everything is written; outputs/demonstration for the simulated source"
    )
    areas: Path | None = Field(None, description="the watch list; the demonstration when left out")
    source: SourceName = Field(SourceName.SIMULATED, description="where imagery comes from")
    catalog: SecretStr | None = Field(
        None, description="a STAC API or catalog: a name, an address or a path; may hold a key"
    )
    catalog_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="hosts beside its own that the catalog may name, separated by spaces; see flows/imagery/README.md",
    )
    acquisition_plans: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="files, folders or addresses of ESA's acquisition plans, separated by spaces; "
        "see flows/imagery/README.md",
    )
    archive_url: str | None = Field(None, description="an object store for the archive, s3://bucket/folder")
    outputs_url: str | None = Field(None, description="an object store that gets a copy of what runs leave")
    public_url: str | None = Field(None, description="an object store that gets a copy of the public edition alone")
    archive_max_gb: float | None = Field(None, ge=0, description="what the archive may hold; nothing goes by itself")
    archive_max_days: int | None = Field(None, ge=1, description="how old its scenes may be; nothing goes by itself")
    ledger_url: SecretStr | None = Field(None, description="an SQLAlchemy URL; outputs/ledger.sqlite when left out")
    history_days: int = Field(730, ge=0, le=3660, description="days of history behind the first baseline")
    lookback_weeks: int = Field(26, ge=1, le=520, description="weeks a first run works through when no date is given")
    suspects_a_week: int = Field(
        20, ge=1, le=10_000, description="new suspect sites of a region that are alerted a week; the others wait"
    )
    incident_weeks: int = Field(
        13, ge=1, le=104, description="weeks within which a new alert belongs to the incident of its place"
    )
    today_is: date | None = Field(None, description="the operator's word that the clock is right, on that day alone")
    workers: int = Field(2, ge=1, le=64, description="areas worked on at the same time")
    engine: Engine = Field(Engine.THREADS, description="what works on the areas of a run: threads, processes or dask")
    cluster: str | None = Field(None, description="a running Dask scheduler for the engine dask, tcp://host:8786")
    seed: int = Field(1, description="the seed of the simulated world")
    alert_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field((), description="Apprise URLs, separated by spaces")
    operator_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Apprise URLs that hear how the watch itself is doing, separated by spaces"
    )
    desk_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = Field(
        (), description="addresses or networks of proxies before the desk, separated by spaces; only they are believed"
    )
    alert_routes: Path | None = Field(None, description="who hears which alerts, TOML; see flows/alerts/README.md")
    signing_key: Path | None = Field(None, description="an Ed25519 key (PEM) that signs what each run leaves")
    timestamp_authorities: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="who stamps each week's evidence (RFC 3161): FILE.pem=ADDRESS, separated by spaces; see "
        "flows/evidence/README.md",
    )
    sh_client_id: SecretStr | None = Field(
        None, validation_alias="SH_CLIENT_ID", description="the OAuth client of Sentinel Hub or CDSE"
    )
    sh_client_secret: SecretStr | None = Field(None, validation_alias="SH_CLIENT_SECRET", description="its secret")
    sh_secret_block: str | None = Field(None, description="a Prefect Secret block with client_id and client_secret")
    sh_service: Service = Field(Service.CDSE, description="the service that source `sentinelhub` asks")
    sh_base_url: str | None = Field(None, description="any other server of that protocol; with sh_token_url")
    sh_token_url: str | None = Field(None, description="where that server gives tokens")
    downloads: int = Field(4, ge=1, le=32, description="scenes fetched at the same time, in one area")
    tries: int = Field(8, ge=1, le=20, description="how often a request is sent before its scene fails")
    requests_per_minute: int | None = Field(
        None, ge=1, description="the provider's quota of requests; 300 for source `sentinelhub`, none for `stac`"
    )
    units_per_minute: float = Field(300.0, gt=0, description="the provider's quota of processing units")
    budget_units: float | None = Field(None, ge=0, description="processing units that one run may spend")

    @field_validator(
        "alert_urls",
        "operator_urls",
        "catalog_hosts",
        "acquisition_plans",
        "desk_proxies",
        "timestamp_authorities",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

    @field_serializer("archive_url", "outputs_url", "public_url", "sh_base_url", "sh_token_url", when_used="json")
    def _without_keys(self, address: str | None) -> str | None:
        """Prefect keeps a flow's parameters as JSON, for whoever may see its runs."""
        return None if address is None else without_secrets(address)

    @field_serializer("acquisition_plans", when_used="json")
    def _without_keys_in(self, places: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(without_secrets, places))

    @field_serializer("timestamp_authorities", when_used="json")
    def _without_passwords(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        """Whoever pays an authority may have a password in its address."""
        parts = (entry.partition("=") for entry in entries)
        return tuple(f"{file}{sign}{without_secrets(address)}" for file, sign, address in parts)

    @model_validator(mode="after")
    def _keep_worlds_apart(self) -> Settings:
        if self.source is SourceName.SIMULATED and "outputs" not in self.model_fields_set:
            self.__dict__["outputs"] = DEMONSTRATION  # not as an attribute, which would count as named by somebody
        return self

    @property
    def outputs_store(self) -> str | None:
        """The object store that gets the copy of the outputs; the simulated world has a folder of its own there."""
        return self._store_of(self.outputs_url)

    @property
    def public_store(self) -> str | None:
        """The object store that gets the copy of the public edition; likewise."""
        return self._store_of(self.public_url)

    def _store_of(self, url: str | None) -> str | None:
        is_invented = url is not None and self.source is SourceName.SIMULATED
        return f"{url.rstrip('/')}/{DEMONSTRATION.name}" if is_invented and url else url

    @property
    def parallel_downloads(self) -> int:
        """Scenes of one area fetched at the same time; drawing simulated ones gains nothing by it."""
        return 1 if self.source is SourceName.SIMULATED else self.downloads

    @property
    def ledger(self) -> str:
        """The ledger's URL."""
        if self.ledger_url is not None:
            return self.ledger_url.get_secret_value()
        return f"sqlite:///{(self.outputs / 'ledger.sqlite').absolute()}"

    @property
    def catalog_address(self) -> str | None:
        """Where the catalog is, with the key that may be in it: for the source alone."""
        return None if self.catalog is None else self.catalog.get_secret_value()

    def without_secrets(self) -> dict[str, Any]:
        """The settings as they may be written beside a run's outputs: how many alert URLs, not which."""
        kept_back = {"alert_urls", "operator_urls", "ledger_url", "sh_client_id", "sh_client_secret"}
        shown = self.model_dump(mode="json", exclude=kept_back)
        shown["catalog"] = None if self.catalog_address is None else without_secrets(self.catalog_address)
        counts = {"alert_urls": len(self.alert_urls), "operator_urls": len(self.operator_urls)}
        said = {"ledger": self.ledger.split(":")[0], "simulated": self.source is SourceName.SIMULATED}
        return {**shown, **counts, **said}


def load_settings(**given: Any) -> Settings:
    """Return the settings, the call's before the environment's; raise `SettingsError` that names each wrong one."""
    with mendable_settings():
        return Settings(**{name: value for name, value in given.items() if value is not None})


@contextmanager
def mendable_settings() -> Iterator[None]:
    """Raise `SettingsError` for whatever is wrong with the settings that are read within the ``with``."""
    try:
        yield
    except ValidationError as error:
        raise SettingsError(complaint_of(error)) from None
    except (OSError, ValueError) as error:  # the environment holds text, so it is the file
        raise unreadable_file(error) from None


def unreadable_file(error: OSError | ValueError) -> SettingsError:
    """Return the complaint about a ``.env`` that cannot be read."""
    why = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else printable(error)
    return SettingsError(f"`.env` cannot be read: {why}; save it as UTF-8 text that its owner may read")


def complaint_of(error: ValidationError) -> str:
    """What is wrong with each setting, without the values, which may be secret; and where to mend it."""
    lines = [f"setting `{'.'.join(map(str, e['loc']))}`: {e['msg']}" for e in error.errors()]
    words = printable("; ".join(lines), longest=LONGEST_COMPLAINT)
    return f"{words}; mend the call, SITEWATCH_… in the environment, or .env"
