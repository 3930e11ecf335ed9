"""Acquisition plans: what is read of ESA's files, which of them count, and what they say of the scenes that came."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from loopback import served
from plan_kml import Planned, file_name, ring, sentinel_1_plan, sentinel_2_plan
from shapely.geometry import box
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from aois.area import Area, AreaKind
from flows.imagery.acquisition_plans import NO_PLAN, AcquisitionPlan, AreaPlan, latest, plan_over, read_plan
from flows.imagery.plan_files import keep_plans, kept_plans, plans_over
from flows.imagery.revisit import arrivals_between, next_due
from flows.imagery.scene import ImageryError
from flows.records.acquisitions import Arrivals

SEA = Area("at-sea", AreaKind.SITE, box(5.0, 2.0, 5.02, 2.02))
OVER, ELSEWHERE = ring(3.0, 0.0, 6.0, 4.0), ring(40.0, 0.0, 43.0, 4.0)
START = datetime(2026, 11, 2, 22, 45, 12, tzinfo=UTC)
FIRST, UNTIL = START - timedelta(days=1), START + timedelta(days=20)
LAST = UNTIL.date()
NAME = file_name("s1c", FIRST, UNTIL)


def radar(*days: int) -> list[tuple[str, datetime]]:
    times = [START + timedelta(days=day, seconds=40) for day in days]
    return [(f"sentinel-1_{one:%Y%m%dT%H%M%S}_r91", one) for one in times]


def day(number: int) -> date:
    return START.date() + timedelta(days=number)


def planned(*days: int, satellite: str = "S1C", orbit: int = 91, first: datetime = FIRST) -> AcquisitionPlan:
    takes = [Planned(satellite, START + timedelta(days=one), orbit, OVER) for one in days]
    takes = takes or [Planned(satellite, START, orbit, ELSEWHERE)]
    return read_plan(file_name(satellite, first, UNTIL), sentinel_1_plan(*takes))


def over(*plans: AcquisitionPlan, known_by: date = LAST) -> AreaPlan:
    return plan_over(SEA, plans, known_by=known_by)


def test_passes_of_both_missions_are_read_and_other_modes_are_not() -> None:
    takes = [Planned("S1C", START, 91, OVER), Planned("S1C", START + timedelta(days=1), 12, OVER, "EW")]
    plan = read_plan(NAME, sentinel_1_plan(*takes))
    assert (plan.first, plan.until) == (FIRST, UNTIL)
    (one,) = plan.passes
    assert (one.platform, one.sensor, one.orbit, one.start) == ("sentinel-1c", "sentinel-1", 91, START)
    assert one.footprint.equals(box(3.0, 0.0, 6.0, 4.0))
    optics = [Planned("", START, 18, OVER, mode) for mode in ("NOBS", "VIC", "NOT_RECORDING")]
    plan = read_plan("Sentinel-2B_MP_ACQ_KML_20261102T120000_20261120T150000.kml", sentinel_2_plan(*optics))
    assert [(one.platform, one.orbit) for one in plan.passes] == [("sentinel-2b", 18)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not XML"),
        (b"<!DOCTYPE html><html><body>Maintenance</body></html>", "declares a document type|no planned pass"),
        (b'<!DOCTYPE k [<!ENTITY a SYSTEM "file:///etc/passwd">]><kml>&a;</kml>', "declares a document type"),
        (b'<!DOCTYPE k [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><kml>&b;</kml>', "declares a document type"),
        (sentinel_1_plan(), "no planned pass"),
        (sentinel_1_plan(Planned("S3A", START, 91, OVER)), "no planned pass"),
        (sentinel_1_plan(Planned("S1C", START, 999, OVER)), "no planned pass"),
        (sentinel_1_plan(Planned("S1C", START, 91, [(float("nan"), 1.0)] * 4)), "no planned pass"),
        (sentinel_1_plan(Planned("S1C", START, 91, ring(-179.0, 0.0, 179.0, 4.0))), "no planned pass"),
        (sentinel_1_plan(Planned("S1C", START, 91, [(3.0, 0.0), (4.0, 0.0)])), "no planned pass"),
    ],
)
def test_what_is_no_plan_is_refused_and_no_entity_is_followed(content: bytes, words: str) -> None:
    with pytest.raises(ImageryError, match=words):
        read_plan("plan.kml", content)


def test_a_planned_pass_that_did_not_come_is_a_line() -> None:
    scenes = radar(-12, 0)
    found = arrivals_between(scenes, day(0), day(13), plan=over(planned(0, 12)))
    assert found.words == "expected 2, received 1: Sentinel-1, orbit 91, 14 November (planned)"
    assert arrivals_between([*scenes, *radar(12)], day(0), day(13), plan=over(planned(0, 12))) == Arrivals(2, 2)
    assert arrivals_between(scenes, day(0), day(13)) == Arrivals(0, 0), "two scenes are no rhythm yet"


def test_a_pass_that_both_the_rhythm_and_the_plan_promise_is_expected_once() -> None:
    scenes = radar(-36, -24, -12)
    assert arrivals_between(scenes, day(0), day(6), plan=over(planned(0))).expected == 1
    assert arrivals_between(scenes, day(0), day(6), plan=NO_PLAN).words.endswith("2 November")


def test_what_its_satellite_is_not_planned_to_do_is_not_expected() -> None:
    """The plan of 1C leaves out a pass of its own repeat; what another satellite flies stays promised."""
    scenes = radar(-36, -24, -12, 0)
    assert arrivals_between(scenes, day(12), day(13)).expected == 1
    assert arrivals_between(scenes, day(12), day(13), plan=over(planned(0))).expected == 0
    other = over(planned(6, satellite="S1D"))
    assert arrivals_between(scenes, day(12), day(13), plan=other).expected == 1


def test_orbits_from_which_nothing_came_are_not_expected() -> None:
    plan = over(planned(1, orbit=128))
    assert arrivals_between(radar(-12, 0), day(0), day(6), plan=plan) == Arrivals(0, 0)
    assert str(next_due([], day(0), plan=plan)) == "Sentinel-1, orbit 128, 3 November (planned)"


def test_sentinel_2_is_compared_by_its_days() -> None:
    scenes = [(f"sentinel-2_{one:%Y%m%dT%H%M%S}", one) for one in (START - timedelta(days=5), START)]
    takes = [Planned("", START + timedelta(days=n), 18, OVER, "NOBS") for n in (0, 5, 8)]
    plan = over(read_plan("s2b_mp_acq__kml_20261101t000000_20261120t000000", sentinel_2_plan(*takes)))
    words = arrivals_between(scenes, day(0), day(9), plan=plan).words
    assert words == "expected 2, received 1: Sentinel-2, 7 November (planned)", "on day 8 it lies on another track"


def test_of_two_plans_for_one_time_the_later_file_counts() -> None:
    early, late = planned(0, 12), planned(0, first=FIRST + timedelta(days=5))
    assert [one.day for one in over(early).passes] == [day(0), day(12)]
    assert [one.day for one in over(early, late).passes] == [day(0)]
    assert [one.day for one in over(late, early, known_by=day(2)).passes] == [day(0), day(12)], "it had not begun"
    assert latest([early, late]) == {"sentinel-1c": UNTIL}


def test_the_next_pass_is_that_of_the_plan() -> None:
    scenes = radar(-36, -24, -12, 0)
    assert str(next_due(scenes, day(1), plan=over(planned(6, 12)))) == "Sentinel-1, orbit 91, 8 November (planned)"
    assert str(next_due(scenes, day(1))) == "Sentinel-1, orbit 91, 14 November"


@contextmanager
def page(links: str) -> Iterator[str]:
    """A page with links, and the plans of 1C and 1D beside it, without an ending."""
    plans = {NAME: planned_content("S1C"), NAME.replace("s1c", "s1d"): planned_content("S1D")}

    def plan(request: Request) -> Response:
        return Response(plans[request.path_params["name"]], media_type="application/octet-stream")

    async def index(request: Request) -> Response:
        return HTMLResponse(f"<!DOCTYPE html><html><body>{links}</body></html>")

    with served(Starlette(routes=[Route("/plans", index), Route("/documents/{name}", plan)])) as address:
        yield address


def planned_content(satellite: str) -> bytes:
    return sentinel_1_plan(Planned(satellite, START, 91, OVER))


def test_plans_are_read_from_a_page_kept_by_their_hash_and_read_again(tmp_path: Path) -> None:
    other = NAME.replace("s1c", "s1d")
    links = (
        f'<a href="/documents/{NAME}">1C</a> <a href="documents/{other}?download=true">1D</a>'
        f'<a href="https://elsewhere.example.org/documents/{NAME}0">not ours</a> <a href="/contact">contact</a>'
    )
    with page(links) as address:
        assert keep_plans([f"{address}/plans"], tmp_path / "plans") == 2
        assert keep_plans([f"{address}/plans", f"{address}/documents/{NAME}"], tmp_path / "plans") == 0
    kept = sorted(path.name for path in (tmp_path / "plans").iterdir())
    assert [name.rpartition("-")[0] for name in kept] == [NAME, other]
    assert gzip.decompress((tmp_path / "plans" / kept[0]).read_bytes()) == planned_content("S1C")
    assert {one.platform for one in plans_over([SEA], tmp_path, known_by=day(0))["at-sea"].passes} == {
        "sentinel-1c",
        "sentinel-1d",
    }


def test_a_page_that_leads_to_no_plan_says_so_and_other_hosts_are_not_asked(tmp_path: Path) -> None:
    with page(f'<a href="https://elsewhere.example.org/{NAME}">elsewhere</a>') as address:
        with pytest.raises(ImageryError, match="links to no plan on its own host"):
            keep_plans([f"{address}/plans"], tmp_path / "plans")
        with pytest.raises(ImageryError, match="it answered 404"):
            keep_plans([f"{address}/nothing"], tmp_path / "plans")
    assert not (tmp_path / "plans").exists()


def test_plans_of_a_folder_are_read_and_a_missing_or_empty_one_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "kml"
    with pytest.raises(ImageryError, match="cannot be read"):
        keep_plans([str(folder)], tmp_path / "plans")
    folder.mkdir()
    with pytest.raises(ImageryError, match="there is no KML file"):
        keep_plans([str(folder)], tmp_path / "plans")
    (folder / f"{NAME}.kml").write_bytes(planned_content("S1C"))
    (folder / "notes.txt").write_text("not a plan")
    assert keep_plans([str(folder)], tmp_path / "plans") == 1


def test_a_kept_plan_that_is_damaged_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / f"{NAME}.kml").write_bytes(planned_content("S1C"))
    keep_plans([str(tmp_path)], tmp_path / "plans")
    (path,) = (tmp_path / "plans").iterdir()
    path.write_bytes(gzip.compress(planned_content("S1D")))
    assert kept_plans(tmp_path / "plans", known_by=day(0)) == ()
    assert "is damaged" in caplog.text


def test_only_plans_of_that_time_are_read(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.kml").write_bytes(planned_content("S1C"))
    keep_plans([str(tmp_path)], tmp_path / "plans")
    read = [bool(kept_plans(tmp_path / "plans", known_by=day(n))) for n in (-2, -1, 20, 60, 61)]
    assert read == [False, True, True, True, False]
