"""The definitions of containers, held by their own tools; none of them runs as root or with a secret inside."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.cli.main import app

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / ".deploy"
BIN = Path(sysconfig.get_path("scripts"))


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize(
    "command",
    [
        ("hadolint", DEPLOY / "Dockerfile"),
        ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"),
        ("kubernetes-validate", "--strict", DEPLOY / "kubernetes.yaml"),
    ],
    ids=lambda command: str(command[0]),
)
def test_their_own_tools_find_nothing(command):
    run(BIN / command[0], *command[1:])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_finds_nothing_in_its_unit(tmp_path):
    unit = (DEPLOY / "sitewatch.service").read_text()
    there = tmp_path / "sitewatch.service"
    there.write_text(unit.replace("/opt/sitewatch/.venv/bin", str(BIN)))
    assert run("systemd-analyze", "verify", there).stderr == ""  # a key that it does not know is said there alone


def pods() -> list[dict[str, Any]]:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    return [d["spec"]["template"]["spec"] for d in documents if "template" in d.get("spec", {})]


def test_no_pod_has_root_or_a_root_that_can_be_written():
    assert len(pods()) == 3
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"]
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert not context["allowPrivilegeEscalation"]
            assert container["resources"]["limits"].keys() == {"memory"}


def services() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"])


def test_no_service_has_root_or_a_root_that_can_be_written_and_ports_are_on_loopback():
    for name, service in services().items():
        assert service["user"].split(":")[0] not in ("0", "root"), name
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name


def test_the_image_ends_as_an_unprivileged_user():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001:10001"]
    assert lines.index("USER 10001:10001") > max(n for n, line in enumerate(lines) if line.startswith("RUN"))


def test_every_secret_comes_from_outside():
    told = "\n".join(path.read_text() for path in DEPLOY.iterdir() if path.is_file() and path.name != ".env")
    for line in told.splitlines():
        if "://" in line and "@" in line:
            assert "${POSTGRES_PASSWORD:?" in line, line


def test_every_server_asks_for_a_secret_from_outside_and_its_clients_have_it():
    server = services()["server"]["environment"]
    asked = "${PREFECT_API_AUTH_STRING:?set it in .env}"
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == asked
    assert server["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200"
    for name in ("worker", "schedules"):
        assert services()[name]["environment"]["PREFECT_API_AUTH_STRING"] == asked
    containers = [container for pod in pods() for container in pod["containers"]]
    (pod_server,) = [c for c in containers if c["name"] == "server"]
    given = {one["name"]: one for one in pod_server["env"]}
    key = {"name": "sitewatch", "key": "PREFECT_API_AUTH_STRING"}
    assert given["PREFECT_SERVER_API_AUTH_STRING"]["valueFrom"]["secretKeyRef"] == key
    assert given["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"]["value"] == "http://127.0.0.1:4200"
    for container in containers:
        if container is not pod_server:
            assert container["envFrom"] == [{"secretRef": {"name": "sitewatch"}}]


def test_what_the_containers_start_is_there():
    started = [c.get("command") or ["sitewatch", *c["args"]] for pod in pods() for c in pod["containers"]]
    assert {words[0] for words in started} == {"prefect", "sitewatch"}
    assert all((BIN / words[0]).exists() for words in started)
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert {words[1] for words in started if words[0] == "sitewatch"} <= known


@pytest.mark.parametrize(
    ("said", "status", "last"),
    [
        ({}, 3, "audit SKIPPED: no advisory"),
        ({"dependencies": [{"name": "a", "skip_reason": "not found"}]}, 3, "audit SKIPPED"),
        ({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, 0, "audit: 1 dependencies, 0 known"),
        (
            {
                "dependencies": [
                    {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]},
                    {"name": "b", "skip_reason": "not found"},
                ]
            },
            1,
            "audit: 1 dependencies, 1 known weaknesses; 1 could not be looked up",
        ),
    ],
)
def test_an_audit_says_what_it_knows_and_what_it_does_not(said, status, last):
    judge = runpy.run_path(str(ROOT / ".ci" / "audit"))["judge"]
    came, lines = judge(said)
    assert came == status
    assert lines[-1].startswith(last)
