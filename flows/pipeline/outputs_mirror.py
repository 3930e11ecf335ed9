"""What a run leaves for people and programs, in an object store too: pages, alerts, findings, evidence and catalog.

The scenes have a store of their own (`archive_url`), the record is a database, and what the watch has learned of an
area (`state`) is made again from both; none of them is copied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore

from flows.config.settings import Settings
from flows.imagery.network.bucket import Bucket
from flows.imagery.scene import ImageryError
from flows.telemetry.logs import log

FOLDERS = ("reports", "public", "alerts", "areas", "evidence", "metrics")
NOT_COPIED = "state"
LIST = "copied.json"  # in the store: the SHA-256 of every file that is there
AT_ONCE = 8


def copy_outputs(settings: Settings) -> str:
    """Copy the outputs to the store of `outputs_url`, if there is one, and say what became of it.

    Only what is new or other than before is sent, and the list last: a copy that was cut off goes on with the next run.
    Nothing is taken away there. A store that cannot be reached fails no run.
    """
    bucket = outputs_bucket(settings)
    if bucket is None:
        return ""
    try:
        sent = send_files(settings.outputs, bucket)
    except ImageryError as error:
        log.error("outputs not copied: %s", error)
        return f"outputs not copied: {error}; the next run tries again"
    return f"{sent} files of the outputs copied."


def outputs_bucket(settings: Settings) -> Bucket | None:
    """Return where the copy goes, None if nowhere.

    Raises `ImageryError` for an address that is none of an object store.
    """
    return None if settings.outputs_store is None else Bucket(settings.outputs_store, holds="copy of the outputs")


def send_files(outputs: Path, bucket: Bucket) -> int:
    """Send the files that are new or changed, and return how many.

    Raises `ImageryError` where the store cannot be used.
    """
    with bucket.told():
        try:
            known: dict[str, str] = json.loads(bytes(obstore.get(bucket.store, LIST).bytes()))
        except FileNotFoundError:
            known = {}
        found = {path.relative_to(outputs).as_posix(): path for path in _files(outputs)}
        sums = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
        fresh = [name for name, checksum in sums.items() if known.get(name) != checksum]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda name: obstore.put(bucket.store, name, found[name].read_bytes()), fresh))
        if fresh:
            obstore.put(bucket.store, LIST, json.dumps(known | sums, indent=0, sort_keys=True).encode())
    return len(fresh)


def _files(outputs: Path) -> Iterator[Path]:
    yield from (path for path in [outputs / "catalog.json"] if path.is_file())
    for folder in FOLDERS:
        for path in sorted((outputs / folder).rglob("*")):
            inside = path.relative_to(outputs).parts
            if path.is_file() and not path.name.startswith(".") and NOT_COPIED not in inside:
                yield path
