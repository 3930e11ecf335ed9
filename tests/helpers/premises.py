"""A deployment of its own: a folder, a Prefect home, real processes, all on loopback and ended where they began."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loopback import free_port
from prefect_home import prefect_home
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.grid import to_lonlat
from aois.reading import to_feature_collection
from flows.jobs.prefect_server import is_healthy
from flows.ledger.ledger import Ledger, open_ledger
from flows.records.event_json import feature_of
from flows.records.runs import RunRecord

SITEWATCH = Path(sysconfig.get_path("scripts")) / "sitewatch"
EPSG = 32631  # the Gulf of Guinea, far from any shore
PATIENCE_S = 900.0  # the machine may have other work; a wait that ends well ends at once
ASKS = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "PREFECT_WORKER_QUERY_SECONDS": "1"}  # for work, every second and not ten
NEVER = "0 0 1 1 *"  # once a year: no test lasts so long


def site(area_id: str, *, east_m: float = 0) -> Area:
    """A small square site at sea."""
    ground = box(500_000 + east_m, 200_000, 500_200 + east_m, 200_200)
    return Area(area_id, AreaKind.SITE, to_lonlat(ground, EPSG), margin_m=200)


def wait_for(what: Callable[[], Any], words: str, *, patience_s: float = PATIENCE_S) -> Any:
    """What a thing is once it is true; a test that waits in vain says for what."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {patience_s:g} s in vain: {words}")


def children_of(pid: int) -> list[int]:
    """The processes under one, the nearest first."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(word) for word in task.read_text().split()]
    return found + [one for child in found for one in children_of(child)]


def command_of(pid: int) -> str:
    """How a process was started."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def end(pids: list[int]) -> None:
    """These processes are killed, as the lack of power would."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@dataclass
class Premises:
    """A folder with a watch list and settings, and the environment of every command in it."""

    folder: Path
    api_port: int
    metrics_port: int
    settings: dict[str, str] = field(default_factory=dict)
    ledger_url: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    own_secret: str = ""

    @property
    def outputs(self) -> Path:
        """Where everything is written."""
        return self.folder / "outputs"

    @property
    def api(self) -> str:
        """The API of the Prefect server."""
        return f"http://127.0.0.1:{self.api_port}/api"

    @property
    def access_file(self) -> Path:
        """Where `sitewatch serve` leaves the secret of its server."""
        return self.folder / "prefect" / "sitewatch" / f"server-{self.api_port}.env"

    @property
    def secret(self) -> str:
        """What the Prefect server asks for: a server of one's own (`own_secret`), or that of `sitewatch serve`."""
        if self.own_secret or not self.access_file.exists():
            return self.own_secret
        lines = self.access_file.read_text().splitlines()
        return next(line.split("=", 1)[1] for line in lines if line.startswith("PREFECT_API_AUTH_STRING="))

    def environment(self, **more: str) -> dict[str, str]:
        """Nothing of this process's own settings, its Prefect's neither."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("SITEWATCH_", "PREFECT_", "SH_", "PYTEST"))}
        given = {f"SITEWATCH_{name.upper()}": value for name, value in self.settings.items()}
        return {**kept, **ASKS, "PREFECT_HOME": str(self.folder / "prefect"), **given, **self.secrets, **more}

    def write(self, *areas: Area) -> None:
        """The watch list."""
        (self.folder / "areas.geojson").write_text(json.dumps(to_feature_collection(areas)))

    def run(self, *arguments: str, status: int | None = 0, **more: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        done = subprocess.run(
            [str(SITEWATCH), *arguments],
            cwd=self.folder,
            env=self.environment(**more),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if status is not None:
            assert done.returncode == status, done.stdout + done.stderr
        return done

    def prefect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of Prefect's against the server of this deployment."""
        return subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=self.folder,
            env=self.environment(PREFECT_API_URL=self.api, PREFECT_API_AUTH_STRING=self.secret),
            capture_output=True,
            text=True,
            timeout=900,
            check=True,
        )

    @contextmanager
    def process(self, name: str, command: list[str], **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process and its log; whatever is left of it at the end is killed."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment(**more), stdout=log, stderr=subprocess.STDOUT
            )
        try:
            yield process
        finally:
            end([*children_of(process.pid), process.pid])
            process.wait()

    def serve(self, **more: str) -> Any:
        """`sitewatch serve`."""
        return self.process("serve", [str(SITEWATCH), "serve"], **more)

    def said(self, name: str = "serve") -> str:
        """The log of a process."""
        return (self.folder / f"{name}.log").read_text()

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The record."""
        with open_ledger(self.ledger_url or f"sqlite:///{self.outputs / 'ledger.sqlite'}") as ledger:
            yield ledger

    def runs(self, flow: str, *statuses: str) -> list[RunRecord]:
        """The runs of a flow on record, oldest first."""
        if not self.ledger_url and not (self.outputs / "ledger.sqlite").exists():
            return []
        with self.ledger() as ledger:
            found = [run for run in reversed(ledger.runs()) if run.settings.get("flow") == flow]
        return [run for run in found if not statuses or run.status in statuses]

    def record(self) -> dict[str, Any]:
        """What is on record and on its way to people."""
        with self.ledger() as ledger:
            return {
                "alerts": [feature_of(alert) for alert in ledger.alerts()],
                "observations": [(o.area_id, str(o.week), o.chain, o.scenes) for o in ledger.observations()],
                "messages": [m.key for m in ledger.pending_messages()],
            }


@contextmanager
def prefect_of(place: Premises) -> Iterator[Any]:
    """A client of the Prefect server of these premises, which is this process's too."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    given = {PREFECT_API_URL: place.api, PREFECT_API_AUTH_STRING: place.secret}
    with temporary_settings(given), get_client(sync_client=True) as client:
        yield client


def ask_for(place: Premises, flow: str, **parameters: Any) -> None:
    """One run of a deployment, as soon as it is there."""
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound

    def asked() -> bool:
        if not is_healthy(place.api) or not place.secret:
            return False
        with prefect_of(place), suppress(ObjectNotFound):
            run_deployment(f"{flow}/sitewatch", parameters=parameters, timeout=0, as_subflow=False)
            return True
        return False

    wait_for(asked, f"the deployment of {flow}")


def premises_in(folder: Path, **settings: str) -> Premises:
    """Two small sites, two months of history, four weeks of watch, no schedule but those given."""
    made = Premises(folder, free_port(), free_port())
    names = ("watch", "fetch", "report", "deliver", "upkeep", "lookout")
    made.settings = {
        **{f"{name}_at": NEVER for name in names},
        "areas": str(folder / "areas.geojson"),
        "outputs": str(made.outputs),
        "source": "simulated",
        "history_days": "60",
        "lookback_weeks": "4",
        "server_port": str(made.api_port),
        "metrics_port": str(made.metrics_port),
        "log_format": "json",
        "runs_at_once": "2",
        **settings,
    }
    made.ledger_url = settings.get("ledger_url", "")
    prefect_home(folder / "prefect")
    made.write(site("yard-2"), site("reef-2", east_m=5_000))
    return made
