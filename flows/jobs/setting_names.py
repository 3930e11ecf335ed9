"""Find names of settings that nothing reads: what was meant by them is ignored, and nobody would be told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic_settings import BaseSettings, DotEnvSettingsSource

from flows.alerts.routes_file import names_from_environment
from flows.config.deployment import Operating
from flows.config.nearest_word import nearest
from flows.config.settings import Settings, SettingsError, load_settings, unreadable_file
from flows.printable import printable

PREFIX = "SITEWATCH_"
ALIKE = 0.8  # one letter of five; with less, names of other programs would stop the watch. Chosen on 24 such names.
SHORTEST_PART = 6
# What Kubernetes puts into a container for each service beside it, here one whose name begins with `sitewatch`.
_OF_A_SERVICE = re.compile(r"(_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$")
_ADDRESS_OF_A_SERVICE = re.compile(r"(tcp|udp|sctp)://", re.IGNORECASE)  # under the service's name and `_PORT`
OF_ANOTHER = "mend it, or rename it if it is another program's"


@dataclass(frozen=True)
class UnknownName:
    """A name with Sitewatch's prefix that no setting has, and the setting that it is most like, if it is like any."""

    name: str
    meant: str | None

    @property
    def words(self) -> str:
        """What is wrong with it, and the mend."""
        shown = printable(self.name, longest=80)
        if self.meant is None:
            return f"`{shown}` is no setting and is ignored; flows/README.md lists them all"
        return f"`{shown}` is no setting (did you mean `{self.meant}`?); {OF_ANOTHER}"


def unknown_names(environment: Mapping[str, str] | None = None) -> list[UnknownName]:
    """Return the names in the environment and in ``.env`` that begin like settings and are none.

    What a file of routes reads by ``env:NAME`` is known, and what Kubernetes says of services is no setting.
    Raises `SettingsError` for a ``.env`` that cannot be read.
    """
    given = os.environ if environment is None else environment
    own = {name for name, value in given.items() if not _is_of_a_service(name.upper(), value)}
    ours = {name.upper() for name in {*own, *_names_in_file()} if name.upper().startswith(PREFIX)}
    strange = sorted(ours - set(known_names()))
    if strange:
        strange = sorted(set(strange) - _named_by_routes())
    return [UnknownName(name, _meant(name)) for name in strange]


def _is_of_a_service(name: str, value: str) -> bool:
    """Whether a name was made by Kubernetes and means no setting."""
    is_port = name.endswith("_PORT") and _ADDRESS_OF_A_SERVICE.match(value) is not None
    return is_port or _OF_A_SERVICE.search(name) is not None


def check_setting_names() -> None:
    """Raise `SettingsError` that names each setting that is misspelt, and what was most likely meant."""
    misspelt = [one.words for one in unknown_names() if one.meant is not None]
    if misspelt:
        raise SettingsError("; ".join(misspelt[:5]))


def known_names() -> list[str]:
    """Return every name that a setting can be given by."""
    return [name for model in (Settings, Operating) for name in _names_of(model)]


def _names_of(model: type[BaseSettings]) -> Iterable[str]:
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        yield alias if isinstance(alias, str) else f"{PREFIX}{name.upper()}"


def _meant(name: str) -> str | None:
    """The setting that a name is a slip of, compared without the prefix that all of them have, or a part of."""
    bare, given = {known.removeprefix(PREFIX): known for known in known_names()}, name.removeprefix(PREFIX)
    found = nearest(given, bare, alike=ALIKE)
    if found is None and len(given) >= SHORTEST_PART:
        found = next((known for known in bare if set(given.split("_")) <= set(known.split("_"))), None)
    return None if found is None else bare[found]


def _names_in_file() -> Iterable[str]:
    try:
        return DotEnvSettingsSource(Settings).env_vars
    except (OSError, ValueError) as error:
        raise unreadable_file(error) from None


def _named_by_routes() -> set[str]:
    try:
        routes = load_settings().alert_routes
    except SettingsError:
        return set()
    return set() if routes is None else {name.upper() for name in names_from_environment(routes)}
