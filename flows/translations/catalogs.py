"""Read the catalogs of gettext: the English source, and one file for each further language.

A phrase has a key (the context of its message, such as ``case.title``) and an English text (the id of its message): a
translator sees both. `pybabel update` marks a translation *fuzzy* when the English has changed. The English is shown
where a translation is fuzzy or missing.
"""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
DOMAIN = "messages"
SOURCE_LANGUAGE = "en"


def catalog_file(lang: str) -> Path:
    """Return the file that holds a language: the template for English, a translation for any other."""
    return FOLDER / f"{DOMAIN}.pot" if lang == SOURCE_LANGUAGE else FOLDER / lang / "LC_MESSAGES" / f"{DOMAIN}.po"


LANGUAGES = (SOURCE_LANGUAGE, *sorted(path.parents[1].name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))
"""The languages that there are catalogs for, English first."""


@cache
def english_messages() -> dict[str, Message]:
    """Read the English source: each message by its key."""
    with catalog_file(SOURCE_LANGUAGE).open("rb") as file:
        return {message.context: message for message in read_po(file) if message.id and message.context}


@cache
def translations_in(lang: str) -> NullTranslations:
    """Read and compile the translations of a language of `LANGUAGES`; those of English change nothing.

    They are compiled in memory when they are first used, so that no compiled file can be older than its source.
    """
    if lang == SOURCE_LANGUAGE:
        return NullTranslations()
    compiled = BytesIO()
    with catalog_file(lang).open("rb") as file:
        write_mo(compiled, read_po(file, locale=lang))
    compiled.seek(0)
    return GNUTranslations(compiled)
