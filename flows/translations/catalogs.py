"""Read the catalogs of gettext: the English source, and one file for each further language.

A language may have a catalog of messages alone; pages do not speak it.

A phrase has a key (the context of its message, such as ``case.title``) and an English text (the id of its message): a
translator sees both. `pybabel update` marks a translation *fuzzy* when the English has changed. The English is shown
where a translation is fuzzy or missing.
"""

from __future__ import annotations

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent
DOMAIN = "messages"
MESSAGES_ALONE = "alerts"
"""The domain of catalogs that hold the phrases of messages and no others."""
MESSAGE_SECTIONS = ("alerts.", "confidence.")
"""How the keys of phrases begin that messages say."""
SOURCE_LANGUAGE = "en"
REVIEWER = re.compile(r'^"X-Reviewed-By: *(.*?) *\\n"$', re.MULTILINE)


def catalog_file(lang: str) -> Path:
    """Return the file that holds a language: the template for English, a translation for any other."""
    return FOLDER / f"{DOMAIN}.pot" if lang == SOURCE_LANGUAGE else FOLDER / lang / "LC_MESSAGES" / f"{DOMAIN}.po"


def message_catalog(lang: str) -> Path:
    """Return the file that holds the messages of a language which pages do not speak."""
    return FOLDER / lang / "LC_MESSAGES" / f"{MESSAGES_ALONE}.po"


LANGUAGES = (SOURCE_LANGUAGE, *sorted(path.parents[1].name for path in FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")))
"""The languages of pages and messages, English first."""
MESSAGE_LANGUAGES = (
    *LANGUAGES,
    *sorted({path.parents[1].name for path in FOLDER.glob(f"*/LC_MESSAGES/{MESSAGES_ALONE}.po")} - set(LANGUAGES)),
)
"""The languages of messages: those of pages, then those that have a catalog of messages alone."""


@cache
def english_messages() -> dict[str, Message]:
    """Read the English source: each message by its key."""
    with catalog_file(SOURCE_LANGUAGE).open("rb") as file:
        return {message.context: message for message in read_po(file) if message.id and message.context}


@cache
def translations_in(lang: str) -> NullTranslations:
    """Read and compile the translations of a language of `MESSAGE_LANGUAGES`; those of English change nothing.

    They are compiled in memory when they are first used, so that no compiled file can be older than its source.
    """
    if lang == SOURCE_LANGUAGE:
        return NullTranslations()
    with (catalog_file(lang) if lang in LANGUAGES else message_catalog(lang)).open("rb") as file:
        return compiled(read_po(file, locale=lang))


def compiled(catalog: Catalog) -> GNUTranslations:
    """Compile a catalog without the phrases that have an empty form: the English is shown for those."""
    for message in list(catalog):
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))
        if message.id and not all(forms):
            catalog.delete(message.id, message.context)
    held = BytesIO()
    write_mo(held, catalog)
    held.seek(0)
    return GNUTranslations(held)


@cache
def reviewer_of(lang: str) -> str:
    """Return which native speaker signed off the messages of a language that pages do not speak; empty for nobody.

    The header ``X-Reviewed-By`` of its catalog says so.
    """
    found = REVIEWER.search(message_catalog(lang).read_text(encoding="utf-8"))
    return found[1] if found else ""
