"""Responses against measurements: what counts as since, what may be older, when calm may be called calm."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from aois.area import AreaKind, Response
from aois.week import Week
from flows.records.events import EventRecord
from flows.reports.accountability import ResponseLevel, SiteFollowUp, SiteOutcome, account_of, ordered, totals_of
from flows.reports.build import build_report
from flows.reports.inputs import ReportInputs, WeekSeen

WEEK = Week(2026, 47)
RAID = Response(date(2026, 8, 3), "intervened", "413 buildings demolished", "a ministry")


def weeks(count: int = 40, *, hidden: tuple[int, ...] = ()) -> tuple[WeekSeen, ...]:
    """Seen clearly every Wednesday, but for the weeks that are so many weeks back."""
    clear, told = None, []
    for back in reversed(range(count)):
        week = WEEK.plus(-back)
        clear = clear if back in hidden else week.first_day + timedelta(days=2)
        told.append(WeekSeen(week, 0.1 if back in hidden else 0.9, 2, clear))
    return tuple(told)


@pytest.fixture
def fact(make_event):
    def make(first_seen: str, change: str = "construction", state: str = "confirmed", **given: object) -> EventRecord:
        sizes = {"area_m2": 4000.0, "area_m2_low": 3000.0, "area_m2_high": 5500.0}
        event = make_event("e", "x", first_seen=first_seen, change=change, state=state, **{**sizes, **given})
        return event.event

    return make


def account(make_area, *facts: EventRecord, seen: tuple[WeekSeen, ...] | None = None, **given: object) -> SiteFollowUp:
    area = make_area("x", responses=given.pop("responses", (RAID,)), **given)
    found = account_of(area, facts, weeks() if seen is None else seen, WEEK)
    assert found is not None
    return found


def test_work_that_began_after_the_intervention_counts_as_since(make_area, fact) -> None:
    found = account(make_area, fact("2026-09-15"))
    assert (found.answer, found.outcome) == (ResponseLevel.INTERVENED, SiteOutcome.EXPANDED)
    assert (found.since.built.low, found.since.built.value, found.since.built.high) == (3000.0, 4000.0, 5500.0)
    assert found.before.built.high == 0


def test_work_that_may_be_older_only_widens_the_interval_and_accuses_nobody(make_area, fact) -> None:
    cloudy = tuple(range(9, 18))  # from the week of 20 July to that of 14 September nothing was seen
    found = account(make_area, fact("2026-09-23"), seen=weeks(hidden=cloudy))
    assert (found.since.built.low, found.since.built.value, found.since.built.high) == (0.0, 0.0, 5500.0)
    assert (found.since.undated, found.outcome) == (1, SiteOutcome.UNKNOWN)


def test_work_from_before_is_before(make_area, fact) -> None:
    found = account(make_area, fact("2026-05-10"))
    assert (found.before.built.value, found.since.built.high) == (4000.0, 0.0)
    assert found.outcome is SiteOutcome.UNCHANGED


def test_more_torn_down_than_built_beyond_doubt_is_dismantled_and_a_doubt_is_not(make_area, fact) -> None:
    torn = fact("2026-08-20", "demolition", area_m2=9000.0, area_m2_low=6000.0, area_m2_high=12000.0)
    assert account(make_area, torn, fact("2026-09-15")).outcome is SiteOutcome.DISMANTLED
    small = fact("2026-08-20", "demolition", area_m2=5500.0, area_m2_low=5000.0, area_m2_high=6000.0)
    assert account(make_area, small, fact("2026-09-15")).outcome is SiteOutcome.EXPANDED


def test_a_wall_is_work_and_clearing_alone_is_neither_work_nor_calm_denied(make_area, fact) -> None:
    assert account(make_area, fact("2026-09-15", "fencing", length_m=300.0)).outcome is SiteOutcome.EXPANDED
    assert account(make_area, fact("2026-09-15", "clearing")).outcome is SiteOutcome.UNCHANGED


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (weeks(), SiteOutcome.UNCHANGED),
        (weeks(hidden=tuple(range(0, 16, 2))), SiteOutcome.UNCHANGED),
        (weeks(hidden=tuple(range(2, 14))), SiteOutcome.UNKNOWN),  # most of the time since
        (weeks(hidden=tuple(range(6))), SiteOutcome.UNKNOWN),  # the last six weeks
        (weeks(5), SiteOutcome.UNKNOWN),  # watched for too short a time
        ((), SiteOutcome.UNKNOWN),
    ],
)
def test_calm_is_called_so_only_where_enough_was_seen(make_area, seen, outcome) -> None:
    assert account(make_area, seen=seen).outcome is outcome


def test_what_is_provisional_is_told_and_does_not_count(make_area, fact) -> None:
    found = account(make_area, fact("2026-09-15", state="provisional"))
    assert (found.outcome, found.provisional) == (SiteOutcome.UNCHANGED, 1)


def test_what_another_event_took_over_counts_once(make_area, fact) -> None:
    found = account(make_area, fact("2026-09-15"), fact("2026-09-16", merged_into="ev-other"))
    assert found.since.built.value == 4000.0


def test_the_last_of_the_strongest_responses_counts_and_none_from_the_future(make_area) -> None:
    later = Response(date(2026, 9, 1), "investigated")
    future = Response(date(2027, 1, 1), "intervened")
    assert account(make_area, responses=(later, RAID, future)).response is RAID
    assert account(make_area, responses=(later, future)).answer is ResponseLevel.INVESTIGATED
    assert account(make_area, responses=()).answer is ResponseLevel.NONE


def test_a_response_from_before_the_watch_has_no_before(make_area) -> None:
    found = account(make_area, responses=(Response(date(2020, 1, 1), "intervened"),))
    assert found.before is None
    assert found.since.first == weeks()[0].week.first_day


def test_a_region_has_no_account(make_area) -> None:
    assert account_of(make_area("x", kind=AreaKind.REGION), (), weeks(), WEEK) is None


def test_sites_where_work_went_on_after_an_intervention_come_first(make_area, fact) -> None:
    looked = Response(date(2026, 8, 3), "investigated")
    calm = account(make_area)
    more = account(make_area, fact("2026-09-15", area_m2=9000.0))
    less = account(make_area, fact("2026-09-15"))
    other = account(make_area, fact("2026-09-15", area_m2=99000.0), responses=(looked,))
    assert ordered([calm, other, less, more]) == (more, less, calm, other)


def test_totals_add_up_by_the_strongest_response_with_their_intervals(make_area, fact) -> None:
    first, second = account(make_area, fact("2026-09-15")), account(make_area, fact("2026-10-15"))
    hidden = account(make_area, seen=weeks(5))
    raided, unanswered = totals_of([first, second, hidden, account(make_area, responses=())])
    assert (raided.answer, raided.sites, unanswered.answer) == (ResponseLevel.INTERVENED, 3, ResponseLevel.NONE)
    assert (raided.built.low, raided.built.value, raided.built.high) == (6000.0, 8000.0, 11000.0)
    assert (raided.by_outcome[SiteOutcome.EXPANDED], raided.by_outcome[SiteOutcome.UNKNOWN]) == (2, 1)


def test_the_page_sets_claims_beside_measurements(
    make_area, make_event, make_view, report_week, tmp_path: Path
) -> None:
    sizes = {"area_m2": 4000.0, "area_m2_low": 3000.0, "area_m2_high": 5500.0}
    built = make_event("e", "x", state="confirmed", first_seen="2026-09-15", confirmed_on="2026-10-01", **sizes)
    views = (
        make_view(make_area("x", "Heron", responses=(RAID,)), built, weeks=weeks()),
        make_view(make_area("y", "Rail", responses=(RAID,)), weeks=weeks(5)),
        make_view(make_area("z", "Teal"), weeks=weeks()),
    )
    text = build_report(ReportInputs(report_week, "stac", views), tmp_path).read_text()
    section = text[text.index('<section id="accountability">') : text.index('<section id="places">')]
    assert re.findall(r'href="#place-([xyz])"', section) == ["x", "y", "z"]
    said = " ".join(re.sub(r"<[^>]+>", " ", section).split())
    for words in (
        "intervened , 3 August 2026. Claim: 413 buildings demolished Source: a ministry",
        "Built 4,000 m² (between 3,000 m² and 5,500 m²).",
        "3 August 2026 to 22 November 2026: seen in 16 of 16 weeks.",
        "1 (up to 2 with those not seen well enough)",
        "not seen well enough to say",
        "1 site without a known response",
        "This does not say who built, why, or whether a claim was made in good faith.",
    ):
        assert words in said, words
    assert section.count('class="went-on"') == 1


def test_a_long_list_is_folded_after_the_first(make_area, make_view, report_week, tmp_path: Path) -> None:
    views = tuple(make_view(make_area(f"a-{i:02d}", responses=(RAID,)), weeks=weeks()) for i in range(15))
    text = build_report(ReportInputs(report_week, "stac", views), tmp_path).read_text()
    assert "3 further sites with a response" in text
    assert text.index("place-a-11") < text.index("3 further sites with a response")
