"""Who is let in by the Prefect servers of `serve` and `watch`: attacks of web pages and of other users, played."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from fuzzing import assert_one_clear_line
from loopback import free_port
from premises import Premises, children_of, command_of, premises_in, wait_for
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from flows.config.settings import SettingsError
from flows.jobs.prefect_access import folder_of_servers
from flows.jobs.prefect_server import kept_server

PLANTED = "hunter2"
EVIL = "http://evil.example"
SOCKETS = (
    "/api/events/in",
    "/api/events/out",
    "/api/logs/out",
    "/api/task_runs/subscriptions/scheduled",
    "/api/work_pools/any/workers/connect",
)
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def deployment_of(place: Premises, flow: str) -> Any:
    """A deployment, read with the secret; None while there is none."""
    with suppress(httpx.HTTPError):
        found = httpx.get(
            f"{place.api}/deployments/name/{flow}/sitewatch", auth=credentials(place), trust_env=False, timeout=60
        )
        return found.json() if found.status_code == 200 else None
    return None


def credentials(place: Premises) -> tuple[str, str]:
    """The secret as HTTP's Basic authentication takes it."""
    user, _, password = place.secret.partition(":")
    return user, password


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Premises, subprocess.Popen[bytes]]]:
    """`sitewatch serve` with every schedule once a year, and secrets in its environment."""
    place = premises_in(
        tmp_path_factory.mktemp("served"),
        alert_urls=f"json://watcher:{PLANTED}-alerts@127.0.0.1:9/",
        history_days="0",
        lookback_weeks="1",
    )
    place.secrets = {"SH_CLIENT_ID": f"{PLANTED}-id", "SH_CLIENT_SECRET": f"{PLANTED}-secret", "HOOK": PLANTED}
    with place.serve() as process:
        wait_for(lambda: place.runs("lookout", "completed"), "the first run of the lookout, which needs the secret")
        yield place, process


def server_of(pid: int) -> int:
    """The process of the Prefect server under one."""
    return wait_for(lambda: [p for p in children_of(pid) if "prefect_process" in command_of(p)], "a Prefect server")[0]


def test_a_page_of_another_origin_gets_no_leave_and_changes_nothing(served):
    place, _ = served
    marker = place.folder / "marker"
    watch = deployment_of(place, "watch")
    url = f"{place.api}/deployments/{watch['id']}"
    steps = {"pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": f"touch {marker}"}}]}
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "content-type"}
    for origin in (EVIL, "null", f"http://127.0.0.1:{place.metrics_port}"):
        preflight = httpx.options(url, headers={"Origin": origin, **asked}, trust_env=False, timeout=60)
        assert preflight.status_code == 403
        assert "access-control-allow-origin" not in preflight.headers
        for auth in (None, credentials(place)):  # a browser may have kept the secret
            sent = httpx.patch(url, json=steps, headers={"Origin": origin}, auth=auth, trust_env=False, timeout=60)
            assert sent.status_code == 403
    own = httpx.get(
        url, headers={"Origin": place.api.removesuffix("/api")}, auth=credentials(place), trust_env=False, timeout=60
    )
    assert own.status_code == 200
    assert deployment_of(place, "watch")["pull_steps"] == watch["pull_steps"]
    assert not marker.exists()


def test_who_has_not_the_secret_gets_nothing(served):
    place, _ = served
    watch = deployment_of(place, "watch")
    calls: list[Any] = [
        ("PATCH", f"/api/deployments/{watch['id']}", {"pull_steps": []}),
        ("POST", f"/api/deployments/{watch['id']}/create_flow_run", {}),
        ("POST", "/api/flow_runs/filter", {}),
        ("GET", "/api/admin/settings", None),
        ("GET", "/api/csrf-token", None),
        ("GET", "/api/docs", None),
        ("GET", "/docs", None),
        ("GET", "/openapi.json", None),
        ("GET", "//api/admin/settings", None),
        ("GET", "/api/health/../admin/settings", None),
    ]
    user, password = credentials(place)
    with httpx.Client(base_url=place.api.removesuffix("/api"), trust_env=False, timeout=60) as client:
        for method, path, body in calls:
            for auth in (None, ("sitewatch", ""), (user, password[:-1]), (user, password + "é")):
                answer = client.request(method, path, json=body, auth=auth)
                is_page = answer.status_code == 200 and answer.text.lower().startswith("<!doctype html>")
                assert answer.status_code in (401, 404) or (path.startswith("//") and is_page), (path, auth)
        for scheme in ("Bearer x", "Basic", "Basic !", "Basic " + "é"):
            sent = client.get("/api/admin/settings", headers=[(b"Authorization", scheme.encode())])
            assert sent.status_code == 401
        assert client.get("/api/health").json() is True
        assert client.get("/api/admin/version", auth=(user, password)).status_code == 200


def first_words(address: str, protocols: list[str] | None, said: dict[str, str] | None) -> str | bytes:
    """What a websocket answers to one message."""
    with connect(address, subprotocols=protocols) as asked:  # type: ignore[arg-type]
        if said:
            asked.send(json.dumps(said))
        return asked.recv(timeout=20)


@pytest.mark.parametrize("path", SOCKETS)
def test_no_websocket_opens_without_the_secret(served, path):
    place, _ = served
    address = place.api.replace("http", "ws", 1).removesuffix("/api") + path
    for protocols, words in ((None, None), (["prefect"], {"type": "auth"}), (["prefect"], {"type": "filter"})):
        for token in ({}, {"token": "sitewatch:"}):
            with pytest.raises((ConnectionClosed, InvalidStatus)):
                first_words(address, protocols, words and words | token)
    with pytest.raises(InvalidStatus) as refused, connect(address, origin=EVIL, subprotocols=["prefect"]):  # type: ignore[arg-type,list-item]
        pass
    assert refused.value.response.status_code == 403


def test_no_name_on_the_web_leads_here(served):
    place, _ = served
    hosts = ("evil.example", f"evil.example:{place.api_port}", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "")
    with httpx.Client(base_url=place.api.removesuffix("/api"), trust_env=False, timeout=60) as client:
        for host in hosts:
            for path in ("/", "/ui-settings", "/api/health", "/api/admin/version"):
                assert client.get(path, headers={"Host": host}, auth=credentials(place)).status_code == 400, host
        for host in ("localhost", f"127.0.0.1:{place.api_port}", "[::1]:5000"):
            assert client.get("/api/health", headers={"Host": host}).status_code == 200, host
    with (
        socket.create_connection(("127.0.0.1", place.api_port)) as given,
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://evil.example:{place.api_port}/api/events/in", sock=given, subprotocols=["prefect"]),  # type: ignore[list-item]
    ):
        pass
    assert refused.value.response.status_code == 400


def test_the_secret_lies_in_a_file_for_its_owner_and_nowhere_else(served):
    place, process = served
    home, secret = place.folder / "prefect", place.secret
    assert len(secret) > 40
    assert place.access_file.stat().st_mode & 0o777 == 0o600
    assert place.access_file.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in home.glob("prefect.db*")} == {0}
    password = secret.partition(":")[2].encode()
    holders = [path for path in place.folder.rglob("*") if path.is_file() and password in path.read_bytes()]
    assert holders == [place.access_file]
    family = [process.pid, *children_of(process.pid)]
    for pid in family:
        assert password.decode() not in command_of(pid)
    for pid in (process.pid, server_of(process.pid)):  # runs of flows need it; their environment is their owner's
        assert password not in Path(f"/proc/{pid}/environ").read_bytes()
    with httpx.Client(
        base_url=place.api.removesuffix("/api"), auth=credentials(place), trust_env=False, timeout=60
    ) as client:
        for path in ("/", "/v2/", "/ui-settings", "/api/admin/settings", "/openapi.json"):
            assert password not in client.get(path, follow_redirects=True).content


def test_the_server_holds_no_secret_of_anything_else(served):
    _, process = served
    environment = Path(f"/proc/{server_of(process.pid)}/environ").read_bytes()
    names = {line.partition(b"=")[0].decode() for line in environment.split(b"\0") if line}
    assert PLANTED.encode() not in environment
    assert not [name for name in names if name.startswith(("SITEWATCH_", "SH_", "HOOK"))]
    assert {"PREFECT_HOME", "PATH"} <= names


def test_another_serve_on_the_port_and_a_foreign_server_are_refused_in_one_line(served, tmp_path):
    place, _ = served
    second = place.run("serve", status=2, PREFECT_HOME=str(tmp_path / "home"), SITEWATCH_METRICS_PORT="0")
    assert f"cannot listen at 127.0.0.1:{place.api_port} (Address already in use)" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    heard: list[str] = []

    class Impostor(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"true")

    with ThreadingHTTPServer(("127.0.0.1", 0), Impostor) as impostor:
        threading.Thread(target=impostor.serve_forever, daemon=True).start()
        port = str(impostor.server_address[1])
        refused = place.run("serve", status=2, SITEWATCH_SERVER_PORT=port, SITEWATCH_METRICS_PORT="0")
        impostor.shutdown()
    assert "stop the program that does" in refused.stderr
    assert heard == []


def test_prefect_on_the_command_line_works_with_the_file(served):
    place, _ = served
    line = f'set -a; . "{place.access_file}"; set +a; "$0" -m prefect deployment ls'
    kept = place.environment()
    listed = subprocess.run(["sh", "-c", line, sys.executable], env=kept, capture_output=True, text=True, check=True)
    assert "watch/sitewatch" in listed.stdout
    curl = f'. "{place.access_file}"; printf \'user = "%s"\\n\' "$PREFECT_API_AUTH_STRING" | curl -sK - "$0"'
    told = subprocess.run(
        ["sh", "-c", curl, f"{place.api}/admin/version"], env=kept, capture_output=True, text=True, check=True
    )
    assert json.loads(told.stdout)
    refused = subprocess.run(
        [sys.executable, "-m", "prefect", "deployment", "ls"],
        env=place.environment(PREFECT_API_URL=place.api),
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert "watch/sitewatch" not in refused.stdout
    ours = place.run("watch", status=2, PREFECT_API_URL=place.api)
    assert (
        f"the Prefect server at {place.api} refuses the request with status 401; set PREFECT_API_AUTH_STRING"
        in ours.stderr
    )
    assert len(ours.stderr.strip().splitlines()) == 1


def test_the_doctor_finds_the_secret_and_says_where_it_is_not(served, tmp_path):
    place, _ = served
    told = json.loads(place.run("doctor", "--json", status=None).stdout)
    assert any(one["check"] == "schedule" and "lookout/sitewatch" in one["found"] for one in told)
    without = json.loads(place.run("doctor", "--json", status=1, PREFECT_HOME=str(tmp_path)).stdout)
    (schedule,) = [one for one in without if one["check"] == "schedule"]
    assert "asks for a secret" in schedule["found"]
    assert "set PREFECT_HOME as `serve` has" in schedule["found"]


@pytest.mark.browser
def test_prefects_own_page_works_on_any_port_and_asks_nobody_else(served, browser):
    place, _ = served
    page_url = place.api.removesuffix("/api")
    told = httpx.get(f"{page_url}/ui-settings", trust_env=False, timeout=60)
    assert told.json()["api_url"] == "/api"
    assert told.json()["auth"] == "BASIC"
    policy = told.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in policy
    page = browser.new_page()
    asked: list[str] = []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.goto(page_url)
    box = page.locator("input[type=password]")
    box.fill(place.secret)
    box.press("Enter")
    page.wait_for_url("**/dashboard**")
    page.get_by_role("link", name="Deployments").click()
    page.get_by_text("lookout").first.wait_for()
    assert "oops" not in page.inner_text("body").lower()
    assert [url for url in asked if not url.startswith((page_url, "data:", "blob:"))] == []
    page.close()


@contextmanager
def killed(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A process dies as by a lack of memory; what it had started is looked at afterwards."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    yield


def is_gone(pid: int) -> bool:
    """Whether a process has ended; one that waits to be looked after has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_killed_watch_leaves_no_server(tmp_path):
    place = premises_in(tmp_path, history_days="365", lookback_weeks="26")
    place.secrets = {"SH_CLIENT_SECRET": f"{PLANTED}-secret"}
    with place.process("watch", [str(Path(sys.executable).parent / "sitewatch"), "watch"]) as process:
        server = server_of(process.pid)
        wait_for(lambda: place.runs("watch", "running"), "a run under way")
        assert PLANTED.encode() not in Path(f"/proc/{server}/environ").read_bytes()
        assert listens(server) == 1
        left = children_of(process.pid)
        with killed(process):
            wait_for(lambda: all(is_gone(pid) for pid in left), "the end of all that it started", patience_s=30)


def listens(pid: int) -> int:
    """On how many sockets a process listens."""
    inodes = {str(one.readlink())[8:-1] for one in Path(f"/proc/{pid}/fd").iterdir()}  # socket:[12345]
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[3] == "0A" and row[9] in inodes for row in rows)


def test_a_killed_serve_leaves_no_server_and_the_next_one_begins_at_once(served):
    place, process = served
    secret, left = place.secret, children_of(process.pid)
    with killed(process):
        wait_for(lambda: all(is_gone(pid) for pid in left), "the end of all that it started", patience_s=30)
    with place.serve():
        wait_for(lambda: place.secret != secret, "another secret")
        assert (
            httpx.get(f"{place.api}/admin/version", auth=credentials(place), trust_env=False, timeout=60).status_code
            == 200
        )
        old = httpx.BasicAuth(*secret.split(":"))
        assert httpx.get(f"{place.api}/admin/version", auth=old, trust_env=False, timeout=60).status_code == 401


def test_a_watch_that_goes_well_says_nothing_that_is_not_for_its_reader(tmp_path):
    place = premises_in(tmp_path, history_days="0", lookback_weeks="1")
    done = place.run("watch", "--area", "yard-2")
    assert "Traceback" not in done.stdout
    assert done.stderr == "yard-2: done\n"
    assert (place.folder / "prefect" / "sitewatch" / "server.log").stat().st_mode & 0o777 == 0o600


def test_a_disk_without_room_for_prefect_is_said_in_one_line(tmp_path):
    place = premises_in(tmp_path)
    (place.folder / "prefect" / "prefect.db").unlink()
    limited = ["bash", "-c", 'ulimit -f 1000; exec "$0" watch', str(Path(sys.executable).parent / "sitewatch")]
    done = subprocess.run(
        limited, cwd=place.folder, env=place.environment(), capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("error: no Prefect server came up at http://127.0.0.1:")
    assert "Error" in line
    assert str(place.folder / "prefect" / "sitewatch") in line
    assert not place.runs("watch")


def test_the_log_of_a_server_stays_within_its_bounds(tmp_path, monkeypatch):
    from flows.jobs import prefect_process

    monkeypatch.setattr(prefect_process, "MOST_LOG_BYTES", 100)
    with (tmp_path / "log").open("a") as log:
        monkeypatch.setattr(sys, "stderr", log)
        for size in (100, 101):
            log.write("x" * size)
            log.flush()
            prefect_process._bound_log()
    assert (tmp_path / "log").stat().st_size == 0


def test_a_server_whose_log_cannot_be_opened_is_refused_in_one_line_and_leaves_the_port(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    port = free_port()
    (folder_of_servers() / f"server-{port}.log").mkdir()
    with pytest.raises(SettingsError, match="cannot be started") as caught, kept_server("127.0.0.1", port):
        pass
    assert_one_clear_line(caught.value, SettingsError)
    socket.create_server(("127.0.0.1", port)).close()
