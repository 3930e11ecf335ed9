"""What is written on pictures, in letters that are there, and which months have a frame."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from babel.messages.pofile import read_po

from detectors.acquisition import Acquisition
from flows.publication.media.flat_drawing import Disc, FlatDrawing, Lettering, PenLine, points_of, to_image, to_svg
from flows.publication.media.frame_choice import MOST_FRAMES, frames_of, months_between
from flows.publication.media.lettering import FILES, fitting_size, font_of, wrapped
from flows.publication.media.picture_text import Teller, years_of
from flows.reports.data.scene_stack import Album, MaskedScene
from flows.reports.inputs import Chip, RenderSpec
from flows.reports.words import words_for
from flows.translations.catalogs import LANGUAGES, catalog_file

SHAPE = (20, 24)
GROUND = np.zeros(SHAPE, bool)
GROUND[8:12, 8:14] = True
PLATFORMS = {"sentinel-2_20261208T040000": "sentinel-2a"} | {
    f"sentinel-1_{day}T110000_r18": platform
    for day, platform in (("20251230", "sentinel-1c"), ("20260105", "sentinel-1a"), ("20260111", "sentinel-1c"))
}
SHOWN = ("publication.media", "picture", "chart", "growth", "series", "crowd", "change", "numbers", "dates", "reading")


def look(day: date, *, hidden: int = 0, on_ground: int = 0) -> MaskedScene:
    """A look with so many hidden pixels beside the ground that changed, and so many on it."""
    clear = np.ones(SHAPE, bool)
    clear.flat[:hidden] = False
    clear[tuple(np.argwhere(GROUND)[:on_ground].T)] = False
    pixels = np.full((4, *SHAPE), 0.1, np.float32)
    name = f"sentinel-2_{day:%Y%m%d}T040000"
    bands = ("blue", "green", "red", "nir")
    return MaskedScene(Acquisition(name, "sentinel-2", day, bands, pixels, np.ones(SHAPE, bool)), clear)


def days_of(*looks: MaskedScene) -> list[date]:
    chosen = frames_of(Album(tuple(looks)), GROUND, first=date(2026, 1, 1), until=date(2026, 12, 31))
    return [page.look.day for page in chosen]


def test_the_frame_of_a_month_shows_most_of_the_ground_then_of_the_picture_then_is_the_latest() -> None:
    looks = [
        look(date(2026, 1, 3), on_ground=1),
        look(date(2026, 1, 13), hidden=9),
        look(date(2026, 2, 2), hidden=5),
        look(date(2026, 2, 12)),
        look(date(2026, 3, 4)),
        look(date(2026, 3, 24)),
    ]
    assert days_of(*looks) == [date(2026, 1, 13), date(2026, 2, 12), date(2026, 3, 24)]


def test_a_month_in_which_cloud_hid_the_ground_has_no_frame() -> None:
    months = [look(date(2026, month, 9)) for month in (1, 2, 4)]
    assert days_of(*months, look(date(2026, 3, 9), on_ground=2)) == [date(2026, m, 9) for m in (1, 2, 4)]
    assert days_of(*months, look(date(2026, 3, 9), hidden=200)) == [date(2026, m, 9) for m in (1, 2, 4)]


def test_fewer_than_three_frames_are_no_timelapse_and_days_beyond_its_ends_are_left_out() -> None:
    assert days_of(look(date(2026, 1, 9)), look(date(2026, 2, 9)), look(date(2027, 1, 9))) == []


def test_a_long_timelapse_takes_every_other_month_and_the_last() -> None:
    looks = [look(date(2018 + n // 12, n % 12 + 1, 9)) for n in range(MOST_FRAMES + 3)]
    last = looks[-1].look.day
    chosen = frames_of(Album(tuple(looks)), GROUND, first=date(2018, 1, 1), until=last)
    assert chosen[-1].look.day == last
    assert len(chosen) == (MOST_FRAMES + 4) // 2
    assert months_between(date(2018, 1, 31), last) == MOST_FRAMES + 3


def teller(**given: bool) -> Teller:
    return Teller(words_for("en"), PLATFORMS, **{"is_coarse": False, "is_simulated": False, **given})


def chip(*scenes: str, sensor: str = "sentinel-2", caption: str = "") -> Chip:
    day = date.fromisoformat(scenes[-1].split("_")[1][:8])
    rgb = np.zeros((*SHAPE, 3), np.uint8)
    return Chip(day, scenes[-1], sensor, rgb, caption, looks=len(scenes), recipe=RenderSpec(scenes))


def test_a_picture_says_its_day_its_satellite_and_whose_data_it_is() -> None:
    optical = chip("sentinel-2_20261208T040000")
    assert teller().headline(optical, when="after") == "After: 8 December 2026, Sentinel-2A"
    assert teller().kind(optical) == "True colour"
    assert teller().source(years_of(optical)) == "Contains modified Copernicus Sentinel data 2026."
    radar = chip(*sorted(PLATFORMS)[:3], sensor="sentinel-1", caption="radar")
    assert teller().headline(radar, when="before") == "Before: 11 January 2026, Sentinel-1A and Sentinel-1C"
    assert teller().kind(radar) == "Sentinel-1 radar (VV and VH), mean of 3 images"
    assert teller().source(years_of(radar)) == "Contains modified Copernicus Sentinel data 2025 and 2026."


def test_a_simulated_picture_says_so_in_place_of_a_source() -> None:
    said = teller(is_simulated=True).source([2026])
    assert said == "Simulated: all of this is made up and shows no real place."


def test_a_coarse_picture_names_the_month_and_no_satellite() -> None:
    optical = chip("sentinel-2_20261208T040000")
    assert teller(is_coarse=True).headline(optical, when="after") == "After: December 2026, Sentinel-2"
    assert teller(is_coarse=True).day_on_axis(date(2026, 12, 8)) == date(2026, 12, 15), "no day can be read off a chart"
    assert teller().day_on_axis(date(2026, 12, 8)) == date(2026, 12, 8)
    unknown = replace(teller(), platforms={})
    assert unknown.headline(optical, when="after") == "After: 8 December 2026, Sentinel-2"


@pytest.mark.parametrize("language", [lang for lang in LANGUAGES if lang in ("en", "fr")])
@pytest.mark.parametrize("is_bold", sorted(FILES))
def test_every_letter_of_the_phrases_on_pictures_is_in_the_font(language: str, is_bold: bool) -> None:
    with catalog_file(language).open("rb") as file:
        messages = [m for m in read_po(file) if m.context and m.context.startswith(SHOWN)]
    texts = [t for m in messages for told in (m.id, m.string) for t in ([told] if isinstance(told, str) else told)]
    letters = set("".join(texts)) | set("éèêëàâçîïôùûüœŒÉÀÇ«»’ \u00a0\u202f−²°0123456789") - {"\n"}
    missing = bytes(font_of(40, is_bold=is_bold).getmask("\U0010fffe"))
    blank = {" ", "\u00a0", "\u202f"}
    assert len(letters) > 60
    assert [one for one in letters - blank if bytes(font_of(40, is_bold=is_bold).getmask(one)) == missing] == []
    assert all(font_of(40, is_bold=is_bold).getlength(one) < 20 for one in blank)


def test_a_long_sentence_is_broken_between_words_and_no_word_is_lost() -> None:
    text = "Mesuré par Sitewatch sur des images de Sentinel-1 et de Sentinel-2."
    lines = wrapped(text, 14, width=160)
    assert " ".join(lines) == text
    assert len(lines) > 2
    assert all(font_of(14).getlength(line) <= 160 for line in lines)


@pytest.mark.parametrize("scale", [1.2, 3])
def test_a_title_that_is_too_long_is_written_smaller(scale: float) -> None:
    title = "Terrain nouvellement bâti depuis le début de l’observation, m²"
    for width in (346, 384):
        size = fitting_size(title, 12, width=width, is_bold=True)
        assert size < 12
        assert font_of(round(size * scale), is_bold=True).getlength(title) <= width * scale
    assert fitting_size("m²", 12, width=346) == 12


def test_a_drawing_is_the_same_as_svg_and_as_pixels() -> None:
    marks = (
        PenLine(((10, 10), (90, 10)), "#ff0000", 4),
        PenLine(((10, 20), (90, 20)), "#00ff00", 4, (10, 10)),
        Disc((50, 40), 6, "#0000ff"),
        Lettering((10, 58), "1 & 2", 9),
    )
    drawing = FlatDrawing(100, 60, marks, "A <title>", "In words.")
    pixels = np.asarray(to_image(drawing, scale=2)).astype(int)
    assert tuple(pixels[20, 100]) == (255, 0, 0)
    assert tuple(pixels[40, 30]) == (0, 255, 0)
    assert tuple(pixels[40, 50]) == (255, 255, 255), "between two dashes"
    assert tuple(pixels[80, 100]) == (0, 0, 255)
    assert (pixels[98:118, 20:60].sum(axis=2) < 300).any(), "letters"
    svg = to_svg(drawing)
    assert "<title>A &lt;title&gt;</title>" in svg
    assert "1 &amp; 2" in svg
    assert 'stroke-dasharray="10 10"' in svg


def test_paths_of_the_report_are_read_point_by_point() -> None:
    assert points_of("M1 2L3 4.5M5 6h0") == [((1, 2), (3, 4.5)), ((5, 6), (5, 6))]
    assert points_of("M1 1h4v2h-4Z") == [((1, 1), (5, 1), (5, 3), (1, 3), (1, 1))]
    assert points_of("") == []
