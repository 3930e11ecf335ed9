"""The public annotations are read as specified, and what is not is refused with the file's name."""

from __future__ import annotations

import json

import pytest
from smart_truth import LIFE, REGION, REGION_ID, true_site, write_truth

from flows.benchmark.annotations import read_region
from flows.benchmark.errors import BenchmarkError
from flows.records.site_models import Phase


def test_what_was_written_is_read_again(folder):
    region, sites = read_region(folder, REGION_ID)
    assert (region.start, region.end) == (REGION.start, REGION.end)
    assert [site.status for site in sites] == ["positive_annotated", "negative", "ignore"]
    assert [(one.day, one.phases) for one in sites[0].observations] == [(day, (phase,)) for day, phase in LIFE]
    assert sites[0].geometry.symmetric_difference(true_site(1).geometry).area < 1e-9


def test_summaries_stand_for_sites_without_a_model(tmp_path):
    _, sites = read_region(write_truth(tmp_path / "t", [true_site(1)], only_summaries=True), REGION_ID)
    (site,) = sites
    assert [one.day for one in site.observations] == [site.start, site.end]
    assert site.observations[0].phases == ()


def test_parts_in_several_phases_and_parts_that_are_no_boundary(folder):
    path = folder / "site_models" / f"{REGION_ID}_0001.geojson"
    document = json.loads(path.read_text())
    said = document["features"][1]
    said["geometry"]["coordinates"] = [said["geometry"]["coordinates"][0]] * 2
    said["properties"] |= {
        "current_phase": "Active Construction, Site Preparation",
        "is_site_boundary": "True, False",
        "is_occluded": "False, False",
    }
    path.write_text(json.dumps(document))
    one = read_region(folder, REGION_ID)[1][0].observations[0]
    assert one.phases == (Phase.ACTIVE_CONSTRUCTION, Phase.SITE_PREPARATION)
    assert one.geometry.area == pytest.approx(true_site(1).geometry.area, rel=1e-4)


def test_observations_without_a_day_take_those_of_the_site(folder):
    path = folder / "site_models" / f"{REGION_ID}_0002.geojson"
    document = json.loads(path.read_text())
    for feature in document["features"][1:]:
        feature["properties"] |= {"observation_date": None, "current_phase": None}
    path.write_text(json.dumps(document))
    days = [one.day for one in read_region(folder, REGION_ID)[1][1].observations]
    assert days == [LIFE[0][0], LIFE[-1][0]]


@pytest.mark.parametrize(
    ("name", "words"),
    [("XX_R002", "has no model in"), ("xx-1", "is not an id of the programme")],
)
def test_a_region_that_is_not_there_is_told(folder, name, words):
    with pytest.raises(BenchmarkError, match=words):
        read_region(folder, name)


def test_a_folder_that_is_none_is_told(tmp_path):
    with pytest.raises(BenchmarkError, match="is not a folder"):
        read_region(tmp_path / "nowhere", REGION_ID)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d["features"][1]["properties"].update(current_phase="Digging"),
        lambda d: d["features"][0]["properties"].pop("status"),
        lambda d: d["features"][0]["properties"].update(start_date="last year"),
        lambda d: d["features"][0].update(geometry={"type": "Polygon", "coordinates": [[[0, 0]]]}),
        lambda d: d.update(features="none"),
    ],
)
def test_a_model_that_is_not_as_specified_is_named(folder, spoil):
    path = folder / "site_models" / f"{REGION_ID}_0001.geojson"
    document = json.loads(path.read_text())
    spoil(document)
    path.write_text(json.dumps(document))
    with pytest.raises(BenchmarkError, match=r"XX_R001_0001\.geojson"):
        read_region(folder, REGION_ID)
