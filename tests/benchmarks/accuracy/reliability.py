"""Does the confidence that an alert states hold: stated confidence in bins against what was true, and Brier scores.

Every event says something twice: when it is first alerted, and at the end of the watch, if it was not taken back. It is
true when it lies on a true change, *and* right when its class names that change too; what nobody knows is left out. On
seeds, cases are those of the ablations, and roofs of materials that no fit saw; on real grounds, truth was drawn by
eye. Only the figures with the ground, or the material, left out of the fit say what a number is worth on new ground.
There the two goals are held against all that was said on grounds left out, and each ground and material has its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from cases import Case, Happened, case
from grounds import EventFate, run_ground
from replay import watch
from scoring import Figure, ratio, share
from series import READ

from detectors.events.alert_rules import deserves_alert
from detectors.monitor.event_records import events_of
from detectors.monitor.state import AreaState
from detectors.records import Event, State
from flows.records.confidence import CALIBRATED_FROM

BINS = (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)
SURE, BRIER_GOAL = 0.9, "≤ 0.15"
TOLD, ENDED = "alerts, when first told", "events on record at the end"
ROOFS_ALONE = "roofs of one material, put into real series"
LEFT_OUT = "all grounds left out, one at a time"


@dataclass(frozen=True)
class Stated:
    """What one event said: its confidence when it was first alerted and at the end, None where it said nothing then.

    `is_right` is None where it lies on a true change whose class nobody knows.
    """

    told: float | None
    ended: float | None
    is_true: bool
    is_right: bool | None

    def at(self, moment: str) -> float | None:
        """The confidence that it stated at one of the two moments."""
        return self.told if moment == TOLD else self.ended


@dataclass(frozen=True)
class Statements:
    """All that the events of one watch said; `source` is the group that it is counted in.

    `about` is its real series, or its material where it is about roofs of one; empty on drawn ground.
    """

    source: str
    said: tuple[Stated, ...]
    about: str = ""


def of_case(*where: Any, **keywords: Any) -> Statements:
    """What the events of one case of `cases` said, of whom it is known whether they are true."""
    some = case(*where, **keywords)
    told: dict[str, float] = {}

    def note(day: date, state: AreaState) -> None:
        for event in events_of(state, today=day.toordinal()):
            if event.key not in told and deserves_alert(event):
                told[event.key] = event.confidence

    seen = watch(
        some.acquisitions,
        since=some.since,
        until=some.until,
        ground=some.ground,
        history_days=some.history_days,
        on_week=note,
    )
    source = "seeds, put into real series" if some.is_real else "seeds, drawn ground"
    said = tuple(s for e in seen.events if (s := _stated(e, some, told.get(e.key))) is not None)
    return Statements(source, said, READ[0] if READ else "")


def of_material(material: str, series: str, since: date, until: date, *, seed: int, mixing: float) -> Statements:
    """What the events of a real series said into which roofs of one material alone were put."""
    READ.append(material)  # before the series: what a run leaves out of the fit is the material
    return replace(
        of_case("built", series, since, until, seed=seed, mixing=mixing, roofs=(material,)), source=ROOFS_ALONE
    )


def _stated(event: Event, some: Case, told: float | None) -> Stated | None:
    is_held = event.state is not State.RETRACTED and event.merged_into is None
    if not is_held and told is None:
        return None
    touched = [c for c in some.changes if _is_of(event, c)]
    if not touched and (event.footprint.frame() & some.anything).any():
        return None
    is_right = event.change in {c.change for c in touched}
    return Stated(told, event.confidence if is_held else None, bool(touched), is_right)


def _is_of(event: Event, change: Happened) -> bool:
    return bool((event.footprint.frame() & change.mask).any()) and event.last_seen >= change.begins


def of_ground(name: str) -> Statements:
    """What the events of one real ground said, of whom it is known whether they are true."""
    outcome, _ = run_ground(name)
    return Statements("real grounds", tuple(s for e in outcome.events if (s := _of_fate(e)) is not None), name)


def _of_fate(event: EventFate) -> Stated | None:
    if event.is_true is None or not (event.is_held or event.is_alerted):
        return None
    return Stated(event.told_confidence, event.confidence if event.is_held else None, event.is_true, event.is_right)


def figures(statements: Sequence[Statements], *, is_left_out: bool = False) -> list[Figure]:
    """For every group and both moments: a line a bin, the share that is also right, and the Brier scores.

    Where each was left out of the fit, all grounds are a group too, and each ground and material has two lines.
    """
    groups = {LEFT_OUT: [s for s in statements if s.source != ROOFS_ALONE]} if is_left_out else {}
    groups |= {source: [s for s in statements if s.source == source] for source in _sources(statements)}
    out = [
        line
        for name, some in groups.items()
        for moment in (TOLD, ENDED)
        for line in _lines(name, moment, [s.said for s in some])
    ]
    names = dict.fromkeys((s.source == ROOFS_ALONE, s.about) for s in statements) if is_left_out else {}
    for is_material, name in sorted(names):
        some = [s.said for s in statements if (s.source == ROOFS_ALONE, s.about) == (is_material, name)]
        out += _in_short(f"{'roofs of ' if is_material else ''}{name} left out", some)
    return out


def _sources(statements: Sequence[Statements]) -> list[str]:
    return list(dict.fromkeys(s.source for s in statements))


def _in_short(what: str, watches: Sequence[Sequence[Stated]]) -> list[Figure]:
    """What alerts stated when first told: the share of sure ones that is true, and the Brier score over events."""
    said = _said_at(TOLD, (s for watch_ in watches for s in watch_))
    sure = in_bin(said, SURE, BINS[-1])
    brier = [brier_parts([one]) for one in said]
    return [
        share(f"{what}, {TOLD}: stated {SURE} and more: true", [s.is_true for _, s in sure]),
        ratio(f"{what}, {TOLD}: Brier score", [e for e, _ in brier], [n for _, n in brier]),
    ]


def _lines(source: str, moment: str, watches: Sequence[Sequence[Stated]]) -> list[Figure]:
    said = _said_at(moment, (s for watch_ in watches for s in watch_))
    out = []
    for low, high in pairwise(BINS):
        some = in_bin(said, low, high)
        goal = "≥ 0.85" if low >= SURE else ""
        if not some:
            continue
        mean = float(np.mean([p for p, _ in some]))
        what = f"{source}, {moment}: stated {low:.1f} to {high:.1f}, {mean:.2f} in the mean"
        out.append(share(f"{what}: true", [s.is_true for _, s in some], goal, why=f"{len(some)} events"))
        named = [s.is_right for _, s in some if s.is_right is not None]
        out.append(share(f"{what}: true and its class right", [bool(r) for r in named]))
    for score, least in (("Brier score", 0.0), ("Brier score of numbers that are shown", CALIBRATED_FROM)):
        pairs = [[(p, s) for p, s in _said_at(moment, watch_) if p >= least] for watch_ in watches]
        true = [s.is_true for some in pairs for _, s in some]
        parts = [brier_parts(some) for some in pairs]
        why = f"{np.mean(true):.2f} of {len(true)} are true" if true else ""
        what = f"{source}, {moment}: {score}"
        out.append(ratio(what, [e for e, _ in parts], [n for _, n in parts], BRIER_GOAL, why=why))
    return out


def _said_at(moment: str, said: Iterable[Stated]) -> list[tuple[float, Stated]]:
    return [(p, s) for s in said if (p := s.at(moment)) is not None]


def in_bin(said: Sequence[tuple[float, Stated]], low: float, high: float) -> list[tuple[float, Stated]]:
    """What was stated from `low` up to, but not at, `high`; the last bin holds 1 too."""
    return [(p, s) for p, s in said if low <= p < high or p == high == BINS[-1]]


def brier_parts(said: Sequence[tuple[float, Stated]]) -> tuple[float, int]:
    """The sum of squared differences of stated confidence and truth, and of how many. Brier (1950)."""
    return float(sum((p - s.is_true) ** 2 for p, s in said)), len(said)


def plot(statements: Sequence[Statements], to: Path, *, name: str = "reliability.png") -> None:
    """Write a reliability diagram, a panel for each group: share true by stated confidence, with Wilson's intervals."""
    from matplotlib.figure import Figure as Page

    sources = _sources(statements)
    page = Page(figsize=(4.2 * max(len(sources), 1), 4.2), layout="constrained")
    for panel, source in zip(page.subplots(1, max(len(sources), 1), squeeze=False)[0], sources, strict=False):
        panel.plot([0, 1], [0, 1], color="black", linewidth=0.8)
        for moment, mark in ((TOLD, "o"), (ENDED, "s")):
            said = _said_at(moment, (s for one in statements if one.source == source for s in one.said))
            bins = [some for low, high in pairwise(BINS) if (some := in_bin(said, low, high))]
            lines = [share("", [s.is_true for _, s in some]) for some in bins]
            x = [float(np.mean([p for p, _ in some])) for some in bins]
            errors = [[f.value - f.low for f in lines], [f.high - f.value for f in lines]]
            panel.errorbar(x, [f.value for f in lines], yerr=errors, marker=mark, capsize=3, label=moment)
            for at, line in zip(x, lines, strict=True):
                panel.annotate(str(line.count), (at, line.value), fontsize=7, xytext=(4, 4), textcoords="offset points")
        panel.set(title=source, xlabel="stated confidence", ylabel="share that is true", xlim=(0, 1.02), ylim=(0, 1.02))
        panel.legend(fontsize=7)
    to.mkdir(parents=True, exist_ok=True)
    page.savefig(to / name, dpi=110)
