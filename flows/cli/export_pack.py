"""The command `sitewatch export pack`: what was found, as a pack for people outside."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flows.cli.options import OutputsOption, console, day_of, existing_ledger, record_settings
from flows.config.settings import SettingsError
from flows.evidence.manifests import signing_key
from flows.pipeline.sources import open_archive
from flows.printable import printable
from flows.publication.pack import PackOrder, make_pack
from flows.publication.pack_choice import PackChoice, read_selection, subjects_of
from flows.publication.pack_stores import pack_stores
from flows.publication.pack_subject import Progress as TellProgress
from flows.publication.pack_subject import Sharing
from flows.publication.pack_writing import check_target
from flows.publication.proof.index_signature import sign_index
from flows.publication.sharing_rules import check_public, what_readers_learn
from flows.reports.words import words_for


def pack(
    target: Annotated[Path, typer.Argument(metavar="FOLDER_OR_ZIP", help="A folder, or a file that ends in .zip.")],
    event: Annotated[Optional[str], typer.Option("--event", help="Show this event (ev-… or ref-…).")] = None,  # noqa: UP045
    alert: Annotated[Optional[str], typer.Option("--alert", help="Show this alert (al-… or ref-…).")] = None,  # noqa: UP045
    area: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--area", help="Show all events of this area that were not found to be wrong."),
    ] = None,
    since: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--since", metavar="YYYY-MM-DD", help="With --area: events first seen from this day on."),
    ] = None,
    until: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--until", metavar="YYYY-MM-DD", help="With --area: events first seen up to this day."),
    ] = None,
    selection: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option("--selection", help="Show these: ids, or a file of ids, one a line. May be repeated."),
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="For everybody: no position and no id; only of public or released areas.")
    ] = False,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="Only for people who may know where the places lie.")
    ] = False,
    lang: Annotated[str, typer.Option("--lang", help="Language of page and README; captions are in both.")] = "en",
    coarse_dates: Annotated[
        bool, typer.Option("--coarse-dates", help="With --public: tell months instead of days.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --public: do not ask before the pack is written.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """Write a publication pack: pictures, page, table and captions of events, for everybody or restricted."""
    if public == restricted:
        raise SettingsError("say for whom the pack is: --public (everybody may see it) or --restricted; exactly one")
    if coarse_dates and restricted:
        raise SettingsError(
            "--coarse-dates belongs to --public: the table, pictures and proof of a restricted pack tell days anyway"
        )
    sharing = Sharing.PUBLIC if public else Sharing.RESTRICTED
    words_for(lang)
    check_target(target)
    ids = read_selection(selection) if selection else ()
    choice = PackChoice(event, alert, area, day_of(since, "--since"), day_of(until, "--until"), ids)
    settings = record_settings(outputs)
    with existing_ledger(settings) as ledger:
        order = PackOrder(subjects_of(choice, ledger), sharing, lang, coarse_dates)
        stores = pack_stores(settings.outputs, ledger, open_archive(settings), order.subjects)
        if public:
            check_public(order.subjects, settings.outputs)
            _ask(order, settings.outputs, is_agreed=yes)
        key = signing_key(settings.signing_key)
        sign = None if key is None else partial(sign_index, key=key)
        with _progress() as progress:
            missing = make_pack(order, stores, target, progress=progress, sign=sign)
        for subject in order.subjects:
            ids_told = " ".join(one.event_id for one in subject.events)
            ledger.accounts.note(
                f"{sharing}-pack", by=None, subject=subject.area.id, detail=ids_told, at=datetime.now(UTC)
            )
    for one in missing:
        console.print(f"not made: {one.what}: {printable(one.why)}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Pack ({sharing}): {target}", markup=False, highlight=False, soft_wrap=True)
    console.print(words_for(lang)(f"pack.for_{sharing}"), markup=False, highlight=False)


def _ask(order: PackOrder, outputs: Path, *, is_agreed: bool) -> None:
    """Say what a careful reader could still learn from a public pack, and go on only if the person agrees."""
    title, learned = what_readers_learn(order.subjects, order.told, words_for(order.language), outputs)
    console.print(title, markup=False, highlight=False)
    for sentence in learned:
        console.print(f"- {printable(sentence, longest=600)}", markup=False, highlight=False, soft_wrap=True)
    if is_agreed:
        return
    if not is_terminal():
        raise SettingsError("there is no terminal to ask on; add --yes if everybody may see the pack")
    typer.confirm("Make it?", abort=True)


def is_terminal() -> bool:
    """Tell whether there is somebody to ask."""
    return sys.stdin.isatty()


@contextmanager
def _progress() -> Iterator[TellProgress]:
    """A line on standard error that says what is being made; nothing where there is no terminal."""
    terminal = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal) as shown:
        line = shown.add_task("", total=1)

        def tell(what: str, done: int, total: int) -> None:
            shown.update(line, description=printable(what), completed=done, total=max(total, 1))

        yield tell
