"""Whoever changes the record or the evidence past Sitewatch is given away by `sitewatch verify`, kind by kind."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from small_record import AREA, TABLES_SINCE, SmallRecord, X, area, event, make, sitewatch, week
from sqlalchemy import create_engine, select, update

from aois.grid import Grid, grid_of
from flows.config.settings import Settings
from flows.evidence.geojson_files import write_alerts
from flows.evidence.rasters import Layer, write_rasters
from flows.ledger import Judgement, LedgerError, Verdict
from flows.ledger.journal import RecordedSession, append, key_of, row_digest
from flows.ledger.tables import AlertRow, Base, EventRow, RunRow
from flows.pipeline.sources import open_source

SECOND = f"week = '{week(1)}'"
STATEMENTS = {
    "an event is made smaller": "UPDATE events SET properties = json_set(properties, '$.area_m2', 9.0) LIMITED",
    "an event is moved": "UPDATE events SET geometry = json_set(geometry, '$.coordinates[0][0][0]', 0.5)",
    "an event is put back a state": f"UPDATE events SET state = 'provisional' WHERE id = '{X}'",
    "an event is deleted": f"DELETE FROM events WHERE id = '{X}'",
    "an alert is issued earlier": "UPDATE alerts SET issued_on = '2026-01-01'",
    "an alert is acknowledged": "UPDATE alerts SET acknowledged_on = '2026-09-20', acknowledged_by = 'Nobody' "
    "WHERE acknowledged_by IS NULL",
    "another acknowledged an alert": "UPDATE alerts SET acknowledged_by = 'Carl' WHERE acknowledged_by IS NOT NULL",
    "an alert is deleted": f"DELETE FROM alerts WHERE event_id = '{X}'",
    "more was seen": f"UPDATE observations SET seen_share = 0.99 WHERE {SECOND}",
    "the last clear look is later": "UPDATE observations SET last_clear_look = '2026-11-01'",
    "other scenes were seen": "UPDATE observations SET scenes = '[]'",
    "a week was never watched": f"DELETE FROM observations WHERE {SECOND}",
    "a week was watched that was not": f"INSERT INTO observations SELECT area_id, '{week(9)}', scenes, sensors, "
    f"seen_share, last_clear_look, chain, note, unfamiliar FROM observations WHERE {SECOND}",
    "a perimeter is moved": "UPDATE areas SET geometry = json_set(geometry, '$.coordinates[0][0][0]', 0.5)",
    "a margin is smaller": "UPDATE areas SET margin_m = 10",
    "a response is made up": "UPDATE areas SET responses = '[]'",
    "an area becomes public": "UPDATE areas SET sensitivity = 'public'",
    "a scene is of another day": "UPDATE scenes SET acquired = '2026-01-01 00:00:00.000000'",
    "a scene has another hash": f"UPDATE scenes SET sha256 = '{'1' * 64}'",
    "a scene was refused": "UPDATE scenes SET status = 'refused'",
    "a scene is deleted": "DELETE FROM scenes WHERE scene_id = 'scene-1'",
    "a run had other settings": "UPDATE runs SET settings = '{}' WHERE id = 'run-1'",
    "a run failed": "UPDATE runs SET status = 'failed' WHERE id = 'run-1'",
    "a run is deleted": "DELETE FROM runs WHERE id = 'run-0'",
    "a message said something else": "UPDATE messages SET state = 'retracted'",
    "a message was never sent": "UPDATE messages SET routed_at = NULL WHERE routed_at IS NOT NULL",
    "a message is deleted": "DELETE FROM messages WHERE id = 1",
    "another channel was told": "UPDATE deliveries SET channel = 'other'",
    "a parcel held something else": """UPDATE dispatches SET payload = '{"title": "nothing"}'""",
    "a parcel is deleted": "DELETE FROM dispatches",
    "a viewer becomes an admin": "UPDATE accounts SET role = 'admin' WHERE name = 'ben'",
    "a viewer sees positions": "UPDATE accounts SET sees_positions = 1 WHERE name = 'ben'",
    "a password is another": "UPDATE accounts SET password_hash = 'mine'",
    "an account is slipped in": "INSERT INTO accounts (name, role, sees_positions, password_hash, made_at) "
    "VALUES ('eve', 'admin', 1, 'x', '2026-09-01 00:00:00.000000')",
    "an act is forgotten": "DELETE FROM acts WHERE act = 'login'",
    "an act was another's": "UPDATE acts SET account_id = 2",
    "a verdict is changed": "UPDATE verdicts SET note = 'not seen'",
    "a verdict is deleted": "DELETE FROM verdicts WHERE id = 1",
    "a verdict of long ago is added": "INSERT INTO verdicts (event_id, verdict, note, judged_by, judged_at, seen) "
    "SELECT event_id, 'rejected', '', 'Ben', '2026-09-08 00:00:00.000000', seen FROM verdicts LIMIT 1",
    "another gave a verdict": "UPDATE reviews SET account_id = 2",
    "a withdrawal is undone": "DELETE FROM withdrawals",
    "a verdict is taken back": "INSERT INTO withdrawals VALUES (1, 1, '2026-09-08 00:00:00.000000')",
    "a version is changed": "UPDATE event_versions SET properties = json_set(properties, '$.area_m2', 9.0)",
    "a transition is added": "INSERT INTO event_transitions (event_id, state, entered_on, scene_id, week, note) SELECT "
    "event_id, 'retracted', '2030-01-01', '', '2030-W01', '' FROM event_transitions LIMIT 1",
    "a remark is deleted": "DELETE FROM event_remarks",
    "the journal is emptied": "DELETE FROM changes",
    "the journal is gone": "DROP TABLE changes",
    "the journal loses its end": "DELETE FROM changes WHERE number > 20",
    "the journal loses its middle": "DELETE FROM changes WHERE number = 20",
    "the journal says something else": f"UPDATE changes SET row_sha256 = '{'2' * 64}' WHERE number = 20",
}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A signing key and its public half."""
    folder, made = tmp_path_factory.mktemp("key"), Ed25519PrivateKey.generate()
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(made.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public = made.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (folder / "key.pub").write_bytes(public)
    return folder / "key.pem", folder / "key.pub"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, key: tuple[Path, Path]) -> SmallRecord:
    """A record of three signed runs; not to be written to."""
    return make(tmp_path_factory.mktemp("tampering") / "outputs", key=key[0])


@pytest.fixture
def record(template: SmallRecord, tmp_path: Path) -> SmallRecord:
    """A copy of it."""
    return SmallRecord(Path(shutil.copytree(template.outputs, tmp_path / "outputs")))


def verify(record: SmallRecord, *options: object):
    return sitewatch("verify", "outputs", *options, cwd=record.outputs.parent)


def execute(record: SmallRecord, statement: str) -> None:
    with sqlite3.connect(record.outputs / "ledger.sqlite") as connection:
        connection.execute(statement.replace(" LIMITED", f" WHERE id = '{X}'"))
        assert connection.total_changes or "DROP" in statement, "the attack has changed nothing"
    connection.close()


def forge(record: SmallRecord, change) -> None:
    """Change rows as the ledger does, journal and all: what somebody does who knows how it works."""
    engine = create_engine(record.url)
    with RecordedSession(engine) as session:
        change(session)
        session.commit()
    engine.dispose()


def test_what_nobody_touched_holds_with_key_and_head(record, key):
    said = verify(record, "--key", key[1])
    assert (said.status, said.wrong) == (0, [])
    head = next(line for line in said.out.splitlines() if line.startswith("holds  head: 3:")).split()[2]
    said = verify(record, "--head", head)
    assert (said.status, said.wrong) == (0, [])
    (record.outputs.parent / "heads.txt").write_text(f"{head}\n")
    assert verify(record, "--heads", "heads.txt").status == 0


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS.keys())
def test_a_table_that_was_changed_by_hand_is_told(record, key, statement):
    execute(record, statement)
    said = verify(record, "--key", key[1])
    assert said.status == 1
    assert [line for line in said.wrong if line.startswith("record: ")], said.out


@pytest.mark.parametrize(
    ("name", "content"),
    {
        "the index has another date": (f"archive/{AREA}/simulated-1/index.jsonl", '{"acquired": "2026-01-01"}\n'),
        "an adoption is made up": (f"archive/{AREA}/simulated-1/s-1.adopted.json", "{}"),
        "what was learned is another": (f"areas/{AREA}/state/2026-W37-0123.npz", "learnt!"),
        "a state is slipped in": (f"areas/{AREA}/state/2026-W38-0000.npz", "x"),
        "what was refused is another": (f"archive/.quarantine/{AREA}/simulated/s-1.bin", "REFUSED"),
        "a scene is another": (f"archive/{AREA}/simulated-1/sentinel-2_20260909T102900-0a.tif", "Scene"),
        "a raster is another": (f"areas/{AREA}/2026-09-13/score.tif", "Score"),
        "alerts are others": ("alerts/alerts.geojson", "ALERTS"),
        "a hidden file is slipped in": (f"archive/{AREA}/simulated-1/.notes", "x"),
        "a file is slipped in": ("alerts/other.geojson", "x"),
        "a folder is slipped in": (f"areas/{AREA}/new/deep/x.bin", "x"),
        "a manifest with another name is slipped in": ("evidence/000004.json.bak", "x"),
    }.values(),
    ids=lambda value: None,
)
def test_a_file_that_was_changed_or_slipped_in_is_told(record, name, content):
    path = record.outputs / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    said = verify(record)
    assert (said.status, len(said.wrong)) == (1, 1)
    assert said.wrong[0].startswith(f"files: {name} ")


def test_what_is_no_evidence_is_named_as_that(record):
    (record.outputs / "areas" / AREA / ".score.tif.12.tmp").write_text("half")
    (record.outputs / "reports" / "2026-W37" / "index.html").write_text("another page")
    said = verify(record)
    assert said.status == 0
    assert "note   not evidence, and not checked: reports, STAC catalogs" in said.out
    assert f"left over by a kill, and no evidence: areas/{AREA}/.score.tif.12.tmp" in said.out


def killed_at_the_rename(write) -> None:
    """A kill between a draft and its place, where no clearing up runs."""
    pid = os.fork()
    if pid == 0:
        Path.replace = lambda *_: os._exit(0)
        write()
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == 0


def test_no_draft_that_a_kill_leaves_among_the_evidence_is_told_as_slipped_in(record):
    outputs = record.outputs
    grid, layer = grid_of(area()), Layer("score", np.zeros((3, 3), np.float32), -1.0, "score")
    drafts = (
        lambda: write_alerts([], outputs / "alerts" / "alerts.geojson"),
        lambda: write_rasters((layer,), grid_of_three(grid), outputs / "areas" / AREA / "2026-09-13"),
        lambda: open_source(Settings(outputs=outputs, source="simulated", _env_file=None), story_end=week(0).last_day),
    )
    for draft in drafts:
        killed_at_the_rename(draft)
    said = verify(record)
    assert (said.status, said.wrong) == (0, [])
    note = next(line for line in said.out.splitlines() if "left over by a kill" in line)
    assert note.count(".tmp") == len(drafts)


def grid_of_three(grid: Grid) -> Grid:
    """The same grid, three by three."""
    return replace(grid, width=3, height=3)


def test_a_row_that_is_forged_with_its_journal_is_told_where_only_a_run_writes(record):
    def smaller(session):
        row = session.get(EventRow, X)
        row.properties = row.properties | {"area_m2": 9.0}

    forge(record, smaller)
    said = verify(record)
    assert said.status == 1
    assert said.wrong[0].startswith(f'record: events: row ["{X}"] changed after the last manifest; if a run was cut')


def test_an_alert_that_is_forged_with_its_journal_is_told_and_an_acknowledgement_is_not(record):
    with record.ledger() as ledger:
        waiting = next(a for a in ledger.alert_records() if a.acknowledged_by is None)
        ledger.acknowledge(waiting.alert_id, by="Ben", on=datetime.now(UTC).date())
    assert verify(record).status == 0

    def earlier(session):
        session.get(AlertRow, waiting.alert_id).issued_on = week(0).first_day

    forge(record, earlier)
    assert verify(record).wrong[0].startswith("record: alerts: row ")


FORGED = {
    "a verdict is rewritten": ("verdicts", 1, "UPDATE verdicts SET note = 'not seen' WHERE id = 1"),
    "a verdict is deleted": ("verdicts", 2, "DELETE FROM verdicts WHERE id = 2"),
    "an act is another's": ("acts", 3, "UPDATE acts SET detail = 'nothing' WHERE id = 3"),
    "an answer of the sample is rewritten": (
        "quiet_answers",
        1,
        "UPDATE quiet_answers SET answer = 'nothing', changes = 0 WHERE id = 1",
    ),
    "a place of the sample is another": (
        "quiet_places",
        1,
        "UPDATE quiet_places SET km2 = 9.0 WHERE id = 1",
    ),
    "the world is another": ("worlds", 1, "UPDATE worlds SET world = 'mixed'"),
    "a version is smaller": (
        "event_versions",
        1,
        "UPDATE event_versions SET properties = json_set(properties, '$.area_m2', 9.0) WHERE id = 1",
    ),
    "a viewer becomes an admin": ("accounts", 2, "UPDATE accounts SET role = 'admin' WHERE id = 2"),
}


def forged(record: SmallRecord, table: str, number: int, statement: str) -> None:
    """A row is changed by hand, and the journal is told, as somebody does who has read how it works."""
    engine = create_engine(record.url)
    held = Base.metadata.tables[table]
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        connection.exec_driver_sql(statement)
        row = connection.execute(select(held).where(next(iter(held.primary_key)) == number)).one_or_none()
        append(connection, [(table, key_of([number]), None if row is None else row_digest(row))])
    engine.dispose()


@pytest.mark.parametrize("name", FORGED)
def test_what_is_written_once_is_not_written_again_with_a_word_to_the_journal(record, name):
    """Nor does the next run make it good."""
    table, number, statement = FORGED[name]
    forged(record, table, number, statement)
    words = "changed, and no act says so" if table == "accounts" else "is written once, and was written again"
    told = f"record: {table}: row [{number}] {words}"
    assert told in verify(record).wrong
    if table != "worlds":
        record.run(3)
        assert told in verify(record).wrong


def test_a_clock_that_was_two_hours_ahead_and_was_set_makes_nobody_a_forger(record):
    with record.ledger() as ledger:
        ledger.judge(X, Judgement(Verdict.UNSURE, by="Ben"), at=datetime.now(UTC) - timedelta(hours=20))
    assert verify(record).wrong == []


def test_a_verdict_that_claims_to_be_of_long_ago_is_told(record):
    with record.ledger() as ledger:
        then = datetime.now(UTC) - timedelta(days=30)
        ledger.judge(X, Judgement(Verdict.UNSURE, by="Ben"), at=then)
    assert "says it is older than 000003.json, which does not know it" in verify(record).wrong[0]


def shortened(record: SmallRecord) -> None:
    """The last manifest is gone, and the runs name the one before."""
    (record.outputs / "evidence" / "000003.json").unlink()

    def mend(session):
        before = session.get(RunRow, "run-1").summary
        session.get(RunRow, "run-2").summary = before

    forge(record, mend)


def test_a_signed_chain_that_is_shorter_by_one_is_told_by_the_record_itself(record, key):
    shortened(record)
    said = verify(record, "--key", key[1])
    assert said.status == 1
    told = {line.split(": row")[0] for line in said.wrong if line.startswith("record")}
    assert {"record: events", "record: observations", "record: event_versions"} <= told
    assert any("2026-09-27/score.tif is on no manifest" in line for line in said.wrong)


def test_an_old_copy_of_everything_is_given_away_by_a_head_kept_elsewhere_alone(template, tmp_path, key):
    record = make(tmp_path / "outputs", runs=2, key=key[0])
    old = shutil.copytree(record.outputs, tmp_path / "old")
    record.run(2, key=key[0])
    kept = verify(record).out.split("holds  head: ")[1].split()[0]
    shutil.rmtree(record.outputs)
    old.rename(record.outputs)
    said = verify(record, "--key", key[1])
    assert (said.status, said.wrong) == (0, [])
    assert "only a head that you keep elsewhere gives away a shorter chain" in said.out
    said = verify(record, "--head", kept)
    assert (said.status, len(said.wrong)) == (1, 1)
    assert said.wrong[0].startswith("head: 000003.json is not the one of ")


def test_a_signature_is_over_number_and_record(record, key):
    path = record.outputs / "evidence" / "000003.json"
    manifest = json.loads(path.read_text())
    manifest["body"]["record"]["changes"] -= 1
    path.write_text(json.dumps(manifest))
    wrong = verify(record, "--key", key[1]).wrong
    assert "signature: 000003.json is not signed with this key" in wrong
    assert any(line.startswith("record: 000003.json knows what the record does not hold any more") for line in wrong)


def test_a_backup_that_was_restored_is_told_until_a_run_says_so(record):
    with record.ledger() as ledger:
        ledger.back_up(record.outputs.parent / "kept.backup")
    record.run(3)
    with record.ledger() as ledger:
        ledger.restore(record.outputs.parent / "kept.backup", replace=True)
    assert any("it was set back, by a restored backup or by hand" in line for line in verify(record).wrong)
    record.run(3)
    said = verify(record)
    assert (said.status, said.wrong) == (0, [])
    assert "before 000005.json the record was set back to what it was at 000003.json" in said.out


def test_nothing_that_people_and_runs_do_is_complained_of(record):
    with record.ledger() as ledger:
        now = datetime.now(UTC)
        ledger.accounts.change("ben", role="reviewer", sees_positions=True, password_hash="new")
        ledger.accounts.change("anna", closed_at=now)
        ledger.judge(X, Judgement(Verdict.UNSURE, by="Ben"), at=now)
        ledger.outbox.mark_failed("sw-1", reason="away", at=now, next_at=now)
        ledger.outbox.mark_sent("sw-1", at=now)
        ledger.outbox.route([message.key for message in ledger.pending_messages()], [], at=now)
    assert verify(record).wrong == []
    for number in (3, 4):
        assert record.run(number) is not None
        assert verify(record).wrong == []


def state_of(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Time, mode and content of all that is in a folder, folders among them."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in (folder, *folder.rglob("*"))
    }


def test_looking_changes_nothing_even_while_the_ledger_is_open_elsewhere(record):
    before = state_of(record.outputs)
    assert verify(record).status == 0
    assert state_of(record.outputs) == before
    open_elsewhere = sqlite3.connect(record.outputs / "ledger.sqlite")
    assert open_elsewhere.execute("SELECT count(*) FROM events").fetchone() == (2,)
    with open_elsewhere:
        open_elsewhere.execute("UPDATE areas SET name = 'in the log alone'")
    before = state_of(record.outputs)
    assert verify(record).wrong[0].startswith("record: areas: ")
    assert state_of(record.outputs) == before
    open_elsewhere.close()


def test_evidence_on_a_disk_that_can_only_be_read_holds(record):
    disk = Path(tempfile.mkdtemp(prefix="sitewatch-read-only-"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True, check=False).returncode:
        disk.rmdir()
        pytest.skip("no right to mount a small disk here; run as root")
    try:
        shutil.copytree(record.outputs, disk / "outputs")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(OSError, match="Read-only"):
            (disk / "outputs" / "x").touch()
        said = sitewatch("verify", disk / "outputs", cwd=record.outputs.parent)
        assert (said.status, said.wrong, said.err) == (0, [], "")
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        disk.rmdir()


def as_before(record: SmallRecord) -> None:
    """Outputs as the version before left them: no journal, and one manifest with the hashes of four tables."""
    with record.ledger() as ledger:
        history = ledger.history_digests()
    shutil.rmtree(record.outputs / "evidence")
    (record.outputs / "evidence").mkdir()
    names = [p.relative_to(record.outputs).as_posix() for p in record.outputs.rglob("*.tif")]
    files = {name: record.outputs / name for name in (*names, "alerts/alerts.geojson", f"areas/{AREA}/events.geojson")}
    entries = {n: {"sha256": sha256(p.read_bytes()).hexdigest(), "size": p.stat().st_size} for n, p in files.items()}
    body = {"number": 1, "previous": None, "run_id": "run-2", "made_at": "2026-11-24T06:00:00+00:00"}
    manifest = {"body": body | {"files": entries, "history": history}, "signature": ""}
    path = record.outputs / "evidence" / "000001.json"
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    summary = json.dumps({"manifest": {"number": 1, "sha256": sha256(path.read_bytes()).hexdigest()}})
    with sqlite3.connect(record.outputs / "ledger.sqlite") as connection:
        connection.execute("DROP TABLE changes")
        connection.execute("DROP TABLE worlds")
        connection.execute("ALTER TABLE observations DROP COLUMN unfamiliar")
        for name in TABLES_SINCE:
            connection.execute(f"DROP TABLE {name}")
        connection.execute("UPDATE alembic_version SET version_num = '0005'")
        connection.execute("UPDATE runs SET summary = '{}'")
        connection.execute("UPDATE runs SET summary = ? WHERE id = 'run-2'", (summary,))
    connection.close()


def test_evidence_of_the_version_before_is_checked_for_what_it_covers_and_goes_on(record):
    as_before(record)
    before = state_of(record.outputs)
    said = verify(record)
    assert state_of(record.outputs) == before, "the ledger was brought up to date"
    assert {line.split(" ")[0] for line in said.wrong} == {"files:"}, "files of kinds that were not covered then"
    assert "of the record they cover transitions, remarks, versions and verdicts" in said.out
    record.run(3)
    said = verify(record)
    assert (said.status, said.wrong) == (0, [])
    assert 'journal, change 1: ["taken over from schema","0005"]' in said.out
    execute(record, "UPDATE event_transitions SET note = 'x' WHERE id = 1")
    assert any(line.startswith("history: event_transitions") for line in verify(record).wrong)


@pytest.mark.parametrize("is_after_a_run", [False, True])
def test_an_older_backup_after_an_upgrade_is_told_and_not_wrong_for_ever(record, is_after_a_run):
    older = make(record.outputs.parent / "older", runs=2)
    with older.ledger() as ledger:
        ledger.back_up(record.outputs.parent / "older.backup")
    as_before(record)
    if is_after_a_run:
        record.run(3)
    with record.ledger() as ledger:
        ledger.restore(record.outputs.parent / "older.backup", replace=True)
    assert any(line.startswith("history: ") for line in verify(record).wrong)
    record.run(3)
    said = verify(record)
    assert (said.status, said.wrong) == (0, [])
    assert "the record was set back behind the manifests of an earlier version" in said.out


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"body": ' + b'{"files": ' * 5_000 + b"1",
        b'{"body": {"files": []}, "signature": ""}',
        b'{"body": {"number": 1, "previous": null, "run_id": "r", "made_at": "2026-11-24T06:00:00+00:00", "files": [], '
        b'"history": {}}, "signature": ""}',
        b'{"body": {"number": 1, "previous": null, "run_id": "r", "made_at": "2026-11-24T06:00:00+00:00", "files": {}, '
        b'"history": null}, "signature": ""}',
        b'{"body": {"number": 1, "previous": null, "run_id": "r", "made_at": "2026-11-24T06:00:00+00:00", "files": '
        b'{"../../etc/passwd": null}, "history": {}}, "signature": ""}',
        b"\xff\xfe",
        b"",
    ],
    ids=["deep", "deep objects", "half", "files a list", "history null", "a way out", "no text", "empty"],
)
def test_a_damaged_manifest_is_told_in_one_line(record, content):
    (record.outputs / "evidence" / "000002.json").write_bytes(content)
    said = verify(record)
    assert (said.status, said.err.count("\n")) == (2, 1)
    assert "000002.json` cannot be read: it is damaged; put back the file that the run wrote" in said.err


@pytest.mark.parametrize("content", [b"", b"not a database" * 100, None], ids=["empty", "text", "no schema"])
def test_a_ledger_that_is_none_is_wrong_and_the_rest_is_checked(record, content):
    path = record.outputs / "ledger.sqlite"
    path.unlink()
    if content is None:
        sqlite3.connect(path).execute("CREATE TABLE other (x)")
    else:
        path.write_bytes(content)
    said = verify(record)
    assert (said.status, [line.split(":")[0] for line in said.wrong]) == (1, ["record"])
    assert "holds  files: " in said.out
    assert "Traceback" not in said.err


def test_a_head_that_is_none_is_a_wrong_call(record):
    for head in ("3", "3:abc", "x:" + "0" * 64, "\x1b[2J"):
        said = verify(record, "--head", head)
        assert (said.status, "give N:HASH" in said.err, "\x1b" in said.err) == (2, True, False)
    assert "cannot be read" in verify(record, "--heads", "nowhere").err


def test_rows_that_change_without_their_objects_are_refused(record):
    with record.ledger() as ledger:
        writing = ledger._writing
        with pytest.raises(LedgerError, match="so that the journal sees them"), writing() as session:
            session.execute(update(EventRow).values(state="finished"))
    assert verify(record).wrong == []


def test_the_same_call_again_adds_nothing_to_the_journal(record):
    with record.ledger() as ledger:
        head, observation = ledger.journal_head(), ledger.observations()[-1]
        ledger.record_areas([area()])
        ledger.record_week(observation, [event("x", 2), event("y", 2)])
        assert ledger.journal_head() == head


def test_the_entries_of_one_table_are_found_without_reading_those_of_the_others(record):
    query = "SELECT row_key FROM changes WHERE table_name = 'acts' AND number <= 9 ORDER BY number"
    with sqlite3.connect(record.outputs / "ledger.sqlite") as connection:
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN {query}").fetchall())
    connection.close()
    assert "ix_changes_table_name_number" in plan
