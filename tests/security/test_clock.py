"""A clock that cannot be right stops the watch, in words, and puts nothing on record."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fuzzing import assert_one_clear_line
from premises import premises_in, site

from aois.week import week_of
from flows.config.settings import Settings, SettingsError
from flows.ledger.ledger import open_ledger
from flows.pipeline.clock_check import check_clock
from flows.records.observations import ObservationRecord
from flows.records.runs import RunRecord

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([site("yard")])
        yield ledger


def observe(ledger, day):
    ledger.record_week(ObservationRecord("yard", week_of(day), (), (), 0.9, None, str(day)), [])


def settings(**given):
    return Settings(_env_file=None, **given)


@pytest.mark.parametrize(
    "off", [timedelta(days=20 * 365), timedelta(days=6 * 365), -timedelta(days=30), -timedelta(days=2)]
)
def test_a_clock_that_cannot_be_right_is_refused_with_the_mend(ledger, off):
    observe(ledger, (NOW - timedelta(days=7)).date())
    ledger.start_run(RunRecord("r", NOW, "0", {"flow": "watch"}))
    told = NOW + off
    with pytest.raises(SettingsError) as refused:
        check_clock(ledger, now=told)
    assert_one_clear_line(refused.value, SettingsError)
    assert f"SITEWATCH_TODAY_IS={told:%Y-%m-%d}" in str(refused.value)
    check_clock(ledger, today_is=told.date(), now=told)
    with pytest.raises(SettingsError):  # the word is for one day: it cannot be forgotten in a file
        check_clock(ledger, today_is=told.date(), now=told - timedelta(days=1))


@pytest.mark.parametrize("off", [timedelta(), timedelta(weeks=25), -timedelta(hours=20)])
def test_a_clock_that_may_be_right_is_taken(ledger, off):
    assert check_clock(ledger, now=NOW + off) == ""  # nothing is on record yet
    observe(ledger, NOW.date())
    ledger.start_run(RunRecord("r", NOW, "0", {"flow": "watch"}))
    assert check_clock(ledger, now=NOW + off) == ""


@pytest.mark.parametrize("off", [timedelta(weeks=27), timedelta(days=4 * 365)])
def test_a_watch_that_stood_still_for_long_goes_on_and_says_so(ledger, off):
    observe(ledger, NOW.date())
    said = check_clock(ledger, now=NOW + off)
    assert f"{(NOW + off):%Y-%m-%d} 12:00 UTC, {off.days // 7} weeks after the newest thing on record" in said
    assert check_clock(ledger, today_is=(NOW + off).date(), now=NOW + off) == ""


def test_a_week_that_has_not_been_is_found_without_a_run(ledger):
    observe(ledger, (NOW + timedelta(days=400)).date())
    with pytest.raises(SettingsError, match="the record goes to 2027-"):
        check_clock(ledger, now=NOW)


def test_other_flows_under_a_wrong_clock_do_not_bind_the_watch(ledger):
    observe(ledger, NOW.date())
    ledger.start_run(RunRecord("r", NOW + timedelta(days=9000), "0", {"flow": "lookout"}))
    check_clock(ledger, now=NOW)


def test_a_watch_over_a_record_of_the_future_refuses_in_one_line_and_records_nothing(tmp_path):
    place = premises_in(tmp_path)
    place.outputs.mkdir(mode=0o700)
    with place.ledger() as ledger:
        ledger.record_areas([site("yard-2")])
        future = week_of(datetime.now(UTC).date() + timedelta(days=700))
        ledger.record_week(ObservationRecord("yard-2", future, (), (), 0.9, None, "x"), [])
    refused = place.run("watch", status=2)
    assert refused.stderr.startswith("error: the clock says ")
    assert len(refused.stderr.strip().splitlines()) == 1
    with place.ledger() as ledger:
        assert ledger.runs() == []
        assert len(ledger.observations()) == 1
