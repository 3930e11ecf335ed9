"""What the services really do, each done here by a server on loopback: what comes of it is right, or said in a line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile_web import hostile_web
from sh_server import PROCESS, REFUSED, SEARCH, TOKEN, Malformed, SentinelHubServer
from stac_on_loopback import StacOnLoopback, give, page_for_people, stac_on_loopback

from aois.area import Area
from aois.grid import Grid, grid_of
from flows.imagery.archive.store import Archive
from flows.imagery.catalog_presets import PRESETS, chosen_catalog
from flows.imagery.fetching import FetchReport, fetch_missing
from flows.imagery.limits import USUAL_LIMITS
from flows.imagery.network.answer_counts import AnswerCounts, Counted
from flows.imagery.scene import ImageryError, SceneRef
from flows.imagery.stac.planetary_computer import Signer
from flows.imagery.stac.stac_source import StacSource
from flows.imagery.web import asked_wait_s

YEAR = {"since": date(2023, 1, 1), "until": date(2023, 12, 31)}
HASTY = replace(USUAL_LIMITS, longest_wait_s=0.01, tries=2)
HTML = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Back soon</body></html>"


@pytest.fixture
def api(catalog: Any, flat: Callable[..., Any]) -> Iterator[StacOnLoopback]:
    """Three days of Sentinel-2, listed on one page."""
    for day in (1, 2, 3):
        catalog.add(f"item-{day}", f"2023-05-0{day}T10:00:00Z", {"red": flat(1000 * day), "nir": flat(3000)})
    with stac_on_loopback(catalog.root) as api:
        api.lists(catalog.items)
        yield api


def source_of(api: StacOnLoopback, **kwargs: Any) -> StacSource:
    return StacSource(api.address, collections=["sentinel-2-l2a"], limits=HASTY, **kwargs)


def fetched(source: StacSource, area: Area, grid: Grid, root: Path) -> FetchReport:
    refs = source.search(area, grid, **YEAR)
    return fetch_missing(source, Archive(root), area, grid, refs, on_scene=lambda _: None)


def days(refs: list[SceneRef]) -> list[int]:
    return [ref.acquired.day for ref in refs]


def test_an_item_whose_files_are_gone_fails_alone_and_says_which(
    api: StacOnLoopback, area: Area, grid: Grid, tmp_path: Path
) -> None:
    del api.web.answers["/item-2/nir.tif"]
    source = source_of(api)
    report = fetched(source, area, grid, tmp_path / "archive")
    assert [scene[11:19] for scene in report.fetched] == ["20230501", "20230503"]
    ((_, reason),) = report.failed
    assert "item `item-2`: asset `nir` at" in reason
    assert "it answered 404" in reason
    assert source.answers.refused == 1


CONTRADICTIONS: dict[str, tuple[dict[str, Any], float, str]] = {
    "an offset before there was one": ({"s2:processing_baseline": "02.14"}, -0.1, "baseline 02.14 has none"),
    "no offset where there is one": (
        {"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": False},
        0.0,
        "baseline 05.11 has one, and it was not taken off",
    ),
    "taken off, and declared": (
        {"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": True},
        -0.1,
        "it was taken off already",
    ),
    "declared, said not to be taken off, and taken off": (
        {"s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": False},
        -0.1,
        "has negative reflectance, so it was subtracted before",
    ),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_an_offset_that_contradicts_the_baseline_is_left_out_with_the_reason(
    catalog: Any, flat: Callable[..., Any], area: Area, grid: Grid, tmp_path: Path, kind: str
) -> None:
    properties, offset, words = CONTRADICTIONS[kind]
    bands = {"red": {"raster:bands": [{"scale": 0.0001, "offset": offset}]}}
    catalog.add("odd", "2023-05-01T10:00:00Z", {"red": flat(400)}, fields=bands, properties=properties)
    catalog.add("good", "2023-05-06T10:00:00Z", {"red": flat(400)})
    with stac_on_loopback(catalog.root) as api:
        api.lists(catalog.items)
        report = fetched(source_of(api), area, grid, tmp_path / "archive")
    assert len(report.fetched) == 1
    ((_, reason),) = report.failed
    assert words in reason


def test_an_offset_that_is_left_in_the_numbers_without_a_word_is_seen_by_its_plants(
    catalog: Any, flat: Callable[..., Any], area: Area, grid: Grid, tmp_path: Path
) -> None:
    bands = {"red": {"raster:bands": [{"scale": 0.0001, "offset": 0}]}}
    for item_id, number in (("odd", 1400), ("good", 400)):
        catalog.add(
            item_id,
            f"2023-05-0{len(catalog.items) + 1}T10:00:00Z",
            {"red": flat(number), "scl": flat(4, "uint8")},
            fields=bands,
            properties={"s2:processing_baseline": "05.11"},
        )
    with stac_on_loopback(catalog.root) as api:
        api.lists(catalog.items)
        report = fetched(source_of(api), area, grid, tmp_path / "archive")
    assert len(report.fetched) == 1
    ((_, reason),) = report.failed
    assert "the offset of processing baseline 05.11 was not taken off" in reason


def test_an_item_that_is_given_again_on_the_next_page_is_one_item(
    api: StacOnLoopback, catalog: Any, area: Area, grid: Grid, tmp_path: Path
) -> None:
    one, two, three = catalog.items
    api.lists([one, two], [two, three], [three])
    source = source_of(api)
    refs = source.search(area, grid, **YEAR)
    assert [ref.item_ids for ref in refs] == [("item-1",), ("item-2",), ("item-3",)]
    assert [ref.repeats for ref in refs] == [(), (), ()]
    assert len(fetched(source, area, grid, tmp_path / "archive").fetched) == 3


def test_what_was_not_asked_for_on_the_next_page_is_not_taken(
    api: StacOnLoopback, catalog: Any, area: Area, grid: Grid
) -> None:
    one, two, three = catalog.items
    west, south, east, north = one["bbox"]
    elsewhere = two | {"id": "elsewhere", "bbox": [west + 5, south, east + 5, north], "geometry": None}
    earlier = two | {"id": "earlier", "properties": {"datetime": "2022-05-02T10:00:00Z"}}
    other = two | {"id": "other", "collection": "landsat-c2-l2"}
    api.lists([one, two], [elsewhere, earlier, other, three])
    assert days(source_of(api).search(area, grid, **YEAR)) == [1, 2, 3]


def test_an_item_that_slips_between_two_pages_is_found_by_asking_again(
    api: StacOnLoopback, catalog: Any, area: Area, grid: Grid
) -> None:
    one, two, three = catalog.items
    api.lists([one], [three], [one, two, three], matched=3)
    api.pages[2].pop("links", None)
    api.pages[1].pop("links", None)
    source = source_of(api)
    assert days(source.search(area, grid, **YEAR)) == [1, 2, 3]
    assert source.passed_over == {}
    api.lists([one, three], matched=3)
    api.searches = 0
    source = source_of(api)
    assert days(source.search(area, grid, **YEAR)) == [1, 3]
    ((name, words),) = source.passed_over.items()
    assert name.startswith("search of 2023-01-01")
    assert words == "the catalog says that it lists 3 items and gave 2; the next run asks again"
    assert api.searches == 2


def test_bands_of_stac_1_1_beside_raster_bands_are_one_description(
    catalog: Any, flat: Callable[..., Any], area: Area, grid: Grid
) -> None:
    both = {
        "eo:bands": [{"name": "B04", "common_name": "red"}],
        "raster:bands": [{"scale": 0.0001, "offset": -0.1, "nodata": 0}],
        "bands": [{"name": "B04", "eo:common_name": "red", "raster:scale": 0.0001, "raster:offset": -0.1}],
    }
    catalog.add("both", "2023-05-01T10:00:00Z", {"B04": flat(3000)}, fields={"B04": both})
    odd = both | {"bands": [{"name": "B04", "raster:offset": 0}]}
    catalog.add("odd", "2023-05-06T10:00:00Z", {"B04": flat(3000)}, fields={"B04": odd})
    with stac_on_loopback(catalog.root) as api:
        api.lists(catalog.items)
        source = source_of(api)
        (ref,) = source.search(area, grid, **YEAR)
        scene = source.fetch(area, grid, ref)
    assert float(scene.pixels[0, 0, 0]) == pytest.approx(0.2)
    ((name, words),) = source.passed_over.items()
    assert name == "odd"
    assert "a band has the offset -0.1 in `raster:bands` and 0 in `bands`" in words


@pytest.mark.parametrize("baseline", ["05.11", "05.12"])
def test_a_partial_reprocessing_fills_only_what_the_whole_product_lacks(
    catalog: Any, raster: Any, flat: Callable[..., Any], area: Area, grid: Grid, baseline: str
) -> None:
    whole, part = np.full(grid.shape, 2000, np.uint16), np.full(grid.shape, 5000, np.uint16)
    whole[:, :4] = 0
    west, south, east, north = grid.bounds_lonlat
    half = (west, south, (west + east) / 2, north)
    name = "S2B_MSIL2A_20230501T031539_N0511_R118_T48PWU_20230501T0{}0000"
    for item_id, numbers, box, said in ((name.format(6), whole, None, "05.11"), (name.format(9), part, half, baseline)):
        bounds = {} if box is None else {"bbox": box}
        properties = {"s2:processing_baseline": said, "earthsearch:boa_offset_applied": True}
        catalog.add(item_id, "2023-05-01T03:15:39Z", {"red": raster(numbers)}, properties=properties, **bounds)
    with stac_on_loopback(catalog.root) as api:
        for items in (catalog.items, catalog.items[::-1]):
            api.lists(items)
            source = source_of(api)
            (ref,) = source.search(area, grid, **YEAR)
            scene = source.fetch(area, grid, ref)
            assert ref.baseline == "05.11"
            assert scene.pixels[0, 0, 4:] == pytest.approx(0.2)
            assert scene.pixels[0, 0, :4] == pytest.approx(0.5)


class TokenGiver:
    """Gives tokens of one container, by a clock of its own, and lets files go only for the last of them."""

    def __init__(self, api: StacOnLoopback, *, ahead: timedelta = timedelta(), lasts: timedelta = timedelta(hours=1)):
        self.given: list[str] = []
        self.until = 10**9
        self.ahead, self.lasts, self.files = ahead, lasts, dict(api.web.answers)
        for path in [path for path in api.web.answers if path.endswith(".tif")]:
            api.web.put(path, self.give_file)
            api.web.put(f"/token/127.0.0.1/{path.split('/')[1]}", self.give_token)

    def give_token(self, handler: BaseHTTPRequestHandler) -> None:
        self.given.append(f"sig=secret-{len(self.given)}")
        now = datetime.now(UTC) + self.ahead
        said = {"token": self.given[-1], "msft:expiry": (now + self.lasts).isoformat()}
        give(handler, json.dumps(said).encode(), Date=formatdate(now.timestamp(), usegmt=True))

    def give_file(self, handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        self.until -= 1
        if self.until == 0:
            self.given.append("ended")
        if query != self.given[-1]:
            give(handler, b"<Error>AuthenticationFailed</Error>", status=403)
            return
        content = self.files[path]
        assert isinstance(content, bytes)
        handler.give(content)  # type: ignore[attr-defined]


def signer_of(api: StacOnLoopback) -> Signer:
    return Signer(f"{api.address}/token", store="127.0.0.1")


@pytest.mark.parametrize("files_before", [1, 2])
def test_a_token_that_ends_in_the_middle_of_a_scene_is_renewed_once(
    api: StacOnLoopback, area: Area, grid: Grid, tmp_path: Path, files_before: int
) -> None:
    tokens = TokenGiver(api)
    tokens.until = files_before
    report = fetched(source_of(api, signer=signer_of(api)), area, grid, tmp_path / "archive")
    assert (len(report.fetched), report.failed) == (3, ())
    assert len([one for one in tokens.given if one != "ended"]) == 4


def test_tokens_that_have_ended_when_they_are_given_fail_their_scene_in_a_line(
    api: StacOnLoopback, area: Area, grid: Grid, tmp_path: Path
) -> None:
    tokens = TokenGiver(api)
    for path in [path for path in api.web.answers if path.endswith(".tif")]:
        api.web.put(path, lambda handler: give(handler, b"", status=403))
    report = fetched(source_of(api, signer=signer_of(api)), area, grid, tmp_path / "archive")
    assert report.fetched == ()
    assert all("it answered 403" in reason and "secret" not in reason for _, reason in report.failed)
    assert len(tokens.given) <= 2 * 3


def test_a_token_of_sentinel_hub_that_ends_between_two_pages_is_renewed(
    server: SentinelHubServer, hub: Callable[..., Any], yard: Area
) -> None:
    server.faults[SEARCH].extend([None, REFUSED])
    refs = hub(server, page_size=2).search(yard, grid_of(yard), since=date(2024, 5, 1), until=date(2024, 5, 31))
    assert len(refs) == 8
    assert server.count(TOKEN) == 2


@pytest.mark.parametrize("ahead", [timedelta(hours=-3), timedelta(), timedelta(days=1)])
def test_how_long_a_token_lasts_is_told_by_the_clock_of_who_gave_it(
    api: StacOnLoopback, area: Area, grid: Grid, ahead: timedelta
) -> None:
    tokens = TokenGiver(api, ahead=ahead)
    source = source_of(api, signer=signer_of(api))
    ref = source.search(area, grid, **YEAR)[0]
    for _ in range(3):
        source.fetch(area, grid, ref)
    assert len(tokens.given) == 1


def test_a_wait_until_a_time_of_day_is_reckoned_by_the_servers_clock() -> None:
    now_s = time.time()
    theirs_s = now_s + 7200
    until = formatdate(theirs_s + 30, usegmt=True)
    assert asked_wait_s(until, now_s=theirs_s) == pytest.approx(30, abs=1)
    assert asked_wait_s(until) == pytest.approx(7230, abs=2)


def test_a_clock_that_differs_from_the_providers_is_known(api: StacOnLoopback, area: Area, grid: Grid) -> None:
    answer = api.answer_search

    def behind(handler: BaseHTTPRequestHandler) -> None:
        api.searches += 1
        give(handler, json.dumps(api.pages[0]).encode(), Date=formatdate(time.time() - 3600, usegmt=True))

    source = source_of(api)
    source.search(area, grid, **YEAR)
    assert isinstance(source, Counted)
    assert abs(source.answers.clock_ahead_s) < 60
    api.web.put("/search", behind)
    source.search(area, grid, **YEAR)
    assert source.answers.clock_ahead_s == pytest.approx(3600, abs=60)
    api.web.put("/search", answer)


def test_a_page_for_people_at_200_fails_the_search_and_not_the_item(
    api: StacOnLoopback, area: Area, grid: Grid
) -> None:
    source = source_of(api)
    api.web.put("/search", page_for_people())
    with pytest.raises(ImageryError, match=r"cannot be read .*a page for people \(HTML\) in place of JSON"):
        source.search(area, grid, **YEAR)
    assert source.answers.odd == HASTY.tries


def test_a_page_for_people_in_place_of_one_item_of_a_static_catalog_is_not_passed_over(
    catalog: Any, flat: Callable[..., Any], area: Area, grid: Grid
) -> None:
    catalog.add("item-1", "2023-05-01T10:00:00Z", {"red": flat(1000)})
    catalog.add("item-2", "2023-05-02T10:00:00Z", {"red": flat(1000)})
    root = catalog.write().parent
    with hostile_web() as web:
        for path in root.rglob("*.*"):
            web.put(f"/{path.relative_to(root)}", path.read_bytes())
        source = StacSource(f"{web.address}/catalog.json", limits=HASTY)
        good = web.answers["/item-2.json"]
        web.put("/item-2.json", page_for_people())
        with pytest.raises(ImageryError, match="a page for people"):
            source.search(area, grid, **YEAR)
        web.put("/item-2.json", good)
        assert days(source.search(area, grid, **YEAR)) == [1, 2]


def test_a_page_for_people_in_place_of_a_file_fails_its_scene_alone(
    api: StacOnLoopback, area: Area, grid: Grid, tmp_path: Path
) -> None:
    api.web.put("/item-2/red.tif", HTML)
    report = fetched(source_of(api), area, grid, tmp_path / "archive")
    assert len(report.fetched) == 2
    ((_, reason),) = report.failed
    assert "asset `red`" in reason
    assert "gave a page for people (HTML) in place of the file" in reason


@pytest.mark.parametrize("kind", [SEARCH, PROCESS, TOKEN])
def test_a_page_for_people_of_sentinel_hub_is_one_clear_line(
    server: SentinelHubServer, hub: Callable[..., Any], yard: Area, tmp_path: Path, kind: str
) -> None:
    source, grid = hub(server), grid_of(yard)
    month = {"since": date(2024, 5, 1), "until": date(2024, 5, 31)}
    if kind != PROCESS:
        server.faults[kind].extend([Malformed(HTML)] * 50)
        with pytest.raises(ImageryError) as caught:
            source.search(yard, grid, **month)
        said = str(caught.value)
        assert "\n" not in said
        assert "Maintenance" not in said
        server.faults[kind].clear()
    else:
        refs = source.search(yard, grid, **month)[:1]
        server.faults[kind].extend([Malformed(HTML)] * 3)
        report = fetch_missing(source, Archive(tmp_path), yard, grid, refs, on_scene=lambda _: None)
        assert report.fetched == ()
        assert "\n" not in report.failed[0][1]
    again = hub(server)
    assert len(again.search(yard, grid, **month)) == 8


def test_a_collection_that_was_renamed_is_an_error_and_not_a_week_without_imagery(
    api: StacOnLoopback, catalog: Any, area: Area, grid: Grid
) -> None:
    api.lists([])
    api.collections = ["sentinel-2-c2-l2a", "landsat-c2-l2"]
    with pytest.raises(ImageryError) as caught:
        source_of(api).search(area, grid, **YEAR)
    assert "it has no collection `sentinel-2-l2a` any more, but `sentinel-2-c2-l2a`" in str(caught.value)
    api.web.put("/search", lambda handler: give(handler, b'{"detail": "unknown collection"}', status=404))
    with pytest.raises(ImageryError, match="it has no collection `sentinel-2-l2a` any more"):
        source_of(api).search(area, grid, **YEAR)


def test_a_collection_that_is_there_and_empty_is_no_error(
    api: StacOnLoopback, catalog: Any, area: Area, grid: Grid
) -> None:
    api.lists([])
    api.web.put("/collections/sentinel-2-l2a", b'{"id": "sentinel-2-l2a"}')
    source = source_of(api)
    assert source.search(area, grid, **YEAR) == []
    assert source.search(area, grid, **YEAR) == []
    assert api.web.asked.count("/collections/sentinel-2-l2a") == 1


def test_one_of_two_collections_that_was_renamed_is_named(
    api: StacOnLoopback, catalog: Any, area: Area, grid: Grid
) -> None:
    source = StacSource(api.address, collections=["sentinel-2-l2a", "sentinel-1-rtc"], limits=HASTY)
    with pytest.raises(ImageryError, match="it has no collection `sentinel-1-rtc` any more, but `sentinel-2-l2a`"):
        source.search(area, grid, **YEAR)


def test_a_preset_is_meant_by_its_name_and_the_first_by_its_plain_address() -> None:
    assert chosen_catalog(None).collections == ("sentinel-2-l2a",)
    for preset in PRESETS:
        choice = chosen_catalog(preset.name)
        assert (choice.location, choice.collections) == (preset.address, preset.collections)
        assert choice.is_signed == (preset.host == "planetarycomputer.microsoft.com")
        first = next(one for one in PRESETS if one.host == preset.host)
        assert chosen_catalog(f"{preset.address}/").collections == first.collections
    assert chosen_catalog("./catalog.json").collections == ()
    assert chosen_catalog("https://example.org/stac").collections == ()


def test_each_preset_has_its_line_in_the_table_of_peculiarities() -> None:
    table = (Path(__file__).parents[2] / "flows" / "imagery" / "README.md").read_text()
    for preset in PRESETS:
        collections = ", ".join(f"`{name}`" for name in preset.collections)
        assert f"| `{preset.name}` | {collections} |" in table


def test_answers_are_counted_by_what_was_wrong_with_them(
    api: StacOnLoopback, area: Area, grid: Grid, tmp_path: Path
) -> None:
    source = source_of(api)
    assert source.provider == "127.0.0.1"
    assert source.answers == AnswerCounts()
    answers = [500, 429, None]

    def failing(handler: BaseHTTPRequestHandler) -> None:
        status = answers.pop(0)
        if status is None:
            api.answer_search(handler)
        else:
            give(handler, b"", status=status)

    api.web.put("/search", failing)
    source = StacSource(api.address, limits=replace(HASTY, tries=4))
    source.search(area, grid, **YEAR)
    counts = source.answers
    assert (counts.asked, counts.broken, counts.busy, counts.faults) == (4, 1, 1, 2)
    assert counts + counts == replace(counts, asked=8, broken=2, busy=2, clock_ahead_s=counts.clock_ahead_s)
