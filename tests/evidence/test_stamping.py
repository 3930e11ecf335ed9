"""Heads get stamped by authorities on loopback: each once, whatever goes wrong in between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
from hostile_web import endless, redirect
from small_record import AREA, make, sitewatch, write
from timestamp_server import timestamp_server

from flows.evidence.authorities import read_authorities
from flows.evidence.heads import prove_files, read_heads
from flows.evidence.manifests import FOLDER, EvidenceError, read_chain
from flows.evidence.stamping import LIMITS, pending_stamps, stamp_heads
from flows.pipeline.evidence_manifest import attest

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
from flows.evidence.authorities import read_authorities
from flows.evidence.stamping import stamp_heads
print(stamp_heads(Path(sys.argv[1]), read_authorities(sys.argv[2:])).words, flush=True)
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A record of two runs that no authority was asked about."""
    return make(tmp_path_factory.mktemp("stamped") / "outputs", runs=2)


@pytest.fixture
def record(template, tmp_path):
    """A copy, in which a run ends when it is told to."""
    outputs = Path(shutil.copytree(template.outputs, tmp_path / "outputs"))

    def end(*servers, text="another"):
        write(outputs / "areas" / AREA / "events.geojson", text)
        with template.__class__(outputs).ledger() as ledger:
            return attest(outputs, ledger, f"run of {text}", key=None, authorities=named(*servers))

    return SimpleNamespace(outputs=outputs, folder=outputs / FOLDER, end=end)


def named(*servers):
    return read_authorities([server.entry for server in servers])


def stamps(record):
    return sorted(path.name for path in record.folder.glob("*.ts?"))


def test_a_head_is_stamped_by_each_authority_and_once(record, tmp_path):
    with timestamp_server(tmp_path / "a", "one") as one, timestamp_server(tmp_path / "b", "two") as two:
        record.end(one, two)
        assert stamps(record) == ["000003.one.tsq", "000003.two.tsq"]
        assert stamp_heads(record.outputs, named(one, two)).words == "time stamps: 2 came, none is pending."
        assert stamps(record) == ["000003.one.tsr", "000003.two.tsr"]
        kept = {name: (record.folder / name).read_bytes() for name in stamps(record)}
        assert stamp_heads(record.outputs, named(one, two)).words == ""
        assert {name: (record.folder / name).read_bytes() for name in stamps(record)} == kept
        head = (record.folder / "000003.head.json").read_bytes()
        assert [one.requests, two.requests] == [[one.requests[0]], [one.requests[0]]]
        assert sha256(head).digest() in one.requests[0]
        assert len(one.requests[0]) == 59, "the hash, its kind, and the wish for certificates"
    said = sitewatch("verify", "outputs", cwd=tmp_path)
    lines = [line for line in said.out.splitlines() if "  stamp: " in line]
    assert [line.partition(" was there")[0] for line in lines] == [
        "holds  stamp: one: 1 head, stamped within 1 day; 000003.head.json",
        "holds  stamp: two: 1 head, stamped within 1 day; 000003.head.json",
    ]
    assert "holds  heads: 3 heads, each of its manifest" in said.out
    assert "says CN=Stamps of one, under the root certificate with SHA-256 " in lines[0]
    assert not [line for line in said.wrong if "no file of a run's" in line]
    trusted = sitewatch("verify", "outputs", "--root", one.maker.roots, cwd=tmp_path)
    assert "stamp: 000003.two.tsr was not given under this root certificate, or was changed" in trusted.wrong


def test_openssl_finds_the_same(record, tmp_path):
    """Nobody needs Sitewatch to check a stamp."""
    with timestamp_server(tmp_path / "a", "one") as one:
        record.end(one)
        stamp_heads(record.outputs, named(one))
    (roots,) = record.folder.glob("one.*.pem")
    command = ["openssl", "ts", "-verify", "-in", "000003.one.tsr", "-data", "000003.head.json", "-CAfile", roots]
    said = subprocess.run(command, cwd=record.folder, capture_output=True, text=True, check=False)
    assert "Verification: OK" in said.stdout, said.stderr


def test_what_does_not_come_is_pending_and_comes_later(record, tmp_path):
    with timestamp_server(tmp_path / "a", "one") as one, timestamp_server(tmp_path / "b", "two") as two:
        two.status = 503
        record.end(one, two)
        first = stamp_heads(record.outputs, named(one, two)).words
        assert first == "time stamps: 1 came, 1 pending: two: it answered 503; the next run asks again."
        assert pending_stamps(record.outputs) == [(3, "two")]
        said = sitewatch("verify", "outputs", cwd=tmp_path)
        assert "pending  stamp: 000003.head.json by two" in said.out.splitlines()
        assert not [line for line in said.wrong if line.startswith(("stamp", "heads"))]
        record.end(one, two, text="a third")
        two.status = 200
        assert stamp_heads(record.outputs, named(one, two)).words == "time stamps: 3 came, none is pending."
        assert len(one.requests) == 2, "nothing is asked for that is there"


def test_offline_costs_one_try_of_each_authority(record, tmp_path, unused_port):
    with timestamp_server(tmp_path / "a", "one") as one:
        for text in ("a", "b", "c"):
            record.end(one, text=text)
    outcome = stamp_heads(record.outputs, named(one))
    assert (outcome.stamped, outcome.pending, len(outcome.reasons)) == (0, 3, 1)
    gone = stamp_heads(record.outputs, ())
    assert gone.words.endswith("one: not in SITEWATCH_TIMESTAMP_AUTHORITIES; the next run asks again.")


def test_an_authority_that_is_another_gets_nothing_kept(record, tmp_path):
    with timestamp_server(tmp_path / "a", "one") as one, timestamp_server(tmp_path / "b", "one") as other:
        record.end(one)
        one.web.put("/tsr", other.answer)
        other.web.bodies = one.web.bodies
        words = stamp_heads(record.outputs, named(one)).words
        assert "is no stamp of 000003.head.json: it was not given under this root certificate" in words
    assert stamps(record) == ["000003.one.tsq"]


@pytest.mark.parametrize("answer", ["redirect", "endless", "empty", "page"])
def test_nothing_leads_elsewhere_or_goes_on_for_ever(record, tmp_path, answer):
    with timestamp_server(tmp_path / "a", "one") as one, timestamp_server(tmp_path / "b", "two") as two:
        record.end(one)
        answers = {
            "redirect": redirect(f"{two.web.address}/tsr", 307),
            "endless": endless,
            "empty": b"",
            "page": b"<html>",
        }
        one.web.put("/tsr", answers[answer])
        assert stamp_heads(record.outputs, named(one)).pending == 1
        assert two.web.asked == []
    assert stamps(record) == ["000003.one.tsq"]


def test_a_kill_loses_nothing_and_nothing_is_kept_twice(record, tmp_path):
    with timestamp_server(tmp_path / "a", "one") as one:
        record.end(one)
        one.web.put("/tsr", lambda handler: time.sleep(30))
        command = [sys.executable, "-c", CHILD, record.outputs, one.entry]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
            until = time.monotonic() + 60
            while not one.web.asked and time.monotonic() < until:
                time.sleep(0.02)
            os.kill(child.pid, signal.SIGKILL)
        assert stamps(record) == ["000003.one.tsq"]
        one.web.put("/tsr", one.answer)
        assert stamp_heads(record.outputs, named(one)).words == "time stamps: 1 came, none is pending."
        request = one.requests[-1]
        (record.folder / "000003.one.tsq").write_bytes(request)  # killed after the stamp was kept
        kept = (record.folder / "000003.one.tsr").read_bytes()
        assert pending_stamps(record.outputs) == []
        record.end(one, text="a third")
        assert stamp_heads(record.outputs, named(one)).stamped == 1
    assert stamps(record) == ["000003.one.tsr", "000004.one.tsr"]
    assert (record.folder / "000003.one.tsr").read_bytes() == kept


def test_heads_that_a_kill_left_out_are_written_by_the_next_run(record):
    (record.folder / "000002.head.json").unlink()
    record.end()
    assert [head.body.number for head in read_heads(record.folder)] == [1, 2, 3]


def test_a_record_of_an_earlier_version_begins_with_its_last_manifest(record, tmp_path):
    for path in record.folder.glob("*.head.json"):
        path.unlink()
    assert "holds  heads: none: the next run begins them" in sitewatch("verify", "outputs", cwd=tmp_path).out
    record.end()
    (head,) = read_heads(record.folder)
    links = read_chain(record.outputs)
    assert (head.body.number, head.body.previous) == (3, None)
    known = f"areas/{AREA}/2026-09-13/score.tif"
    proof = prove_files(links, [known])[known]
    assert proof.root_for(known) == head.body.files
    assert proof.root_for(f"areas/{AREA}/2026-09-14/score.tif") != head.body.files


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda f: (f / "000003.one.tsr").unlink(), "000003.one.tsr is missing; if a run was cut short, watch again"),
        (lambda f: (f / "000003.one.tsr").write_bytes((f / "000003.one.tsr").read_bytes()[:-9]), "cut off or damaged"),
        (lambda f: shutil.copy(f / "000003.one.tsr", f / "000002.one.tsr"), "is a stamp that no head asks for"),
        (lambda f: shutil.copy(f / "000002.head.json", f / "000003.head.json"), "it was renamed or changed"),
        (lambda f: next(f.glob("one.*.pem")).write_text(""), "holds other certificates than its head says"),
        (lambda f: next(f.glob("one.*.pem")).unlink(), ".pem is missing"),
    ],
)
def test_what_was_changed_beside_the_manifests_is_named(record, tmp_path, change, complaint):
    with timestamp_server(tmp_path / "a", "one") as one:
        record.end(one)
        stamp_heads(record.outputs, named(one))
    change(record.folder)
    said = sitewatch("verify", "outputs", cwd=tmp_path)
    assert (said.status, any(complaint in line for line in said.wrong)) == (1, True), said.out


def test_a_stamp_of_a_time_without_certificate_does_not_hold(record, tmp_path):
    end = datetime(2021, 1, 1, tzinfo=UTC)
    with timestamp_server(tmp_path / "a", "one", until=end) as one:
        record.end(one)
        words = stamp_heads(record.outputs, named(one)).words
    assert "when the certificate of its authority was not valid (2020-01-01 to 2021-01-01)" in words


def test_wrong_settings_are_refused_in_words(tmp_path):
    (tmp_path / "empty.pem").write_text("")
    with timestamp_server(tmp_path / "a", "one") as one:
        root = one.maker.roots
    for entries, complaint in (
        ([str(root)], "has no address; write FILE.pem=https://host/path"),
        ([f"{root}=ftp://host/x"], "has no address"),
        ([f"{root}=https://"], "is not an address"),
        ([f"{tmp_path / 'empty.pem'}=https://tsa.example.org/"], "holds no certificate in PEM"),
        ([f"{root}=https://a.example.org/", f"{root}=https://b.example.org/"], "two authorities have the name `one`"),
        ([f"{tmp_path / 'A b.pem'}=https://u:secret@a.example.org/"], "use letters, digits and hyphens"),
    ):
        with pytest.raises(EvidenceError, match=complaint) as told:
            read_authorities(entries)
        assert "secret" not in str(told.value)
    assert LIMITS.exchange_s == 20.0
