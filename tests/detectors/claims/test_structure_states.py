"""What becomes of hundreds of simulated buildings, of which some are flattened, some damaged and some under cloud."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from claimed_site import LAST, RESPONSE, ClaimedSite, claimed_site

from detectors.claims.claim_rules import (
    Amount,
    ClaimAnswer,
    ClaimRule,
    StructureTally,
    judge_demolition,
    tally_structures,
)
from detectors.claims.structure_cover import cover_structures
from detectors.claims.structure_states import StructureReading, StructureState, Unseen, baseline_end

SEEDS, TWENTY = range(3), range(20)  # the suite looks at some of the seeds; `-m benchmark` at all
STANDING, CHANGED, GONE, NOT_SEEN = StructureState


@dataclass(frozen=True)
class Checked:
    """A simulated site and what was read of it."""

    site: ClaimedSite
    readings: tuple[StructureReading, ...]
    tally: StructureTally

    def answer(self, number: int) -> ClaimAnswer:
        return judge_demolition(self.readings, self.tally, number=number, area_m2=None).answer

    def states(self, chosen: frozenset[int]) -> Counter[StructureState]:
        return Counter(self.readings[n].state for n in chosen)


def checked(site: ClaimedSite) -> Checked:
    readings = site.readings()
    return Checked(
        site, readings, tally_structures(readings, [Amount(0.9 * b.area, 1.1 * b.area) for b in site.buildings])
    )


YARD: dict[str, Any] = {"buildings": 60, "damaged": 0, "cloudy_share": 0.0, "yard_m": (360.0, 330.0)}


def large_sites(seeds: range) -> list[Checked]:
    """413 buildings were claimed; 31 were flattened and 80 damaged, and an eighth of the site lay under cloud."""
    return [checked(claimed_site(seed)) for seed in seeds]


def small_sites(seeds: range) -> list[Checked]:
    """60 buildings, of which 20 were flattened."""
    return [checked(claimed_site(seed, flattened=20, **YARD)) for seed in seeds]


def quiet_sites(seeds: range) -> list[Checked]:
    """60 buildings, all of which stand."""
    return [checked(claimed_site(seed, flattened=0, **YARD)) for seed in seeds]


def check_large(sites: list[Checked]) -> None:
    """The interval holds the truth, nothing that fell is said to stand, and what lies under cloud is left open."""
    assert all(one.tally.count.low <= 31 <= one.tally.count.high for one in sites)
    assert {one.answer(413) for one in sites} == {ClaimAnswer.CONTRADICTED}
    assert ClaimAnswer.CONTRADICTED not in {one.answer(31) for one in sites}
    fallen = sum((one.states(one.site.flattened) for one in sites), Counter())
    hurt = sum((one.states(one.site.damaged) for one in sites), Counter())
    hidden = sum((one.states(one.site.hidden - one.site.flattened) for one in sites), Counter())
    assert fallen[STANDING] == 0
    assert fallen[GONE] >= 0.75 * fallen.total()
    assert hurt[GONE] <= 0.03 * hurt.total()
    assert hurt[CHANGED] >= 0.6 * hurt.total()
    assert hidden[STANDING] <= 0.1 * hidden.total()  # those on the edge of the clouds
    told = [one.readings[n] for one in sites for n in one.site.flattened if one.readings[n].state is GONE]
    right = [r.latest >= RESPONSE and (r.earliest is None or r.earliest < RESPONSE) for r in told]
    assert np.mean(right) >= 0.95
    assert np.median([(r.latest - r.earliest).days for r in told if r.earliest]) <= 40


def check_small(sites: list[Checked]) -> None:
    """A true claim is never contradicted, and mostly supported."""
    answers = Counter(one.answer(20) for one in sites)
    assert answers[ClaimAnswer.CONTRADICTED] == 0
    assert answers[ClaimAnswer.SUPPORTED] >= 0.8 * len(sites)


def check_quiet(sites: list[Checked]) -> None:
    """No roof is gone, few are changed, most are said to stand."""
    assert sum(one.tally.gone for one in sites) == 0
    assert sum(one.tally.changed for one in sites) <= 0.04 * 60 * len(sites)
    assert sum(one.tally.standing for one in sites) >= 0.8 * 60 * len(sites)


@pytest.fixture(scope="module")
def quiet() -> list[Checked]:
    return quiet_sites(SEEDS)


def test_of_413_claimed_the_interval_holds_the_31_that_were_flattened():
    check_large(large_sites(SEEDS[:2]))


def test_a_true_claim_is_supported():
    check_small(small_sites(SEEDS))


def test_at_a_quiet_site_no_roof_is_gone(quiet):
    check_quiet(quiet)


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_twenty_seeds(capsys):
    large, small, quiet = large_sites(TWENTY), small_sites(TWENTY), quiet_sites(TWENTY)
    areas = [sum(one.site.buildings[n].area for n in one.site.flattened) for one in large]
    held = [o.tally.area_m2.low <= a <= o.tally.area_m2.high for o, a in zip(large, areas, strict=True)]
    with capsys.disabled():
        print()
        print("counts", [(int(o.tally.count.low), int(o.tally.count.high)) for o in large], "areas held", sum(held))
        for name, part in (("flattened", "flattened"), ("damaged", "damaged"), ("hidden", "hidden")):
            print(name, dict(sum((o.states(getattr(o.site, part)) for o in large), Counter())))
        print("true claims", Counter(o.answer(20) for o in small))
        print("quiet", [sum(getattr(o.tally, n) for o in quiet) for n in ("standing", "changed", "gone", "not_seen")])
    check_large(large)
    check_small(small)
    check_quiet(quiet)
    assert all(held)


def test_of_more_buildings_than_are_known_nothing_is_contradicted(quiet):
    finding = judge_demolition(quiet[0].readings, quiet[0].tally, number=61, area_m2=None)
    assert (finding.answer, finding.rule) == (ClaimAnswer.NOT_SEEN, ClaimRule.FEWER_KNOWN)


def test_before_there_are_looks_since_the_claim_nothing_is_said():
    site = claimed_site(3, flattened=20, **YARD)
    readings = site.readings(until=RESPONSE + timedelta(days=1))
    assert {r.state for r in readings} == {NOT_SEEN}
    assert {r.reason for r in readings} <= {Unseen.NO_LOOK_SINCE, Unseen.TOO_SMALL}


def test_the_same_scenes_give_the_same_readings():
    site = claimed_site(4, flattened=20, **YARD)
    assert site.readings() == site.readings()


def test_what_covers_no_pixel_is_too_small():
    labels = np.zeros((100, 100), np.int32)
    labels[50, 50] = 1
    cover = cover_structures(labels, 2, fine=5, monitored_mask=np.ones((20, 20), bool))
    assert cover.is_readable.tolist() == [False, False]


def test_the_baseline_ends_some_weeks_before_the_claim_where_there_are_looks():
    claim = date(2025, 6, 1)
    many = [claim - timedelta(days=n) for n in range(30, 200, 5)]
    assert baseline_end(claim, many) == claim - timedelta(days=45)
    assert baseline_end(claim, many[:9]) == claim
    assert claim < LAST
