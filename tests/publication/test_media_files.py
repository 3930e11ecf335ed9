"""The pictures of a restricted pack: which files there are, what is in them, and that they are made alike again."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from pictured_site import FIRST, PicturedSite, pictured_site, site_at_sea
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from rasterio.io import MemoryFile

from aois.grid import PIXEL_SIZE_M, grid_of
from flows.evidence.outlines import footprint_of
from flows.publication.media import encoding
from flows.publication.media.media_files import media_files
from flows.publication.media.picture_sheet import OUTLINE, SIDE_PX
from flows.publication.pack_subject import PackSubject, Sharing

AREA = "yard-0"  # ground is cleared, fenced and built on, from October to December


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PicturedSite]:
    with pictured_site(tmp_path_factory.mktemp("pictured"), site_at_sea(AREA), every=2) as made:
        yield made


@pytest.fixture(scope="module")
def subject(site: PicturedSite) -> PackSubject:
    return site.subject(events=1)


@pytest.fixture(scope="module")
def pack(site: PicturedSite, subject: PackSubject, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The pack of one event on a machine without ffmpeg."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path_factory.mktemp("bare")))
        return made(site, subject)


def made(site: PicturedSite, subject: PackSubject, language: str = "en") -> dict[str, bytes]:
    files = media_files(subject, site.stores, sharing=Sharing.RESTRICTED, language=language)
    return {file.path: file.content for file in files}


def chunks_of(content: bytes) -> list[str]:
    """The names of the chunks of a PNG, each once."""
    names, at = [], 8
    while at < len(content):
        (length,) = struct.unpack(">I", content[at : at + 4])
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        assert struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0] == zlib.crc32(name + body)
        names.append(name.decode())
        at += 12 + length
    return list(dict.fromkeys(names))


def picture_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def test_an_event_has_its_pictures_in_three_kinds_and_a_timelapse_and_charts(pack: dict[str, bytes]) -> None:
    endings = ("before.png", "before-plain.png", "before.tif", "after.png", "after-plain.png", "after.tif", "pair.png")
    kinds = ("true-colour", "false-colour", "radar")
    pictures = {f"pictures/ev-{AREA}-0/{kind}-{ending}" for kind in kinds for ending in endings}
    charts = {"charts/cleared-ground.svg", "charts/cleared-ground.png"}
    assert set(pack) == {*pictures, *charts, "timelapse/timelapse.png", "captions.txt"}
    captions = pack["captions.txt"].decode()
    for path in pack:
        assert path == "captions.txt" or f"{path}\n    " in captions


def test_a_picture_is_the_measured_pixels_repeated_and_the_outline_alone_is_added(pack: dict[str, bytes]) -> None:
    for kind in ("true-colour", "false-colour", "radar"):
        start = f"pictures/ev-{AREA}-0/{kind}-after"
        measured = tifffile.imread(io.BytesIO(pack[f"{start}.tif"]))
        factor = SIDE_PX // max(measured.shape[:2])
        enlarged = np.kron(measured, np.ones((factor, factor, 1), np.uint8))
        plain = picture_of(pack[f"{start}-plain.png"])
        rows, columns = enlarged.shape[:2]
        place = next(
            (y, x)
            for y in range(80, 200)
            for x in (24,)
            if np.array_equal(plain[y : y + rows, x : x + columns], enlarged)
        )
        outlined = picture_of(pack[f"{start}.png"])[place[0] :, place[1] :][:rows, :columns]
        differing = (outlined != enlarged).any(axis=2)
        assert 0 < differing.mean() < 0.03
        line = tuple(int(OUTLINE[i : i + 2], 16) for i in (1, 3, 5))
        assert (outlined[differing] == line).all(axis=1).mean() > 0.3


def test_before_and_after_are_drawn_between_the_same_limits(pack: dict[str, bytes]) -> None:
    for kind in ("true-colour", "false-colour"):
        tags = []
        for when in ("before", "after"):
            with MemoryFile(pack[f"pictures/ev-{AREA}-0/{kind}-{when}.tif"]) as file, file.open() as opened:
                tags.append(opened.tags())
        assert tags[0]["LIMITS"] == tags[1]["LIMITS"]
        assert tags[0]["SCENES"] != tags[1]["SCENES"]


def test_a_geotiff_lies_where_the_event_is_and_says_whose_data_it_is(
    pack: dict[str, bytes], subject: PackSubject
) -> None:
    grid = grid_of(subject.area)
    mask = footprint_of(subject.events[0].ground, grid)
    rows, columns = np.nonzero(mask)
    east, north = grid.transform @ (columns.mean() + 0.5, rows.mean() + 0.5)
    with MemoryFile(pack[f"pictures/ev-{AREA}-0/true-colour-after.tif"]) as file, file.open() as opened:
        assert opened.crs.to_epsg() == grid.epsg
        assert opened.res == (PIXEL_SIZE_M, PIXEL_SIZE_M)
        left, bottom, right, top = opened.bounds
        assert left < east < right
        assert bottom < north < top
        assert (left - grid.left) % PIXEL_SIZE_M == 0
        tags = opened.tags()
    assert tags["TIFFTAG_COPYRIGHT"] == "Simulated: all of this is made up and shows no real place."
    assert tags["TIFFTAG_IMAGEDESCRIPTION"].startswith("After: ")
    assert "TIFFTAG_DATETIME" not in tags


def test_files_are_the_same_when_they_are_made_again(
    site: PicturedSite, subject: PackSubject, pack: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    again = made(site, subject)
    assert list(again) == list(pack)
    assert [path for path in pack if again[path] != pack[path]] == []


def test_a_png_holds_its_pixels_and_nothing_else(pack: dict[str, bytes]) -> None:
    pngs = {path: content for path, content in pack.items() if path.endswith(".png")}
    moving = pngs.pop("timelapse/timelapse.png")
    assert {tuple(chunks_of(content)) for content in pngs.values()} == {("IHDR", "IDAT", "IEND")}
    assert set(chunks_of(moving)) == {"IHDR", "acTL", "fcTL", "IDAT", "fdAT", "IEND"}


def test_a_timelapse_shows_one_image_a_month_with_a_marker_that_moves(pack: dict[str, bytes]) -> None:
    with PngImageFile(io.BytesIO(pack["timelapse/timelapse.png"])) as image:
        assert image.n_frames >= 6
        assert f"{image.n_frames} of 12 months have an image" in pack["captions.txt"].decode()
        frames, times = [], []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
            times.append(image.info["duration"])
    assert len({frame.shape for frame in frames}) == 1
    assert times == [800.0] * (len(times) - 1) + [3000.0]
    marker = np.array([0xFF, 0xB0, 0x00])
    right = [frame[140:, 560:] for frame in frames]
    columns = [int(np.nonzero((part == marker).all(axis=2).sum(axis=0) > 100)[0][0]) for part in right]
    assert all(before < after for before, after in pairwise(columns))


def test_a_chart_is_the_same_drawing_as_svg_and_counts_the_chosen_events_alone(
    site: PicturedSite, pack: dict[str, bytes]
) -> None:
    svg = ElementTree.fromstring(pack["charts/cleared-ground.svg"])
    words = "".join(svg.itertext())
    event = next(e for e in site.ledger.events(AREA) if e.event_id == f"ev-{AREA}-0")
    assert f"{round(event.area_m2, -2):,.0f} m² (between" in words
    assert len(svg.findall("{http://www.w3.org/2000/svg}circle")) >= 11, "a dot for each month"
    whole = made_charts(site, site.subject())
    assert {"charts/built-ground.svg", "charts/lines.svg", "charts/cleared-ground.svg"} <= set(whole)


def made_charts(site: PicturedSite, subject: PackSubject) -> dict[str, bytes]:
    files = media_files(subject, site.stores, sharing=Sharing.PUBLIC, language="en")
    return {file.path: file.content for file in files if file.path.startswith("charts/")}


def test_progress_is_told_scene_by_scene_and_file_by_file(site: PicturedSite, subject: PackSubject) -> None:
    told: list[tuple[str, int, int]] = []
    files = media_files(
        subject, site.stores, sharing=Sharing.RESTRICTED, language="en", progress=lambda *one: told.append(one)
    )
    first = next(files)
    reading = [one for one in told if one[0] == "reading images"]
    assert [done for _, done, _ in reading] == list(range(1, reading[0][2] + 1))
    assert told[len(reading)] == (first.path, 0, told[-1][2])
    assert next(files).path == told[-1][0]
    assert told[-1][1:] == (1, told[-1][2])


def test_without_ffmpeg_there_is_no_video_and_the_captions_say_so(pack: dict[str, bytes]) -> None:
    assert not [path for path in pack if path.endswith(".mp4")]
    assert "There is no MP4, because ffmpeg is not on this machine." in pack["captions.txt"].decode()


def test_where_ffmpeg_fails_the_rest_is_made_and_the_captions_say_why(
    site: PicturedSite, subject: PackSubject, pack: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text('#!/bin/sh\nfor last; do :; done\necho "$last: Unknown encoder" >&2\nexit 8\n')
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    failed = made(site, subject)
    assert list(failed) == list(pack)
    captions = failed["captions.txt"].decode()
    assert "because ffmpeg failed: `ffmpeg` ended with status 8: video.mp4: Unknown encoder." in captions


def test_a_video_is_the_same_bytes_when_it_is_made_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import imageio_ffmpeg

    (tmp_path / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(tmp_path))
    frames = [Image.new("RGB", (63, 41), (shade, 80, 40)) for shade in (20, 120, 220)]
    first, again = (encoding.mp4_bytes(frames, seconds=(0.8, 0.8, 3.0)) for _ in range(2))
    assert first == again
    assert first[4:8] == b"ftyp"
    (tmp_path / "video.mp4").write_bytes(first)
    count, seconds = imageio_ffmpeg.count_frames_and_secs(tmp_path / "video.mp4")
    assert count == 23
    assert seconds == pytest.approx(4.6)


def test_a_site_without_scenes_has_its_charts_and_says_what_is_missing(site: PicturedSite, tmp_path: Path) -> None:
    bare = PicturedSite(site.area, tmp_path, site.ledger)
    files = made(bare, site.subject(events=1))
    assert set(files) == {"charts/cleared-ground.svg", "charts/cleared-ground.png", "captions.txt"}
    captions = files["captions.txt"].decode()
    assert "there is no picture in colour" in captions
    assert "there is no radar picture" in captions
    assert "There is no timelapse" in captions


def test_nothing_measured_after_the_last_day_is_shown(site: PicturedSite) -> None:
    early = PackSubject(site.area, site.subject(events=1).events, FIRST, date(2025, 11, 9))
    files = media_files(early, site.stores, sharing=Sharing.RESTRICTED, language="en")
    radar = next(one for one in files if one.path.endswith("radar-after.tif"))
    with MemoryFile(radar.content) as file, file.open() as opened:
        days = [scene.split("_")[1][:8] for scene in opened.tags()["SCENES"].split()]
    assert max(days) <= "20251109"
