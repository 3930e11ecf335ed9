"""Somebody who has a public grid, guesses the area, and tries every pixel and day against all that he was sent."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha1, sha256
from quopri import decodestring
from uuid import NAMESPACE_URL, uuid5

from flows.alerts.dispatch_content import parcel_key
from flows.ledger.ids import alert_id, event_id

DIGITS = re.compile(r"[0-9a-f]{8,}")
BASE64 = re.compile(r"[A-Za-z0-9_+/-]{16,}={0,2}")
NEEDED = 8  # hexadecimal digits: among some 10^4 guesses a match by chance is one in 10^5
STATES = ("provisional", "confirmed", "retracted")


@dataclass(frozen=True)
class IdAttacker:
    """What he tries: an area, the days and the pixels of a grid, and the names of channels."""

    area_id: str
    first: date
    days: int
    size: int
    channels: Sequence[str] = ()

    def keys(self) -> Iterator[str]:
        """Every name that detectors could give an event of the grid."""
        for day in range(self.days):
            for pixel in range(self.size * self.size):
                row, column = divmod(pixel, self.size)
                yield key_of(self.first + timedelta(days=day), row, column)

    @cached_property
    def guesses(self) -> dict[str, str]:
        """The first digits of every digest that stands for a pixel and a day, and what it stands for."""
        found: dict[str, str] = {}
        for key in self.keys():
            event = event_id(self.area_id, key)
            alert = alert_id(event)
            digests = [event[3:], alert[3:], sha256(alert[3:].encode()).hexdigest(), sha1(alert.encode()).hexdigest()]
            for state in STATES:
                message = f"{alert}:{state}"
                digests += [uuid5(NAMESPACE_URL, f"urn:sitewatch:message:{message}").hex, _sha(message)]
                digests += [parcel_key(channel, "alert", [message])[3:] for channel in self.channels]
            found |= {digest[:NEEDED]: key for digest in digests}
        return found

    def found_in(self, content: bytes) -> set[str]:
        """The pixels and days that some bytes lead him to, also where they are encoded."""
        return {
            self.guesses[run[start : start + NEEDED]]
            for text in _readings(content)
            for run in DIGITS.findall(text.lower().replace("-", " ").replace(":", " "))
            for start in range(len(run) - NEEDED + 1)
            if run[start : start + NEEDED] in self.guesses
        } | {
            self.guesses[run[:NEEDED]]
            for text in _readings(content)
            for run in DIGITS.findall(re.sub(r"(?<=[0-9a-f])-(?=[0-9a-f])", "", text.lower()))
            if run[:NEEDED] in self.guesses
        }


def key_of(day: date, row: int, column: int) -> str:
    """Name an event as tests of messages do, by the day and the pixel."""
    return f"p1_{day:%Y%m%d}_{row}_{column}"


def _readings(content: bytes) -> Iterator[str]:
    """The bytes as they are, as mail encodes them, and what is base64 in them."""
    for plain in (content, decodestring(content)):
        text = plain.decode("utf-8", "replace")
        yield text
        for run in BASE64.findall(text.replace("\r\n", "").replace("\n", " ")):
            for part in (run, *run.split(".")):
                try:
                    raw = urlsafe_b64decode(part.replace("+", "-").replace("/", "_").rstrip("=") + "==")
                except (Error, ValueError):
                    continue
                yield raw.decode("utf-8", "replace")
                yield raw.hex()


def _sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()
