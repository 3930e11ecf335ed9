"""How a provider answered, week by week: runs put together, and a source that gets worse before it fails."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from aois.week import week_of
from flows.records.provider_weeks import ProviderWeek, is_worse, provider_summary, provider_weeks
from flows.records.runs import RunRecord

W47 = week_of(date(2026, 11, 22))


def run(number: int, day: date, provider: str | None, *, source: str = "stac", **counts: int) -> RunRecord:
    at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    answers = {"asked": counts.get("asked", 0), "busy": counts.get("busy", 0), "lost": 2, "clock_ahead_s": 70.0}
    said = {name: counts.get(name, 0) for name in ("fetched", "failed", "passed_over")}
    summary = {} if provider is None else {"provider": provider_summary(provider, answers, **said)}
    given = {"flow": "fetch", "source": source}
    return RunRecord(f"r{number}", at, "0", given, "completed", summary, at + timedelta(minutes=9))


def test_runs_of_a_week_are_put_together_and_refused_scenes_count_by_their_own_week() -> None:
    monday, sunday, later = date(2026, 11, 16), date(2026, 11, 22), date(2026, 11, 23)
    runs = [
        run(1, monday, "one.example.org", asked=100, busy=3, fetched=4, failed=1, passed_over=7),
        run(2, sunday, "one.example.org", asked=50, fetched=2, failed=1, passed_over=6),
        run(3, later, "one.example.org", asked=10),
        run(4, later, None),
        run(5, later, "hub.example.org", source="sentinelhub", asked=5),
    ]
    found = provider_weeks(reversed(runs), {("stac", W47): 2, ("stac", W47.plus(-3)): 1, ("simulated", W47): 9})
    assert found == [
        ProviderWeek("hub.example.org", "sentinelhub", W47.plus(1), asked=5, faults=2),
        ProviderWeek("one.example.org", "stac", W47.plus(-3), refused=1),
        ProviderWeek("one.example.org", "stac", W47, 150, 7, fetched=6, failed=2, passed_over=7, refused=2),
        ProviderWeek("one.example.org", "stac", W47.plus(1), 10, 2),
    ]
    assert found[2].fault_share == pytest.approx(7 / 150)


@pytest.mark.parametrize(
    ("faults", "worse"),
    [
        ([2, 3, 2, 2, 40], True),
        ([2, 3, 2, 2, 4], False),  # too few to say
        ([2, 3, 2, 2, 15], False),  # under two per cent
        ([30, 40, 35, 30, 45], False),  # as always
        ([99], False),
        ([110], True),
        ([0, 0, 0, 0, 25, 2], False),  # over
        ([], False),
    ],
)
def test_a_week_is_worse_where_faults_are_many_and_twice_as_many_as_before(faults: list[int], worse: bool) -> None:
    weeks = [
        ProviderWeek("one.example.org", "stac", W47.plus(n), asked=1000, faults=count) for n, count in enumerate(faults)
    ]
    assert is_worse(weeks) is worse
