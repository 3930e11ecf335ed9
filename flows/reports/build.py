"""Write a week's report as one self-contained file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import CodeType

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from flows.reports import accountability, charts, sketch
from flows.reports.captions import captions_in
from flows.reports.files import edition_folder, replace_file
from flows.reports.inputs import Edition, ReportInputs
from flows.reports.report_page import ReportPage, page_of
from flows.reports.week_summary import headline
from flows.reports.words import Words, brief, printable, words_for
from flows.translations.catalogs import LANGUAGES

TEMPLATES = Path(__file__).parent / "templates"
MAIN_LANGUAGE = "en"


class _Compiled(BytecodeCache):
    """Templates compiled once in a process, whatever the language: that takes longer than a page."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


def build_report(inputs: ReportInputs, folder: Path, *, lang: str = MAIN_LANGUAGE) -> Path:
    """The week's page in one language lies in `folder`; its path. In all else like `build_reports`."""
    return build_reports(inputs, folder, languages=(lang,))[0]


def build_reports(inputs: ReportInputs, folder: Path, *, languages: Sequence[str]) -> tuple[Path, ...]:
    """The week's pages lie in `folder` as ``index.html`` (``index.<lang>.html`` in another language); their paths.

    Restricted pages are ``restricted.html`` (``restricted.<lang>.html``). All are readable by their owner only, but for
    those of the public edition, which everybody may read and which bear the time of the week's end. Each links
    to those of the other languages that are there. A file is replaced in one step, and left untouched when nothing in
    it would change. The same inputs give the same bytes. Raises `ReportError` when an event lacks its properties or a
    language has no catalog.
    """
    catalogs = [words_for(lang) for lang in languages]
    page = page_of(inputs)
    names = {lang: page_name(lang, is_restricted=inputs.is_restricted) for lang in LANGUAGES}
    beside = [lang for lang, name in names.items() if lang in languages or (folder / name).exists()]
    texts = [render(page, words, {lang: names[lang] for lang in beside if lang != words.lang}) for words in catalogs]
    at = inputs.week.end if inputs.edition is Edition.PUBLIC else None
    edition_folder(folder, inputs.edition)
    for lang, text in zip(languages, texts, strict=True):
        replace_file(folder / names[lang], text.encode("utf-8"), edition=inputs.edition, at=at)
    return tuple(folder / names[lang] for lang in languages)


def page_name(lang: str, *, is_restricted: bool = False) -> str:
    """The name of the page's file in a language."""
    stem = "restricted" if is_restricted else "index"
    return f"{stem}.html" if lang == MAIN_LANGUAGE else f"{stem}.{lang}.html"


def render(page: ReportPage, words: Words, beside: Mapping[str, str]) -> str:
    """The page as HTML, with links to the files of other languages `beside` it."""
    environment = environment_of(words)
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return environment.get_template("report.html").render(
        page=page,
        contradicted=page.contradicted,
        languages=[(lang, words_for(lang)("page.language"), file) for lang, file in beside.items()],
        headline=headline(page.tally, page.week, words, restricted=page.crowd.watched if page.crowd else 0),
        script=Markup(script),  # our own files, whose digests the page's policy names: nothing else runs or styles
        script_hash=csp_hash(script),
        style=Markup(style),
        style_hash=csp_hash(style),
    )


def environment_of(words: Words, *folders: Path, part: str = "h5") -> Environment:
    """Templates of this room and of other folders, with the words, captions and filters that this room's ask for.

    `part` is the heading over each part of a case, which has to suit those around it. Free text is escaped and made
    printable, whatever template shows it.
    """
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, *folders]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_COMPILED,
        extensions=["jinja2.ext.i18n"],
    )
    # `_` gives plain text, which is escaped and made printable like any other, with the values that fill it.
    environment.install_gettext_callables(gettext=words, ngettext=words.count, newstyle=False)  # type: ignore[attr-defined]
    environment.filters["brief"] = brief
    environment.globals.update(
        captions_in(words),
        w=words,
        part=part,
        frame=charts,
        sketch=sketch,
        limits=accountability,
    )
    return environment


def csp_hash(script: str) -> str:
    """Name a script as the Content-Security-Policy does, by its SHA-256."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _printable(value: object) -> object:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
