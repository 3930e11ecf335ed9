"""What the watch was worth on each real ground, as lines of the accuracy table and as tables of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ground_truth import COVERED
from grounds import GROUNDS, EventFate, Fate, GroundOutcome
from scoring import Figure, counted, median, rate, ratio, share

from detectors.records import Change


def figures(outcomes: Sequence[GroundOutcome]) -> list[Figure]:
    """The lines of the table, ground by ground."""
    return [line for outcome in outcomes for line in _lines(outcome)]


def _lines(outcome: GroundOutcome) -> list[Figure]:
    name = outcome.ground
    out = []
    changes = outcome.changes
    if changes:
        missed, hits = (
            counted(c.kind for c in changes if c.recorded < COVERED),
            [c.recorded >= COVERED for c in changes],
        )
        what = f"{name}: changes on record, {COVERED:.0%} covered"
        out.append(share(what, hits, _found_goal(outcome.ground), why=f"missed: {missed}"))
        out.append(share(f"{name}: changes alerted, {COVERED:.0%} covered", [c.alerted >= COVERED for c in changes]))
        out.append(share(f"{name}: changes touched by an event on record", [c.recorded > 0 for c in changes]))
        out.append(median(f"{name}: share of a change that is covered", [c.recorded for c in changes]))
        judged = [c for c in changes if c.is_right is not None]
        wrong = counted(f"{c.kind} told as {c.told_as}" for c in judged if not c.is_right)
        out.append(share(f"{name}: told as what it is", [bool(c.is_right) for c in judged], "≥ 0.93", why=wrong))
        out += _egypt(name, changes) if outcome.ground == "newcapital-egypt" else []
        days = [c.alert_days for c in changes if c.alert_days is not None]
        if GROUNDS[outcome.ground].is_dated and days:
            out.append(
                median(f"{name}: days from the first look that shows it to an alert", days, "≤ 40", why="see days")
            )
    for what in ("held", "alerted", "confirmed"):
        false = outcome.false(what)
        sizes = ", ".join(f"{e.change} {e.pixels} px" for e in sorted(false, key=lambda e: -e.pixels)[:6])
        goal = _false_goal(outcome.ground, what)
        label = {"held": "on record", "alerted": "alerted", "confirmed": "confirmed"}[what]
        if goal == "≤ 0.05":
            exposure = outcome.quiet_km2 * outcome.years
            out.append(rate(f"{name}: false events {label}, a km² and year", len(false), exposure, goal, why=sizes))
        else:
            out.append(rate(f"{name}: false events {label}", len(false), 1.0, goal, why=sizes))
    out.append(ratio(f"{name}: share of the watched ground that is told", [outcome.told_px], [outcome.watched_px]))
    return out


def _egypt(name: str, changes: Sequence[Fate]) -> list[Figure]:
    """The two lines that issue 17 asks for by name."""
    walled = [c for c in changes if c.kind == "new compound"]
    camps = [c for c in changes if c.kind == "demolition"]
    return [
        share(
            f"{name}: walled compounds told as construction",
            [c.told_as in (Change.CONSTRUCTION, Change.FENCING) for c in walled],
            "≥ 1.0",
            why=counted(str(c.told_as) for c in walled),
        ),
        share(
            f"{name}: works camps told as demolition",
            [c.told_as == Change.DEMOLITION for c in camps],
            "≥ 1.0",
            why=counted(str(c.told_as) for c in camps),
        ),
    ]


def _found_goal(ground: str) -> str:
    """What issue 17 asks: 18 of Egypt's 25 changes, four in five of a suburb's."""
    return "≥ 0.72" if ground == "newcapital-egypt" else "≥ 0.80" if ground.startswith("suburb-") else ""


def _false_goal(ground: str, what: str) -> str:
    """What issue 17 asks: nothing in Egypt's quiet polygons, one alert in Slovenia, two false events a suburb."""
    goals = {("newcapital-egypt", "alerted"): "≤ 0", ("slovenia-medvode", "alerted"): "≤ 1"}
    goals |= {(name, "held"): "≤ 2" for name in GROUNDS if name.startswith("suburb-")}
    goals |= {(name, "confirmed"): "≤ 0.05" for name in GROUNDS if name.startswith("s1-")}
    return goals.get((ground, what), "")


HEAD = (
    "| ground | changes | touched | on record | alerted | class right | false on record | false alerted "
    "| false confirmed | days to alert | ground told |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


def table(outcomes: Sequence[GroundOutcome]) -> list[str]:
    """One row a ground, then one row a change and the false events, as Markdown."""
    rows = [*HEAD, *map(_row, outcomes)]
    for outcome in outcomes:
        rows += ["", f"### {outcome.ground}", ""]
        if outcome.changes:
            rows += [
                "| change | kind | px | on record | alerted | told as | confidence | days |",
                "|---|---|---|---|---|---|---|---|",
            ]
        for c in outcome.changes:
            mark = {True: "", False: " ✗", None: ""}[c.is_right]
            days = "" if c.alert_days is None else str(c.alert_days)
            rows.append(
                f"| {c.name} | {c.kind} | {c.pixels} | {c.recorded:.0%} | {c.alerted:.0%} | {c.told_as or '—'}{mark} "
                f"| {c.confidence:.2f} | {days} |"
            )
        false = sorted((e for e in outcome.events if e.is_true is False), key=lambda e: -e.pixels)
        rows += [
            "",
            f"False events: {len(false)}; " + "; ".join(map(_described, false[:25])) if false else "No false event.",
        ]
    return rows


def _row(outcome: GroundOutcome) -> str:
    changes, n = outcome.changes, len(outcome.changes)
    touched, recorded, alerted = (
        f"{sum(hits)} of {n}" if n else ""
        for hits in (
            [c.recorded > 0 for c in changes],
            [c.recorded >= COVERED for c in changes],
            [c.alerted >= COVERED for c in changes],
        )
    )
    judged = [c.is_right for c in changes if c.is_right is not None]
    right = f"{sum(judged)} of {len(judged)}" if judged else ""
    days = [c.alert_days for c in changes if c.alert_days is not None]
    waited = f"{np.median(days):.0f}" if days and GROUNDS[outcome.ground].is_dated else ""
    false = " | ".join(str(len(outcome.false(what))) for what in ("held", "alerted", "confirmed"))
    told = f"{outcome.told_px / outcome.watched_px:.1%}"
    return f"| {outcome.ground} | {n} | {touched} | {recorded} | {alerted} | {right} | {false} | {waited} | {told} |"


def _described(event: EventFate) -> str:
    told = "confirmed" if event.is_confirmed else "alerted" if event.is_alerted else event.state
    return f"{event.change} {event.pixels} px at {event.confidence:.2f} ({told}, `{event.key}`)"
