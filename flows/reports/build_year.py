"""Write the page of a year as one self-contained file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from markupsafe import Markup

from flows.reports.build import TEMPLATES, csp_hash, environment_of, page_name
from flows.reports.files import edition_folder, replace_file
from flows.reports.inputs import Edition
from flows.reports.words import Words, words_for
from flows.reports.year_inputs import YearInputs
from flows.reports.year_page import YearPage, answers_text, year_headline, year_page_of
from flows.translations.catalogs import LANGUAGES


def build_year(inputs: YearInputs, folder: Path, *, languages: Sequence[str]) -> tuple[Path, ...]:
    """Write the year's pages to a folder, with the rights of their edition; return their paths.

    They are named, linked and replaced as those of a week. The same inputs give the same bytes. A print of a page that
    changes is deleted, as it may show what was withdrawn since.
    """
    page = year_page_of(inputs)
    beside = [lang for lang in LANGUAGES if lang in languages or (folder / page_name(lang)).exists()]
    at = inputs.until.end if inputs.edition is Edition.PUBLIC else None
    edition_folder(folder, inputs.edition)
    for lang in languages:
        path = folder / page_name(lang)
        content = _render(page, words_for(lang), {one: page_name(one) for one in beside if one != lang}).encode()
        if not path.is_file() or path.read_bytes() != content:
            path.with_suffix(".pdf").unlink(missing_ok=True)
        replace_file(path, content, edition=inputs.edition, at=at)
    return tuple(folder / page_name(lang) for lang in languages)


def _render(page: YearPage, words: Words, beside: Mapping[str, str]) -> str:
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    template = environment_of(words).get_template("year.html")
    return template.render(
        page=page,
        answers_text=partial(answers_text, words),
        languages=[(lang, words_for(lang)("page.language"), file) for lang, file in beside.items()],
        headline=year_headline(page, words),
        style=Markup(style),  # our own file, whose digest the page's policy names: nothing else styles
        style_hash=csp_hash(style),
    )
