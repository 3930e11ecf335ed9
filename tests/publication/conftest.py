"""The record that packs of these tests are made from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pack_record import make_record

from flows.imagery.archive.store import Archive
from flows.ledger import Ledger, open_ledger
from flows.publication.pack_subject import PackStores


@pytest.fixture(scope="session")
def kept_record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record, not to be written to."""
    return make_record(tmp_path_factory.mktemp("packs") / "outputs")


@pytest.fixture
def outputs(kept_record: Path, tmp_path: Path) -> Path:
    """A copy of the record."""
    return Path(shutil.copytree(kept_record, tmp_path / "outputs"))


@pytest.fixture
def ledger(outputs: Path) -> Iterator[Ledger]:
    """The ledger of the copy."""
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as opened:
        yield opened


@pytest.fixture
def stores(outputs: Path, ledger: Ledger) -> PackStores:
    """What packs of the copy are made from."""
    return PackStores(outputs, ledger, Archive(outputs / "archive"), "stac")
