"""`--source sentinelhub` from the command line: the account, its secrets, and what is said when it does not work."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prefect.settings import get_current_settings
from sh_server import CLIENT_ID, CLIENT_SECRET, PROCESS, TOKEN, SentinelHubServer
from simulated_catalog import write_simulated

from flows.config.credentials import account_of
from flows.config.settings import Settings, SettingsError, load_settings
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger.ledger import open_ledger

# Apprise imports a module that Python 3.11 and 3.12 call deprecated; Prefect leaves connections to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

WEEKS = ("--since", "2024-05-20", "--until", "2024-06-02")
STORY_END = date(2024, 8, 18)
SCENES = 22


@pytest.fixture(scope="module")
def server(made, tmp_path_factory) -> Iterator[SentinelHubServer]:
    folder = tmp_path_factory.mktemp("shelf")
    source = SimulatedSource(STORY_END, 1)
    write_simulated(folder, source, [made.site(made.WALLED)], since=date(2024, 3, 1), until=date(2024, 6, 2))
    with pytest.MonkeyPatch.context() as patch, SentinelHubServer(folder) as server:
        patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        yield server


@pytest.fixture(autouse=True)
def _no_account(monkeypatch):
    for name in ("SH_CLIENT_ID", "SH_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def watch(call, made, server, tmp_path, monkeypatch):
    """Calls `sitewatch watch` on the server, with an account in the environment."""
    made.write_list(tmp_path / "areas.geojson", [made.site(made.WALLED)])

    def watch(client_id=CLIENT_ID, client_secret=CLIENT_SECRET, **environment):
        for name, value in (("SH_CLIENT_ID", client_id), ("SH_CLIENT_SECRET", client_secret)):
            if value is not None:
                monkeypatch.setenv(name, value)
        given = {"sh_base_url": server.base_url, "sh_token_url": server.token_url, "history_days": "60", "tries": "2"}
        return call(
            "watch", "--areas", "areas.geojson", "--source", "sentinelhub", *WEEKS, cwd=tmp_path, **given | environment
        )

    return watch


def files_with(secret: str, *folders: Path) -> list[Path]:
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert paths
    return [path for path in paths if secret.encode() in path.read_bytes()]


def test_a_watch_runs_from_the_service_and_leaves_no_secret_behind(
    prefect_server, watch, server, tmp_path, capfd, caplog
):
    server.log.clear()
    said = watch()
    assert (said.status, said.err.replace("yard-2: done\n", "")) == (0, "")
    assert f"2024-W22: 1 areas, {SCENES} scenes fetched, 2 weeks worked through" in said.out
    units = f"{server.units:.2f} processing units"
    assert re.search(rf"used: {len(server.log)} requests, {re.escape(units)}, [\d.]+ MB, \d+ minutes\.", said.out)
    shown = json.loads((tmp_path / "outputs" / "run-settings.json").read_text())
    assert (shown["source"], shown["sh_base_url"]) == ("sentinelhub", server.base_url)
    printed = "".join([said.out, said.err, *capfd.readouterr(), caplog.text])
    database = Path(urlsplit(str(get_current_settings().server.database.connection_url.get_secret_value())).path[1:])
    everything = (tmp_path / "outputs", Path(os.environ["PREFECT_HOME"]), database.parent)
    assert [path.name for path in files_with(server.base_url, database.parent)] != []  # the run's settings get there
    for secret in (CLIENT_SECRET, CLIENT_ID, *server.tokens):
        assert secret not in printed
        assert files_with(secret, *everything) == []


def test_a_replay_from_the_archive_needs_no_account_and_asks_nothing(
    prefect_server, watch, server, call, tmp_path, monkeypatch
):
    assert watch().status == 0
    for name in ("SH_CLIENT_ID", "SH_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    before = len(server.log)
    said = call(
        "rerun", "yard-2", "--areas", "areas.geojson", "--source", "sentinelhub", cwd=tmp_path, history_days="60"
    )
    assert (said.status, "2 weeks worked through" in said.out) == (0, True)
    assert len(server.log) == before


def test_the_five_lines_of_the_readme_work_as_they_stand(prefect_server, server, call, made, tmp_path, monkeypatch):
    """Only the service's address, the account's values and days of which the server holds scenes are put in."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    block = text[text.index("**Imagery of the Copernicus Data Space Ecosystem.**") :].split("```")[1]
    lines = [line.partition("#")[0].split() for line in block.splitlines()[1:]]
    made.write_list(tmp_path / "places.geojson", [made.site(made.WALLED)])
    account = iter((CLIENT_ID, CLIENT_SECRET))
    given = {"sh_base_url": server.base_url, "sh_token_url": server.token_url, "history_days": "60"}
    told = []
    assert len(lines) == 5
    for command, *arguments in lines:
        if command == "export":
            name, _, value = arguments[0].partition("=")
            if name.startswith("SITEWATCH_"):
                given[name.removeprefix("SITEWATCH_").lower()] = value
            else:
                monkeypatch.setenv(name, next(account) if value == "…" else value)
        else:
            told.append(call(*arguments, *WEEKS, cwd=tmp_path, source=None, **given))
            assert told[-1].status == 0, told[-1]
    assert next(account, None) is None
    units = f"{SCENES} requests, "
    assert f"in all: 1 areas, {SCENES} scenes, up to {units}" in told[0].out
    assert f"{SCENES} scenes fetched, 2 weeks worked through" in told[1].out


def test_a_secret_block_that_is_not_there_is_one_line_and_no_run(prefect_server, watch, server, tmp_path):
    before = len(server.log)
    said = watch(client_id=None, client_secret=None, sh_secret_block="hub-nowhere")
    assert (said.status, said.out) == (2, "")
    with open_ledger(f"sqlite:///{tmp_path / 'outputs' / 'ledger.sqlite'}") as ledger:
        assert ledger.runs() == []
    assert not (tmp_path / "outputs" / "run-settings.json").exists()
    assert said.err.strip().startswith("error: Prefect has no Secret block `hub-nowhere`; save a Prefect Secret block")
    assert len(said.err.strip().splitlines()) == 1
    assert len(server.log) == before


def test_wrong_credentials_fail_the_area_in_one_line_that_repeats_none(prefect_server, watch, server, tmp_path):
    before = server.count(TOKEN)
    said = watch(client_secret="not-the-secret-77")
    assert said.status == 1
    (line,) = [line for line in said.out.splitlines() if line.startswith("failed: ")]
    assert line.startswith(f"failed: yard-2: token address `{server.token_url}` gives no token (invalid_client); check")
    assert "not-the-secret-77" not in said.out + said.err
    assert "Traceback" not in said.err
    assert server.count(TOKEN) - before == 1
    assert [p for p in (tmp_path / "outputs").rglob("*") if p.is_file() and b"not-the-secret" in p.read_bytes()] == []


def test_a_run_stops_before_its_budget_and_goes_on_where_it_stopped(prefect_server, watch, server):
    before, units = server.count(PROCESS), server.units
    said = watch(budget_units="0.2")
    assert said.status == 1
    assert "failed: yard-2: the budget of 0.2 processing units would be exceeded: " in said.out
    assert server.units - units <= 0.2
    kept = server.count(PROCESS) - before
    assert 0 < kept < SCENES
    said = watch()
    assert said.status == 0
    assert f"{SCENES - kept} scenes fetched" in said.out
    assert server.count(PROCESS) - before == SCENES


@pytest.mark.parametrize(
    ("given", "environment", "message"),
    [
        (
            {"client_id": None, "client_secret": None},
            {},
            "source `sentinelhub` needs SH_CLIENT_ID and SH_CLIENT_SECRET; set them in the environment or in .env",
        ),
        ({"client_secret": " "}, {}, "source `sentinelhub` needs SH_CLIENT_SECRET; set"),
        ({}, {"sh_token_url": ""}, "setting SITEWATCH_SH_TOKEN_URL `` is not an address"),
        ({}, {"sh_base_url": "sh.example.org"}, "setting SITEWATCH_SH_BASE_URL `sh.example.org` is not an address"),
        ({}, {"sh_token_url": "http://u:pw@id.example.org/t"}, "setting SITEWATCH_SH_TOKEN_URL `http://id.example.org"),
        ({}, {"sh_service": "planet"}, "setting `sh_service`: Input should be 'cdse' or 'sentinelhub'"),
        ({}, {"budget_units": "-1"}, "setting `budget_units`: Input should be greater than or equal to 0"),
    ],
)
def test_an_account_that_cannot_work_is_refused_before_anything_is_asked(watch, server, given, environment, message):
    before = len(server.log)
    said = watch(**given, **environment)
    assert (said.status, said.out) == (2, "")
    assert said.err.startswith(f"error: {message}")
    assert "Traceback" not in said.err
    assert CLIENT_SECRET not in said.err
    assert ":pw" not in said.err
    assert len(server.log) == before


def test_one_address_without_the_other_is_refused():
    with pytest.raises(SettingsError, match="setting SITEWATCH_SH_TOKEN_URL is missing; set both addresses"):
        account_of(Settings(source="sentinelhub", sh_base_url="https://sh.example.org", _env_file=None))


def test_the_account_is_read_from_the_env_file_and_the_service_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"SH_CLIENT_ID={CLIENT_ID}\nSH_CLIENT_SECRET={CLIENT_SECRET}\n")
    account = account_of(load_settings(source="sentinelhub"))
    assert (account.client_id, account.client_secret) == (CLIENT_ID, CLIENT_SECRET)
    assert account.base_url == "https://sh.dataspace.copernicus.eu"
    monkeypatch.setenv("SITEWATCH_SH_SERVICE", "sentinelhub")
    other = account_of(load_settings(source="sentinelhub"))
    assert other.token_url.startswith("https://services.sentinel-hub.com/auth/realms/main/")
    shown = load_settings(source="sentinelhub").without_secrets()
    assert CLIENT_SECRET not in str(shown)
    assert CLIENT_ID not in str(shown)


@pytest.mark.parametrize("kept", ["json", "text", "nothing"])
def test_the_account_can_stand_in_a_prefect_secret_block(prefect_server, kept):
    from prefect.blocks.system import Secret

    values = {"json": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}, "text": "only-a-secret-31"}
    if kept in values:
        Secret(value=values[kept]).save(f"hub-{kept}", overwrite=True)
    settings = Settings(source="sentinelhub", sh_secret_block=f"hub-{kept}", _env_file=None)
    if kept == "json":
        account = account_of(settings)
        assert (account.client_id, account.client_secret) == (CLIENT_ID, CLIENT_SECRET)
    else:
        with pytest.raises(SettingsError, match=f"Secret block `hub-{kept}`") as caught:
            account_of(settings)
        assert "only-a-secret-31" not in str(caught.value)
