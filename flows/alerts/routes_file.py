"""Read a file of routes, whole or not at all."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from flows.alerts.errors import AlertsError
from flows.alerts.routes import Channel, ChannelKind, Route, Routes
from flows.config.nearest_word import did_you_mean
from flows.printable import printable

FROM_ENVIRONMENT = "env:"
LARGEST_BYTES = 1_000_000  # some ten thousand routes; what is larger is another file
LONGEST_COMPLAINT = 1_500
SHORTEST_CUT = 32  # characters; complaints cut what they repeat after 40 or more
SHORTEST_HIDDEN = 4  # characters; a shorter value is no secret, and may be part of any word


def read_routes(path: Path) -> Routes:
    """Return the routes in a file; raise `AlertsError` that names each wrong entry, and never repeats a secret.

    A text ``env:NAME`` stands for what the environment holds under that name: so secrets need not be in the file.
    """
    given = _table(path)
    used: dict[str, str] = {}
    try:
        return Routes.model_validate(_with_environment(given, used))
    except ValidationError as error:
        words = "; ".join(_complaint(one) for one in error.errors())
        for name, value in used.items():
            words = _hidden(value, words, name=f"{FROM_ENVIRONMENT}{name}")
        raise AlertsError(printable(f"routes `{path}`: {words}", longest=LONGEST_COMPLAINT)) from None


def names_from_environment(path: Path) -> frozenset[str]:
    """Return the names that a file of routes reads from the environment; none of a file that cannot be read."""
    try:
        return frozenset(_named(_table(path)))
    except AlertsError:
        return frozenset()


def _table(path: Path) -> dict[str, object]:
    """The file as TOML; raises `AlertsError`."""
    shown = printable(path)
    try:
        if not path.is_file():
            raise AlertsError(f"routes `{shown}` cannot be read (not a file); check SITEWATCH_ALERT_ROUTES")
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
        if len(content) > LARGEST_BYTES:
            raise AlertsError(f"routes `{shown}` hold more than {LARGEST_BYTES:,} bytes; check SITEWATCH_ALERT_ROUTES")
        return tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise AlertsError(f"routes `{shown}` cannot be read ({error.strerror}); check SITEWATCH_ALERT_ROUTES") from None
    except UnicodeDecodeError as error:
        raise AlertsError(f"routes `{shown}` are not UTF-8 text (byte {error.start}); save them as UTF-8") from None
    except RecursionError:
        raise AlertsError(
            f"routes `{shown}` are nested too deeply; write them as flows/alerts/README.md does"
        ) from None
    except ValueError as error:  # of TOML, and of numbers and dates in it
        words = printable(error)
        raise AlertsError(f"routes `{shown}` are not TOML ({words}); correct that line") from None


def _complaint(error: Any) -> str:
    """Where a file is wrong and how, with the name or word that was most likely meant."""
    place, kind, words = error["loc"], error["type"], error["msg"].removeprefix("Value error, ")
    where = ".".join(map(str, place)) or "file"
    if kind == "extra_forbidden":
        return f"{where}: there is no such entry{did_you_mean(str(place[-1]), _model_at(place).model_fields)}"
    if kind == "enum" and isinstance(error["input"], str) and place[-1] == "kind":
        return f"{where}: {words}{did_you_mean(error['input'], ChannelKind)}"
    return f"{where}: {words}"


def _hidden(value: str, words: str, *, name: str) -> str:
    """The words with the name in place of the value, and of its beginning where a complaint has cut it."""
    shortest = min(len(value), SHORTEST_CUT)
    if shortest < SHORTEST_HIDDEN:
        return words
    for length in range(min(len(value), len(words)), shortest - 1, -1):
        words = words.replace(value[:length], name)
    return words


def _model_at(place: Sequence[int | str]) -> type[BaseModel]:
    """What an entry at a place in the file belongs to."""
    if len(place) < 3:
        return Routes
    return Channel if place[0] == "channels" else Route


def _with_environment(value: Any, used: dict[str, str]) -> Any:
    """The value with what the environment holds; `used` gets each name and its value."""
    if isinstance(value, dict):
        return {name: _with_environment(one, used) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_environment(one, used) for one in value]
    if isinstance(value, str) and value.startswith(FROM_ENVIRONMENT):
        name = value.removeprefix(FROM_ENVIRONMENT)
        if name not in os.environ:
            question = did_you_mean(name, [known for known in os.environ if known[:1] == name[:1]])
            raise AlertsError(
                f"routes: the environment has no `{printable(name)}`{question}; set it, or write the value in the file"
            )
        used[name] = os.environ[name]
        return used[name]
    return value


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _named(one)
    elif isinstance(value, str) and value.startswith(FROM_ENVIRONMENT):
        yield value.removeprefix(FROM_ENVIRONMENT)
