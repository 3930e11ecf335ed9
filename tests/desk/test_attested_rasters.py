"""At the desk a raster is drawn only if it is what the manifest of its run says."""

from types import SimpleNamespace

import pytest

from flows.desk.backend.case_pages import DeskEvidence
from flows.desk.errors import DeskError
from flows.evidence.manifest_schema import RecordEnd
from flows.evidence.manifests import write_manifest

RECORD: RecordEnd = {"changes": 0, "link": "", "follows": None}


@pytest.fixture
def raster(tmp_path):
    path = tmp_path / "areas" / "heron" / "2026-11-22" / "score.tif"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"as the run wrote it")
    return path


def layer(tmp_path):
    return DeskEvidence(SimpleNamespace(), SimpleNamespace(), tmp_path, {}).layer("heron", "score")  # type: ignore[arg-type]


def test_a_raster_that_a_manifest_names_is_drawn_only_as_it_was_written(tmp_path, raster):
    assert layer(tmp_path) == raster, "no manifest names it yet"
    write_manifest(tmp_path, run_id="r", made_at="2026-11-23T06:00:00+00:00", record=RECORD)
    assert layer(tmp_path) == raster
    raster.write_bytes(b"as somebody else wrote it")
    with pytest.raises(DeskError, match=r"`score\.tif` is not what the run wrote and is not drawn"):
        layer(tmp_path)


def test_nothing_is_drawn_under_a_damaged_chain(tmp_path, raster):
    path = write_manifest(tmp_path, run_id="r", made_at="2026-11-23T06:00:00+00:00", record=RECORD)
    path.write_text("{")
    with pytest.raises(DeskError, match="it is damaged"):
        layer(tmp_path)
