"""Time stamps of heads (RFC 3161): asked for, kept until they come, and never asked for twice.

`000123.NAME.tsq` is a request that waits, `000123.NAME.tsr` the stamp that came for it. A request holds a hash and
nothing else, and always has the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from flows.evidence.authorities import TimestampAuthority, certificates_in, roots_name
from flows.evidence.heads import EvidenceHead, head_name, parse_head
from flows.evidence.manifests import FOLDER, EvidenceError
from flows.evidence.stamp_check import StampError, read_stamp
from flows.files import atomic_write, locked
from flows.imagery.catalog_rules import rules_for
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.scene import ImageryError
from flows.imagery.web import OK, WebClient
from flows.printable import printable

LOCK = ".stamps.lock"
HEADERS = {"Content-Type": "application/timestamp-query", "Accept-Encoding": "identity"}
MOST_BYTES = 200_000  # a stamp with its certificates has some 6 kB
LIMITS = replace(USUAL_LIMITS, exchange_s=20.0)
REQUEST = re.compile(r"(\d{6})\.([a-z0-9-]+)\.tsq")


@dataclass(frozen=True)
class StampOutcome:
    """What came of asking for stamps: how many came, how many are pending, and why, a reason for each authority."""

    stamped: int
    pending: int
    reasons: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Tell it in one line for people; empty where nothing was asked for and nothing is pending."""
        if not self.stamped and not self.pending:
            return ""
        if not self.pending:
            return f"time stamps: {self.stamped} came, none is pending."
        why = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return f"time stamps: {self.stamped} came, {self.pending} pending{why}; the next run asks again."


def keep_roots(outputs: Path, authorities: Sequence[TimestampAuthority]) -> dict[str, str]:
    """Keep the root certificates of the authorities with the evidence; return their hashes by name."""
    for one in authorities:
        path = outputs / FOLDER / roots_name(one.name, one.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            atomic_write(path, one.roots)
    return {one.name: one.digest for one in authorities}


def queue_stamps(outputs: Path, heads: Sequence[EvidenceHead]) -> None:
    """Put a request on disk for each authority of each head that has neither a request nor a stamp."""
    for head in heads:
        for name in head.body.authorities:
            path = outputs / FOLDER / f"{head.body.number:06d}.{name}.tsq"
            if not path.exists() and not path.with_suffix(".tsr").exists():
                atomic_write(path, stamp_request(head))


def stamp_request(head: EvidenceHead) -> bytes:
    """Return the request for a stamp of a head: its SHA-256, and the wish to get the certificates with the answer."""
    builder = TimestampRequestBuilder(nonce=False).data(head.content).hash_algorithm(HashAlgorithm.SHA256)
    return builder.cert_request(cert_request=True).build().as_bytes()


def pending_stamps(outputs: Path) -> list[tuple[int, str]]:
    """List number and authority of each head that waits for a stamp, in order."""
    waiting = [path for path in (outputs / FOLDER).glob("*.tsq") if not path.with_suffix(".tsr").exists()]
    found = [REQUEST.fullmatch(path.name) for path in sorted(waiting)]
    return [(int(one[1]), one[2]) for one in found if one is not None]


def stamp_heads(outputs: Path, authorities: Sequence[TimestampAuthority]) -> StampOutcome:
    """Fetch the stamps that are pending from their authorities, the newest first, and keep those that hold.

    An authority that does not answer, or not with a stamp that holds, is asked no more in this run; the others are.
    Where another run is asking, nothing is done.
    """
    stamped, reasons = 0, []
    if pending_stamps(outputs) and authorities:
        busy = EvidenceError("another run is asking for time stamps")
        try:
            with locked(outputs / FOLDER / LOCK, patience_s=0, busy=busy):
                for authority in authorities:
                    came, reason = _ask(outputs, authority)
                    stamped += came
                    reasons += [f"{authority.name}: {reason}"] if reason else []
        except EvidenceError as error:
            reasons.append(str(error))
    pending = pending_stamps(outputs)
    gone = sorted({name for _, name in pending} - {one.name for one in authorities})
    reasons += [f"{name}: not in SITEWATCH_TIMESTAMP_AUTHORITIES" for name in gone]
    return StampOutcome(stamped, len(pending), tuple(reasons))


def _ask(outputs: Path, authority: TimestampAuthority) -> tuple[int, str]:
    """How many stamps came, and why no more did."""
    came, web = 0, WebClient(rules_for(authority.url), LIMITS)
    for path in sorted((outputs / FOLDER).glob("*.tsq"), reverse=True):
        named = REQUEST.fullmatch(path.name)
        if named is None or named[2] != authority.name:
            continue
        if not path.with_suffix(".tsr").exists():
            try:
                _stamp(path, int(named[1]), authority, web)
            except (ImageryError, EvidenceError) as error:
                return came, printable(error)
            came += 1
        path.unlink(missing_ok=True)  # after the stamp is there, so that a kill in between loses nothing
    return came, ""


def _stamp(path: Path, number: int, authority: TimestampAuthority, web: WebClient) -> None:
    """Ask for one stamp and keep it; raises `ImageryError` or `EvidenceError` where none came that holds."""
    folder = path.parent
    try:
        head = parse_head((folder / head_name(number)).read_bytes())
    except (OSError, ValueError):
        raise EvidenceError(f"{head_name(number)} cannot be read; `sitewatch verify` says more") from None
    roots = folder / roots_name(authority.name, head.body.authorities.get(authority.name, ""))
    answer = web.send("POST", authority.url, headers=HEADERS, body=stamp_request(head), most=MOST_BYTES)
    if answer.status != OK:
        raise EvidenceError(f"it answered {answer.status}")
    try:
        read_stamp(answer.content, head.digest, certificates_in(roots))
    except StampError as error:
        raise EvidenceError(f"what it answered is no stamp of {head.name}: it {error}") from None
    atomic_write(path.with_suffix(".tsr"), answer.content)
