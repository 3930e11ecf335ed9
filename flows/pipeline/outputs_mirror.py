"""What a run leaves for people and programs, in an object store too: pages, alerts, findings, evidence and catalog.

The scenes have a store of their own (`archive_url`), the record is a database, and what the watch has learned of an
area (`state`) is made again from both; none of them is copied. The public edition goes to a store of its own
(`public_url`): whoever may read that one may read nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import obstore

from flows.imagery.network.bucket import Bucket
from flows.imagery.scene import ImageryError
from flows.telemetry.logs import log

FOLDERS = ("reports", "alerts", "areas", "evidence", "metrics")
PUBLIC = ("public",)
NOT_COPIED = "state"
LIST = "copied.json"  # in the store: the SHA-256 of every file that is there
AT_ONCE = 8


@dataclass(frozen=True)
class OutputsMirror:
    """The outputs, and the addresses of the object stores that get their copies; None for none."""

    outputs: Path
    outputs_store: str | None = None
    public_store: str | None = None

    @property
    def stores(self) -> tuple[tuple[str | None, str], tuple[str | None, str]]:
        """Return the address of each store, and what it holds."""
        return (self.outputs_store, "outputs"), (self.public_store, "public edition")


def copy_outputs(mirror: OutputsMirror) -> str:
    """Copy the outputs to the stores that are named, and say what became of it.

    Only what is new or other than before is sent, and the list last: a copy that was cut off goes on with the next run.
    Nothing is taken away there. A store that cannot be reached fails no run.
    """
    sentences = []
    for (address, what), folders in zip(mirror.stores, (FOLDERS, PUBLIC), strict=True):
        if address is None:
            continue
        try:
            bucket = Bucket(address, holds=f"copy of the {what}")
            sentences.append(f"{send_files(mirror.outputs, bucket, folders)} files of the {what} copied.")
        except ImageryError as error:
            log.error("%s not copied: %s", what, error)
            sentences.append(f"{what} not copied: {error}; the next run tries again")
    return " ".join(sentences)


def check_stores(mirror: OutputsMirror) -> None:
    """Check the addresses of the stores.

    Raises `ImageryError` for one that is none of an object store, and for one within the other.
    """
    given = [(address, what) for address, what in mirror.stores if address]
    names = [Bucket(address, holds=f"copy of the {what}").name for address, what in given]
    places = [f"{address.rstrip('/')}/" for address, _ in given]
    if len(places) == 2 and (places[0].startswith(places[1]) or places[1].startswith(places[0])):
        raise ImageryError(f"{names[0]} has coordinates and shares a folder with the {names[1]}; name another bucket")


def send_files(outputs: Path, bucket: Bucket, folders: Sequence[str] = FOLDERS) -> int:
    """Send the files of these folders that are new or changed, and return how many.

    Raises `ImageryError` where the store cannot be used.
    """
    with bucket.told():
        try:
            known: dict[str, str] = json.loads(bytes(obstore.get(bucket.store, LIST).bytes()))
        except FileNotFoundError:
            known = {}
        found = {path.relative_to(outputs).as_posix(): path for path in _files(outputs, folders)}
        sums = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
        fresh = [name for name, checksum in sums.items() if known.get(name) != checksum]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda name: obstore.put(bucket.store, name, found[name].read_bytes()), fresh))
        if fresh:
            obstore.put(bucket.store, LIST, json.dumps(known | sums, indent=0, sort_keys=True).encode())
    return len(fresh)


def _files(outputs: Path, folders: Sequence[str]) -> Iterator[Path]:
    if folders == FOLDERS:
        yield from (path for path in [outputs / "catalog.json"] if path.is_file())
    for folder in folders:
        for path in sorted((outputs / folder).rglob("*")):
            inside = path.relative_to(outputs).parts
            if path.is_file() and not path.name.startswith(".") and NOT_COPIED not in inside:
                yield path
