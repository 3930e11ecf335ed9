"""A watch over channels that cannot work: it goes on to its evidence, and says so."""

from __future__ import annotations

import json
import shutil

import pytest
from flow_calls import state_of

from flows.config.settings import Settings
from flows.jobs.watch import watch

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

SECRET = "sixteen letters or more"


@pytest.fixture
def routes(tmp_path, web_server):
    """Writes routes of three channels, the first of which has the address given."""

    def routes(address="http://127.0.0.1:99999/t0ken", state="provisional"):
        addresses = {"bad": address, "good": web_server.url("/good"), "last": web_server.url("/last")}
        parts = [
            f'[channels.{name}]\nkind = "webhook"\nurl = "{url}"\nsecret = "{SECRET}"\n'
            for name, url in addresses.items()
        ]
        parts.append(f'[[routes]]\nname = "all"\nchannels = {json.dumps(list(addresses))}\nsimulated = true\n')
        parts.append(f'states = ["{state}", "confirmed", "finished", "retracted"]\n')
        (tmp_path / "routes.toml").write_text("".join(parts))
        return tmp_path / "routes.toml"

    return routes


@pytest.fixture
def settings(bench, made, tmp_path, prefect_server):
    """The settings of a watch over one place, all weeks of which are on record."""
    (bench.outputs / "archive" / "simulated-world.json").write_text(json.dumps({"story_end": "2024-08-18"}))
    shutil.rmtree(bench.outputs / "evidence", ignore_errors=True)
    areas = made.write_list(tmp_path / "areas.geojson", [made.site(made.WALLED)])
    return Settings(
        **{"outputs": bench.outputs, "areas": areas, "source": "simulated", "history_days": 365},
        alert_routes=tmp_path / "routes.toml",
        _env_file=None,
    )


@pytest.mark.parametrize("address", ["http://127.0.0.1:99999/t0ken", "http://xn--/t0ken"])
def test_a_channel_that_cannot_work_holds_up_neither_others_nor_the_evidence(
    routes, settings, bench, made, web_server, address
):
    routes(address)
    state = state_of(watch, settings, made.SINCE, made.UNTIL)
    assert state.is_completed(), state.message
    assert [post.path for post in web_server.posts] == ["/good", "/last"]
    (reason,) = state.result().undelivered
    assert reason.startswith("bad: the ")
    with bench.ledger() as ledger:
        (run,) = ledger.runs()
    assert (run.status, run.summary["undelivered"]) == ("completed", [reason])
    assert run.summary["manifest"]["number"] == 1
    assert (bench.outputs / "metrics").is_dir()
    assert "t0ken" not in json.dumps(run.summary)


def test_routes_that_cannot_be_used_let_messages_wait_and_the_watch_go_on(routes, settings, bench, made, web_server):
    routes(web_server.url("/first"), state="provisionl")
    state = state_of(watch, settings, made.SINCE, made.UNTIL)
    assert state.is_completed(), state.message
    assert "`provisionl` is no state (did you mean `provisional`?)" in state.result().undelivered[0]
    routes(web_server.url("/first"))
    assert state_of(watch, settings, made.SINCE, made.UNTIL).result().undelivered == ()
    assert [post.path for post in web_server.posts] == ["/first", "/good", "/last"]


def test_a_watch_waits_for_nobody_who_is_sending(routes, settings, bench, made, web_server, monkeypatch):
    routes(web_server.url("/first"))
    monkeypatch.setattr("flows.alerts.sending.PATIENCE_S", 0.2)
    with bench.ledger() as ledger, ledger.exclusively("delivery", complaint=""):
        state = state_of(watch, settings, made.SINCE, made.UNTIL)
    assert state.is_completed(), state.message
    assert "another process is sending messages" in state.result().undelivered[0]


@pytest.mark.parametrize("how", [{"address": "http://xn--/t0ken"}, {"state": "provisionl"}])
def test_the_command_goes_on_too_and_says_what_waits(routes, settings, bench, made, call, tmp_path, web_server, how):
    watch(settings.model_copy(update={"alert_routes": None}), made.SINCE, made.UNTIL)
    given = {"outputs": str(settings.outputs), "areas": "areas.geojson", "alert_routes": str(routes(**how))}
    said = call("watch", "--since", str(made.SINCE), "--until", str(made.UNTIL), cwd=tmp_path, **given)
    assert said.status == 0, said.err
    assert said.err.count("messages will wait: ") == 1
    assert "not delivered: " in said.out
    assert "t0ken" not in said.err + said.out
    assert [post.path for post in web_server.posts] == ([] if "state" in how else ["/good", "/last"])
