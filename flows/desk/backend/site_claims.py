"""Claims of the ledger as the desk is given them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from aois.area import Area, AreaKind
from aois.week import Week
from flows.desk.errors import DeskError
from flows.desk.inputs import ClaimView, SiteView
from flows.ledger.claim_rows import changes_of
from flows.ledger.errors import LedgerError, LedgerUnavailableError
from flows.ledger.ledger import Ledger
from flows.pipeline.claim_files import claim_from
from flows.records.claims import AnswerRecord, ClaimOrigin, ClaimRecord
from flows.records.desk import Account
from flows.reports.data.work_clocks import site_clock
from flows.reports.inputs import WeekSeen

LONGEST = 4_000  # letters of the words or the source of a claim


@dataclass(frozen=True)
class DeskClaims:
    """Sites, and what is claimed about them."""

    ledger: Ledger

    def sites(self) -> Sequence[SiteView]:
        """Every site, those with claims first, without its clock."""
        by_site: dict[str, list[ClaimRecord]] = defaultdict(list)
        for claim in self.ledger.claims.all():
            by_site[claim.area_id].append(claim)
        sites = [area for area in self.ledger.areas() if area.kind is AreaKind.SITE]
        views = [SiteView(a.id, a.name, None, self._views(by_site.get(a.id, []), None), None) for a in sites]
        return sorted(views, key=lambda view: (not view.claims, view.area_id))

    def site(self, area_id: str) -> SiteView | None:
        """One site, None where it is not on record."""
        area = self._area(area_id)
        if area is None:
            return None
        observations = self.ledger.observations(area_id=area_id)
        week = observations[-1].week if observations else None
        weeks = [WeekSeen(o.week, o.seen_share, len(o.scenes), o.last_clear_look, o.unfamiliar) for o in observations]
        clock = None if week is None else site_clock(area, week, self.ledger.events(area_id, as_of=week), weeks)
        return SiteView(area.id, area.name, week, self._views(self.ledger.claims.all(area_id), week), clock)

    def site_of(self, claim_id: str) -> str | None:
        """The site that a claim is about, None where there is no such claim."""
        return next((c.area_id for c in self.ledger.claims.all() if c.claim_id == claim_id), None)

    def add(self, area_id: str, given: Mapping[str, str], *, account: Account, at: datetime) -> None:
        """The claim is on record; raises `DeskError` for one that nobody could check."""
        for key, is_wrong in (
            ("claims.too_long", max(len(given["words"]), len(given["source"])) > LONGEST),
            ("claims.bad_date", _day(given["said_on"]) is None),
            ("claims.future", (_day(given["said_on"]) or date.min) > at.date()),
        ):
            if is_wrong:
                raise DeskError("the claim cannot be taken; correct it in the form", key=key)
        try:
            claim = claim_from({**given, "area_id": area_id}, by=account.name, at=at, origin=ClaimOrigin.DESK)
            self.ledger.claims.add([claim], account=account.number)
        except LedgerUnavailableError:
            raise
        except (ValueError, LedgerError) as error:
            raise DeskError(str(error), key="claims.bad_amount") from None

    def withdraw(self, claim_id: str, *, why: str, account: Account, at: datetime) -> None:
        """The claim is withdrawn; raises `DeskError` without a reason."""
        if not why or len(why) > LONGEST:
            raise DeskError("a claim is withdrawn for a reason; write it in a few words", key="claims.no_reason")
        self.ledger.claims.withdraw(claim_id, by=account.name, why=why, at=at, account=account.number)

    def _area(self, area_id: str) -> Area | None:
        return next((a for a in self.ledger.areas() if a.id == area_id and a.kind is AreaKind.SITE), None)

    def _views(self, claims: Sequence[ClaimRecord], week: Week | None) -> tuple[ClaimView, ...]:
        return tuple(self._view(claim, week) for claim in reversed(claims))

    def _view(self, claim: ClaimRecord, week: Week | None) -> ClaimView:
        answers = self.ledger.claims.answers(claim.claim_id)
        last: AnswerRecord | None = answers[-1] if answers else None
        return ClaimView(claim, last, tuple(changes_of(claim, answers)))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
