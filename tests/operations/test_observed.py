"""Log lines, metrics and the steps of a run."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, date, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aois.week import week_of
from flows.config.deployment import Operating
from flows.ledger.ledger import open_ledger
from flows.records.messages import DispatchRecord
from flows.records.observations import ObservationRecord
from flows.records.provider_weeks import provider_summary
from flows.records.runs import RunRecord
from flows.telemetry.logs import about, log, start_logging
from flows.telemetry.metrics import LedgerCollector, write_metrics
from flows.telemetry.step_timer import Stopwatch

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture
def _quiet_again():
    yield
    log.handlers[:] = []
    log.setLevel(logging.NOTSET)


@pytest.mark.usefixtures("_quiet_again")
def test_a_line_is_json_with_what_it_is_about(capsys):
    start_logging(Operating(log_format="json", _env_file=None), is_deployed=True)
    with about(flow="watch", week="2026-W47"):
        with about(area="a"):
            log.info("area done", extra={"weeks": 3})
        log.warning("no %s", "more")
    log.info("after")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert all(datetime.fromisoformat(line.pop("at")).tzinfo for line in lines)
    assert lines == [
        {"said": "area done", "level": "INFO", "flow": "watch", "week": "2026-W47", "area": "a", "weeks": 3},
        {"said": "no more", "level": "WARNING", "flow": "watch", "week": "2026-W47"},
        {"said": "after", "level": "INFO"},
    ]


@pytest.mark.usefixtures("_quiet_again")
def test_a_line_for_people_has_the_same_and_a_terminal_hears_warnings_alone(capsys):
    start_logging(Operating(_env_file=None))
    with about(area="a"):
        log.info("not told")
        log.warning("told", extra={"weeks": 3})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" WARNING told  weeks=3 area=a")


@pytest.mark.usefixtures("_quiet_again")
def test_threads_do_not_mix_what_they_are_about(capsys):
    start_logging(Operating(log_format="json", _env_file=None), is_deployed=True)
    both = threading.Barrier(2)

    def work(area: str) -> None:
        with about(area=area):
            both.wait()
            log.info(area)
            both.wait()

    threads = [threading.Thread(target=work, args=(area,)) for area in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert {(line["said"], line["area"]) for line in lines} == {("a", "a"), ("b", "b")}


def test_steps_add_up_and_a_failed_one_counts():
    watch = Stopwatch()
    for _ in range(2):
        with watch.step("fetch"):
            pass
    with pytest.raises(ValueError, match="x"), watch.step("detect"):
        raise ValueError("x")
    assert watch.seconds.keys() == {"fetch", "detect"}
    assert all(seconds >= 0 for seconds in watch.seconds.values())


@pytest.fixture
def ledger(tmp_path, places):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.record_areas([places("a")])
        look = ObservationRecord("a", week_of(date(2026, 11, 22)), (), (), 0.75, date(2026, 11, 20), "chain")
        ledger.record_week(look, [])
        for name, status, failures in (("r1", "completed", {}), ("r2", "failed", {"a": "no scene"})):
            ledger.start_run(RunRecord(name, NOW.replace(minute=int(name[1])), "0", {"flow": "watch"}))
            summary = {"failures": failures, "fetched": 7, "steps": {"areas": 1.5}, "spent": {"units": 2.5}}
            answers = {"asked": 40, "busy": 2, "broken": 1, "clock_ahead_s": 0.0}
            summary["provider"] = provider_summary("c.example.org", answers, fetched=7, failed=1, passed_over=0)
            ledger.finish_run(name, status=status, summary=summary, at=NOW.replace(hour=6 + int(name[1])))
        ledger.outbox.pack(DispatchRecord("sw-1", "mail", (), {}, NOW))
        yield ledger


def figures(text: str) -> dict[tuple[str, ...], float]:
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}


def test_metrics_are_what_the_ledger_says(ledger, tmp_path):
    told = figures(write_metrics(ledger, tmp_path).read_text())
    assert told == {
        ("sitewatch_run_end_timestamp_seconds", "watch"): NOW.replace(hour=8).timestamp(),
        ("sitewatch_run_success_timestamp_seconds", "watch"): NOW.replace(hour=7).timestamp(),
        ("sitewatch_run_step_seconds", "watch", "areas"): 1.5,
        ("sitewatch_run_failures", "watch"): 1,
        ("sitewatch_run_fetched_scenes", "watch"): 7,
        ("sitewatch_run_spent", "watch", "units"): 2.5,
        ("sitewatch_provider_requests", "c.example.org"): 80,
        ("sitewatch_provider_faults", "c.example.org"): 6,
        ("sitewatch_provider_scenes", "c.example.org", "fetched"): 14,
        ("sitewatch_provider_scenes", "c.example.org", "failed"): 2,
        ("sitewatch_provider_scenes", "c.example.org", "refused"): 0,
        ("sitewatch_area_week_timestamp_seconds", "a"): datetime(2026, 11, 22, tzinfo=UTC).timestamp(),
        ("sitewatch_area_seen_share", "a"): 0.75,
        ("sitewatch_area_clear_look_timestamp_seconds", "a"): datetime(2026, 11, 20, tzinfo=UTC).timestamp(),
        ("sitewatch_parcels", "waiting"): 1,
        ("sitewatch_parcels", "given up"): 0,
    }


def test_a_ledger_that_cannot_be_read_is_down_and_not_an_error(unused_port):
    (up,) = LedgerCollector(f"postgresql://watch@127.0.0.1:{unused_port}/x").collect()
    assert [(s.name, s.value) for s in up.samples] == [("sitewatch_up", 0.0)]
