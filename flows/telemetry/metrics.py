"""The figures of the watch for Prometheus: read from the ledger, so that they are the same wherever they are asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from prometheus_client import CollectorRegistry, write_to_textfile
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from flows.config.deployment import textfile_of
from flows.files import OWNER_FILE, private_folder
from flows.ledger.errors import LedgerError
from flows.ledger.ledger import Ledger, open_ledger
from flows.ledger.worlds import World
from flows.records.observations import ObservationRecord
from flows.records.provider_weeks import ProviderWeek
from flows.records.runs import RunRecord

RUNS = 3000  # the latest two months, in which every flow but a monthly one has run


def write_metrics(ledger: Ledger, outputs: Path) -> Path:
    """The metrics stand in a file, put in place whole, for the textfile collector of a node exporter."""
    path = textfile_of(outputs)
    private_folder(path.parent)
    registry = CollectorRegistry()
    registry.register(_Fixed(list(metrics_of(ledger))))
    write_to_textfile(str(path), registry)
    path.chmod(OWNER_FILE)
    return path


class LedgerCollector(Collector):
    """The metrics as of each scrape; `sitewatch_up` is 0 while the ledger cannot be read."""

    def __init__(self, url: str) -> None:
        """Of the ledger at an SQLAlchemy URL."""
        self._url = url

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering asks no database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics at present."""
        try:
            with open_ledger(self._url) as ledger:
                found = list(metrics_of(ledger))
        except LedgerError:
            found = []
        yield _gauge("up", "Whether the ledger can be read", [((), float(bool(found)))])
        yield from found


def metrics_of(ledger: Ledger) -> Iterator[Metric]:
    """Runs, areas, alerts and messages by the ledger. Areas are ids; no coordinate, address or name is among them.

    Every figure of a simulated world has a label that says so, for sums over several watches to leave out.
    """
    is_simulated = ledger.world is World.SIMULATED
    for metric in _figures(ledger):
        if is_simulated:
            metric.samples = [one._replace(labels={**one.labels, "simulated": "true"}) for one in metric.samples]
        yield metric


def _figures(ledger: Ledger) -> Iterator[Metric]:
    yield from _runs(ledger.runs(limit=RUNS))
    yield from _areas(ledger.observations())
    yield from _providers(ledger.provider_weeks())
    states = Counter(alert.state.value for alert in ledger.alerts())
    yield _gauge("alerts", "Alerts on record", [((s,), float(n)) for s, n in states.items()], "state")
    waiting, dead = len(ledger.outbox.unsent()), len(ledger.outbox.unsent(dead=True))
    parcels = [(("waiting",), float(waiting)), (("given up",), float(dead))]
    yield _gauge("parcels", "Parcels of messages that have not gone out", parcels, "state")


def _runs(runs: list[RunRecord]) -> Iterator[Metric]:
    ended = [run for run in runs if run.finished_at is not None]
    last = {_flow(run): run for run in reversed(ended)}
    good = {_flow(run): run for run in reversed(ended) if run.status == "completed"}
    ends = [((flow,), _end(run)) for flow, run in last.items()]
    yield _gauge("run_end_timestamp_seconds", "When the last run of a flow ended", ends, "flow")
    ends = [((flow,), _end(run)) for flow, run in good.items()]
    yield _gauge("run_success_timestamp_seconds", "When a flow last ended without any failure", ends, "flow")
    steps = [
        ((flow, step), float(seconds))
        for flow, run in last.items()
        for step, seconds in run.summary.get("steps", {}).items()
    ]
    yield _gauge("run_step_seconds", "How long a step of the last run took", steps, "flow", "step")
    failed = [((flow,), float(len(run.summary.get("failures") or ()))) for flow, run in last.items()]
    yield _gauge("run_failures", "Areas that failed in the last run", failed, "flow")
    fetched = [((flow,), float(run.summary["fetched"])) for flow, run in last.items() if "fetched" in run.summary]
    yield _gauge("run_fetched_scenes", "Scenes fetched by the last run", fetched, "flow")
    spent = [
        ((flow, what), float(amount))
        for flow, run in last.items()
        for what, amount in (run.summary.get("spent") or {}).items()
    ]
    yield _gauge("run_spent", "Requests, processing units and bytes that the last run spent", spent, "flow", "what")


def _providers(weeks: Iterable[ProviderWeek]) -> Iterator[Metric]:
    """The last week of each provider in which a run asked it."""
    last = {one.provider: one for one in weeks if one.asked}
    asked = [((name,), float(one.asked)) for name, one in last.items()]
    yield _gauge("provider_requests", "Requests to a provider of imagery in its last week", asked, "provider")
    faults = [((name,), float(one.faults)) for name, one in last.items()]
    yield _gauge("provider_faults", "Requests of that week that did not bring what was asked for", faults, "provider")
    scenes = [
        ((name, what), float(number))
        for name, one in last.items()
        for what, number in (("fetched", one.fetched), ("failed", one.failed), ("refused", one.refused))
    ]
    yield _gauge("provider_scenes", "Scenes of that week, and what became of them", scenes, "provider", "what")


def _areas(observations: Iterable[ObservationRecord]) -> Iterator[Metric]:
    last = {one.area_id: one for one in sorted(observations, key=lambda o: o.week)}
    weeks = [((area,), _midnight(one.week.last_day)) for area, one in last.items()]
    yield _gauge("area_week_timestamp_seconds", "The last day of an area's last week on record", weeks, "area")
    seen = [((area,), one.seen_share) for area, one in last.items()]
    yield _gauge("area_seen_share", "Share of an area's ground seen clearly in that week", seen, "area")
    looks = [((a,), _midnight(o.last_clear_look)) for a, o in last.items() if o.last_clear_look]
    yield _gauge("area_clear_look_timestamp_seconds", "The last clear acquisition of an area", looks, "area")


def _gauge(name: str, words: str, samples: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"sitewatch_{name}", words, labels=labels)
    for values, figure in sorted(samples):
        family.add_metric(values, figure)
    return family


class _Fixed(Collector):
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _flow(run: RunRecord) -> str:
    return str(run.settings.get("flow") or "watch")


def _end(run: RunRecord) -> float:
    return 0.0 if run.finished_at is None else run.finished_at.timestamp()


def _midnight(day: date) -> float:
    return datetime.combine(day, time(), UTC).timestamp()
