"""A small record with something in every table, and evidence beside it: made in a second, without any imagery."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from detected import detected_event
from shapely.geometry import box, mapping

from aois.area import Area, AreaKind, Response, Status
from aois.week import Week, week_of
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from detectors.claims.structure_states import StructureState
from detectors.inference.quiet_sample import SeenClass
from detectors.records import State, Transition
from flows.evidence.manifests import signing_key
from flows.ledger import DetectedEvent, Judgement, Ledger, ObservationRecord, RunRecord, Verdict, event_id, open_ledger
from flows.ledger.claim_rows import claim_id_of, structure_id_of
from flows.pipeline.evidence_manifest import attest
from flows.records.claims import AnswerRecord, ClaimOrigin, ClaimRecord, StructureRecord, StructureResult
from flows.records.ids import AreaId
from flows.records.json_object import JsonObject
from flows.records.messages import DeliveryRecord, DispatchRecord
from flows.records.observations import SceneRecord
from flows.records.quiet_places import QuietAnswer, QuietKind, QuietPlace

AREA = "reef-1"
FIRST = week_of(date(2026, 9, 7))
X, Y = event_id(AREA, "x"), event_id(AREA, "y")
TABLES_SINCE = (
    *("reference_secrets", "muted_messages", "mutes", "answers", "structures", "claim_withdrawals", "claims"),
    *("quiet_answers", "quiet_places"),
)
"""What the version before has not, those that refer to others first."""
FILES = {
    "alerts/alerts.geojson": "alerts",
    f"areas/{AREA}/events.geojson": "events",
    f"areas/{AREA}/2026-09-13/score.tif": "score",
    f"areas/{AREA}/state/2026-W37-0123.npz": "learned",
    f"areas/{AREA}/catalog.json": "{}",
    f"archive/{AREA}/simulated-1/sentinel-2_20260909T102900-0a.tif": "scene",
    f"archive/{AREA}/simulated-1/index.jsonl": '{"acquired": "2026-09-09"}\n',
    f"archive/{AREA}/simulated-1/.lock": "",
    f"archive/.quarantine/{AREA}/simulated/s-1.bin": "refused",
    "reports/2026-W37/index.html": "page",
}


@dataclass(frozen=True)
class SmallRecord:
    """Outputs in a folder, the ledger among them."""

    outputs: Path

    @property
    def url(self) -> str:
        """The ledger's address."""
        return f"sqlite:///{self.outputs / 'ledger.sqlite'}"

    def ledger(self) -> Ledger:
        """The ledger, to be closed."""
        return open_ledger(self.url)

    def run(self, number: int, *, key: Path | None = None) -> JsonObject | None:
        """A run that watched a week and left its manifest."""
        with self.ledger() as ledger:
            run_id = f"run-{number}"
            ledger.start_run(RunRecord(run_id, datetime.now(UTC), "0", {"flow": "watch"}))
            record_week(ledger, number)
            score = self.outputs / "areas" / AREA / str(week(number).last_day) / "score.tif"
            write(score, f"score of {number}")
            manifest = attest(self.outputs, ledger, run_id, key=signing_key(key))
            ledger.finish_run(run_id, status="completed", summary={"manifest": manifest}, at=datetime.now(UTC))
        return manifest


def week(number: int) -> Week:
    """The `number`-th week of the record."""
    return FIRST.plus(number)


def record_week(ledger: Ledger, number: int) -> None:
    """A week in which a scene was seen, and two events."""
    look = week(number).first_day
    seen = SceneRecord(f"scene-{number}", "sentinel-2", datetime.now(UTC), "0" * 64, "simulated", 0.9, 0.1, "used", "")
    ledger.record_areas([area()])
    ledger.record_scenes(AREA, [seen])
    observation = ObservationRecord(
        AREA, week(number), (seen.scene_id,), ("sentinel-2",), 0.75, look, f"chain-{number}"
    )
    ledger.record_week(observation, [event("x", number), event("y", number)])
    ledger.quiet.record(week(number), [quiet_place(number)])


def quiet_place(number: int) -> QuietPlace:
    """The site as one of the places of which nothing was told."""
    last, ground = week(number), area().geometry
    days = (last.first_day, last.last_day)
    return QuietPlace(AREA, last, AreaId(AREA), QuietKind.SITE, SeenClass.WELL, 0.75, 1, *days, 1.2, ground)


def area() -> Area:
    """A site at sea."""
    response = Response(date(2026, 5, 2), "investigated", "visited", "a newspaper")
    return Area(AREA, AreaKind.SITE, box(0, 0, 0.01, 0.01), status=Status.IDENTIFIED, responses=(response,))


def event(key: str, number: int) -> DetectedEvent:
    """An event that is confirmed in the second week, and gets a step in the third."""
    stages = [Transition(State.PROVISIONAL, week(0).first_day, "scene-0")]
    stages += [Transition(State.CONFIRMED, week(1).first_day, "scene-1")] if number else []
    west = 0.001 if key == "x" else 0.005
    properties = {
        "kind": "expansion",
        "change": "construction",
        "state": stages[-1].state,
        "first_seen": week(0).first_day.isoformat(),
        "confirmed_on": week(1).first_day.isoformat() if number else None,
        "area_m2": 2400.0,
        "area_m2_low": 1800.0,
        "area_m2_high": 3000.0,
        "length_m": None,
        "closure": None,
        "confidence": 0.8,
        "sensors": ["sentinel-2"],
        "scenes": [stage.scene_id for stage in stages],
    }
    geometry = json.loads(json.dumps(mapping(box(west, 0.001, west + 0.001, 0.002))))
    steps = (week(0).first_day,) if number < 2 else (week(0).first_day, week(2).first_day)
    return detected_event(AREA, event_id(AREA, key), properties, geometry, tuple(stages), True, steps)


def write(path: Path, text: str) -> None:
    """A file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def make(outputs: Path, *, runs: int = 3, key: Path | None = None) -> SmallRecord:
    """A record of some runs: events, alerts, messages sent and waiting, people, verdicts and what they did."""
    made = SmallRecord(outputs)
    outputs.mkdir(parents=True)
    for name, text in FILES.items():
        write(outputs / name, text)
    for number in range(runs - 1):
        made.run(number, key=key)
    with made.ledger() as ledger:
        people(ledger)
    made.run(runs - 1, key=key)
    return made


def people(ledger: Ledger) -> None:
    """What people did with it."""
    now = datetime.now(UTC)
    anna = ledger.accounts.add("anna", role="reviewer", sees_positions=False, password_hash="hash-1", at=now)
    ledger.accounts.add("ben", role="viewer", sees_positions=False, password_hash="hash-2", at=now)
    ledger.accounts.open_session("k" * 64, "form", account=anna.number, at=now, ends_at=now + timedelta(hours=8))
    ledger.accounts.note("login", by=anna.number, at=now)
    ledger.reviews.judge(X, Judgement(Verdict.CONFIRMED, by="anna", note="seen"), account=anna.number, at=now)
    taken_back = ledger.reviews.judge(Y, Judgement(Verdict.UNSURE, by="anna"), account=anna.number, at=now)
    ledger.reviews.withdraw(taken_back.number, account=anna.number, at=now)
    keys = [message.key for message in ledger.pending_messages()]
    ledger.outbox.route(keys[:1], [DeliveryRecord(key, "mail", "all", now, now) for key in keys[:1]], at=now)
    ledger.outbox.pack(DispatchRecord("sw-1", "mail", tuple(keys[:1]), {"title": "alerts"}, now))
    ledger.acknowledge(ledger.alerts()[0].alert_id, by="Anna", on=now.date())
    ledger.quiet.answer(1, QuietAnswer.MISSED, changes=1, note="a roof", account=anna.number, at=now)
    claims(ledger, now)


def claims(ledger: Ledger, now: datetime) -> None:
    """What is claimed about the site: one claim is answered, one was withdrawn."""
    said: dict[str, Any] = {"area_id": AREA, "said_on": date(2026, 5, 2), "origin": ClaimOrigin.COMMAND}
    said["entered_by"] = "anna"
    kept, wrong = (
        ClaimRecord(claim_id="", kind=ClaimKind.DEMOLISHED, number=number, entered_at=now, **said) for number in (1, 9)
    )
    ledger.claims.add([kept, wrong])
    ledger.claims.withdraw(claim_id_of(wrong), by="anna", why="misread", at=now)
    outline = box(0.002, 0.002, 0.003, 0.003)
    roof = StructureRecord(structure_id_of(AREA, outline.wkb_hex), AreaId(AREA), outline, 12_000.0, "roofs.geojson")
    ledger.claims.add_structures(AREA, [roof], by="anna", at=now)
    result = StructureResult(roof.structure_id, roof.area_m2, roof.source, StructureState.STANDING)
    answer = AnswerRecord(
        claim_id=claim_id_of(kept),
        week=week(1),
        answer=ClaimAnswer.CONTRADICTED,
        rule=ClaimRule.AT_MOST_TOO_FEW,
        low=0.0,
        high=0.0,
        known=1,
        standing=1,
        structures=(result,),
    )
    ledger.claims.record_answers([answer])


@dataclass(frozen=True)
class Answer:
    """What a call of the command line came to."""

    status: int
    out: str
    err: str

    @property
    def wrong(self) -> list[str]:
        """What `verify` found wrong."""
        return [line.removeprefix("WRONG  ") for line in self.out.splitlines() if line.startswith("WRONG")]


def sitewatch(*arguments: object, cwd: Path, **environment: str) -> Answer:
    """Call the command line in this process, from a folder, with nothing else set than what is given."""
    from flows.cli.main import main

    out, err, status = io.StringIO(), io.StringIO(), 0
    with _alone(environment), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["sitewatch", *map(str, arguments)])
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
    return Answer(status, out.getvalue(), err.getvalue())


@contextmanager
def _alone(environment: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SITEWATCH_")]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        yield
