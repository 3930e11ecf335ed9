"""The commands `sitewatch alerts incidents`: the alerts of one place within some weeks, taken up as one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.table import Table

from flows.alerts.route_settings import incident_rule
from flows.cli.options import OutputsOption, console, day_of, existing_ledger, record_settings
from flows.config.settings import Settings, SettingsError
from flows.evidence.geojson_files import write_alerts
from flows.ledger.ledger import Ledger
from flows.ledger.references import incident_named
from flows.printable import printable
from flows.records.events import AlertRecord
from flows.records.incidents import Incident, Incidents
from flows.records.reviews import Judgement, Reason, Verdict

incidents_app = typer.Typer(no_args_is_help=True, help="The alerts of one place within some weeks, as one.")

ByOption = Annotated[str, typer.Option("--by", help="Who does it.")]
WhyOption = Annotated[str, typer.Option("--why", help="The reason, for those who come after.")]
IncidentArgument = Annotated[str, typer.Argument(help="Its id, as `list` shows it, or the reference in a message.")]


@incidents_app.command("list")
def incidents_list(
    area: Annotated[Optional[str], typer.Option("--area", help="Only this area.")] = None,  # noqa: UP045
    waiting: Annotated[bool, typer.Option("--open", help="Only incidents with an alert to acknowledge.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """List the incidents by place, with how many of their alerts are acknowledged, and what is muted."""
    settings = record_settings(outputs)
    with existing_ledger(settings) as ledger:
        if area is not None and area not in {one.id for one in ledger.areas()}:
            raise SettingsError(f"area `{area}` is not in the ledger; `sitewatch areas list` shows the ids")
        incidents, records = _read(ledger, settings), _records(ledger)
    today = datetime.now(UTC).date()
    shown = [
        one
        for one in incidents.all
        if area in (None, one.area_id) and (not waiting or _unacknowledged(one, records) > 0)
    ]
    if not shown:
        console.print("No incident matches." if incidents.all else "No alert on record.", highlight=False)
        return
    table = Table("incident", "area", "alerts", "first", "last", "acknowledged", "messages")
    for one in shown:
        taken = len(one.alerts) - _unacknowledged(one, records)
        table.add_row(
            one.incident_id,
            one.area_id,
            str(len(one.alerts)),
            str(one.first_on),
            str(one.last_on),
            f"{taken} of {len(one.alerts)}",
            _mute_words(incidents, one, today),
        )
    console.print(table)


@incidents_app.command("show")
def incidents_show(incident: IncidentArgument, outputs: OutputsOption = None) -> None:
    """Show one incident with its alerts and what people decided about it, without coordinates."""
    settings = record_settings(outputs)
    with existing_ledger(settings) as ledger:
        incidents, records = _read(ledger, settings), _records(ledger)
        found = _named(ledger, incidents, incident)
        said = {one: [vars(v.judgement) for v in ledger.verdicts(one)] for one in found.event_ids}
    muted = {one.alert_id for one in incidents.muted_in(found)}
    mute = incidents.mute_on(found, datetime.now(UTC).date())
    shown = {
        "incident_id": found.incident_id,
        "area_id": found.area_id,
        "muted_until": None if mute is None else str(mute.until),
        "messages_not_sent": len(incidents.muted_in(found)),
        "alerts": [
            {
                "alert_id": one.alert_id,
                "issued_on": str(one.issued_on),
                "kind": one.kind,
                "change": one.change,
                "state": one.state,
                "area_m2": one.area_m2,
                "acknowledged_by": records[one.alert_id].acknowledged_by,
                "has_unsent_messages": one.alert_id in muted,
                "verdicts": said[one.event_id],
            }
            for one in found.alerts
        ],
        "decisions": [
            {"until": str(one.until) if one.until else None, "by": one.by, "why": one.why, "at": f"{one.at:%F %H:%M}"}
            for one in incidents.decisions(found)
        ],
    }
    console.print_json(json.dumps(shown))


@incidents_app.command("acknowledge")
def incidents_acknowledge(incident: IncidentArgument, by: ByOption, outputs: OutputsOption = None) -> None:
    """Record who acknowledges all alerts of an incident; who acknowledged one before stays on record."""

    def acknowledge(ledger: Ledger, found: Incident) -> str:
        ledger.acknowledge_all(found.alert_ids, by=by, on=datetime.now(UTC).date())
        return f"{_counted(found)} acknowledged by {by}."

    _change(incident, outputs, acknowledge)


@incidents_app.command("judge")
def incidents_judge(
    incident: IncidentArgument,
    verdict: Verdict,
    by: ByOption,
    reason: Annotated[
        Optional[Reason], typer.Option("--reason", help="The reason, if the verdict is rejected.")  # noqa: UP045
    ] = None,
    note: Annotated[str, typer.Option("--note", help="A short note.")] = "",
    outputs: OutputsOption = None,
) -> None:
    """Record the same verdict on every alert of an incident; earlier verdicts are kept."""

    def judge(ledger: Ledger, found: Incident) -> str:
        words = Judgement(verdict, by=by, reason=reason, note=note)
        ledger.judge_all(found.event_ids, words, at=datetime.now(UTC))
        return f"{_counted(found)} {verdict.value}, by {by}."

    _change(incident, outputs, judge)


@incidents_app.command("mute")
def incidents_mute(
    incident: IncidentArgument,
    by: ByOption,
    why: WhyOption,
    until: Annotated[str, typer.Option("--until", metavar="YYYY-MM-DD", help="The last day, at most 13 weeks ahead.")],
    outputs: OutputsOption = None,
) -> None:
    """Send no message of an incident until the end of a day; its alerts stay on record, and are not sent later."""

    def mute(ledger: Ledger, found: Incident) -> str:
        last = day_of(until, "--until") or date.max
        ledger.mutes.mute(found.alerts[0].alert_id, until=last, by=by, why=why, at=datetime.now(UTC))
        return f"No message of it is sent until the end of {last}; what comes by then is recorded and not sent later."

    _change(incident, outputs, mute)


@incidents_app.command("unmute")
def incidents_unmute(incident: IncidentArgument, by: ByOption, why: WhyOption, outputs: OutputsOption = None) -> None:
    """Send what comes from now on; what was muted is not sent."""

    def end(ledger: Ledger, found: Incident) -> str:
        ledger.mutes.end(found.alerts[0].alert_id, by=by, why=why, at=datetime.now(UTC))
        return "What comes from now on is sent; what was muted stays unsent, and on record."

    _change(incident, outputs, end)


@incidents_app.command("export")
def incidents_export(
    incident: IncidentArgument,
    to: Annotated[Path, typer.Option("--to", help="The GeoJSON file to write.")],
    outputs: OutputsOption = None,
) -> None:
    """Write the alerts of an incident as GeoJSON with their outlines: only for people who may know the place."""
    settings = record_settings(outputs)
    if to.exists():
        raise SettingsError(f"file `{printable(to)}` is there already; name another, or move it away")
    with existing_ledger(settings) as ledger:
        found = _named(ledger, _read(ledger, settings), incident)
    write_alerts(found.alerts, to)
    console.print(
        f"{_counted(found)} written to {printable(to)}. It holds coordinates: only for people who may know the place.",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _change(incident: str, outputs: Path | None, work: Callable[[Ledger, Incident], str]) -> None:
    """Do something to an incident, and say what was done."""
    settings = record_settings(outputs)
    with existing_ledger(settings) as ledger:
        found = _named(ledger, _read(ledger, settings), incident)
        done = work(ledger, found)
    console.print(printable(f"{incident}: {done}"), highlight=False, markup=False, soft_wrap=True)


def _read(ledger: Ledger, settings: Settings) -> Incidents:
    return ledger.incidents(incident_rule(settings))


def _records(ledger: Ledger) -> dict[str, AlertRecord]:
    return {one.alert_id: one for one in ledger.alert_records()}


def _named(ledger: Ledger, incidents: Incidents, name: str) -> Incident:
    found = incident_named(incidents, name, ledger.references())
    if found is None:
        shown = printable(name, longest=64)
        raise SettingsError(f"incident `{shown}` is not on record; `sitewatch alerts incidents list` shows the ids")
    return found


def _unacknowledged(incident: Incident, records: dict[str, AlertRecord]) -> int:
    return sum(records[one].acknowledged_on is None for one in incident.alert_ids)


def _mute_words(incidents: Incidents, incident: Incident, day: date) -> str:
    mute, unsent = incidents.mute_on(incident, day), len(incidents.muted_in(incident))
    words = "sent" if mute is None else f"muted until {mute.until}"
    return f"{words}, {unsent} not sent" if unsent else words


def _counted(incident: Incident) -> str:
    number = len(incident.alerts)
    return f"{number} alert{'' if number == 1 else 's'} at {incident.area_id}"
