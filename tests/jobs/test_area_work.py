"""What the areas of a run share: memory, and the answers that all its processes had of the provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from flows.config.settings import Settings
from flows.imagery.network.answer_counts import AnswerCounts
from flows.jobs.area_work import AreaRun, area_run, work_on
from flows.jobs.services import Services
from flows.pipeline.period import RunRequest
from flows.records.provider_weeks import ProviderWeek, provider_weeks
from flows.records.runs import RunRecord


@dataclass(frozen=True)
class Answering:
    """A source of which the provider answered so."""

    answers: AnswerCounts
    provider: str = "catalog.example.org"


def run_of(source: object, *elsewhere: dict[str, Any]) -> AreaRun:
    reports = SimpleNamespace(answers={str(n): figures for n, figures in enumerate(elsewhere)})
    return AreaRun(cast(Any, None), cast(Any, SimpleNamespace(source=source)), None, cast(Any, reports))


def test_answers_of_all_processes_are_one_summary_that_the_weeks_are_read_from() -> None:
    here = Answering(AnswerCounts(asked=10, busy=1, clock_ahead_s=2.0))
    run = run_of(here, {"asked": 5, "lost": 2, "clock_ahead_s": -400.0}, {"asked": 1})
    said = run.provider_summary(fetched=4, failed=1, passed_over=3)
    assert said is not None
    assert (said["answers"]["asked"], said["answers"]["clock_ahead_s"]) == (16, -400.0)
    at = datetime(2026, 11, 18, tzinfo=UTC)
    record = RunRecord("r", at, "0", {"source": "stac"}, "completed", {"provider": said}, at)
    (week,) = provider_weeks([record], {})
    assert week == ProviderWeek("catalog.example.org", "stac", week.week, 16, 3, 4, 1, 3, 0)


def test_a_source_that_does_not_count_leaves_nothing() -> None:
    assert run_of(object()).provider_summary(fetched=1, failed=0, passed_over=0) is None


@pytest.mark.parametrize(
    ("workers", "areas", "cluster", "at_once"), [(4, 1, None, 1), (2, 3, None, 2), (4, 9, "tcp://c:1", 1)]
)
def test_areas_worked_on_at_the_same_time_share_the_memory(
    tmp_path: Path, workers: int, areas: int, cluster: str | None, at_once: int
) -> None:
    settings = Settings(outputs=tmp_path, source="simulated", workers=workers, cluster=cluster, _env_file=None)
    asked = RunRequest(date(2026, 10, 5), date(2026, 11, 22), date(2026, 11, 29))
    area = Area("pier-1", AreaKind.SITE, box(0, 0, 0.01, 0.01))
    with (
        Services.open(settings) as services,
        area_run("watch", "r", asked, services, services.stores(), areas=areas) as run,
    ):
        assert work_on(run.task(area), lambda stores, _: stores.areas_at_once) == at_once
