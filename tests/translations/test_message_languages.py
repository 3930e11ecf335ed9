"""Languages of messages alone: every sentence is there, in the right script, and says that nobody has reviewed it."""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from flows.translations.catalogs import (
    LANGUAGES,
    MESSAGE_LANGUAGES,
    MESSAGE_SECTIONS,
    compiled,
    english_messages,
    message_catalog,
    reviewer_of,
)
from flows.translations.phrases import Phrases

PLACE = re.compile(r"%\((\w+)\)s")
ALONE = [lang for lang in MESSAGE_LANGUAGES if lang not in LANGUAGES]
SCRIPTS = {"km": "KHMER", "th": "THAI", "vi": "LATIN", "zh": "CJK", "id": "LATIN"}
TRADITIONAL = set(
    "個們這來說時為國對開關門間問題點發現區變從後幾務應該還沒無與將報紙錄號級處條圍欄築觀測證據確認續譯審訊"
)
"""Characters that simplified Chinese writes otherwise."""
VIETNAMESE = set("ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹàáãèéìíĩòóõùúũý")


def read(lang: str) -> Catalog:
    with message_catalog(lang).open("rb") as file:
        return read_po(file, locale=lang)


def texts(told: object) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) else tuple(told or ())  # type: ignore[arg-type]


def words_of(lang: str) -> str:
    """All that a language says, without places and names."""
    found = " ".join(text for message in read(lang) if message.id for text in texts(message.string))
    return re.sub(r"Sitewatch|m²", "", PLACE.sub("", found))


def test_five_languages_are_of_messages_alone_and_no_page_speaks_them() -> None:
    assert sorted(ALONE) == sorted(SCRIPTS)
    assert LANGUAGES == ("en", "fr")


@pytest.mark.parametrize("lang", ALONE)
def test_every_sentence_of_messages_is_there_with_its_places_and_none_is_fuzzy(lang: str) -> None:
    english = {key: m for key, m in english_messages().items() if key.startswith(MESSAGE_SECTIONS)}
    catalog = read(lang)
    told = {message.context or "": message for message in catalog if message.id}
    assert list(told) == list(english)
    assert [key for key in english if english[key].id != told[key].id] == []
    assert [key for key, message in told.items() if message.fuzzy or not all(texts(message.string))] == []
    assert not catalog.obsolete
    for key, message in told.items():
        wanted = {name for text in texts(message.id) for name in PLACE.findall(text)}
        assert {name for text in texts(message.string) for name in PLACE.findall(text)} == wanted, key
    assert [(message.context, str(error)) for message, errors in catalog.check() for error in errors] == []


@pytest.mark.parametrize("lang", ALONE)
def test_every_sentence_can_be_filled_in(lang: str) -> None:
    phrases = Phrases(lang)
    for key, message in english_messages().items():
        if key.startswith(MESSAGE_SECTIONS):
            values = dict.fromkeys({name for text in texts(message.id) for name in PLACE.findall(text)}, "filled")
            told = phrases(key, **values)
            if not isinstance(message.id, str):
                values.pop("n", None)
                told = phrases.count(key, 3, **values)
            assert told
            assert "%(" not in told, key
            assert "%%" not in told, key


@pytest.mark.parametrize("lang", ALONE)
def test_letters_are_of_the_script_of_the_language(lang: str) -> None:
    letters = [letter for letter in words_of(lang) if letter.isalpha()]
    other = {letter for letter in letters if not unicodedata.name(letter).startswith(SCRIPTS[lang])}
    assert other == set()
    assert len(letters) > 600


def test_chinese_is_simplified_and_vietnamese_and_indonesian_are_not_mixed_up() -> None:
    assert set(words_of("zh")) & TRADITIONAL == set()
    assert len(set(words_of("vi").lower()) & VIETNAMESE) > 30
    assert words_of("id").isascii()


@pytest.mark.parametrize(
    ("lang", "day"),
    [
        ("km", "3 វិច្ឆិកា 2026"),
        ("th", "3 พฤศจิกายน ค.ศ. 2026"),
        ("vi", "3 tháng 11, 2026"),
        ("zh", "2026年11月3日"),
        ("id", "3 November 2026"),
    ],
)
def test_days_are_written_by_babel(lang: str, day: str) -> None:
    assert Phrases(lang).day(date(2026, 11, 3)) == day


def test_what_is_not_translated_is_said_in_english_and_never_left_empty() -> None:
    catalog = Catalog(locale="km")
    catalog.add("first seen %(day)s", "", context="alerts.body.first")
    catalog.add(("%(n)s alert", "%(n)s alerts"), ("",), context="alerts.count.alert")
    catalog.add("no alert", "គ្មានការជូនដំណឹង", context="alerts.title.none")
    told = compiled(catalog)
    assert told.pgettext("alerts.body.first", "first seen %(day)s") == "first seen %(day)s"
    assert told.npgettext("alerts.count.alert", "%(n)s alert", "%(n)s alerts", 2) == "%(n)s alerts"
    assert told.pgettext("alerts.title.none", "no alert") == "គ្មានការជូនដំណឹង"
    assert Phrases("km")("page.skip") == "Go to the report", "a phrase of pages"


@pytest.mark.parametrize("lang", ALONE)
def test_nobody_has_signed_off_a_language_yet(lang: str) -> None:
    """Who signs one off takes it out of here, and writes the name into the header of its catalog."""
    assert reviewer_of(lang) == ""
