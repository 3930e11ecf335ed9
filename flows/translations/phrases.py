"""Phrases of one language by their keys, filled with values that are written as that language writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal

from flows.translations.catalogs import LANGUAGES, MESSAGE_LANGUAGES, english_messages, translations_in

LIST_LOCALES = {"en": "en_GB"}  # British English writes "a, b and c", American English a comma more


class PhraseError(LookupError):
    """A language without a catalog, or a key without a phrase."""


@dataclass(frozen=True)
class Phrases:
    """The phrases of one language.

    A phrase has places for values, ``%(name)s``, and writes a per cent sign twice. A key that ends in ``.zero`` says
    what stands for no thing at all, and keys that end in ``.1``, ``.2`` … are the items of a list.
    """

    lang: str

    def __post_init__(self) -> None:
        """Raise `PhraseError` when there is no catalog of the language."""
        if self.lang not in MESSAGE_LANGUAGES:
            raise PhraseError(f"language `{self.lang}` has no catalog; use one of {', '.join(MESSAGE_LANGUAGES)}")

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the phrase of a key, filled in; raises `PhraseError` when there is none."""
        return self.template(key) % values

    def template(self, key: str) -> str:
        """Return the phrase of a key with its places open; raises `PhraseError` when there is none."""
        return translations_in(self.lang).pgettext(key, _english(key)[0])

    def has(self, key: str) -> bool:
        """Return whether a key has a phrase."""
        return key in english_messages()

    def count(self, key: str, number: int, /, **values: object) -> str:
        """Return the phrase in the form that suits a number, with the number as ``%(n)s``."""
        if number == 0 and self.has(f"{key}.zero"):
            return self(f"{key}.zero", n=self.number(0), **values)
        form = translations_in(self.lang).npgettext(key, *_english(key), int(number))
        return form % {"n": self.number(number), **values}

    def items(self, key: str) -> list[str]:
        """Return the phrases of a numbered list, in order."""
        numbered = (f"{key}.{number}" for number in range(1, len(english_messages()) + 1))
        found = []
        for each in numbered:
            if not self.has(each):
                break
            found.append(self(each))
        return found

    def section(self, name: str) -> dict[str, str]:
        """Return the phrases of a section by their names in it, for scripts of a page."""
        start = f"{name}."
        return {key.removeprefix(start): self(key) for key in english_messages() if key.startswith(start)}

    def number(self, value: float, decimals: int = 0) -> str:
        """Write a number with this language's separators and a true minus sign."""
        rounded = Decimal(f"{value:.{decimals}f}")  # rounded as everywhere else in Python, then written by Babel
        pattern = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
        return format_decimal(rounded, format=pattern, locale=self.lang).replace("-", "−")

    def day(self, day: date) -> str:
        """Write a date as people read it; Babel alone knows how in a language of messages alone."""
        if self.lang not in LANGUAGES:
            return format_date(day, "long", locale=self.lang)
        month = format_date(day, "MMMM", locale=self.lang)
        return self("dates.day", day=self.day_of_month(day), month=month, year=day.year)

    def day_of_month(self, day: date) -> str:
        """Write the number of a day in its month; French writes the first one in another way."""
        return self("dates.first") if day.day == 1 else str(day.day)

    def listing(self, items: Sequence[str]) -> str:
        """Write items as a sentence lists them: a, b and c."""
        return format_list(items, locale=LIST_LOCALES.get(self.lang, self.lang)) if items else ""


def _english(key: str) -> tuple[str, str]:
    """The English text of a key in its singular and its plural form, which are one where it counts nothing."""
    try:
        text = english_messages()[key].id
    except KeyError:
        raise PhraseError(f"there is no phrase `{key}`; add it to flows/translations/messages.pot") from None
    return (text, text) if isinstance(text, str) else (str(text[0]), str(text[1]))
