"""What a run opens, it opens once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from plan_kml import Planned, file_name, ring, sentinel_1_plan

from flows.alerts import route_settings
from flows.alerts.errors import AlertsError
from flows.alerts.routes_file import read_routes
from flows.config.settings import Settings, SettingsError
from flows.imagery.network.quota import Limiter, Meter
from flows.jobs.call_check import check_engine, tell_doubts, tell_routes
from flows.jobs.services import Services
from flows.pipeline import sources

ROUTES = '[channels.hook]\nkind = "webhook"\nurl = "http://127.0.0.1:9/"\nsecret = "sixteen letters or more"\n'


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every reading of a file of routes, by its path."""
    found: list[Path] = []
    monkeypatch.setattr(route_settings, "read_routes", lambda path: found.append(path) or read_routes(path))
    return found


def settings(folder: Path, **given: Any) -> Settings:
    return Settings(**{"outputs": folder / "outputs", "source": "simulated", "_env_file": None, **given})


@pytest.mark.parametrize("content", [ROUTES, "[channels"])
def test_routes_are_read_once_whether_they_can_be_used_or_not(tmp_path: Path, reads: list[Path], content: str) -> None:
    path = tmp_path / "routes.toml"
    path.write_text(content)
    with Services.open(settings(tmp_path, alert_routes=path)) as services:
        assert reads == []
        tell_routes(services.routes)
        tell_doubts(services.routes, ())
        for _ in range(2):
            try:
                assert services.routes.routes.channels.keys() == {"hook"}
            except AlertsError:
                assert content != ROUTES
    assert reads == [path]


def test_parts_are_opened_when_they_are_asked_for_and_once(tmp_path: Path) -> None:
    given = settings(tmp_path, archive_url="no store", signing_key=tmp_path / "missing.pem")
    with Services.open(given) as services:  # neither is needed for the record alone
        assert services.ledger.runs() == []
        with pytest.raises(Exception, match="no store"):
            _ = services.archive
    with Services.open(settings(tmp_path)) as services:
        assert services.archive is services.archive
        assert services.stores().archive is services.archive
        assert services.stores().source is None
        assert services.stores(story_end=date(2026, 11, 22)).source is not None


@pytest.mark.parametrize(("sharers", "expected"), [(1, (90.0, 300, 300.0)), (3, (30.0, 100, 100.0))])
def test_processes_of_a_run_share_its_budget_and_quota(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sharers: int, expected: tuple[float, int, float]
) -> None:
    given: list[float] = []
    monkeypatch.setattr(sources, "Meter", lambda budget: given.append(budget) or Meter(budget))
    monkeypatch.setattr(sources, "Limiter", lambda *limits: given.extend(limits) or Limiter(*limits))
    account = {"source": "sentinelhub", "sh_client_id": "a", "sh_client_secret": "b", "budget_units": 90.0}
    sources.open_source(settings(tmp_path, **account), story_end=date(2026, 11, 22), sharers=sharers)
    assert sorted(given) == sorted(expected)


@pytest.mark.parametrize("engine", ["processes", "dask"])
def test_an_engine_whose_workers_lack_a_secret_is_refused_before_the_run(tmp_path: Path, engine: str) -> None:
    check_engine(settings(tmp_path, engine=engine, cluster="tcp://127.0.0.1:8786"))
    typed = {"source": "stac", "catalog": "https://stac.example.org/v1?key=hunter2"}
    check_engine(settings(tmp_path, **typed))
    with pytest.raises(SettingsError, match="setting `catalog` holds a secret and was given to the call alone"):
        check_engine(settings(tmp_path, **typed, engine=engine))


def test_plans_are_kept_for_real_satellites_and_one_that_cannot_be_had_fails_no_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = datetime(2026, 11, 16, tzinfo=UTC)
    take = Planned("S1C", first, 91, ring(5.0, 2.0, 6.0, 3.0))
    (tmp_path / file_name("s1c", first, first)).write_bytes(sentinel_1_plan(take))
    places = f"{tmp_path} {tmp_path / 'missing'}"
    for source, kept in (("simulated", 0), ("stac", 1), ("stac", 1)):
        with Services.open(settings(tmp_path, source=source, acquisition_plans=places)) as services:
            services.keep_plans()
        assert len(list((tmp_path / "outputs" / "plans").glob("*"))) == kept
    assert "missing` cannot be read: No such file or directory" in caplog.text
