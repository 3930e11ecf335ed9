"""Run as a script: a weekly run without imagery, killed without warning at each of its fault points in turn.

    post_child.py URL FOLDER

A fault point lies before and after each write to the ledger, each file put in place and each send. For each there is an
empty ledger, a run that is killed there, and a run that is not; then a line of JSON on standard output (the fault, and
what is on record in the end), and the script waits for a line on standard input. The first run is not disturbed, and
the last one had no fault so late.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from post_office import C, Office, P, R, week
from sqlalchemy import Connection, create_engine
from sqlalchemy import event as hook
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool, Pool

import flows.alerts.delivery
import flows.alerts.prefect_events
import flows.alerts.sending
from flows.alerts import apprise_child
from flows.evidence.geojson_files import write_alerts
from flows.ledger.ids import event_id
from flows.ledger.tables import Base
from flows.records.event_json import feature_of

WEEKS: tuple[dict[str, Any], ...] = (
    {"p1_x": (P,), "p1_y": (P,), "p2_w": (C,), "p2_z": (P,)},
    {"p1_x": (P, C), "p1_y": (P, R), "p2_w": (C,), "p2_z": (P,)},
)
PATIENCE_S = 120  # a run takes about a second
STORIES: tuple[dict[str, Any], ...] = (
    {},
    {"p2_w": {"again": (week(1).first_day,)}, "p2_z": {"merged_into": event_id("pier-2", "p2_w")}},
)


def run(url: str, folder: Path) -> None:
    """A run that catches up two weeks: both places, the file of alerts, the messages."""
    office = Office(url, folder, alert_routes=folder / "routes.toml")
    for number, events in enumerate(WEEKS):
        office.watch(number, STORIES[number], **events)
    write_alerts(office.ledger.alerts(), folder / "alerts.geojson")
    office.deliver(patience_s=5.0, signal=around_signal)
    office.ledger.close()


def around_signal(content: Any, made_at: datetime) -> str:
    """Tell programs, at a place that faults can be put around."""
    return flows.alerts.prefect_events.send_signals(content, made_at)


def notify_here(url: str, **given: str) -> str:
    """Send through Apprise in this process: one of its own for each of a hundred messages would take a minute."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return apprise_child.send({"url": url, **given})


def with_faults(point: Callable[[], None]) -> None:
    """Call `point` before and after every write and every send of this process."""
    writing = [False]

    def around(work: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*arguments: Any, **named: Any) -> Any:
            point()
            result = work(*arguments, **named)
            point()
            return result

        return faulty

    def before_commit(connection: Connection) -> None:
        writing[0] = bool(connection.get_execution_options().get("sitewatch_writes"))
        if writing[0]:
            point()

    def after_commit(*_: object) -> None:
        if writing[0]:
            writing[0] = False
            point()

    flows.alerts.sending.send = around(flows.alerts.sending.send)  # type: ignore[attr-defined]
    flows.alerts.prefect_events.send_signals = around(flows.alerts.prefect_events.send_signals)
    Path.replace = around(Path.replace)  # type: ignore[method-assign]
    hook.listen(Engine, "commit", before_commit)
    hook.listen(Pool, "checkin", after_commit)


def is_killed(fault: int, url: str, folder: Path) -> bool:
    """Whether a run was killed at that fault, or had none so late."""
    pid = os.fork()
    if pid == 0:
        signal.alarm(PATIENCE_S)
        seen = count()

        def point() -> None:
            if next(seen) == fault:
                os.kill(os.getpid(), signal.SIGKILL)

        with_faults(point)
        run(url, folder)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status == 0 or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL), f"it failed: {status}"
    return os.WIFSIGNALED(status)


def forget(url: str, folder: Path) -> None:
    """Nothing is on record, and nothing was written."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    (folder / "alerts.geojson").unlink(missing_ok=True)


def on_record(url: str, folder: Path) -> dict[str, Any]:
    """What the ledger and the file say."""
    office = Office(url, folder, alert_routes=folder / "routes.toml")
    said = {
        "alerts": [feature_of(alert) for alert in office.ledger.alerts()],
        "events": [list(map(feature_of, office.ledger.events(area))) for area in ("pier-1", "pier-2")],
        "pending": [message.key for message in office.ledger.pending_messages()],
        "file": (folder / "alerts.geojson").read_text(),
    }
    office.ledger.close()
    return said


if __name__ == "__main__":
    address, place = sys.argv[1], Path(sys.argv[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apprise_child.complaint("json://localhost")  # loads all that Apprise has, before the forks
    flows.alerts.delivery.notify = notify_here  # type: ignore[assignment, attr-defined]
    Office(address, place, alert_routes=place / "routes.toml").ledger.close()
    for fault in (-1, *range(1000)):
        forget(address, place)
        was_killed = is_killed(fault, address, place)
        if was_killed:
            is_killed(-1, address, place)
        print(json.dumps({"fault": fault if was_killed else None, **on_record(address, place)}), flush=True)
        sys.stdin.readline()
        if fault >= 0 and not was_killed:
            break
