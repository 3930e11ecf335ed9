"""Settings: where they come from, and what of them may be written down."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flows.cli.main import app
from flows.config.deployment import load_operating
from flows.config.settings import Settings, SettingsError, load_settings
from flows.ledger.ledger import open_ledger


@pytest.fixture(autouse=True)
def _bare(monkeypatch, tmp_path):
    """No settings but those of the test."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SITEWATCH_{name.upper()}", raising=False)


def test_the_call_comes_before_the_environment_and_that_before_the_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("SITEWATCH_SEED=3\nSITEWATCH_WORKERS=3\nSITEWATCH_HISTORY_DAYS=300\n")
    monkeypatch.setenv("SITEWATCH_WORKERS", "4")
    monkeypatch.setenv("SITEWATCH_SEED", "4")
    settings = load_settings(seed=5, workers=None)
    assert (settings.seed, settings.workers, settings.history_days) == (5, 4, 300)


def test_several_channels_are_separated_by_spaces(monkeypatch):
    monkeypatch.setenv("SITEWATCH_ALERT_URLS", "json://a/  mailto://b")
    assert [url.get_secret_value() for url in load_settings().alert_urls] == ["json://a/", "mailto://b"]


def test_the_ledger_lies_in_the_outputs_unless_it_is_named(tmp_path):
    assert load_settings(outputs=tmp_path / "out").ledger == f"sqlite:///{tmp_path / 'out' / 'ledger.sqlite'}"
    assert load_settings(ledger_url="postgresql+psycopg://host/x").ledger == "postgresql+psycopg://host/x"


def test_no_secret_is_written_down():
    settings = load_settings(
        alert_urls="json://hunter2@host",
        ledger_url="postgresql+psycopg://watcher:hunter2@host/x",
        catalog="https://watcher:hunter2@host/stac?key=hunter2",
    )
    shown = settings.without_secrets()
    assert "hunter2" not in str(shown)
    assert (shown["alert_urls"], shown["ledger"], shown["catalog"]) == (1, "postgresql+psycopg", "https://host/stac")
    assert "hunter2" not in repr(settings)


def test_every_wrong_setting_is_named_at_once():
    with pytest.raises(
        SettingsError, match=r"setting `workers`: .*; setting `source`: |setting `source`: .*`workers`: "
    ):
        load_settings(workers=0, source="landsat")


@pytest.mark.parametrize(
    "name", ["*", "*.example.org", "watch*", "watch.example.org:4200", "https://watch", "wat\u0441h"]
)
def test_a_name_that_opens_a_server_to_all_or_never_matches_is_refused(name, monkeypatch):
    monkeypatch.setenv("SITEWATCH_SERVER_NAMES", f"good.example.org {name}")
    with pytest.raises(SettingsError, match="is not a host name"):
        load_operating()


def test_names_of_hosts_are_kept_as_browsers_send_them(monkeypatch):
    monkeypatch.setenv("SITEWATCH_SERVER_NAMES", "Watch.Example.org 10.0.0.7 [fd00::7] watch_1 xn--bcher-kva.example")
    assert load_operating().server_names == (
        *("watch.example.org", "10.0.0.7", "[fd00::7]", "watch_1", "xn--bcher-kva.example"),
    )


@pytest.mark.parametrize("name", ["*", " ", "watch.example.org:8050"])
def test_the_desk_refuses_such_names_too(name, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["sitewatch", "desk", "--outputs", str(tmp_path), "--name", name])
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as ledger:
        ledger.accounts.add("ada", role="admin", sees_positions=False, password_hash="-", at=datetime.now(UTC))
    with pytest.raises(SettingsError, match="is not a host name"):
        app(standalone_mode=False)
