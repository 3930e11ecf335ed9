"""A real S3 server on loopback, and the environment in which its bucket is reached."""

from __future__ import annotations

import logging
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer

URL = "s3://watch/archive"


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of a server that ends with the block."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        yield "http://{}:{}".format(*server.get_host_and_port())
    finally:
        server.stop()


@contextmanager
def bucket_reached(patch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an empty bucket on a server of its own, which the environment leads to."""
    with s3_server() as address:
        for name, value in empty_bucket(address).items():
            patch.setenv(name, value)
        yield URL


def empty_bucket(address: str) -> dict[str, str]:
    """The server holds an empty bucket `watch` and nothing else; the variables with which it is reached."""
    urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST")).close()
    urllib.request.urlopen(urllib.request.Request(f"{address}/watch", method="PUT")).close()
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "watcher",
        "AWS_SECRET_ACCESS_KEY": "hunter2-s3",
    }
