"""What is written on a picture: which day, which satellite, whose data; the same words for its frame and its tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from flows.records.ids import scene_name
from flows.reports.data.scene_stack import Album
from flows.reports.inputs import Chip
from flows.reports.words import Words

KINDS = {"": "true-colour", "false-nir": "false-colour", "false-swir": "false-colour", "radar": "radar"}
"""The names of files by the kind of a pair of pictures."""
MIDDLE_OF_MONTH = 15
HEADLINES = {"before": "publication.media_before", "after": "publication.media_after"}


@dataclass(frozen=True)
class Teller:
    """Words about pictures; a coarse one tells the month and the kind of satellite, and neither the day nor which.

    `platforms` is the satellite of each scene by its id, as `sentinel-2a`; empty where it is not known.
    """

    words: Words
    platforms: Mapping[str, str]
    is_coarse: bool
    is_simulated: bool

    def day(self, day: date) -> str:
        """Write a day, or its month."""
        return month_name(self.words, day) if self.is_coarse else self.words.day(day)

    def day_on_axis(self, day: date) -> date:
        """Give where a day is marked on a chart: on itself, or in the middle of its month."""
        return day.replace(day=MIDDLE_OF_MONTH) if self.is_coarse else day

    def satellite(self, chip: Chip) -> str:
        """Name the satellites that a picture was made from."""
        scenes = chip.recipe.scenes if chip.recipe is not None else (chip.scene_id,)
        known = sorted({self.platforms.get(scene, "") for scene in scenes} - {""})
        if self.is_coarse or not known:
            return self.words.sensor(chip.sensor)
        return self.words.listing([_platform_name(one) for one in known])

    def kind(self, chip: Chip) -> str:
        """Name the kind of a picture, with how many images it is the mean of."""
        if not chip.caption:
            return self.words("publication.media_true_colour")
        what = f"{self.words(f'picture.title_{chip.caption}')} ({self.words(f'picture.kind_{chip.caption}')})"
        return self.words.count("picture.averaged", chip.looks, what=what) if chip.looks > 1 else what

    def source(self, years: Iterable[int]) -> str:
        """Say whose data pictures and figures of these years are, or that they are simulated."""
        if self.is_simulated:
            return self.words("publication.media_simulated")
        said = [str(year) for year in sorted(set(years))]
        return self.words("reading.source", years=self.words.listing(said))

    def headline(self, chip: Chip, *, when: str) -> str:
        """Say when a picture is from and which satellite took it; `when` is ``before`` or ``after``."""
        return self.words(HEADLINES[when], day=self.day(chip.day), satellite=self.satellite(chip))


def years_of(chip: Chip) -> set[int]:
    """Read the years of all images that a picture was made from."""
    scenes = chip.recipe.scenes if chip.recipe is not None else ()
    return {day.year for scene in scenes if (day := scene_name(scene).day) is not None} or {chip.day.year}


def month_name(words: Words, day: date) -> str:
    """Write the month of a day with its year."""
    return words("publication.media_month", month=format_date(day, "MMMM", locale=words.lang), year=day.year)


def platforms_in(album: Album) -> dict[str, str]:
    """Read the satellite of each look of an album, by the id of its scene."""
    return {page.look.scene_id: page.look.platform for page in album.pages}


def _platform_name(platform: str) -> str:
    """``sentinel-2a`` as people write it."""
    return f"{platform[:-1].capitalize()}{platform[-1].upper()}" if platform[-1:].isalpha() else platform.capitalize()
