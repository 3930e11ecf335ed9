"""The commands about alerts: what is on record, who has seen it, what is on its way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Optional

import typer
from rich.table import Table

from aois.week import parse_week, week_of
from detectors.records import State
from flows.alerts.console import console_table
from flows.alerts.route_settings import message_routes, words_of_simulated
from flows.cli.incidents import incidents_app
from flows.cli.options import OutputsOption, console, existing_ledger, record_settings
from flows.cli.routes import alerts_routes
from flows.config.settings import Settings, SettingsError
from flows.ledger.ledger import Ledger
from flows.ledger.precision import Precision, Split, StatedBand, contradicted_in
from flows.records.event_json import properties_of
from flows.records.events import Alert, RemarkKind
from flows.records.ids import message_key
from flows.records.reviews import Judgement, Reason, Verdict
from flows.reports.captions import band_text, reviewed_text
from flows.reports.words import words_for

REMARKS = {
    RemarkKind.STEP: "step {}",
    RemarkKind.MERGED: "now part of {}",
    RemarkKind.KEPT: "kept its id: the same ground was found as {} when earlier weeks were worked through again",
    RemarkKind.SPLIT: "found apart from {} when earlier weeks were worked through again",
}

alerts_app = typer.Typer(no_args_is_help=True, help="The alerts on record.")
alerts_app.add_typer(incidents_app, name="incidents")
alerts_app.command("routes")(alerts_routes)


AreaOption = Annotated[Optional[str], typer.Option("--area", help="Only this area.")]  # noqa: UP045
WeekOption = Annotated[Optional[str], typer.Option("--week", help="Only alerts that were issued in this week.")]  # noqa: UP045


@alerts_app.command("list")
def alerts_list(
    area: AreaOption = None,
    week: WeekOption = None,
    state: Annotated[Optional[State], typer.Option("--state", help="Only alerts in this state.")] = None,  # noqa: UP045
    waiting: Annotated[bool, typer.Option("--open", help="Only alerts that nobody has acknowledged.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """List the alerts by place, and who has acknowledged them."""
    with existing_ledger(record_settings(outputs)) as ledger:
        on_record = len(ledger.alert_records())
        alerts = _chosen(ledger, area=area, week=week, waiting=waiting)
        people = {one.alert_id: one.acknowledged_by for one in ledger.alert_records() if one.acknowledged_by}
        last = max((o.week for o in ledger.observations()), default=week_of(datetime.now(UTC).date()))
        contradicted = contradicted_in(ledger.reliability())
    shown = [one for one in alerts if state is None or one.state is state]
    if shown:
        console.print(console_table(shown, last, taken_up=people, contradicted=contradicted))
    elif on_record:
        console.print(f"No alert matches ({on_record} on record).", highlight=False)
    else:
        console.print("No alert on record. No alert does not mean that nothing changed.")


@alerts_app.command("show")
def alerts_show(
    alert_id: Annotated[str, typer.Argument(help="Its id (al-…), or the reference in a message (ref-…).")],
    outputs: OutputsOption = None,
) -> None:
    """Show one alert, without its coordinates."""
    with existing_ledger(record_settings(outputs)) as ledger:
        record = ledger.alert(alert_id)
        alert = next(one for one in ledger.alerts() if one.alert_id == record.alert_id)
        said = ledger.verdicts(record.event_id)
        shown = properties_of(alert) | {
            "reference": ledger.references().of(record.alert_id),
            "acknowledged_on": str(record.acknowledged_on) if record.acknowledged_on else None,
            "acknowledged_by": record.acknowledged_by,
            "verdicts": [{**vars(one.judgement), "at": one.at.isoformat(timespec="seconds")} for one in said],
            "history": _history(ledger, record.event_id),
        }
    console.print_json(json.dumps(shown))


@alerts_app.command("acknowledge")
def alerts_acknowledge(
    by: Annotated[str, typer.Option("--by", help="Who acknowledges it.")],
    alert_id: Annotated[Optional[str], typer.Argument(help="Its id or reference; leave it out with --all.")] = None,  # noqa: UP045
    everything: Annotated[bool, typer.Option("--all", help="Every alert that nobody has acknowledged.")] = False,
    area: AreaOption = None,
    week: WeekOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before many alerts are acknowledged.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """Record who acknowledges an alert, or with --all every open alert of an area or a week."""
    if everything is (alert_id is not None) or (alert_id is not None and (area or week)):
        raise SettingsError("name one alert, or use --all, with --area or --week for only some alerts")
    today = datetime.now(UTC).date()
    with existing_ledger(record_settings(outputs)) as ledger:
        if alert_id is not None:
            ledger.acknowledge(alert_id, by=by, on=today)
            console.print(f"{alert_id} acknowledged by {by}.", highlight=False, markup=False)
            return
        found = _chosen(ledger, area=area, week=week, waiting=True)
        places = len({one.area_id for one in found})
        what = f"{_counted(len(found), 'alert')} at {_counted(places, 'place')}"
        if found and not yes:
            typer.confirm(f"Acknowledge {what} for {by}?", abort=True)
        ledger.acknowledge_all([one.alert_id for one in found], by=by, on=today)
    console.print(f"{what} acknowledged by {by}.", highlight=False, markup=False)


@alerts_app.command("judge")
def alerts_judge(
    alert_id: Annotated[str, typer.Argument(help="Its id, or the reference in a message.")],
    verdict: Verdict,
    by: Annotated[str, typer.Option("--by", help="Who gives the verdict.")],
    reason: Annotated[
        Optional[Reason], typer.Option("--reason", help="The reason, if the verdict is rejected.")  # noqa: UP045
    ] = None,
    note: Annotated[str, typer.Option("--note", help="A short note.")] = "",
    outputs: OutputsOption = None,
) -> None:
    """Record a reviewer's verdict on an alert; earlier verdicts are kept."""
    with existing_ledger(record_settings(outputs)) as ledger:
        event_id = ledger.alert(alert_id).event_id
        ledger.judge(event_id, Judgement(verdict, by=by, reason=reason, note=note), at=datetime.now(UTC))
    console.print(f"{alert_id}: {verdict.value}, by {by}.", highlight=False, markup=False)


@alerts_app.command("precision")
def alerts_precision(
    by: Annotated[Split, typer.Option("--by", help="By what the counts are split.")] = Split.NOTHING,
    outputs: OutputsOption = None,
) -> None:
    """Count how many alerts were right when a person looked, and whether the confidences that they stated held."""
    with existing_ledger(record_settings(outputs)) as ledger:
        groups, bands = ledger.precision(by=by), ledger.reliability()
    table = Table(by.value, "confirmed", "rejected", "unsure", "not judged", "held (95 % interval)")
    for one in groups:
        numbers = (one.confirmed, one.rejected, one.unsure, one.waiting)
        table.add_row(one.group, *map(str, numbers), _share(one))
    console.print(table)
    for line in _reliability(bands):
        console.print(line, highlight=False, soft_wrap=True)


@alerts_app.command("deliver")
def alerts_deliver(
    due: Annotated[bool, typer.Option("--due", help="Only messages that are due now; for timers.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="Also messages that were given up.")] = False,
    outputs: OutputsOption = None,
) -> None:
    """Send the messages that wait in the outbox."""
    settings = record_settings(outputs)
    with existing_ledger(settings) as ledger:
        if dead:
            ledger.outbox.revive()
        _deliver(ledger, settings, only_due=due)


@alerts_app.command("outbox")
def alerts_outbox(outputs: OutputsOption = None) -> None:
    """List messages that wait, and messages that were given up, with the reason."""
    with existing_ledger(record_settings(outputs)) as ledger:
        unsent, dead = ledger.outbox.unsent(), ledger.outbox.unsent(dead=True)
        early = len(ledger.outbox.unrouted()) + len(ledger.outbox.waiting())
    table = Table("message", "channel", "alerts", "attempts", "next", "reason")
    for one in (*unsent, *dead):
        again = one.next_attempt_at.strftime("%Y-%m-%d %H:%M UTC") if one.next_attempt_at else "given up"
        told = again if one.attempts else "not tried yet"
        alerts = str(len({message_key(key).alert_id for key in one.messages}))
        table.add_row(one.key, one.channel, alerts, str(one.attempts), told, one.last_error or "")
    console.print(table)
    console.print(f"{early} deliveries wait for their time or for a channel.", highlight=False)


@alerts_app.command("answer")
def alerts_answer(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535)] = 8040,
    outputs: OutputsOption = None,
) -> None:
    """Serve the page behind the links in messages, until it is stopped."""
    from flows.alerts.acknowledge_page import answers
    from flows.alerts.route_settings import routes_of
    from flows.pipeline.ledger_access import recorded_ledger
    from flows.web.serve_app import listening, serve_app

    settings = record_settings(outputs)
    existing_ledger(settings).close()
    app = answers(routes_of(settings), lambda: recorded_ledger(settings), host=host)
    with listening(host, port) as listener:
        console.print(f"Links are answered at http://{host}:{port}/acknowledge", highlight=False)
        serve_app(app, listener)


def _chosen(ledger: Ledger, *, area: str | None, week: str | None, waiting: bool) -> list[Alert]:
    """The alerts of an area and of a week, all or only those that nobody has acknowledged; refuses what is unknown."""
    if area is not None and area not in {one.id for one in ledger.areas()}:
        raise SettingsError(f"area `{area}` is not in the ledger; `sitewatch areas list` shows the ids")
    asked = None if week is None else parse_week(week)
    silent = {one.alert_id for one in ledger.alert_records() if one.acknowledged_on is None}
    return [
        one
        for one in ledger.alerts()
        if area in (None, one.area_id)
        and asked in (None, week_of(one.issued_on))
        and (one.alert_id in silent or not waiting)
    ]


def _history(ledger: Ledger, event_id: str) -> list[str]:
    """All that was ever said of an event, a line each, in the order of days."""
    told = [(step.on, f"{step.state.value} {step.note}".strip()) for step in ledger.history(event_id)]
    told += [(one.on, REMARKS[one.kind].format(one.about)) for one in ledger.remarks(event_id)]
    return [f"{day} {words}" for day, words in sorted(told, key=lambda one: one[0])]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _deliver(ledger: Ledger, settings: Settings, *, only_due: bool) -> None:
    from flows.alerts.prefect_events import is_at_hand, send_signals
    from flows.alerts.sending import deliver_pending

    week = max((o.week for o in ledger.observations()), default=week_of(datetime.now(UTC).date()))
    signal = send_signals if is_at_hand() else None
    outcome = deliver_pending(ledger, message_routes(settings), week=week, only_due=only_due, signal=signal)
    if outcome.waiting > outcome.simulated and not settings.alert_urls and settings.alert_routes is None:
        raise SettingsError(
            f"{outcome.waiting - outcome.simulated} messages wait and no channel is set; set SITEWATCH_ALERT_URLS or "
            "SITEWATCH_ALERT_ROUTES"
        )
    if outcome.muted:
        muted = _counted(outcome.muted, "message")
        console.print(f"{muted} of muted incidents recorded, and sent in no channel.", highlight=False, soft_wrap=True)
    if outcome.simulated:
        console.print(words_of_simulated(outcome.simulated), highlight=False, soft_wrap=True)
    for reason in outcome.failed:
        console.print(f"not delivered, will be tried again: {reason}", highlight=False, markup=False, soft_wrap=True)
    for reason in outcome.given_up:
        again = "given up, `alerts deliver --dead` tries again"
        console.print(f"{again}: {reason}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"{outcome.sent} messages delivered.", highlight=False)
    if outcome.failed or outcome.given_up:
        raise typer.Exit(1)


def _reliability(bands: Sequence[StatedBand]) -> list[str]:
    """What became of stated confidences, in sentences, the highest first."""
    words = words_for("en")
    said = [reviewed_text(words, band) for band in reversed(bands)]
    lost = sorted(contradicted_in(bands), reverse=True)
    return said + [words("reading.contradicted", band=band_text(words, low)) for low in lost]


def _share(one: Precision) -> str:
    if one.share is None or one.low is None or one.high is None:
        return "nothing decided yet"
    return f"{one.share:.0%} ({one.low:.0%} to {one.high:.0%})"
