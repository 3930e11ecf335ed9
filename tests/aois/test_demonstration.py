"""The lists that come with the package."""

from itertools import combinations

import pytest
import shapely

from aois.area import AreaKind, Response
from aois.demonstration import DEMONSTRATION_IDS, demonstration, is_demonstration
from aois.grid import grid_of, to_utm
from aois.regions import town_regions

SEA_WITHOUT_LAND = shapely.box(0.0, 0.0, 2.0, 2.0)  # Gulf of Guinea


@pytest.fixture(scope="module")
def areas():
    return demonstration()


def test_the_ids_are_those_the_simulator_knows(areas):
    assert tuple(area.id for area in areas) == DEMONSTRATION_IDS


def test_six_sites_and_one_region_all_of_them_fictional(areas):
    assert [area.kind for area in areas].count(AreaKind.SITE) == 6
    assert [area.kind for area in areas].count(AreaKind.REGION) == 1
    assert all("Fictional" in area.name for area in areas)


def test_they_lie_at_sea_five_kilometres_apart(areas):
    assert all(SEA_WITHOUT_LAND.contains(area.geometry) for area in areas)
    ground = [to_utm(area.geometry, 32631) for area in areas]
    assert min(one.distance(other) for one, other in combinations(ground, 2)) > 5_000


def test_they_are_small_enough_to_run_in_minutes(areas):
    for area in areas:
        side = 130 if area.kind is AreaKind.SITE else 280
        assert max(grid_of(area).shape) <= side


def test_the_sites_differ_in_status_and_in_what_authorities_did(areas):
    sites = [area for area in areas if area.kind is AreaKind.SITE]
    assert {site.status for site in sites} == {"identified", "suspected"}
    assert {site.margin_m for site in sites} == {400.0}
    responses = [response for site in sites for response in site.responses]
    assert {response.action for response in responses} == {"investigated", "intervened"}
    assert all(isinstance(response, Response) and response.claim and response.source for response in responses)


def test_the_demonstration_is_known_when_seen(areas):
    assert is_demonstration(areas)
    assert is_demonstration([*town_regions(), areas[0]])
    assert not is_demonstration(town_regions())


def test_town_regions_are_coarse_boxes_that_fit_in_a_tile():
    for area in town_regions():
        west, south, east, north = area.geometry.bounds
        assert area.kind is AreaKind.REGION
        assert area.geometry.equals(shapely.box(west, south, east, north))
        assert all(round(edge / 0.05) * 0.05 == pytest.approx(edge) for edge in (west, south, east, north))
        assert all(1_400 < side < 2_300 for side in grid_of(area).shape)  # 14 to 23 km: a town, not a place in it


def test_the_towns_of_public_reporting_are_there():
    ids = {area.id for area in town_regions()}
    assert {"town-sihanoukville", "town-poipet", "town-bavet", "town-koh-kong", "town-o-smach"} <= ids
    assert not ids & set(DEMONSTRATION_IDS)
