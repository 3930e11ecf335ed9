"""A publication pack: everything about some events that leaves the house together, public or restricted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from aois.errors import UserError
from flows.publication.caption_files import caption_files
from flows.publication.formats.format_files import format_files
from flows.publication.media.media_files import media_files
from flows.publication.pack_index import Missing, index_file, readme_file
from flows.publication.pack_subject import PackFile, PackStores, PackSubject, Progress, Sharing
from flows.publication.pack_writing import pack_at, put
from flows.publication.page_file import PageWork, page_file
from flows.publication.proof.proof_files import proof_files, public_proof_files
from flows.publication.public_gate import check_leaves, secrets_of
from flows.publication.sharing_rules import check_public
from flows.publication.table_file import public_table, restricted_table
from flows.publication.told_subject import ToldSubject, told_subjects

SHOWN = (".png", ".tif")
"""Files of places that other makers show again."""
WITHHELD = "the reason is told to the person who made the pack"


@dataclass(frozen=True)
class PackOrder:
    """What is asked for: the places, for whom, in which language, and whether only months are told."""

    subjects: tuple[PackSubject, ...]
    sharing: Sharing
    language: str = "en"
    coarse_dates: bool = False

    @property
    def told(self) -> tuple[ToldSubject, ...]:
        """What texts may tell of the places."""
        return told_subjects(self.subjects, sharing=self.sharing, coarse_dates=self.coarse_dates)


@dataclass(frozen=True, kw_only=True)
class PublicWork:
    """What a maker of a public pack is given: nothing in it has a field for a position, a scene or an id.

    `outputs` is the folder of the record, for what proves the record as a whole. `pictures` are the PNGs and GeoTIFFs
    made so far, for each place by their paths in the pack.
    """

    told: tuple[ToldSubject, ...]
    language: str
    outputs: Path
    pictures: tuple[Mapping[str, bytes], ...]
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class RestrictedWork(PublicWork):
    """What a maker of a restricted pack is given beside that: the places, and all that is stored about them."""

    subjects: tuple[PackSubject, ...]
    stores: PackStores


IndexSigner = Callable[[PackFile], PackFile]
PicturesMaker = Callable[[PackSubject, PackStores, Sharing, str, Progress], Iterator[PackFile]]


@dataclass(frozen=True)
class Maker:
    """One kind of content of a pack; what is None is not in a pack of that sharing.

    Attributes
    ----------
    name
        What people are told while it works, and where it could not.
    pictures
        Cuts pictures of one place out of the archive, for either sharing. It is the only maker of a public pack that is
        given the place itself; what it makes goes through the gate like all else.
    public, restricted
        Make files of all places together.
    tells_days
        Whether its files tell days whatever was asked: it is then left out where only months are to be told.
    """

    name: str
    pictures: PicturesMaker | None = None
    public: Callable[[PublicWork], Iterator[PackFile]] | None = None
    restricted: Callable[[RestrictedWork], Iterator[PackFile]] | None = None
    tells_days: bool = False


def _pages(work: PublicWork, sharing: Sharing) -> Iterator[PackFile]:
    places = zip(work.told, work.pictures, strict=True)
    return page_file([PageWork(*one) for one in places], sharing=sharing, language=work.language)


def _formats(work: RestrictedWork) -> Iterator[PackFile]:
    pictures = {path: content for of_place in work.pictures for path, content in of_place.items()}
    return format_files(
        work.subjects, work.stores, sharing=Sharing.RESTRICTED, language=work.language, pictures=pictures
    )


MAKERS: tuple[Maker, ...] = (
    Maker(
        "pictures",
        pictures=lambda subject, stores, sharing, language, progress: media_files(
            subject, stores, sharing=sharing, language=language, progress=progress
        ),
    ),
    Maker("formats", restricted=_formats),
    Maker(
        "captions",
        public=lambda work: caption_files(work.told),
        restricted=lambda work: caption_files(work.told),
    ),
    Maker(
        "table",
        public=lambda work: public_table(work.told),
        restricted=lambda work: restricted_table(work.subjects),
    ),
    Maker(
        "page",
        public=lambda work: _pages(work, Sharing.PUBLIC),
        restricted=lambda work: _pages(work, Sharing.RESTRICTED),
    ),
    Maker(
        "proof",
        public=lambda work: public_proof_files(work.outputs, language=work.language),
        restricted=lambda work: proof_files(
            work.subjects, work.stores, sharing=Sharing.RESTRICTED, language=work.language
        ),
        tells_days=True,
    ),
)
"""All that packs are made of, in the order in which it is made: pictures first, since others show them."""


def make_pack(
    order: PackOrder,
    stores: PackStores,
    target: Path,
    *,
    progress: Progress,
    makers: Sequence[Maker] = MAKERS,
    sign: IndexSigner | None = None,
) -> tuple[Missing, ...]:
    """Make a pack as a folder, or as one zip where the target is named so; whole or not at all.

    The same order over the same record gives the same bytes.

    Parameters
    ----------
    order
        What is asked for.
    stores
        What packs are made from.
    target
        A folder or zip that is not there yet.
    progress
        Is told what is being made.
    makers
        What the pack is made of.
    sign
        Signs the index; None where there is no key.

    Returns
    -------
    tuple of Missing
        What could not be made, with the reason; the pack's index and README name it too.

    Raises
    ------
    PublicationError
        For a public pack of a place that is not public, for a target that is there, and where a file of a public pack
        held what it must not: then nothing is written.
    """
    is_public = order.sharing is Sharing.PUBLIC
    if is_public:
        check_public(order.subjects, stores.outputs)
    secrets = secrets_of(order.subjects, stores) if is_public else frozenset()
    with pack_at(target) as folder:
        making = _Making(order, stores, folder, secrets, progress)
        making.make(makers)
        told = tuple(replace(one, why=WITHHELD) for one in making.missing) if is_public else tuple(making.missing)
        making.take(readme_file(order.sharing, told, language=order.language))
        index = index_file(folder, order.told, order.sharing, told, language=order.language)
        making.take(index)
        if sign is not None:
            put(folder, sign(index))
    return tuple(making.missing)


class _Making:
    """A pack while it is made, in its folder."""

    def __init__(
        self, order: PackOrder, stores: PackStores, folder: Path, secrets: Collection[bytes], progress: Progress
    ) -> None:
        self._order, self._stores, self._folder = order, stores, folder
        self._secrets, self._progress = secrets, progress
        self._pictures: list[dict[str, bytes]] = [{} for _ in order.subjects]
        self.missing: list[Missing] = []

    def make(self, makers: Sequence[Maker]) -> None:
        """Have each maker do its part; what one cannot do is noted, and the others go on."""
        for number, maker in enumerate(makers):
            self._progress(maker.name, number, len(makers))
            if maker.tells_days and self._order.coarse_dates:
                self.missing.append(Missing(maker.name, "it tells days, and only months were asked for"))
                continue
            if maker.pictures is None:
                self._take_all(maker, partial(self._together, maker), None)
                continue
            for place, subject in enumerate(self._order.subjects):
                order = self._order
                cut = partial(maker.pictures, subject, self._stores, order.sharing, order.language, self._progress)
                self._take_all(maker, cut, place)
        self._progress("pack", len(makers), len(makers))

    def take(self, file: PackFile) -> None:
        """Put a file into the pack; one of a public pack passes the gate first."""
        if self._order.sharing is Sharing.PUBLIC:
            check_leaves(file, self._secrets)
        put(self._folder, file)

    def _together(self, maker: Maker) -> Iterator[PackFile]:
        order, stores = self._order, self._stores
        work = PublicWork(
            told=order.told,
            language=order.language,
            outputs=stores.outputs,
            pictures=tuple(self._pictures),
            progress=self._progress,
        )
        if order.sharing is Sharing.PUBLIC:
            return iter(()) if maker.public is None else maker.public(work)
        known = RestrictedWork(**vars(work), subjects=order.subjects, stores=stores)
        return iter(()) if maker.restricted is None else maker.restricted(known)

    def _take_all(self, maker: Maker, make: Callable[[], Iterator[PackFile]], place: int | None) -> None:
        """Take what a maker makes; the files of one place lie in its folder, which only a restricted pack names."""
        for file in _files(maker, make, self.missing):
            if place is None:
                self.take(file)
                continue
            is_public = self._order.sharing is Sharing.PUBLIC
            folder = f"place-{place + 1}" if is_public else self._order.subjects[place].area.id
            taken = replace(file, path=f"{folder}/{file.path}")
            self.take(taken)
            if taken.path.endswith(SHOWN):
                self._pictures[place][taken.path] = taken.content


def _files(maker: Maker, make: Callable[[], Iterator[PackFile]], missing: list[Missing]) -> Iterator[PackFile]:
    """The files of a maker, up to the one that it cannot make."""
    try:
        yield from make()
    except UserError as error:
        missing.append(Missing(maker.name, str(error)))
