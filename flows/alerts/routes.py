"""Who hears what, where and when: the words of a file of routes, each checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from detectors.records import AlertKind, Change, State
from flows.alerts.addresses import check_base_address
from flows.alerts.signing import LEAST_SECRET
from flows.alerts.timing import Schedule, hours_of
from flows.config.nearest_word import did_you_mean
from flows.config.time_zone import time_zone
from flows.records.events import Alert
from flows.translations.catalogs import MESSAGE_LANGUAGES

NEWS = ("issued", "state", "step", "merged", "parted")
"""Why there is a message of an alert."""
LONGEST_NAME = 128
MOST_HOURS = 24.0 * 366
PROJECT = re.compile(r"[0-9A-Za-z]{52}")
TOKEN = re.compile(r"[!-~]{8,512}")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
INTERNAL = "Prefect events"
"""The channel of programs on the same machine, which no file may name."""


class ChannelKind(StrEnum):
    """What a channel is."""

    APPRISE = "apprise"
    WEBHOOK = "webhook"
    COMAPEO = "comapeo"
    ATOM = "atom"
    CAP = "cap"
    GEOJSON = "geojson"


def _hours(text: str) -> str:
    hours_of(text)
    return text


def _lang(lang: str) -> str:
    if lang not in MESSAGE_LANGUAGES:
        raise ValueError(f"`{lang[:LONGEST_NAME]}` has no catalog; use one of {', '.join(MESSAGE_LANGUAGES)}")
    return lang


def _words_of(what: str, known: Iterable[str]) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """A check that every word is a known one: a route for any other would never tell anybody anything."""
    names = [str(one) for one in known]

    def check(given: tuple[str, ...]) -> tuple[str, ...]:
        for word in given:
            if word not in names:
                question = did_you_mean(word, names)
                raise ValueError(f"`{word[:LONGEST_NAME]}` is no {what}{question}; use {', '.join(names)}")
        return given

    return check


def _name(name: str) -> str:
    if not name.isprintable():
        raise ValueError("a name holds hidden characters; write it in plain ones")
    return name


def _one_or_more(secret: object) -> object:
    return secret if isinstance(secret, list | tuple) else (secret,)


Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), AfterValidator(_name)]
BaseAddress = Annotated[str, AfterValidator(check_base_address)]
States = Annotated[tuple[str, ...], AfterValidator(_words_of("state", State))]
Kinds = Annotated[tuple[str, ...], AfterValidator(_words_of("kind", AlertKind))]
Changes = Annotated[tuple[str, ...], AfterValidator(_words_of("change", Change))]
News = Annotated[tuple[str, ...], AfterValidator(_words_of("reason for a message", NEWS))]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_one_or_more)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Channel(_Strict):
    """Where messages go.

    An Apprise URL, a webhook with its secret, a project of a CoMapeo server with its token as the secret, or a file or
    folder for feed, CAP or GeoJSON.
    """

    kind: ChannelKind = ChannelKind.APPRISE
    url: SecretStr | None = None
    secret: SecretStr | None = None
    path: Path | None = None
    project: str | None = None
    sender: str = "sitewatch"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needs_url = self.kind in (ChannelKind.APPRISE, ChannelKind.WEBHOOK, ChannelKind.COMAPEO)
        if needs_url and self.url is None:
            raise ValueError(f"a channel of kind `{self.kind}` needs a url")
        if not needs_url and self.path is None:
            raise ValueError(f"a channel of kind `{self.kind}` needs a path")
        if set(self.sender) & set(" ,<&") or not self.sender:
            raise ValueError(f"`{self.sender}` cannot be a sender in CAP; write it like watch@example.org")
        secret = self.secret.get_secret_value() if self.secret else ""
        if self.kind is ChannelKind.WEBHOOK and len(secret) < LEAST_SECRET:
            raise ValueError(f"a webhook needs a secret of at least {LEAST_SECRET} characters to sign with")
        if self.kind is ChannelKind.COMAPEO:
            self._check_comapeo(self.url.get_secret_value() if self.url else "", secret)
        elif self.project is not None:
            raise ValueError(f"a channel of kind `{self.kind}` has no project; leave it out, or say kind = `comapeo`")
        return self

    def _check_comapeo(self, url: str, token: str) -> None:
        """Raise `ValueError` for a server, project or token that cannot be, or that others could listen to."""
        if not PROJECT.fullmatch(self.project or ""):
            raise ValueError("a channel of kind `comapeo` needs a project: its public id of 52 letters and digits")
        if not TOKEN.fullmatch(token):
            raise ValueError("a channel of kind `comapeo` needs a secret: the bearer token of the server")
        check_base_address(url)
        if not url.lower().startswith("https://") and urlsplit(url).hostname not in LOOPBACK:
            raise ValueError("positions go to a `comapeo` channel, so its address must begin with https://")


class Route(_Strict):
    """Which alerts go to which channels, how and when. What is left out limits nothing."""

    name: Name
    channels: tuple[str, ...] = Field(min_length=1)
    areas: tuple[str, ...] = ("*",)
    kinds: Kinds = ()
    changes: Changes = ()
    states: States = ()
    news: News = ()
    min_confidence: float = Field(0.0, ge=0, le=1)
    min_area_m2: float = Field(0.0, ge=0, allow_inf_nan=False)
    schedule: Schedule = Schedule.IMMEDIATE
    weekday: int = Field(1, ge=1, le=7, description="of a weekly digest; 1 is Monday")
    hour: int = Field(8, ge=0, le=23, description="of a weekly digest")
    quiet_hours: Annotated[str, AfterValidator(_hours)] | None = None
    timezone: Annotated[str, AfterValidator(time_zone)] = "UTC"
    lang: Annotated[str, AfterValidator(_lang)] = "en"
    restricted: bool = Field(False, description="whether places, scene ids and the owner's report are told")
    simulated: bool = Field(False, description="whether alerts of the simulated world are told")
    escalate_after_hours: float | None = Field(None, gt=0, le=MOST_HOURS, allow_inf_nan=False)
    escalate_to: tuple[str, ...] = ()

    def wants(self, alert: Alert, state: str, news: str = "issued") -> bool:
        """Whether a message that says `state` of an alert, for this reason, goes this way."""
        return (
            (self.simulated or not alert.is_simulated)
            and any(fnmatchcase(alert.area_id, pattern) for pattern in self.areas)
            and _within(alert.kind, self.kinds)
            and _within(alert.change, self.changes)
            and _within(state, self.states)
            and _within(news, self.news)
            and alert.confidence >= self.min_confidence
            and alert.area_m2 >= self.min_area_m2
        )


class Routes(_Strict):
    """The whole file.

    `report_base` is where ``outputs/public`` can be opened, `restricted_report_base` where ``outputs/reports`` can be,
    for restricted routes alone. `acknowledge_base` is where links lead; the first of the `acknowledge_secret` signs
    them, and each of them is good for those that it signed. `operator` names the channels that hear how the watch
    itself is doing, in English.
    """

    channels: dict[Name, Channel] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    operator: tuple[str, ...] = ()
    report_base: BaseAddress | None = None
    restricted_report_base: BaseAddress | None = None
    acknowledge_base: BaseAddress | None = None
    acknowledge_secret: Secrets = ()

    @property
    def link_secrets(self) -> tuple[str, ...]:
        """The secrets of links in the clear, the one that signs first."""
        return tuple(secret.get_secret_value() for secret in self.acknowledge_secret)

    @property
    def hears_simulated(self) -> frozenset[str]:
        """The channels of routes that ask for simulated alerts."""
        asking = [route for route in self.routes if route.simulated]
        return frozenset(name for route in asking for name in (*route.channels, *route.escalate_to))

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if INTERNAL in self.channels:
            raise ValueError(f"a channel cannot be called `{INTERNAL}`, which is Sitewatch's own; call it otherwise")
        names = [route.name for route in self.routes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two routes are called `{twice[0]}`; give each a name of its own")
        for route in self.routes:
            for name in (*route.channels, *route.escalate_to):
                self._check_channel(name, f"route `{route.name}`")
                if self.channels[name].kind is ChannelKind.COMAPEO and not route.restricted:
                    raise ValueError(
                        f"route `{route.name}` leads to channel `{name}`, which puts positions on phones; "
                        "set restricted = true in it if its readers may know the places, or name another channel"
                    )
            if (route.escalate_after_hours is None) != (not route.escalate_to):
                raise ValueError(f"route `{route.name}`: escalate_after_hours and escalate_to go together")
        for name in self.operator:
            self._check_channel(name, "operator")
            if self.channels[name].kind in (ChannelKind.CAP, ChannelKind.GEOJSON, ChannelKind.COMAPEO):
                raise ValueError(f"operator names channel `{name}`, which takes only alerts; name another")
        if any(len(secret) < LEAST_SECRET for secret in self.link_secrets):
            raise ValueError(f"each acknowledge_secret needs at least {LEAST_SECRET} characters")
        if self.acknowledge_base and not self.acknowledge_secret:
            raise ValueError(f"acknowledge_base needs an acknowledge_secret of at least {LEAST_SECRET} characters")
        return self

    def _check_channel(self, name: str, who: str) -> None:
        if name not in self.channels:
            question = did_you_mean(name, self.channels)
            raise ValueError(f"{who} names channel `{name[:LONGEST_NAME]}`, which is not in the file{question}")


def _within(value: str, wanted: tuple[str, ...]) -> bool:
    return not wanted or value in wanted
