"""What the desk is given: the record, the evidence and the work of operators, as far as its pages need them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from jinja2 import Environment

from aois.week import Week
from flows.ledger.references import References
from flows.publication.pack_choice import PackChoice
from flows.publication.pack_subject import Sharing
from flows.records.claims import AnswerChange, AnswerRecord, ClaimRecord
from flows.records.desk import Account, AuditEntry, DeskSession, ReviewVerdict
from flows.records.events import AlertRecord, EventRecord
from flows.records.ids import AlertId, AreaId
from flows.records.incidents import Incident, Incidents
from flows.records.quiet_places import QuietPlace, QuietReview
from flows.reports.browser_links import BrowserLink
from flows.reports.inputs import SiteClock
from flows.reports.missed import MissedFigures

Clock = Callable[[], datetime]


class AccountStore(Protocol):
    """Accounts, sessions and what was done; keys come hashed."""

    def all(self) -> Sequence[Account]:
        """Every account, closed ones among them."""

    def find(self, name: str) -> Account | None:
        """The account of that name, or None."""

    def change(
        self,
        name: str,
        *,
        role: str | None = None,
        sees_positions: bool | None = None,
        password_hash: str | None = None,
        closed_at: datetime | None = None,
        always_one: str | None = None,
    ) -> Account:
        """The account is as given, and logged out everywhere.

        Raises `DeskError` where there is none, and where nobody with the role `always_one` would be left.
        """

    def open_session(self, key_hash: str, form_key: str, *, account: int, at: datetime, ends_at: datetime) -> None:
        """A browser is logged in until then."""

    def session(self, key_hash: str, *, at: datetime) -> DeskSession | None:
        """Whose browser it is, None where nobody is logged in."""

    def close_session(self, key_hash: str) -> None:
        """That browser is logged out."""

    def note(self, act: str, *, by: int | None, subject: str = "", detail: str = "", at: datetime) -> None:
        """What was done is on record."""

    def acts(self, *, limit: int) -> Sequence[AuditEntry]:
        """What was done, newest first."""


@dataclass(frozen=True)
class ReviewCase:
    """One event and where it is: the name that the list gives its area; empty where it gives none."""

    facts: EventRecord
    place: str

    @property
    def area_id(self) -> AreaId:
        """The id of its area."""
        return self.facts.area_id


class ReviewStore(Protocol):
    """Cases and verdicts."""

    def generation(self) -> tuple[int, ...]:
        """Numbers that are others as soon as a case is."""

    def cases(self) -> Sequence[ReviewCase]:
        """Every event."""

    def last_said(self) -> tuple[int, int]:
        """The number of the last verdict, and how many were taken back."""

    def opinions(self, *, after: int = 0, only_withdrawn: bool = False) -> Sequence[ReviewVerdict]:
        """Every verdict with a higher number, those taken back among them (or they alone), in order."""

    def judge(
        self, event_id: str, *, verdict: str, reason: str, note: str, account: Account, at: datetime
    ) -> ReviewVerdict:
        """The verdict is on record; the same again is that same verdict. Raises `DeskError` when it lacks something."""

    def withdraw(self, number: int, *, account: Account, at: datetime) -> ReviewVerdict:
        """The verdict is taken back by a row beside it; raises `DeskError` when it is not that account's own."""

    def precision(self) -> Mapping[str, Sequence[Any]]:
        """Live precision of each group, told apart by ``all``, ``area``, ``change`` and ``confidence``."""

    def reliability(self) -> Sequence[Any]:
        """What became of stated confidences, by band."""


@dataclass(frozen=True)
class PictureSource:
    """How a picture is drawn from archived files, over `bounds` (left, bottom, right, top) in their own CRS.

    The files were taken of the same ground and are averaged; `digests` holds the SHA-256 of each, and one that has
    another is not drawn. `bands` are drawn as red, green and blue between `limits`;
    without bands it is radar, between fixed limits. `shape` is rows and columns.
    """

    files: tuple[Path, ...]
    digests: tuple[str, ...]
    bands: tuple[str, ...]
    limits: tuple[tuple[float, float], ...]
    bounds: tuple[float, float, float, float]
    shape: tuple[int, int]


@dataclass(frozen=True)
class CaseDetail:
    """A case in full: its evidence as a fragment of a page, how each picture in it is drawn, and where it lies.

    `fragments` hold a language each; the names in `pictures` are those by which the fragments ask for them. `drawings`
    are the fragments for those who are not shown pictures. `position` is longitude and latitude in degrees; `failure`
    says why there are no pictures, empty where there are; `damaged` are the names of files that are not drawn, since
    they are not as they were archived. `links` lead to the place in the Copernicus Browser; like `position` they are
    for those alone who may see where places lie.
    """

    fragments: Mapping[str, str]
    pictures: Mapping[str, PictureSource]
    position: tuple[float, float]
    failure: str = ""
    drawings: Mapping[str, str] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    links: tuple[BrowserLink, ...] = ()


class CaseEvidence(Protocol):
    """What there is to look at."""

    def case_detail(self, event_id: str) -> CaseDetail | None:
        """A case in full, None for an event that is not known."""

    def layer(self, area_id: str, name: str) -> PictureSource | Path | None:
        """A layer of an area for tiles: a picture, a raster of findings, or None where there is none."""

    def bounds(self, area_id: str) -> tuple[float, float, float, float] | None:
        """West, south, east and north of an area in degrees, None for one that is not known."""


@dataclass(frozen=True)
class QuietPair:
    """The same ground before and after the weeks asked about, in one kind of picture; either may be missing."""

    kind: str
    before: PictureSource | None
    after: PictureSource | None
    days: tuple[date | None, date | None]


@dataclass(frozen=True)
class QuietDetail:
    """A place of the sample with its pictures, and its outline over them as SVG path data.

    `shape` is rows and columns of the pictures; `failure` says why there are none, empty where there are.
    """

    place: QuietPlace
    pairs: tuple[QuietPair, ...]
    outline: str
    shape: tuple[int, int]
    failure: str = ""


class QuietStore(Protocol):
    """Places of which nothing was told, and what people answered who looked at them."""

    def places(self) -> Sequence[QuietPlace]:
        """Every place that was drawn, in the order of the draws."""

    def reviews(self) -> Sequence[QuietReview]:
        """Every answer, in order."""

    def figures(self) -> MissedFigures:
        """What the answers say."""

    def name_of(self, area_id: str) -> str:
        """The name that the list gives an area, or its id."""

    def detail(self, number: int) -> QuietDetail | None:
        """A place with its pictures; None for one that is not known."""

    def answer(self, number: int, *, answer: str, changes: str, note: str, account: Account, at: datetime) -> None:
        """The answer is on record; raises `DeskError` when it lacks something."""


@dataclass(frozen=True)
class Run:
    """A run of the watch; `failures` are reasons by area."""

    started_at: datetime
    finished_at: datetime | None
    status: str
    week: str
    failures: Mapping[str, str]


@dataclass(frozen=True)
class Rerun:
    """A rerun of an area that was started here; `status` is None while it goes on, else its exit status."""

    area_id: str
    by: str
    started_at: datetime
    finished_at: datetime | None
    status: int | None
    last_words: str


class Operations(Protocol):
    """The work of operators."""

    def areas(self) -> Sequence[tuple[str, str]]:
        """Id and name of every area."""

    def runs(self, limit: int) -> Sequence[Run]:
        """The latest runs, newest first."""

    def reruns(self) -> Sequence[Rerun]:
        """The reruns started here, newest first."""

    def rerun(self, area_id: str, *, by: str, at: datetime) -> None:
        """A rerun of an area has begun; raises `DeskError` where one goes on already, or for an unknown area."""


@dataclass(frozen=True)
class ClaimView:
    """A claim with its last answer and every change of it."""

    claim: ClaimRecord
    answer: AnswerRecord | None
    changes: tuple[AnswerChange, ...] = ()


@dataclass(frozen=True)
class SiteView:
    """A site with what is claimed about it, the newest first; `clock` and `week` are None before its first week."""

    area_id: str
    name: str
    week: Week | None
    claims: tuple[ClaimView, ...]
    clock: SiteClock | None


class ClaimStore(Protocol):
    """What is claimed about sites."""

    def sites(self) -> Sequence[SiteView]:
        """Every site, those with claims first."""

    def site(self, area_id: str) -> SiteView | None:
        """One site, None where it is not on record."""

    def site_of(self, claim_id: str) -> str | None:
        """The site that a claim is about, None where there is no such claim."""

    def add(self, area_id: str, given: Mapping[str, str], *, account: Account, at: datetime) -> None:
        """The claim is on record; raises `DeskError` for one that nobody could check."""

    def withdraw(self, claim_id: str, *, why: str, account: Account, at: datetime) -> None:
        """The claim is withdrawn; raises `DeskError` without a reason."""


class IncidentStore(Protocol):
    """The alerts of one place within some weeks, as one."""

    def all(self) -> Incidents:
        """Every incident, with what people decided about it."""

    def records(self, alert_ids: Collection[AlertId]) -> Mapping[AlertId, AlertRecord]:
        """Who acknowledged each alert."""

    def geojson(self, incident: Incident) -> bytes:
        """The alerts with their outlines."""

    def acknowledge(self, incident: Incident, *, account: Account, at: datetime) -> None:
        """All its alerts are acknowledged."""

    def judge(
        self, incident: Incident, *, verdict: str, reason: str, note: str, account: Account, at: datetime
    ) -> None:
        """The verdict is on record for each of its alerts, or for none; raises `DeskError` when it lacks something."""

    def mute(self, incident: Incident, *, until: date, why: str, account: Account, at: datetime) -> None:
        """No message of it is sent until the end of a day; raises `DeskError` for a day or reason that cannot be."""

    def end_mute(self, incident: Incident, *, why: str, account: Account, at: datetime) -> None:
        """What comes from now on is sent; raises `DeskError` without a reason."""


@dataclass(frozen=True)
class DeskPack:
    """A publication pack that was made or is being made here.

    Attributes
    ----------
    name
        Of its file, without its ending: what it shows, its language, and whether it tells months alone.
    sharing
        Who may have it.
    is_ready
        Whether it can be fetched.
    is_going
        Whether it is being made.
    made_at
        When it was made; None before that.
    size
        Bytes; 0 before it is made.
    last_words
        What its maker said last if it failed; empty otherwise.
    """

    name: str
    sharing: Sharing
    is_ready: bool
    is_going: bool
    made_at: datetime | None
    size: int
    last_words: str = ""


@dataclass(frozen=True)
class PackOffer:
    """What can be made about an event or a site.

    Attributes
    ----------
    places
        The names of the places that a pack shows.
    title, learned
        What a careful reader can still learn from a public pack, a sentence each, below a title.
    refusal
        Why there can be no public pack, in English; empty where there can be one.
    """

    places: tuple[str, ...]
    title: str
    learned: tuple[str, ...]
    refusal: str


class PackShelf(Protocol):
    """Packs for people outside."""

    def offer(self, choice: PackChoice, *, language: str) -> PackOffer | None:
        """What can be made; None for what is not on record."""

    def packs(self, sharing: Sharing) -> Sequence[DeskPack]:
        """Those that are here or being made, the newest first."""

    def begin(self, choice: PackChoice, *, sharing: Sharing, language: str, coarse_dates: bool) -> DeskPack:
        """One is being made.

        Raises `DeskError` where as many are being made as may, for what is not on record, and for what may not be
        public.
        """

    def file(self, sharing: Sharing, name: str) -> Path | None:
        """The file of one that is ready; None where there is none, or where it may no longer be public."""


@dataclass(frozen=True)
class Desk:
    """All that the pages are made from.

    `pages` are the templates of each language, with the words that they ask for; `files` are style sheets and scripts
    of other rooms by name; `reasons` the short list for rejections; `hosts` the names under which the desk answers;
    `record_errors` what is raised when the record does not answer; `references` what cases are called on pages and in
    addresses.
    """

    accounts: AccountStore
    reviews: ReviewStore
    evidence: CaseEvidence
    operations: Operations
    quiet: QuietStore
    claims: ClaimStore
    incidents: IncidentStore
    packs: PackShelf
    references: References
    pages: Mapping[str, Environment]
    files: Mapping[str, bytes]
    reasons: tuple[str, ...]
    is_simulated: bool
    clock: Clock
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    record_errors: tuple[type[Exception], ...] = ()
