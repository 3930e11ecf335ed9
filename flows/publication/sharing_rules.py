"""What may leave the house, and what a careful reader can still learn from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from aois.week import week_of
from flows.publication.errors import PublicationError
from flows.publication.pack_subject import PackSubject
from flows.publication.told_subject import ToldSubject
from flows.reports.data.releases import read_releases
from flows.reports.edition import may_be_shown
from flows.reports.words import Words

MOST_NAMES = 5


def check_public(subjects: Sequence[PackSubject], outputs: Path) -> None:
    """Refuse a public pack of a place that is neither public nor released by its owner for the pack's last week.

    Raises
    ------
    PublicationError
        With the place, and how its owner releases it.
    SettingsError
        When the file of releases cannot be read.
    """
    releases = read_releases(outputs)
    for subject in subjects:
        week = week_of(subject.until)
        if not may_be_shown(subject.area, releases.in_week(week)):
            raise PublicationError(
                f"area `{subject.area.id}` is restricted, so nothing about it alone may become public; its owner may "
                f"release it with `sitewatch report --week {week} --public-pictures {subject.area.id}`, or call it "
                "public in the watch list; without that, make a restricted pack with --restricted"
            )


def what_readers_learn(
    subjects: Sequence[PackSubject], told: Sequence[ToldSubject], words: Words, outputs: Path
) -> tuple[str, tuple[str, ...]]:
    """List what a careful reader can still learn from a public pack, a sentence each, below a title.

    Parameters
    ----------
    subjects
        The places of the pack.
    told
        What its texts tell of them.
    words
        The language.
    outputs
        Where it is kept which pictures the owner released.
    """
    names = [one.place for one in told]
    shown = words.listing(names if len(names) <= MOST_NAMES else [*names[:MOST_NAMES], "…"])
    are_months = all(one.until.is_month for one in told)
    releases = read_releases(outputs)
    found = [
        words.count("pack.learns_places", len(names), names=shown),
        words("pack.learns_months" if are_months else "pack.learns_days"),
        words("pack.learns_sizes"),
    ]
    if any(one.area.id in releases.in_week(week_of(one.until)) for one in subjects):
        found.append(words("pack.learns_pictures"))
    if len(names) > 1:
        found.append(words("pack.learns_together"))
    return words("pack.learns_title"), (*found, words("pack.learns_copies"))
