"""Files that want a token: asked for once, added just before reading, told to nobody."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from child import Child

from aois.area import Area
from aois.grid import Grid
from flows.imagery.scene import ImageryError
from flows.imagery.stac.planetary_computer import Signer
from flows.imagery.stac.stac_source import StacSource

STORE = Path(__file__).parents[2] / "helpers" / "servers" / "signed_store.py"
ALL = {"since": date(2023, 1, 1), "until": date(2023, 12, 31)}


@contextmanager
def store(folder: Path, *, minutes: float = 60) -> Iterator[str]:
    """The store's address; a process of its own, since GDAL waits while it holds Python's lock."""
    command = [sys.executable, str(STORE), str(folder), str(minutes)]
    with Child(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def tokens_given(address: str) -> int:
    with urllib.request.urlopen(f"{address}/count") as answer:
        return int(answer.read())


@pytest.fixture
def folder(catalog: Any, flat: Callable[..., Any]) -> Path:
    for day in (1, 2):
        catalog.add(f"item-{day}", f"2023-05-0{day}T10:00:00Z", {"red": flat(1000 * day), "nir": flat(3000)})
    return Path(catalog.write()).parent


def test_files_are_read_with_one_token_a_container(folder: Path, area: Area, grid: Grid) -> None:
    with store(folder) as address:
        source = StacSource(f"{address}/catalog.json", signer=Signer(f"{address}/token", store="127.0.0.1"))
        refs = source.search(area, grid, **ALL)
        scenes = [source.fetch(area, grid, ref) for ref in refs]
        assert tokens_given(address) == 2  # a container is the first folder: one an item here
        source.fetch(area, grid, refs[0])
        assert tokens_given(address) == 2
    assert [float(np.nanmax(scene.pixels[0])) for scene in scenes] == pytest.approx([0.1, 0.2])
    assert "secret" not in repr([scene.provenance for scene in scenes])


def test_a_token_about_to_end_is_renewed(folder: Path, area: Area, grid: Grid) -> None:
    with store(folder, minutes=1) as address:
        source = StacSource(f"{address}/catalog.json", signer=Signer(f"{address}/token", store="127.0.0.1"))
        ref = source.search(area, grid, **ALL)[0]
        source.fetch(area, grid, ref)
        first = tokens_given(address)
        source.fetch(area, grid, ref)
        assert tokens_given(address) > first


def test_without_a_signature_the_store_refuses_and_no_message_repeats_a_token(
    folder: Path, area: Area, grid: Grid
) -> None:
    with store(folder) as address:
        bare = StacSource(f"{address}/catalog.json")
        ref = bare.search(area, grid, **ALL)[0]
        with pytest.raises(ImageryError, match=r"asset `red` at http.* cannot be read"):
            bare.fetch(area, grid, ref)
        signing = StacSource(f"{address}/catalog.json", signer=Signer(f"{address}/token", store="127.0.0.1"))
        next(folder.glob("item-1/red.tif")).unlink()
        with pytest.raises(ImageryError, match="cannot be read") as caught:
            signing.fetch(area, grid, signing.search(area, grid, **ALL)[0])
    assert "secret" not in str(caught.value)


def test_a_place_that_gives_no_token_is_named(folder: Path, area: Area, grid: Grid) -> None:
    with store(folder) as address:
        source = StacSource(f"{address}/catalog.json", signer=Signer(f"{address}/nowhere", store="127.0.0.1"))
        with pytest.raises(
            ImageryError, match=r"token address `.*/nowhere/127.0.0.1/item-1` gives no token \(it answered 404"
        ):
            source.fetch(area, grid, source.search(area, grid, **ALL)[0])


def test_the_planetary_computer_is_signed_by_itself_and_asked_for_calibrated_radar() -> None:
    source = StacSource("https://planetarycomputer.microsoft.com/api/stac/v1")
    assert source._signer is not None
    assert source._collections == ("sentinel-2-l2a", "sentinel-1-rtc")
    assert StacSource("https://example.org/stac")._signer is None
    assert StacSource()._signer is None
