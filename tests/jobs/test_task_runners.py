"""Runners within a flow: what they hand to workers, and what becomes of tasks whose engine fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import cloudpickle
import httpx
import pytest
from child import Child
from distributed.scheduler import NoWorkerError
from shapely.geometry import box

if "PREFECT_HOME" not in os.environ:  # before Prefect is imported, so that no test touches the user's own
    os.environ["PREFECT_HOME"] = tempfile.mkdtemp(prefix="sitewatch-tests-")

from prefect import flow
from prefect.context import serialize_context
from prefect.settings import PREFECT_API_URL, get_current_settings, temporary_settings

from aois.area import Area, AreaKind
from flows.config.settings import Engine, Settings
from flows.jobs.task_results import collect_results
from flows.jobs.task_runners import runner_of, task_runner

SECRET = "hunter2"
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@pytest.fixture(scope="module")
def prefect_server() -> Iterator[None]:
    """Prefect with a server and a database of its own."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@flow(name="probe")
def probe(settings: Settings) -> tuple[bytes, bytes]:
    """What a worker is sent of the flow: as Prefect would have it, and within our runner."""
    bare = cloudpickle.dumps(serialize_context())
    with task_runner(Engine.THREADS, at_once=1):
        return bare, cloudpickle.dumps(serialize_context())


def test_what_workers_are_sent_of_the_flow_is_without_its_settings(prefect_server: None) -> None:
    bare, ours = probe(Settings(ledger_url=f"postgresql+psycopg://watch:{SECRET}@db/watch", _env_file=None))
    assert SECRET.encode() in bare  # else this test could not fail
    assert SECRET.encode() not in ours
    assert b"probe" in ours


def test_the_thread_that_speaks_for_processes_knows_which_server_is_meant() -> None:
    """It would start one more otherwise, which asks for no secret."""
    url = "http://127.0.0.1:9/api"
    seen: list[Any] = []
    with temporary_settings({PREFECT_API_URL: url}):
        (begin,) = runner_of(Engine.PROCESSES, at_once=1).subprocess_message_processor_factories

        def speak() -> None:
            seen.append(get_current_settings().api.url)
            passed_on = begin()("log", {"words": "x"})
            seen.append(get_current_settings().api.url)
            seen.append(passed_on)

        thread = threading.Thread(target=speak)
        thread.start()
        thread.join()
    bare, told, passed_on = seen
    assert bare != url  # else this test could not fail
    assert told == url
    assert passed_on == ("log", {"words": "x"})


def test_a_cluster_of_our_own_listens_on_loopback_and_to_its_key_alone() -> None:
    from distributed import LocalCluster

    runner = runner_of(Engine.DASK, at_once=1)
    with LocalCluster(**{**runner.cluster_kwargs, "n_workers": 0}) as cluster:
        assert cluster.scheduler_address.startswith("tls://127.0.0.1:")
        assert cluster.security.require_encryption
        assert cluster.scheduler.http_server is not None
        address = f"http://127.0.0.1:{cluster.scheduler.http_server.port}"
        for path in ("/info/main/workers.html", "/status", "/metrics", "/json/counts.json"):
            assert httpx.get(address + path, trust_env=False).status_code == 404


def test_a_worker_that_is_slow_to_come_back_is_waited_for() -> None:
    """The cluster would let go of it otherwise, and the run would wait for ever."""
    import dask
    from dask.utils import parse_timedelta
    from distributed import LocalCluster

    usual = parse_timedelta("15s")
    runner = runner_of(Engine.DASK, at_once=1)
    with LocalCluster(**{**runner.cluster_kwargs, "n_workers": 0}) as cluster:
        let_go = parse_timedelta(dask.config.get("distributed.deploy.lost-worker-timeout"))
        assert usual < let_go < cluster.scheduler.no_workers_timeout


def test_a_cluster_whose_workers_are_gone_for_good_fails_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import Client, LocalCluster

    monkeypatch.setattr("flows.jobs.task_runners.WITHOUT_WORKERS", "100ms")
    runner = runner_of(Engine.DASK, at_once=1)
    with LocalCluster(**{**runner.cluster_kwargs, "n_workers": 0}) as cluster, Client(cluster) as client:
        task = client.submit(abs, -1)
        with pytest.raises(NoWorkerError):
            task.result(timeout=60)


class _Broken:
    """A future of an engine that failed."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def wait(self) -> None:
        raise self._error


class _Done:
    """A future of a task that is done."""

    def wait(self) -> None:
        """Nothing is left to wait for."""

    def result(self, *, raise_on_failure: bool) -> str:
        assert not raise_on_failure
        return "done"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrokenProcessPool("a child died"), "the process that worked on it, or beside it, was killed; what is on"),
        (NoWorkerError("a task", 600), "no process could be started to work on it; what is on"),
        (RuntimeError("out of\x1b[31m order"), "the engine failed: RuntimeError: out of"),
    ],
)
def test_an_engine_that_fails_one_area_fails_no_other(error: Exception, words: str) -> None:
    areas = [Area(name, AreaKind.SITE, box(0, 0, 0.01, 0.01)) for name in ("pier-1", "pier-2")]
    futures: list[Any] = [_Broken(error), _Done()]
    outcomes, failures = collect_results(areas, futures, str)
    assert outcomes == ("done",)
    assert failures["pier-1"].startswith(words)
    assert "\x1b" not in failures["pier-1"]
    assert set(failures) == {"pier-1"}


POOL = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from flows.jobs.task_runners import end_with_the_run

if __name__ == "__main__":
    pool = ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), initializer=end_with_the_run)
    print(*{pool.submit(os.getpid).result() for _ in range(2)}, flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def test_a_process_of_a_pool_ends_with_the_run_at_work_or_idle(tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    given = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with Child([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=given) as run:
        workers = [int(pid) for pid in run.stdout.readline().split()]
        assert workers
        run.kill()
        try:
            said, _ = run.communicate(timeout=120)  # they write there too, so it ends when all of them have ended
        except subprocess.TimeoutExpired:
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            raise
    assert said == ""


LOCKED = """
from flows.config.settings import Engine
from flows.jobs.task_runners import runner_of

if __name__ == "__main__":
    with runner_of(Engine.PROCESSES, at_once=1) as runner:
        queue = runner._subprocess_message_queue
        queue._wlock.acquire()
        queue.put("what cannot be sent")
    print("end", flush=True)
"""


def test_a_run_ends_though_a_killed_worker_left_the_queue_of_messages_locked(tmp_path: Path) -> None:
    script = tmp_path / "locked.py"
    script.write_text(LOCKED)
    given = os.environ | {"PYTHONPATH": str(Path.cwd())}
    with Child([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=given) as run:
        said, _ = run.communicate(timeout=60)
    assert (run.returncode, said) == (0, "end\n")
