"""A finder with every public image, and with every event on record, learns no place from the public edition."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from detected import detected_event
from finder import Candidate, Edition, order_of, read_edition
from scipy.stats import binom
from shapely.geometry import box

from aois.area import Area, AreaKind, Response, Sensitivity, Status
from aois.grid import grid_of, to_lonlat
from aois.week import Week, week_of
from detectors.footprint import footprint_in
from detectors.preprocessing.masks import clear_of
from detectors.records import State, Transition
from flows.evidence.outlines import footprint_of, outline_of
from flows.imagery.archive.store import Archive
from flows.imagery.detector_inputs import acquisition_of
from flows.imagery.scene import Sensor
from flows.imagery.simulation.simulated_source import SimulatedSource
from flows.ledger.ledger import Ledger, open_ledger
from flows.records.event_json import EVENT_PROPERTIES
from flows.records.events import DetectedEvent
from flows.records.observations import ObservationRecord
from flows.reports.build import build_reports
from flows.reports.data import week as reporting
from flows.reports.data.public_crowd import KEPT, settled_crowd
from flows.reports.data.public_week import public_week
from flows.reports.data.week import report_week
from flows.reports.edition import public_inputs
from flows.reports.exports import write_public_figures
from flows.reports.inputs import AreaView, ReportInputs, WeekSeen
from flows.reports.restricted_totals import FEWEST, Member, RestrictedTotals, quarter_end, restricted_totals_of

EPSG, WEEK = 32631, Week(2026, 47)  # the Gulf of Guinea, far from any shore
UNTIL = quarter_end(WEEK)
PLACES, LISTED, LISTS = 20, 8, 40
SMALL = 5  # places behind a figure where twenty places have to show something
LIFE = (State.PROVISIONAL, State.CONFIRMED)
SOURCE = "simulated"


@dataclass(frozen=True)
class World:
    """Places with their record and images, and what a finder knows of them."""

    outputs: Path
    ledger: Ledger
    areas: Sequence[Area]
    candidates: Sequence[Candidate]

    @property
    def active(self) -> list[str]:
        """Ids of the places with an event that the public edition counts."""
        return [c.area_id for c in self.candidates if any(e.first_seen <= UNTIL.last_day for e in c.events)]


def place(number: int) -> Area:
    left = 500_000 + 3000 * number
    ground = to_lonlat(box(left, 200_000, left + 300, 200_300), EPSG)
    answer = Response(date(2026, 3, 4), "intervened", f"claim of hut {number}", "source")
    name = f"Reed Bank {number} '\"><b>"
    return Area(f"place-{number}-x", AreaKind.SITE, ground, name, Status.SUSPECTED, 150.0, (answer,))


def story(number: int) -> SimulatedSource:
    """Stories that end in different weeks, so that their days differ."""
    return SimulatedSource(UNTIL.last_day - timedelta(weeks=number % 9), 1)


def events_of(area: Area, source: SimulatedSource, steps: int) -> list[DetectedEvent]:
    grid, found = grid_of(area), []
    for number, change in enumerate(source.truth_changes(area, grid)):
        told = tuple(Transition(s, change.begins + timedelta(days=i), "scene") for i, s in enumerate(LIFE[:steps]))
        properties = dict.fromkeys(EVENT_PROPERTIES) | {
            "kind": "expansion", "change": change.change.value, "state": told[-1].state.value,
            "first_seen": change.begins.isoformat(), "area_m2": change.area_m2, "length_m": change.length_m,
            "confidence": 0.9, "sensors": ["sentinel-2"],
            "scenes": [f"sentinel-2_{change.begins:%Y%m%d}T102847"],
        }  # fmt: skip
        event_id = f"ev-{area.id}-{number}"
        found.append(
            detected_event(area.id, event_id, properties, outline_of(footprint_in(change.footprint), grid), told, True)
        )
    return found


def keep_scenes(area: Area, source: SimulatedSource, archive: Archive) -> list[tuple[str, np.ndarray]]:
    """A clear look of before and one of after, as anybody can download them."""
    grid, kept = grid_of(area), []
    for day in (date(2025, 6, 1), date(2026, 9, 20)):
        refs = source.search(area, grid, since=day, until=day + timedelta(days=60))
        for ref in [ref for ref in refs if ref.sensor is Sensor.SENTINEL_2]:
            scene = source.fetch(area, grid, ref)
            if clear_of(acquisition_of(scene, grid)).mean() > 0.95:
                archive.put(area.id, SOURCE, grid, scene)
                kept.append((scene.scene_id, scene.pixels[[scene.bands.index(b) for b in ("red", "green", "blue")]]))
                break
    return kept


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    outputs = tmp_path_factory.mktemp("province")
    archive, areas = Archive(outputs / "archive"), [place(n) for n in range(PLACES)]
    candidates = []
    with open_ledger(f"sqlite:///{outputs / 'ledger.sqlite'}") as ledger:
        ledger.record_areas(areas)
        for number, area in enumerate(areas):
            source = story(number)
            for week, steps in ((UNTIL.plus(-1), 1), (UNTIL, 2), (WEEK, 2)):
                known = [e for e in events_of(area, source, steps) if e.event.first_seen <= week.last_day]
                seen = ObservationRecord(area.id, week, (), (), 0.9, week.last_day, str(week))
                ledger.record_week(seen, known)
            events = ledger.events(area.id, as_of=WEEK)
            footprints = [footprint_of(event.ground, grid_of(area)) for event in events]
            scenes = keep_scenes(area, source, archive)
            candidates.append(Candidate(area.id, area.name, scenes, events, footprints))
        yield World(outputs, ledger, areas, candidates)


@pytest.fixture(autouse=True)
def _one_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rasterio silences a warning of its own in a way that is not safe in two threads, and here warnings are errors."""
    monkeypatch.setattr(reporting, "READERS", 1)


def built(world: World, area_ids: Sequence[str], outputs: Path) -> Path:
    """Both editions of a week over some places; the folder above them."""
    areas = [area for area in world.areas if area.id in area_ids]
    archive = Archive(world.outputs / "archive")
    report_week(
        WEEK, areas=areas, ledger=world.ledger, archive=archive, source_name=SOURCE, outputs=outputs, failures={}
    )
    return outputs


def published(world: World, area_ids: Sequence[str], folder: Path) -> Edition:
    """The public edition alone, of restricted places."""
    areas = [area for area in world.areas if area.id in area_ids]
    inputs = ReportInputs(WEEK, SOURCE, tuple(AreaView(area, (50, 50), None, None, None, (), ()) for area in areas))
    given: dict[str, Any] = {"ledger": world.ledger, "observations": world.ledger.observations(until=WEEK)}
    given |= {"released": (), "outputs": folder.with_name(f"{folder.name}-kept")}
    public = public_week(inputs, **given)
    write_public_figures(public, folder)
    build_reports(public, folder, languages=("en", "fr"))
    return read_edition(folder)


def member(world: World, area: Area) -> Member:
    facts = tuple(world.ledger.events(area.id, as_of=UNTIL))
    return Member(area, facts, (WeekSeen(UNTIL, 0.9, 1, UNTIL.last_day),))


def most_by_chance(trials: int, chance: float) -> int:
    """Hits that one series in a thousand passes by chance alone."""
    return int(binom.ppf(0.999, trials, chance))


def test_the_owners_edition_leads_to_the_place_at_once(world: World, tmp_path: Path) -> None:
    """So the finder is able, and the next test can fail."""
    rng, true = np.random.default_rng(1), world.active[:2]
    for area_id in true:
        edition = read_edition(built(world, [area_id], tmp_path / area_id) / "reports" / str(WEEK))
        assert order_of(edition, world.candidates, rng=rng)[0] == area_id
        words_gone = Edition("", edition.pictures, (), ())
        assert order_of(words_gone, world.candidates, rng=rng)[0] == area_id, "by its pictures alone"


def test_the_public_edition_of_one_place_leads_nowhere(world: World, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    ranks = [
        order_of(published(world, [area.id], tmp_path / area.id), world.candidates, rng=rng).index(area.id)
        for area in world.areas
    ]
    assert ranks.count(0) <= most_by_chance(len(ranks), 1 / PLACES)
    assert np.mean(ranks) > (PLACES - 1) / 2 - 3.1 * PLACES / np.sqrt(12 * PLACES)
    said = {re.sub(r"place-\d+-x", "", e.text) for e in (read_edition(tmp_path / a.id) for a in world.areas)}
    assert len(said) == 1, "the same words whatever the place"


def test_the_public_edition_of_a_short_list_says_no_more_than_its_length(world: World, tmp_path: Path) -> None:
    """Which of the places are on the list? Whoever knows every image and event reads the same page for all of them."""
    rng, said = np.random.default_rng(3), set()
    for number in range(LISTS):
        listed = rng.choice([a.id for a in world.areas], LISTED, replace=False).tolist()
        edition = published(world, listed, tmp_path / str(number))
        assert not edition.totals
        assert not edition.drawings
        said.add(edition.text)
    assert len(said) == 1


def cloudy_weeks(order: Sequence[int]) -> tuple[WeekSeen, ...]:
    """Half a year in which clouds hid other weeks, and hid others of them more; the last week is the same."""
    shares = [0.03 + 0.9 * (number % 7) / 7 for number in order]
    earlier = [WeekSeen(WEEK.plus(n - 26), share, int(7 * share), None) for n, share in enumerate(shares)]
    return (*earlier, WeekSeen(WEEK, 0.71, 3, WEEK.last_day))


def test_weeks_of_cloud_at_a_place_that_is_shown_are_not_those_of_any_other(tmp_path: Path) -> None:
    """Whoever knows from public images which weeks were cloudy where finds the same page for every place."""
    area, said, owner = replace(place(3), sensitivity=Sensitivity.PUBLIC), [], []
    for name, order in (("a", range(26)), ("b", range(25, -1, -1))):
        view = AreaView(area, (50, 50), None, None, None, cloudy_weeks(order), ())
        inputs = ReportInputs(WEEK, SOURCE, (view,))
        public = public_inputs(inputs, shown={area.id}, counts=(), crowd=RestrictedTotals(0))
        build_reports(inputs, tmp_path / name / "owner", languages=("en",))
        build_reports(public, tmp_path / name / "public", languages=("en", "fr"))
        write_public_figures(public, tmp_path / name / "public")
        owner.append(read_edition(tmp_path / name / "owner").text)
        said.append(read_edition(tmp_path / name / "public").text)
    assert owner[0] != owner[1], "the owner sees week by week"
    assert said[0] == said[1]
    assert "Seen well enough in some of the weeks on record." in said[0]
    assert not re.search(r'class="strip"|71\s?%', said[0])


def test_nothing_finer_than_the_edition_promises_is_in_its_files(world: World, tmp_path: Path) -> None:
    folder = built(world, [a.id for a in world.areas], tmp_path) / "public" / str(WEEK)
    edition = read_edition(folder)
    assert not edition.pictures
    assert sorted(path.name for path in folder.iterdir()) == [
        "events.csv", "index.fr.html", "index.html", "sites.csv", "totals.csv"
    ]  # fmt: skip
    for area in world.areas:
        for word in (area.id, "Reed Bank", "claim of hut", "ev-place"):
            assert word not in edition.text
    assert not re.search(r"sentinel-\d[_ ]|\d{8}T\d{6}|_r\d+|\b\d{1,2}:\d{2}(?!\d*px)|\bT\d{2}[A-Z]{3}\b", edition.text)
    days = set(re.findall(r"\d{4}-\d{2}-\d{2}", edition.text))
    assert days <= {str(UNTIL.last_day)}, "the end of the quarter, and no other day"


def test_files_tell_neither_when_they_were_made_nor_differ_when_made_again(world: World, tmp_path: Path) -> None:
    ids = [a.id for a in world.areas[:6]]
    first, again = (built(world, ids, tmp_path / name) for name in ("first", "again"))
    for path in (first / "public" / str(WEEK)).iterdir():
        assert path.read_bytes() == (again / "public" / str(WEEK) / path.name).read_bytes()
        assert path.stat().st_mtime == WEEK.end.timestamp()
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE((first / "public" / str(WEEK)).stat().st_mode) == 0o755
    owners = [first / "reports", *(first / "reports").rglob("*")]
    assert {stat.S_IMODE(p.stat().st_mode) for p in owners if p.is_dir()} == {0o700}
    assert {stat.S_IMODE(p.stat().st_mode) for p in owners if p.is_file()} == {0o600}


def test_a_quarter_reaches_to_its_last_whole_week() -> None:
    for week, last in {"2026-47": "2026-09-27", "2026-40": "2026-09-27", "2027-1": "2026-12-27"}.items():
        year, number = map(int, week.split("-"))
        assert str(quarter_end(Week(year, number)).last_day) == last
    assert quarter_end(week_of(date(2028, 12, 31))).last_day == date(2028, 12, 31), "a quarter that ends on a Sunday"


def test_a_later_week_of_the_quarter_says_the_same(world: World) -> None:
    """The difference between two weeks' pages tells nothing of the days between."""
    members = [member(world, area) for area in world.areas]
    crowds = [restricted_totals_of(members, quarter_end(WEEK.plus(weeks)), fewest=SMALL) for weeks in (-7, 0, 5)]
    assert crowds[0].is_told
    assert crowds[0] == crowds[1] == crowds[2]


def test_a_place_that_joins_in_mid_quarter_changes_no_page_of_it(world: World, tmp_path: Path) -> None:
    """Its weeks are worked through from the start, so the difference of two pages would be its own figures."""
    ids = [a.id for a in world.areas]
    first = built(world, ids[:10], tmp_path / "outputs") / "public" / str(WEEK)
    before = {path.name: path.read_bytes() for path in first.iterdir()}
    built(world, ids, tmp_path / "outputs")
    assert {path.name: path.read_bytes() for path in first.iterdir()} == before
    (kept,) = (tmp_path / "outputs" / "public-crowd").iterdir()
    assert kept.name == "2026-Q3.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    kept.write_text("{")
    built(world, ids, tmp_path / "outputs")
    assert "places_at_least\n" in (first / "totals.csv").read_text("utf-8-sig"), "a damaged file tells nothing"
    assert len((first / "totals.csv").read_text("utf-8-sig").splitlines()) == 1


def test_figures_of_a_release_that_told_of_fewer_places_are_told_no_more(world: World, tmp_path: Path) -> None:
    """A file of the quarter that says five places are behind a figure, or does not say how many, is of such a one."""
    members = [member(world, area) for area in world.areas]
    told = json.loads(KEPT.dump_json(restricted_totals_of(members, UNTIL, fewest=SMALL)))
    assert told["groups"]
    file = tmp_path / "public-crowd" / "2026-Q3.json"
    file.parent.mkdir()
    given: dict[str, Any] = {"ledger": world.ledger, "observations": (), "outputs": tmp_path}
    for kept in (told, {name: value for name, value in told.items() if name != "fewest"}):
        file.write_text(json.dumps(kept))
        crowd = settled_crowd(world.areas, WEEK, **given)
        assert crowd == RestrictedTotals(PLACES, fewest=FEWEST)
    enough = RestrictedTotals(PLACES * 3, UNTIL.last_day, seen=FEWEST)
    file.write_bytes(KEPT.dump_json(enough))
    assert settled_crowd(world.areas, WEEK, **given) == enough


def test_regions_do_not_hide_that_every_site_was_answered(world: World) -> None:
    """No region is answered, so whoever knows which places are sites would know it of each."""
    members = [member(world, area) for area in world.areas]
    regions = [
        replace(m, area=replace(m.area, id=f"region-{n}", kind=AreaKind.REGION, status=None, responses=()))
        for n, m in enumerate(members)
    ]
    assert restricted_totals_of([*members, *regions], UNTIL, fewest=SMALL).answered == ()
    unanswered = [replace(m, area=replace(m.area, responses=())) for m in members[:SMALL]]
    mixed = restricted_totals_of([*unanswered, *members[SMALL:], *regions], UNTIL, fewest=SMALL).answered
    assert [told.sites for told in mixed] == [SMALL, SMALL]


def test_what_holds_for_all_places_is_told_of_none(world: World) -> None:
    """Whoever knows the sites at which authorities intervened would know of each what was measured there."""
    members = [member(world, area) for area in world.areas]
    crowd = restricted_totals_of(members, UNTIL, fewest=SMALL)
    assert crowd.is_told
    assert crowd.answered == (), "all were answered"
    assert crowd.seen == 0, "all were seen well"
