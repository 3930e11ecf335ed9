"""What leaves the process of a run: settings without their secrets, which a worker reads for itself."""

from __future__ import annotations

import json
import os
import pickle
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import cloudpickle
import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from flows.config.handed_settings import HandedSettings
from flows.config.settings import Settings, SettingsError, load_settings
from flows.files import private_folder
from flows.jobs.area_work import AreaTask, RunCall, work_on
from flows.ledger.ledger import open_ledger
from flows.pipeline.period import RunRequest
from flows.records.runs import RunRecord
from flows.telemetry.logs import log
from flows.telemetry.worker_reports import FOLDER

SECRET = "hunter2"
SECRETS = {
    "SITEWATCH_LEDGER_URL": f"postgresql+psycopg://watch:{SECRET}@db.example.org/watch",
    "SITEWATCH_CATALOG": f"https://stac.example.org/v1?key={SECRET}",
    "SITEWATCH_ALERT_URLS": f"mailto://user:{SECRET}@mail.example.org",
    "SITEWATCH_OPERATOR_URLS": f"mailto://ops:{SECRET}@mail.example.org",
    "SH_CLIENT_ID": f"id-{SECRET}",
    "SH_CLIENT_SECRET": SECRET,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing set, in a folder without `.env`."""
    monkeypatch.chdir(tmp_path)
    for name in SECRETS:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def settings(environment: pytest.MonkeyPatch) -> Settings:
    """Settings with every secret, all of the environment."""
    for name, value in SECRETS.items():
        environment.setenv(name, value)
    return load_settings(source="stac", engine="processes", outputs=Path("here"), history_days=90)


def call(settings: Settings) -> RunCall:
    asked = RunRequest(date(2026, 10, 5), date(2026, 11, 22), date(2026, 11, 29))
    return RunCall("watch", "0123", asked, False, HandedSettings.of(settings), 2, 30)


def test_a_task_can_be_pickled_and_holds_no_secret(settings: Settings) -> None:
    task = AreaTask(Area("pier-1", AreaKind.SITE, box(0, 0, 0.01, 0.01)), (), call(settings))
    for pickled in (pickle.dumps(task), cloudpickle.dumps(task)):
        assert SECRET.encode() not in pickled
        assert pickle.loads(pickled) == task
    assert SECRET not in repr(task)


def test_a_worker_has_the_settings_of_the_run(settings: Settings) -> None:
    handed = pickle.loads(pickle.dumps(HandedSettings.of(settings))).settings()
    assert handed.outputs == settings.outputs.absolute()
    same = {"outputs": settings.outputs, "alert_urls": settings.alert_urls, "operator_urls": settings.operator_urls}
    assert handed.model_copy(update=same) == settings
    assert (handed.alert_urls, handed.operator_urls) == ((), ())


def test_what_the_run_left_unset_a_worker_leaves_unset_too(environment: pytest.MonkeyPatch) -> None:
    handed = HandedSettings.of(load_settings(source="stac", engine="dask"))
    environment.setenv("SITEWATCH_CATALOG", "https://other.example.org")
    environment.setenv("SITEWATCH_HISTORY_DAYS", "1")
    environment.setenv("SITEWATCH_ALERT_URLS", SECRETS["SITEWATCH_ALERT_URLS"])
    settings = handed.settings()
    assert (settings.catalog, settings.history_days, settings.alert_urls) == (None, 730, ())


def test_a_catalog_without_a_key_may_be_typed(environment: pytest.MonkeyPatch) -> None:
    typed = load_settings(source="stac", engine="dask", catalog="https://stac.example.org/v1")
    handed = HandedSettings.of(typed)
    assert handed.withheld == ()
    assert handed.settings().catalog_address == "https://stac.example.org/v1"


def test_a_catalog_on_disk_is_found_from_any_folder(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    handed = HandedSettings.of(load_settings(source="stac", engine="dask", catalog="scenes/catalog.json"))
    (tmp_path / "elsewhere").mkdir()
    environment.chdir(tmp_path / "elsewhere")
    assert handed.settings().catalog_address == str(tmp_path / "scenes" / "catalog.json")


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"catalog": SECRETS["SITEWATCH_CATALOG"]}, "SITEWATCH_CATALOG"),
        ({"sh_client_secret": SECRET}, "SH_CLIENT_SECRET"),
    ],
)
def test_a_secret_that_no_worker_can_read_is_refused_and_not_said(
    environment: pytest.MonkeyPatch, given: dict[str, str], variable: str
) -> None:
    with pytest.raises(SettingsError, match=f"put {variable}=… into .env") as refused:
        HandedSettings.of(load_settings(source="stac", engine="dask", **given))
    assert SECRET not in str(refused.value)


def test_a_worker_without_a_secret_of_the_run_says_which(settings: Settings, environment: pytest.MonkeyPatch) -> None:
    handed = HandedSettings.of(settings)
    environment.delenv("SITEWATCH_LEDGER_URL")
    with pytest.raises(SettingsError, match="this worker has no SITEWATCH_LEDGER_URL, which the run has"):
        handed.settings()


def given_work(outputs: Path, ledger: str) -> AreaTask:
    """A task of a run whose settings name these outputs and this ledger."""
    settings = load_settings(source="simulated", engine="dask", outputs=outputs, ledger_url=ledger)
    return AreaTask(Area("pier-1", AreaKind.SITE, box(0, 0, 0.01, 0.01)), (), call(settings))


def begin(outputs: Path, ledger: str) -> None:
    """What a run leaves for its workers to find: its row, and the folder that it reads."""
    private_folder(outputs / FOLDER / "0123")
    with open_ledger(ledger) as record:
        record.start_run(RunRecord("0123", datetime.now(UTC), "test", {}), source="simulated")


@pytest.fixture
def _log_as_before() -> Iterator[None]:
    handlers, level, propagates = log.handlers[:], log.level, log.propagate
    yield
    log.handlers[:], log.propagate = handlers, propagates
    log.setLevel(level)


@pytest.mark.usefixtures("_log_as_before")
def test_a_worker_with_another_ledger_than_the_run_s_writes_nothing_there(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    outputs = tmp_path / "outputs"
    ledgers = [f"sqlite:///{tmp_path / name}.sqlite" for name in ("of-the-run", "of-the-worker")]
    environment.setenv("SITEWATCH_LEDGER_URL", ledgers[0])
    task = given_work(outputs, ledgers[0])
    begin(outputs, ledgers[0])
    environment.setenv("SITEWATCH_LEDGER_URL", ledgers[1])
    with pytest.raises(SettingsError, match="run 0123 is not in the ledger of this worker"):
        work_on(task, lambda *_: pytest.fail("it was worked on"))
    environment.setenv("SITEWATCH_LEDGER_URL", ledgers[0])
    assert work_on(task, lambda stores, _: stores.ledger.has_run("0123"))


@pytest.mark.usefixtures("_log_as_before")
def test_a_worker_is_private_while_it_works_and_then_makes_files_as_before(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ledger = f"sqlite:///{tmp_path}/ledger.sqlite"
    environment.setenv("SITEWATCH_LEDGER_URL", ledger)
    begin(tmp_path / "outputs", ledger)
    before = os.umask(0o022)
    try:
        work_on(given_work(tmp_path / "outputs", ledger), lambda *_: (tmp_path / "private").touch())
        (tmp_path / "usual").touch()
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("private", "usual")] == [0o600, 0o644]


def test_a_worker_that_does_not_share_the_outputs_makes_none(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outputs, ledger = tmp_path / "outputs", f"sqlite:///{tmp_path}/ledger.sqlite"
    environment.setenv("SITEWATCH_LEDGER_URL", ledger)
    with pytest.raises(SettingsError, match=f"does not see what run 0123 began in {outputs}"):
        work_on(given_work(outputs, ledger), lambda *_: pytest.fail("it was worked on"))
    assert not outputs.exists()


def test_what_prefect_keeps_of_a_flow_s_settings_holds_no_key() -> None:
    """As JSON: passwords and keys in addresses go the way of the other secrets."""
    addresses = ("archive_url", "outputs_url", "public_url", "sh_base_url", "sh_token_url")
    settings = load_settings(**{name: f"https://user:{SECRET}@h.example.org/{name}?key={SECRET}" for name in addresses})
    kept = settings.model_dump(mode="json")
    assert SECRET not in json.dumps(kept)
    assert [kept[name] for name in addresses] == [f"https://h.example.org/{name}" for name in addresses]
    assert SECRET in settings.archive_url
