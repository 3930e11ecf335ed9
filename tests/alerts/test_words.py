from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from aois.week import Week
from flows.alerts import console_table, digest
from flows.alerts.words import CALM, CAUTION, PROVISIONAL, size, two_figures

WEEK = Week(2026, 47)
REPORT = "outputs/reports/2026-W47/index.html"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0"),
        (0.7, "1"),
        (7.4, "7"),
        (99.6, "100"),
        (2431.0, "2,400"),
        (996.0, "1,000"),
        (10_000.0, "10,000"),
    ],
)
def test_measures_have_two_significant_figures(value, written):
    assert two_figures(value) == written


@pytest.mark.parametrize(
    ("area", "written"),
    [
        ((2431.0, 1790.0, 3049.0), "2,400 m² (1,800 to 3,000)"),
        ((10_000.0, 8_000.0, 12_345.0), "10,000 m² (8,000 to 12,000)"),
        ((24_310.0, 9_000.0, 31_000.0), "2.4 ha (0.9 to 3.1)"),
    ],
)
def test_areas_are_in_the_unit_that_people_use(feature, area, written):
    names = ("area_m2", "area_m2_low", "area_m2_high")
    assert size(feature(**dict(zip(names, area, strict=True)))["properties"]) == written


def test_fences_have_a_length_and_say_how_far_they_close(feature):
    properties = feature(change="fencing", length_m=312.0, closure=0.6)["properties"]
    assert size(properties).endswith("310 m long, 60 % of a ring")


def test_a_digest_reads_like_this(feature):
    message = digest(
        [
            feature(area_id="pier-2", alert_id="al-3", state="provisional", last_clear_look="2026-11-20"),
            feature(),
            feature(alert_id="al-2", state="retracted", kind="change", change="clearing"),
        ],
        WEEK,
        report=REPORT,
    )
    assert message.title == "Sitewatch 2026-W47: 3 alerts at 2 places"
    assert (
        message.body_text
        == """\
Sitewatch, week 2026-W47 (2026-11-16 to 2026-11-22): 3 alerts at 2 places.

A suspect is a physical pattern to be checked by a person, never an accusation. Provisional alerts rest on little \
evidence so far and may be withdrawn.

pier-1: 2 alerts (1 confirmed, 1 retracted)
- confirmed: construction, beyond the perimeter
  size 2,400 m² (1,800 to 3,000)
  confidence 0.82, seen by sentinel-1 and sentinel-2
  first seen 2026-11-03
  al-0123456789ab
- RETRACTED, no longer holds: clearing, inside the perimeter
  size 2,400 m² (1,800 to 3,000)
  confidence 0.82, seen by sentinel-1 and sentinel-2
  first seen 2026-11-03
  al-2

pier-2: 1 alert (1 provisional)
- PROVISIONAL: construction, beyond the perimeter
  size 2,400 m² (1,800 to 3,000)
  confidence 0.82, seen by sentinel-1 and sentinel-2
  first seen 2026-11-03, last clear look 2026-11-20
  al-3

Report: outputs/reports/2026-W47/index.html

This message gives ids instead of coordinates; those who may know the places find them by their ids.
"""
    )


def test_a_digest_does_not_depend_on_the_order_given(feature):
    features = [feature(), feature(alert_id="al-2"), feature(area_id="a")]
    assert digest(features, WEEK, report=REPORT) == digest(features[::-1], WEEK, report=REPORT)


def test_a_digest_warns_of_provisional_alerts_only_when_there_are_some(feature):
    assert PROVISIONAL not in digest([feature()], WEEK, report=REPORT).body_text
    assert CAUTION in digest([feature()], WEEK, report=REPORT).body_text


def test_a_quiet_week_is_not_called_calm():
    message = digest([], WEEK, report=REPORT)
    assert message.title == "Sitewatch 2026-W47: no alert"
    assert CALM in message.body_text


def test_neither_digest_nor_table_tells_where_a_place_is(feature):
    places = feature(name="Old Pier", note="at 0.123456789 east")
    console = Console(width=200, record=True, file=StringIO())
    console.print(console_table([places], WEEK))
    for text in (digest([places], WEEK, report=REPORT).body_text, console.export_text()):
        assert "0.1234" not in text
        assert "Old Pier" not in text


def test_the_table_holds_what_a_monitor_needs_and_marks_what_is_new(feature):
    console = Console(width=250, record=True, file=StringIO())
    console.print(console_table([feature(), feature(alert_id="al-[bold]", issued_on="2026-11-15")], WEEK))
    text = console.export_text()
    new, old = (line for line in text.splitlines() if "al-" in line)
    for word in ("pier-1", "expansion", "construction", "confirmed", "2,400 m² (1,800 to 3,000)", "0.82", "2026-11-03"):
        assert word in new
    assert "2026-11-22 (new)" in new
    assert "al-[bold]" in old
    assert "(new)" not in old
    assert "2 alerts, week 2026-W47" in text
    assert "never an accusation" in text
