"""What an operator is to be told of the watch itself: areas not seen, weeks late, series that stopped. Once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from aois.week import Week, week_of
from flows.alerts.dispatch_content import notice, parcel_key
from flows.alerts.route_settings import MessageRoutes
from flows.config.deployment import Operating
from flows.imagery.revisit import SILENT, silences
from flows.ledger.ledger import Ledger
from flows.records.message_json import content_json
from flows.records.messages import DispatchRecord
from flows.records.observations import ObservationRecord, SceneRecord

SHOWN = 40  # areas named in one notice; doctor names all


@dataclass(frozen=True)
class Condition:
    """Something an operator should know. As long as it lasts it has the same name, by which it is told once."""

    name: str
    title: str
    lines: tuple[str, ...]


def conditions_of(
    observations: Sequence[ObservationRecord], listed: Collection[str], operating: Operating, *, now: datetime
) -> list[Condition]:
    """Find what holds now of the listed areas; `observations` are all on record.

    An area is *not seen* when its last clear acquisition (or, never seen, the beginning of its watch) lies
    `unseen_weeks` or more back; areas that came to that in one week share a condition. A week is *late* when some area
    lacks it `late_hours` after its end.
    """
    last = week_of(now.date() - timedelta(days=7))
    seen = [one for one in observations if one.area_id in listed]
    return [*_unseen(seen, operating.unseen_weeks, last), *_late(seen, listed, operating.late_hours, last, now)]


def silence_conditions(
    observations: Sequence[ObservationRecord], scenes: Mapping[str, Sequence[SceneRecord]]
) -> list[Condition]:
    """Find the series that stopped coming, as of the last week on record of each area; `scenes` are by area.

    A series has stopped when three acquisitions or more that its orbit promised have not come since its last. Areas at
    which the third was missed in one week share a condition, which has the same name as long as it lasts.
    """
    weeks = {one.area_id: one.week for one in sorted(observations, key=lambda o: o.week)}
    groups: dict[tuple[str, str, Week], list[str]] = defaultdict(list)
    for area_id, known in sorted(scenes.items()):
        if area_id not in weeks or not known:
            continue
        source = max(known, key=lambda scene: scene.acquired).source
        passes = [(scene.scene_id, scene.acquired) for scene in known]
        for silence in silences(passes, weeks[area_id].last_day):
            told = f"{area_id}: {silence.name}, last {silence.last}, {len(silence.missed)} missed since"
            groups[source, silence.sensor, week_of(silence.missed[SILENT - 1])].append(told)
    return [_silent(source, sensor, week, found) for (source, sensor, week), found in sorted(groups.items())]


def _silent(source: str, sensor: str, week: Week, found: Sequence[str]) -> Condition:
    areas = len({line.partition(":")[0] for line in found})
    return Condition(
        f"silent:{source}:{sensor}:{week}",
        f"Sitewatch: {sensor.capitalize()} has stopped coming at {_areas(areas)}",
        (
            f"By {week} three acquisitions or more that the orbits promise had not come from source `{source}`:",
            *_few(found),
            "No alert is not no change. Look at what the provider says of its service; `sitewatch doctor` says when "
            "the next acquisition is due. What comes late is worked in from its week on.",
        ),
    )


def last_looks(observations: Sequence[ObservationRecord]) -> dict[str, date | None]:
    """The last clear acquisition at each area on record; None where there has not been one."""
    looks: dict[str, date | None] = {}
    for one in sorted(observations, key=lambda o: o.week):
        looks[one.area_id] = one.last_clear_look or looks.get(one.area_id)
    return looks


def post_notices(ledger: Ledger, ways: MessageRoutes, conditions: Sequence[Condition], *, now: datetime) -> int:
    """Each condition waits in the outbox of every operator's channel, or has been there; how many channels there are.

    The key of a notice follows from condition and channel, and the outbox takes a key once: so a condition is told
    once however often this is called and whenever it is killed.
    """
    operator = ways.routes.operator
    for condition in conditions:
        for channel in operator:
            key = parcel_key(channel, "operator", [condition.name])
            content = notice(
                condition.title, condition.lines, week_of(now.date()), key=key, is_simulated=ways.is_simulated
            )
            ledger.outbox.pack(DispatchRecord(key, channel, (), content_json(content), now))
    return len(operator)


def _unseen(seen: Sequence[ObservationRecord], unseen_weeks: int, last: Week) -> list[Condition]:
    begun = {one.area_id: one.week.first_day for one in sorted(seen, key=lambda o: o.week, reverse=True)}
    groups: dict[Week, list[str]] = defaultdict(list)
    for area_id, look in last_looks(seen).items():
        came = week_of((look or begun[area_id]) + timedelta(weeks=unseen_weeks))
        if came <= last:
            told = f"last clear acquisition {look}" if look else f"never seen clearly since {begun[area_id]}"
            groups[came].append(f"{area_id}: {told}")
    return [
        Condition(
            f"unseen:{week}",
            f"Sitewatch: {_areas(len(found))} not seen for {unseen_weeks} weeks",
            (
                f"Since {week} there has been no clear acquisition for {unseen_weeks} weeks or more at:",
                *_few(sorted(found)),
                "No alert is not no change: nothing can be said of these places. Check the source of imagery with "
                "`sitewatch doctor`; cloud alone ends by itself.",
            ),
        )
        for week, found in sorted(groups.items())
    ]


def _late(
    seen: Sequence[ObservationRecord], listed: Collection[str], late_hours: float, last: Week, now: datetime
) -> list[Condition]:
    due = datetime.combine(last.last_day + timedelta(days=1), time(), UTC) + timedelta(hours=late_hours)
    missing = sorted(set(listed) - {one.area_id for one in seen if one.week >= last})
    if now < due or not missing:
        return []
    return [
        Condition(
            f"late:{last}",
            f"Sitewatch: week {last} is late for {_areas(len(missing))}",
            (
                f"Week {last} was to be on record by {due:%Y-%m-%d %H:%M} UTC and is not for:",
                *_few(missing),
                "The next run tries again by itself. `sitewatch doctor` says what stands in its way.",
            ),
        )
    ]


def _areas(count: int) -> str:
    return "1 area" if count == 1 else f"{count} areas"


def _few(lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return [*lines[:SHOWN], *more]
