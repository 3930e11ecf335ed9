"""Who hears what, where and when: a TOML file, checked whole before anything is sent."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from flows.alerts.errors import AlertsError
from flows.alerts.language import languages
from flows.alerts.signing import LEAST_SECRET
from flows.alerts.timing import Schedule, hours_of

FROM_ENVIRONMENT = "env:"


class ChannelKind(StrEnum):
    """What a channel is."""

    APPRISE = "apprise"
    WEBHOOK = "webhook"
    ATOM = "atom"
    CAP = "cap"
    GEOJSON = "geojson"


def time_zone(name: str) -> str:
    """The name, which is that of a time zone; raises `ValueError`."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"`{name}` is no time zone; write it like Europe/Paris") from None
    return name


def _hours(text: str) -> str:
    hours_of(text)
    return text


def _lang(lang: str) -> str:
    if lang not in languages():
        raise ValueError(f"`{lang}` has no catalog; use one of {', '.join(languages())}")
    return lang


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(_Strict):
    """Where messages go: an Apprise URL, a webhook with its secret, or a file or folder for feed, CAP or GeoJSON."""

    kind: ChannelKind = ChannelKind.APPRISE
    url: SecretStr | None = None
    secret: SecretStr | None = None
    path: Path | None = None
    sender: str = "sitewatch"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needs_url = self.kind in (ChannelKind.APPRISE, ChannelKind.WEBHOOK)
        if needs_url and self.url is None:
            raise ValueError(f"a channel of kind `{self.kind}` needs a url")
        if not needs_url and self.path is None:
            raise ValueError(f"a channel of kind `{self.kind}` needs a path")
        if set(self.sender) & set(" ,<&") or not self.sender:
            raise ValueError(f"`{self.sender}` cannot be a sender in CAP; write it like watch@example.org")
        secret = self.secret.get_secret_value() if self.secret else ""
        if self.kind is ChannelKind.WEBHOOK and len(secret) < LEAST_SECRET:
            raise ValueError(f"a webhook needs a secret of at least {LEAST_SECRET} characters to sign with")
        return self


class Route(_Strict):
    """Which alerts go to which channels, how and when. What is left out limits nothing."""

    name: str = Field(min_length=1, max_length=128)
    channels: tuple[str, ...] = Field(min_length=1)
    areas: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    news: tuple[Literal["issued", "state", "step", "merged", "parted"], ...] = ()
    min_confidence: float = Field(0.0, ge=0, le=1)
    min_area_m2: float = Field(0.0, ge=0)
    schedule: Schedule = Schedule.IMMEDIATE
    weekday: int = Field(1, ge=1, le=7, description="of a weekly digest; 1 is Monday")
    hour: int = Field(8, ge=0, le=23, description="of a weekly digest")
    quiet_hours: Annotated[str, AfterValidator(_hours)] | None = None
    timezone: Annotated[str, AfterValidator(time_zone)] = "UTC"
    lang: Annotated[str, AfterValidator(_lang)] = "en"
    restricted: bool = False
    escalate_after_hours: float | None = Field(None, gt=0)
    escalate_to: tuple[str, ...] = ()

    def wants(self, properties: Mapping[str, Any], state: str, news: str = "issued") -> bool:
        """Whether a message that says `state` of an alert with these properties, for this reason, goes this way."""
        return (
            any(fnmatchcase(properties["area_id"], pattern) for pattern in self.areas)
            and _within(properties["kind"], self.kinds)
            and _within(properties["change"], self.changes)
            and _within(state, self.states)
            and _within(news, self.news)
            and properties["confidence"] >= self.min_confidence
            and properties["area_m2"] >= self.min_area_m2
        )


class Routes(_Strict):
    """The whole file. `report_base` is where reports can be opened, `acknowledge_base` where links lead.

    `operator` names the channels that hear how the watch itself is doing, in English.
    """

    channels: dict[str, Channel] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    operator: tuple[str, ...] = ()
    report_base: str | None = None
    acknowledge_base: str | None = None
    acknowledge_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        names = [route.name for route in self.routes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two routes are called `{twice[0]}`; give each a name of its own")
        for route in self.routes:
            unknown = [name for name in (*route.channels, *route.escalate_to) if name not in self.channels]
            if unknown:
                raise ValueError(f"route `{route.name}` names channel `{unknown[0]}`, which is not in the file")
            if (route.escalate_after_hours is None) != (not route.escalate_to):
                raise ValueError(f"route `{route.name}`: escalate_after_hours and escalate_to go together")
        for name in self.operator:
            if name not in self.channels:
                raise ValueError(f"operator names channel `{name}`, which is not in the file")
            if self.channels[name].kind in (ChannelKind.CAP, ChannelKind.GEOJSON):
                raise ValueError(f"operator names channel `{name}`, which takes alerts alone; name another")
        secret = self.acknowledge_secret.get_secret_value() if self.acknowledge_secret else ""
        if self.acknowledge_base and len(secret) < LEAST_SECRET:
            raise ValueError(f"acknowledge_base needs an acknowledge_secret of at least {LEAST_SECRET} characters")
        return self


def read_routes(path: Path) -> Routes:
    """The routes in a file; raises `AlertsError` that names each wrong entry, and never repeats a value.

    A text ``env:NAME`` stands for what the environment holds under that name: so secrets need not be in the file.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
        return Routes.model_validate(_with_environment(given))
    except OSError as error:
        raise AlertsError(f"routes `{path}` cannot be read ({error.strerror}); check SITEWATCH_ALERT_ROUTES") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AlertsError(f"routes `{path}` are not TOML ({error}); mend that line") from None
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}" for one in error.errors()]
        raise AlertsError(f"routes `{path}`: {'; '.join(wrong)}") from None


def _with_environment(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_environment(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_environment(one) for one in value]
    if isinstance(value, str) and value.startswith(FROM_ENVIRONMENT):
        name = value.removeprefix(FROM_ENVIRONMENT)
        if name not in os.environ:
            raise AlertsError(f"routes: the environment has no `{name}`; set it, or write the value into the file")
        return os.environ[name]
    return value


def _within(value: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or value in wanted
