"""Deleting from the archive: first said, then done, and never what a watch or an alert rests on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from s3_store import bucket_reached

from flows.imagery.archive.pruning import ArchivedFile, files_of, prunable
from flows.imagery.archive.remote_copy import Mirror
from flows.imagery.archive.store import Archive
from flows.pipeline.archive_limits import delete_files, find_prunable, limits_of, words_of_limits

EVER = date(9999, 12, 31)


def found(bench, areas, *, before=EVER, most_bytes=None):
    with bench.ledger() as ledger:
        return find_prunable(bench.stores(ledger), areas, before=before, most_bytes=most_bytes)


@pytest.fixture
def cluttered(bench):
    """A finished watch with things beside it that no watch needs."""
    (folder,) = (bench.outputs / "archive" / "yard-2").iterdir()
    some = sorted(folder.glob("*.tif"))[:3]
    for name in (f"{folder.name}.other", "simulated.revised-05.12-00c0ffee"):
        (folder.parent / name).mkdir()
        for path in some:
            shutil.copy(path, folder.parent / name / path.name)
    aside = bench.outputs / "archive" / ".quarantine" / "yard-2" / "simulated"
    aside.mkdir(parents=True)
    for suffix in ("bin", "json"):
        (aside / f"sentinel-2_20240501T101800-0123456789ab.{suffix}").write_text("damaged")
    return bench


def test_a_watch_keeps_all_that_it_rests_on(bench):
    assert len(files_of(bench.outputs / "archive")) > 100
    assert found(bench, bench.areas).files == ()
    assert found(bench, bench.areas, before=None, most_bytes=0).files == ()


def test_what_lies_beside_a_watch_may_go_and_its_record_stays(cluttered):
    before = cluttered.record()
    pruning = found(cluttered, cluttered.areas)
    assert len(pruning.files) == 8
    assert all(file.path.exists() for file in pruning.files)
    delete_files(Archive(cluttered.outputs / "archive"), pruning.files)
    assert not any(file.path.exists() for file in pruning.files)
    (again,) = cluttered.watch()
    assert (again.weeks, again.fetched) == (0, 0)
    assert cluttered.record() == before
    assert found(cluttered, cluttered.areas).files == ()


def test_of_an_area_that_is_no_longer_watched_only_the_evidence_stays(bench, made):
    evidence = {scene for alert in bench.record()["alerts"] for scene in alert["properties"]["scenes"]}
    assert evidence
    everything = files_of(bench.outputs / "archive")
    gone = {file.scene_id for file in found(bench, [made.site("other-1", east_m=9_000)]).files}
    assert {file.scene_id for file in everything} - gone >= evidence
    assert not gone & evidence
    assert len(gone) > 50


def test_scenes_from_before_the_history_may_go(bench):
    with bench.ledger() as ledger:
        pruning = find_prunable(
            replace(bench.stores(ledger), history_days=100),
            bench.areas, before=EVER, most_bytes=None,
        )  # fmt: skip
    start = date(2024, 4, 22) - timedelta(days=100)
    assert pruning.files
    assert all(file.day < start for file in pruning.files)


def test_the_oldest_go_first_and_no_more_than_is_needed():
    files = [ArchivedFile(Path(f"{n}"), "a", "a/s", f"{n}", date(2024, 1, 1 + n), 10) for n in (4, 2, 0, 3, 1)]

    def chosen(**limits):
        given = {"before": None, "most_bytes": None} | limits
        return [file.scene_id for file in prunable(files, is_needed=lambda file: file.scene_id == "1", **given)]

    assert chosen() == []
    assert chosen(before=date(2024, 1, 3)) == ["0"]
    assert chosen(most_bytes=50) == []
    assert chosen(most_bytes=49) == ["0"]
    assert chosen(most_bytes=25) == ["0", "2", "3"]
    assert chosen(most_bytes=0) == ["0", "2", "3", "4"]
    assert chosen(before=date(2024, 1, 4), most_bytes=25) == ["0", "2", "3"]


def test_the_command_says_first_and_deletes_only_when_told(cluttered, made, call, tmp_path):
    areas = made.write_list(tmp_path / "areas.geojson", cluttered.areas)
    command = ("archive", "prune", "--areas", areas, "--outputs", cluttered.outputs, "--older-than", "30")
    before = len(files_of(cluttered.outputs / "archive"))
    said = call(*command, cwd=tmp_path, history_days="365")
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines()[0] == ".quarantine/yard-2/simulated: 2 files"
    assert said.out.splitlines()[-1].endswith("MB, to delete; nothing was, add --delete")
    assert len(files_of(cluttered.outputs / "archive")) == before
    said = call(*command, "--delete", "--max-gb", "0", cwd=tmp_path, history_days="365")
    assert said.out.splitlines()[-2].startswith("8 files, ")
    assert said.out.splitlines()[-2].endswith(" MB, deleted")
    assert said.out.splitlines()[-1].startswith("the limit is still exceeded: what is left is")
    assert len(files_of(cluttered.outputs / "archive")) == before - 8


def test_a_call_that_does_not_say_what_may_go_is_refused(call, tmp_path):
    said = call("archive", "prune", cwd=tmp_path)
    assert said.status == 2
    assert said.err.startswith(
        "error: no limit says what may be deleted; give --older-than DAYS, --max-gb SIZE, or both"
    )


def test_the_limits_can_stand_in_the_environment(cluttered, made, call, tmp_path):
    areas = made.write_list(tmp_path / "areas.geojson", cluttered.areas)
    command = ("archive", "prune", "--areas", areas, "--outputs", cluttered.outputs)
    for limit in ({"archive_max_days": "30"}, {"archive_max_gb": "0"}):
        said = call(*command, cwd=tmp_path, history_days="365", **limit)
        assert (said.status, said.err) == (0, "")
        assert "8 files, " in said.out
        assert "nothing was, add --delete" in said.out
    said = call(*command, "--older-than", "36500", cwd=tmp_path, history_days="365", archive_max_days="30")
    assert said.out.startswith("0 files, ")  # the call comes first
    said = call(*command, cwd=tmp_path, archive_max_days="0")
    assert said.err.startswith("error: setting `archive_max_days`: Input should be greater than or equal to 1")


def test_a_watch_says_that_something_may_go_and_lets_it_stay(cluttered):
    before = files_of(cluttered.outputs / "archive")
    with cluttered.ledger() as ledger:

        def words(*limits) -> str:
            return words_of_limits(
                cluttered.stores(ledger), cluttered.areas, limits_of(*limits, today=date(2024, 7, 5))
            )

        assert words(None, None) == words(None, 1) == ""
        said = words(None, 0)
    assert said.startswith("archive: 8 files, ")
    assert said.endswith(" MB, may go by the limits; `sitewatch archive prune` names them")
    assert files_of(cluttered.outputs / "archive") == before


def test_every_version_of_evidence_stays_and_so_does_what_another_record_may_rest_on(bench, made):
    archive = bench.outputs / "archive"
    evidence = sorted(scene for alert in bench.record()["alerts"] for scene in alert["properties"]["scenes"])
    (held,) = archive.glob(f"yard-2/*/{evidence[0]}-*.tif")
    earlier = evidence[0][:-6] + f"{int(evidence[0][-6:]) - 7:06d}" if evidence[0][-6:].isdigit() else evidence[0]
    version = held.with_name(f"{earlier}-0123456789ab.tif")
    shutil.copy(held, version)
    stranger = archive / "far-2" / held.parent.name / held.name
    stranger.parent.mkdir(parents=True)
    shutil.copy(held, stranger)
    gone = {file.path for file in found(bench, [made.site("other-1", east_m=9_000)]).files}
    assert len(gone) > 50
    assert not gone & {held, version, stranger}


@pytest.fixture
def in_bucket(monkeypatch):
    """An empty bucket behind the archive."""
    with bucket_reached(monkeypatch) as address:
        yield address


def test_in_the_object_store_the_same_files_go_and_the_same_stay(in_bucket, cluttered, made, call, tmp_path):
    """From a disk that has none of the scenes: the store is listed, nothing is fetched."""
    archive, mirror = cluttered.outputs / "archive", Mirror(in_bucket)
    for file in files_of(archive):
        if not file.is_quarantined:
            mirror.put(file.folder, file.path.name, file.path.read_bytes())
    with cluttered.ledger() as ledger:
        both = replace(cluttered.stores(ledger), archive=Archive(archive, mirror))
        on_both = find_prunable(both, cluttered.areas, before=EVER, most_bytes=None)
    local = found(cluttered, cluttered.areas)
    assert (on_both.files, on_both.all_bytes) == (local.files, local.all_bytes)

    shutil.rmtree(archive)
    areas = made.write_list(tmp_path / "areas.geojson", cluttered.areas)
    command = ("archive", "prune", "--areas", areas, "--outputs", cluttered.outputs, "--older-than", "30")
    given = {"history_days": "365", "archive_url": in_bucket}
    before = mirror.sizes()
    said = call(*command, cwd=tmp_path, **given)
    assert (said.status, said.err) == (0, "")
    assert "6 files, " in said.out
    assert mirror.sizes() == before
    call(*command, "--delete", cwd=tmp_path, **given)
    assert set(before) - set(mirror.sizes()) == {
        f"{file.folder}/{file.path.name}" for file in local.files if not file.is_quarantined
    }
    assert not archive.exists()
