"""Two runs at the same time, and outputs that cannot be written."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from detected import detected_event
from post_office import Office, P
from shapely.geometry import Point

from flows.alerts import write_alerts
from flows.evidence.manifests import EvidenceError
from flows.ledger.errors import LedgerError
from flows.records.event_json import alert_of
from flows.records.ids import AlertId


def test_a_second_run_over_an_area_is_refused_and_says_so(half, made):
    with (
        half.ledger() as ledger,
        ledger.exclusively(f"area-{made.WALLED}", complaint=""),
        pytest.raises(LedgerError, match=rf"area `{made.WALLED}` is being watched by another run; wait"),
    ):
        half.watch()
    assert len(half.watch()) == 1


def test_two_deliveries_at_once_tell_everything_once(tmp_path, web_server):
    routes = tmp_path / "routes.toml"
    routes.write_text(
        f'[channels.hook]\nkind = "webhook"\nurl = "{web_server.url()}"\nsecret = "sixteen letters or more"\n'
        '[[routes]]\nname = "all"\nchannels = ["hook"]\n'
    )
    office = Office(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path, alert_routes=routes)
    office.watch(0, p1_x=(P,), p2_y=(P,))
    office.ledger.close()
    with ThreadPoolExecutor(4) as crowd:
        others = [Office(office.url, tmp_path, alert_routes=routes) for _ in range(4)]
        outcomes = list(crowd.map(lambda one: one.deliver(), others))
    for one in others:
        one.ledger.close()
    assert len(web_server.posts) == 1
    assert sorted(outcome.sent for outcome in outcomes) == [0, 0, 0, 2]


SEEN = {"kind": "change", "change": "clearing", "state": "provisional", "first_seen": "2026-11-01"}


def test_a_file_that_outgrows_the_disk_is_not_put_in_place(tmp_path):
    path = tmp_path / "alerts.geojson"
    write_alerts([], path)
    before = path.read_bytes()
    event = detected_event("x" * 600, "ev-1", SEEN, Point(0, 0), (), alert=True).event
    alert = alert_of(event, AlertId("al-1"), date(2026, 11, 22))
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
        try:
            write_alerts([alert], path)
        except EvidenceError as error:
            os._exit(0 if "cannot be written (File too large)" in str(error) else 1)
        finally:  # whatever else it raises must not go on in a second process of the tests
            os._exit(2)
    assert os.waitpid(pid, 0)[1] == 0
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


READ_ONLY = """
import os, sys
from datetime import date
from pathlib import Path
from flows.jobs.call_check import check_call
from flows.pipeline.request import areas_of
from aois.errors import UserError
from flows.pipeline.period import RunRequest
from flows.config.settings import Settings
settings = Settings(outputs=Path(sys.argv[1]), _env_file=None)
areas_of(settings)  # what Python reads for that may not be readable for others
if os.geteuid() == 0:  # whom no rights hold back
    os.setgid(65534)
    os.setuid(65534)
try:
    check_call(settings, RunRequest(None, None, date(2026, 11, 24)))
except UserError as error:
    print(error)
"""


def test_outputs_that_may_not_be_written_are_refused_before_anything_is_done():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        outputs = Path(folder) / "outputs"
        outputs.mkdir()
        outputs.chmod(0o555)  # whatever the umask is
        command = [sys.executable, "-c", READ_ONLY, str(outputs)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr
        assert done.stdout == (
            f"outputs `{outputs}` cannot be written: Permission denied; name another folder with --outputs\n"
        )
        assert list(outputs.iterdir()) == []
