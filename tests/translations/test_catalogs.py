"""The catalogs of gettext: every language says what English says, and no phrase is there that nobody asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.pofile import read_po, write_po

import flows
from flows.translations.catalogs import FOLDER, LANGUAGES, catalog_file
from flows.translations.phrases import PhraseError, Phrases

PLACE = re.compile(r"%\((\w+)\)s")
TRANSLATED = [lang for lang in LANGUAGES if lang != "en"]
ROOM = Path(flows.__file__).parent


def read(lang: str) -> Catalog:
    with catalog_file(lang).open("rb") as file:
        return read_po(file, locale=None if lang == "en" else lang)


def messages(lang: str) -> dict[str, Message]:
    return {message.context or "": message for message in read(lang) if message.id}


def texts(told: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (told,) if isinstance(told, str) else tuple(told)


def places(told: str | list[str] | tuple[str, ...]) -> set[str]:
    """The places of all forms together: a form may leave one out, as "this week only" leaves out the number."""
    return {name for text in texts(told) for name in PLACE.findall(text)}


def test_english_and_french_are_there() -> None:
    assert LANGUAGES[0] == "en"
    assert "fr" in LANGUAGES


@pytest.mark.parametrize("lang", TRANSLATED)
def test_a_language_translates_every_phrase_of_today(lang: str) -> None:
    """No phrase is missing, none is more than there is, and none was translated from an older English text."""
    english, translated = messages("en"), messages(lang)
    assert list(translated) == list(english)
    assert [key for key in english if english[key].id != translated[key].id] == []
    assert [key for key, message in translated.items() if message.fuzzy] == []
    assert not read(lang).obsolete
    assert [key for key, message in translated.items() if not all(texts(message.string))] == []


@pytest.mark.parametrize("lang", TRANSLATED)
def test_a_translation_has_the_places_of_the_english_phrase(lang: str) -> None:
    catalog = read(lang)
    wrong = [message.context for message in catalog if message.id and places(message.id) != places(message.string)]
    assert wrong == []
    assert [(message.context, str(error)) for message, errors in catalog.check() for error in errors] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_phrase_can_be_filled_in(lang: str) -> None:
    """A lone per cent sign would end a page in an error."""
    phrases = Phrases(lang)
    for key, message in messages("en").items():
        values = dict.fromkeys(places(message.id), "filled")
        told = [phrases(key, **values)]
        if not isinstance(message.id, str):
            values.pop("n", None)
            told = [phrases.count(key, number, **values) for number in (0, 1, 2, 1_000)]
        assert not [text for text in told if "%(" in text or "%%" in text], key


def test_french_puts_no_plain_space_before_a_mark() -> None:
    """Those of messages are plain text, and have plain spaces."""
    shown = [message for key, message in messages("fr").items() if not key.startswith("alerts.")]
    wrong = [text for message in shown for text in texts(message.string) if re.search(r"\w [:;?!»]|« ", text)]
    assert wrong == []


@pytest.mark.parametrize("room", ["reports", "desk", "alerts"])
def test_every_phrase_is_asked_for_somewhere(room: str) -> None:
    """A key that is built at run time counts by its beginning: ``"state." ~ name``, ``f"headline.{name}"``."""
    readers = [ROOM / room]
    if room == "reports":
        readers = [ROOM / name for name in ("translations", "reports", "desk", "publication")]
    sources = [path for reader in readers for path in reader.rglob("*") if path.suffix in (".py", ".html", ".js")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    asked = set(re.findall(r"""["'](?:desk\.|alerts\.)?([a-z_]+(?:\.[a-z_]+)*)["']""", text))
    asked |= {f"script.{name}" for name in re.findall(r"text\.([a-z_]+)", text)}
    built = re.findall(r"""["'](?:desk\.|alerts\.)?([a-z_]+\.[a-z_]*)(?:["'] ~|\{)""", text)
    built += [f"{group}_explained." for group in ("state", "change", "kind")] if room == "reports" else []
    built += ["steps.ordinals.", *(f"{name}s." for name in ("state", "kind", "change"))] if room == "alerts" else []
    own: dict[str, list[str]] = {room_of(key): [] for key in messages("en")}
    for key in messages("en"):
        own[room_of(key)].append(key.removeprefix(f"{room}.").removesuffix(".zero"))
    assert [key for key in own[room] if key not in asked and not key.startswith(tuple(built))] == []


def room_of(key: str) -> str:
    return key.partition(".")[0] if key.startswith(("desk.", "alerts.")) else "reports"


def test_a_further_language_is_one_file(tmp_path: Path) -> None:
    """What is not translated in it yet is shown in English."""
    shutil.copytree(FOLDER, tmp_path / "flows" / "translations")
    (tmp_path / "flows" / "__init__.py").touch()
    folder = tmp_path / "flows" / "translations"
    template = folder / "messages.pot"
    command = ["pybabel", "-q", "init", "-l", "es", "-i", str(template), "-d", str(folder)]
    assert not CommandLineInterface().run(command)
    path = folder / "es" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        catalog = read_po(file, locale="es")
    catalog.get("Week %(number)s of %(year)s", context="page.heading").string = "Semana %(number)s de %(year)s"
    with path.open("wb") as file:
        write_po(file, catalog)
    program = (
        "from datetime import date; from flows.translations.phrases import Phrases; es = Phrases('es');"
        "print(es('page.heading', number=48, year=2026)); print(es('page.skip')); print(es.number(1234567.5, 1));"
        "print(es.listing(['a', 'b', 'c']))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["Semana 48 de 2026", "Go to the report", "1.234.567,5", "a, b y c"]


def test_what_is_missing_is_named() -> None:
    with pytest.raises(PhraseError, match=r"no phrase `no\.such\.key`"):
        Phrases("en").count("no.such.key", 2)
    with pytest.raises(PhraseError, match="language `xx` has no catalog; use one of en, fr"):
        Phrases("xx")
