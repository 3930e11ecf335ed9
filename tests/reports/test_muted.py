"""What the report says of muted places: how many, and which alerts of the week were told to nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from post_office import Office, P, week

from flows.alerts.muting import settle_muted
from flows.ledger.ids import alert_id, event_id
from flows.records.incidents import IncidentRule
from flows.reports.build import render
from flows.reports.data.muted import muted_figures
from flows.reports.edition import public_inputs
from flows.reports.inputs import MutedFigures
from flows.reports.report_page import page_of
from flows.reports.words import words_for

BOTH = ("pier-1", "pier-2")
X = alert_id(event_id("pier-1", "p1_x"))


@pytest.fixture
def office(tmp_path):
    """Two weeks, after the first of which somebody muted a place."""
    one = Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path)
    one.watch(0, p1_x=(P,))
    at = datetime.combine(week(0).last_day + timedelta(days=2), datetime.min.time(), tzinfo=UTC)
    one.ledger.mutes.mute(X, until=week(1).last_day + timedelta(days=3), by="Anna", why="known", at=at)
    one.watch(1, p1_x=(P,), p1_y=(P,), p2_w=(P,))
    settle_muted(one.ledger, IncidentRule(), now=at + timedelta(days=6))
    yield one
    one.ledger.close()


def test_a_week_counts_its_muted_alerts_and_the_places_muted_after_it(office):
    assert [muted_figures(office.ledger, week(n), area_ids=BOTH) for n in range(3)] == [
        None,
        MutedFigures(places=1, alerts=1),
        None,
    ]
    assert muted_figures(office.ledger, week(1), area_ids=("pier-2",)) is None


def test_the_end_of_a_mute_leaves_what_was_kept_back_in_the_count(office):
    office.ledger.mutes.end(
        X, by="Ben", why="it grows", at=datetime.combine(week(1).last_day, datetime.min.time(), UTC)
    )
    assert muted_figures(office.ledger, week(1), area_ids=BOTH) == MutedFigures(places=0, alerts=1)


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            "A person has muted the messages of 1 place. 2 alerts of this week are counted and shown here, and were "
            "sent in no channel.",
        ),
        ("fr", "Une personne a mis en sourdine les messages de 1 lieu."),
    ],
)
def test_the_owners_page_says_it_and_the_public_one_does_not(week_inputs, lang, said):
    told = replace(week_inputs, muted=MutedFigures(1, 2))
    assert said in render(page_of(told), words_for(lang), {})
    assert said not in render(page_of(week_inputs), words_for(lang), {})
    shown = {view.area.id for view in told.areas}
    assert public_inputs(told, shown=shown, counts=told.counts, crowd=None).muted is None
