"""Adopting another version of a scene: first tried beside the record, then done in somebody's name, and undone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from aois.grid import grid_of
from aois.reading import read_areas
from flows.config.settings import Settings, SettingsError
from flows.imagery.archive.store import Archive
from flows.imagery.scene import ImageryError
from flows.pipeline.scene_versions import adopt, adoption_of, choose, offers, try_out

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
SCENE = "sentinel-2_20240522T101800"
NOW = datetime(2024, 7, 5, 9, 30, tzinfo=UTC)
CLOUD = 9


def revise(bench, *, baseline: str = "05.12", scl: int = CLOUD) -> str:
    """The same scene in another processing baseline, in which everything is a cloud; its SHA-256."""
    area, archive = bench.areas[0], Archive(bench.outputs / "archive")
    scene = archive.get(area.id, "simulated", grid_of(area), SCENE)
    made = replace(scene.provenance, processing_baseline=baseline)
    revised = replace(scene, scl=np.full_like(scene.scl, scl), provenance=made)
    return archive.add(area.id, f"simulated.revised-{baseline}", grid_of(area), revised).sha256


def settings_of(bench) -> Settings:
    return Settings(outputs=bench.outputs, source="simulated", history_days=365, _env_file=None)


def everything(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(("ledger.sqlite-", "."))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def alerts_of(bench) -> dict[str, str]:
    told = [a["properties"] for a in bench.record()["alerts"]]
    return {p["alert_id"]: p["state"] for p in told if p["state"] != "retracted"}


def blind(bench, made) -> None:
    """Every scene of the watched weeks in another version, in which nothing is seen."""
    area, archive = bench.areas[0], Archive(bench.outputs / "archive")
    for entry in archive.list(area.id, "simulated", grid_of(area)):
        if entry.acquired.date() >= made.SINCE:
            scene = archive.get(area.id, "simulated", grid_of(area), entry.scene_id)
            revised = replace(scene, pixels=np.full_like(scene.pixels, np.nan), valid=np.zeros_like(scene.valid))
            archive.add(area.id, "simulated.revised-05.12", grid_of(area), revised)


def test_a_trial_foretells_what_adopting_brings_and_undoing_it_brings_all_back(bench, made):
    blind(bench, made)
    (area,), before, stood = bench.areas, bench.record(), alerts_of(bench)
    assert stood
    archive = Archive(bench.outputs / "archive")
    choices = [(o, adoption_of(o, by="ada", why="a test", at=NOW)) for o in offers(archive, "simulated", area)]
    untouched = everything(bench.outputs)
    with bench.ledger() as ledger:
        trial = try_out(bench.stores(ledger), area, choices, today=made.TODAY, progress=lambda *_: None)
    assert everything(bench.outputs) == untouched
    assert [str(week) for week in trial.weeks] == [f"2024-W{n}" for n in range(17, 27)]
    assert trial.alerts
    assert trial.lines[0] == "weeks to be worked through again: 2024-W17 to 2024-W26, 10 in all"

    adopt(archive, "simulated", area, choices)
    (outcome,) = replace(bench, source=None).watch()
    assert (outcome.weeks, outcome.fetched) == (len(trial.weeks), 0)
    now = alerts_of(bench)
    moved = {alert: (stood.get(alert), now.get(alert)) for alert in stood.keys() | now.keys()}
    assert {alert: states for alert, states in moved.items() if states[0] != states[1]} == trial.alerts

    first = {offer.in_use.sha256 for offer, _ in choices}
    back = [o for o in offers(archive, "simulated", area) if o.version.sha256 in first]
    assert len(back) == len(choices)
    later = NOW.replace(hour=10)
    adopt(archive, "simulated", area, [(o, adoption_of(o, by="ada", why="undone", at=later)) for o in back])
    (outcome,) = replace(bench, source=None).watch()
    assert outcome.weeks == len(trial.weeks)
    assert alerts_of(bench) == stood
    after = bench.record()
    assert after["observations"] == before["observations"]
    assert after["scenes"] == before["scenes"]


def test_a_decision_is_kept_with_who_and_when_and_counts_only_with_its_file(bench):
    sha256 = revise(bench)
    area, grid, archive = bench.areas[0], grid_of(bench.areas[0]), Archive(bench.outputs / "archive")
    held = archive.list(area.id, "simulated", grid)
    (offer,) = offers(Archive(bench.outputs / "archive"), "simulated", area)
    decision = adoption_of(offer, by="ada", why="better masks", at=NOW)
    for _ in range(2):  # the same again is nothing
        adopt(archive, "simulated", area, [(offer, decision)])
    (path,) = (bench.outputs / "archive").glob("yard-2/*/*.adopted.json")
    assert json.loads(path.read_text()) == {
        "scene_id": SCENE,
        "sha256": sha256,
        "instead_of": offer.in_use.sha256,
        "baseline": "05.12",
        "kept_as": "simulated.revised-05.12",
        "by": "ada",
        "at": "2024-07-05T09:30:00+00:00",
        "why": "better masks",
    }
    fresh = Archive(bench.outputs / "archive")
    assert fresh.adoptions(area.id, "simulated", grid) == (decision,)
    (used,) = [e for e in fresh.list(area.id, "simulated", grid) if e.scene_id == SCENE]
    assert (used.sha256, used.baseline) == (sha256, "05.12")
    assert fresh.get(area.id, "simulated", grid, SCENE).provenance.processing_baseline == "05.12"
    used.path.unlink()  # as after a kill between the two
    assert Archive(bench.outputs / "archive").list(area.id, "simulated", grid) == held
    path.write_text("{}")
    with pytest.raises(ImageryError, match=r"is not a record of an adoption .*; restore it from a copy"):
        Archive(bench.outputs / "archive").list(area.id, "simulated", grid)


def test_a_version_that_is_not_there_or_not_alone_has_to_be_named(bench):
    area = bench.areas[0]
    with pytest.raises(SettingsError, match=rf"area `yard-2`: the archive keeps no other version of scene `{SCENE}`"):
        choose(offers(Archive(bench.outputs / "archive"), "simulated", area), area, scene_id=SCENE, version=None)
    one, other = revise(bench), revise(bench, baseline="05.13", scl=4)
    found = offers(Archive(bench.outputs / "archive"), "simulated", area)
    with pytest.raises(SettingsError, match=r"is kept in 2 other versions; add --version, of \w{12}, \w{12}"):
        choose(found, area, scene_id=SCENE, version=None)
    assert choose(found, area, scene_id=SCENE, version=other[:8]).version.sha256 == other
    assert choose(found, area, scene_id=SCENE, version=one).version.sha256 == one
    with pytest.raises(SettingsError, match=r"keeps no `beef` version of scene"):
        choose(found, area, scene_id=SCENE, version="beef")


@pytest.fixture
def command(bench, made, call, tmp_path) -> Callable[..., list[str]]:
    areas = made.write_list(tmp_path / "areas.geojson", bench.areas)
    given = ("--areas", areas, "--outputs", bench.outputs)

    def command(*arguments: str, status: int = 0) -> list[str]:
        said = call("archive", "adopt", *arguments, *given, cwd=tmp_path, history_days="365")
        assert said.status == status, said
        assert "Traceback" not in said.err
        return [*said.out.splitlines(), *said.err.splitlines()]

    return command


def test_the_command_says_first_and_does_it_in_somebodys_name(prefect_server, bench, command, tmp_path):
    areas = read_areas(tmp_path / "areas.geojson")  # as the command line knows them
    replace(bench, areas=areas, sites=areas).watch()
    sha256 = revise(bench)
    with bench.ledger() as ledger:
        chains = ledger.chains("yard-2")
    line = rf"{SCENE}: {sha256[:12]} \(processing baseline 05.12, 1 items\) instead of \w{{12}} \(.* 05.11, 1 items\)"
    listed = command("yard-2")
    assert re.fullmatch(line, listed[0])
    assert listed[1:] == ["yard-2: 1 versions that are not in use"]

    tried = command("yard-2", "--scene", SCENE)
    assert re.fullmatch(line, tried[0])
    assert tried[1] == "weeks to be worked through again: 2024-W21 to 2024-W26, 6 in all"
    assert all(text.startswith(("alert al-", "no alert would change")) for text in tried[2:-1])
    assert tried[2:-1]
    assert tried[-1] == "nothing was changed; add --by NAME to adopt it"
    with bench.ledger() as ledger:
        assert ledger.chains("yard-2") == chains

    done = command("yard-2", "--scene", SCENE, "--by", "ada", "--why", "better masks")
    assert done[1] == "adopted by ada; the weeks from the first of these scenes on are worked through again"
    assert any("6 weeks worked through" in text for text in done)
    with bench.ledger() as ledger:
        now = ledger.chains("yard-2")
    assert [week.number for week in now if now[week] != chains[week]] == list(range(21, 27))
    assert command("reef-2", status=2)[0].startswith("error: area `reef-2` has no week on record")
