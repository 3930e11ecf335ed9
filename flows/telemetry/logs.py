"""What a run says of itself as it goes: one line an occurrence, with its flow, area and week."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from pythonjsonlogger.json import JsonFormatter

from flows.config.deployment import Operating, load_operating

NAME = "sitewatch"

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))
log = logging.getLogger(NAME)


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Every line said within the ``with``, by this thread, is about these: flow, run, area, week."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


def start_logging(operating: Operating | None = None, *, is_deployed: bool = False) -> None:
    """Lines go to standard error from now on, as the settings say; calling it again replaces what was said before."""
    operating = operating or load_operating()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json() if operating.log_format == "json" else _Text())
    handler.addFilter(add_fields)
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(operating.log_level or ("INFO" if is_deployed else "WARNING"))


def add_fields(record: logging.LogRecord) -> bool:
    """Add to a record what the present lines are about; for handlers, which take it as a filter."""
    for name, value in _about.get().items():
        setattr(record, name, value)
    return True


def told_fields(record: logging.LogRecord) -> dict[str, object]:
    """Return what a record says beside its words: figures, and what it is about."""
    known = logging.LogRecord("", 0, "", 0, "", (), None).__dict__
    return {name: value for name, value in record.__dict__.items() if name not in known and name != "message"}


def _json() -> logging.Formatter:
    return JsonFormatter(
        "%(message)s %(levelname)s",
        rename_fields={"levelname": "level", "message": "said"},
        timestamp="at",
    )


class _Text(logging.Formatter):
    """The same line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, words, then what they are about and every figure given."""
        figures = " ".join(f"{name}={value}" for name, value in told_fields(record).items())
        when = self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z")
        line = f"{when} {record.levelname} {record.getMessage()}  {figures}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line
