"""Captions in plain text, in every language, with the careful words that belong to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from babel.lists import format_list

from flows.publication.pack_subject import PackFile
from flows.publication.told_subject import ToldEvent, ToldSubject
from flows.records.confidence import word_of
from flows.reports.words import Words, printable, words_for
from flows.translations.phrases import LIST_LOCALES

CAPTION_LANGUAGES = ("en", "fr")


def caption_files(subjects: Sequence[ToldSubject]) -> Iterator[PackFile]:
    """Make a caption in each language: what was seen, how sure that is, what else it could be, and whose data it is."""
    for lang in CAPTION_LANGUAGES:
        text = "\n\n".join(_caption(subjects, words_for(lang))) + "\n"
        yield PackFile(f"caption.{lang}.txt", text.encode())


def event_sentence(words: Words, event: ToldEvent) -> str:
    """Say in one sentence what was seen and when."""
    return words(
        f"pack.event_{event.state}",
        change=words(f"change.{event.change}"),
        kind=words(f"kind.{event.kind}"),
        first=event.first_seen.said(words),
        confirmed="" if event.confirmed_on is None else event.confirmed_on.said(words),
    )


def event_size(words: Words, event: ToldEvent) -> str:
    """Write the size of an event with its interval: the ground, and before it the length of a line."""
    ground = words(
        "pack.size",
        area=words.ground(event.area_m2),
        low=words.ground(event.area_m2_low),
        high=words.ground(event.area_m2_high),
    )
    return ground if event.length_m is None else words("pack.line", length=words.length(event.length_m), size=ground)


def cautions(words: Words, subjects: Sequence[ToldSubject]) -> list[str]:
    """List the sentences that every text of a pack ends with: what it does not say, and what else it could be."""
    changes = dict.fromkeys(event.change for one in subjects for event in one.events)
    said = [words("pack.care_pattern"), words("pack.care_silence")]
    for change in changes:
        others = format_list(words.items(f"else.{change}"), style="or", locale=LIST_LOCALES.get(words.lang, words.lang))
        said.append(words("pack.care_else", change=words(f"change.{change}"), others=others))
    return said


def credit(words: Words, subjects: Sequence[ToldSubject]) -> str:
    """Say whose data the pack rests on, as their licence asks, or that everything in it is made up."""
    if any(one.is_simulated for one in subjects):
        return f"{words('pack.simulated')} {words('simulated.text')}"
    years = {day.day.year for one in subjects for day in (one.first, one.until)}
    first, last = min(years), max(years)
    return words("pack.credit", years=str(first) if first == last else f"{first}–{last}")


def _caption(subjects: Sequence[ToldSubject], words: Words) -> Iterator[str]:
    for one in subjects:
        yield words("pack.heading", place=printable(one.place), span=one.span(words))
        for event in one.events:
            confidence = words("pack.confidence", word=words(f"confidence.{word_of(event.confidence)}"))
            said = f"{event_sentence(words, event)} {event_size(words, event)} {confidence}"
            yield f"{words('pack.label', label=event.label)} {said}"
    yield "\n".join(cautions(words, subjects))
    yield credit(words, subjects)
