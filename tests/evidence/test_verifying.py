"""Evidence that was tampered with is found out, and evidence that was not is left alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from flows.config.settings import Settings, SourceName
from flows.evidence.manifests import FOLDER, EvidenceError, signing_key, write_manifest
from flows.evidence.rasters import is_tagged, untagged
from flows.pipeline.evidence_manifest import attest
from flows.records.reviews import Judgement, Verdict
from flows.records.runs import RunRecord


def key_files(folder, name):
    """A new key, private and public, as files."""
    key = Ed25519PrivateKey.generate()
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub"
    secret.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    public.write_bytes(key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return secret, public


def close(bench, number, key=None):
    """What a run does when it ends."""
    settings = Settings(
        outputs=bench.outputs, source=SourceName.SIMULATED, history_days=365, signing_key=key, _env_file=None
    )
    folder = bench.outputs / "areas" / bench.areas[0].id
    shutil.copy(bench.outputs / f"{bench.areas[0].id}.geojson", folder / "events.geojson")
    (bench.outputs / "alerts").mkdir(exist_ok=True)
    shutil.copy(bench.outputs / "alerts.geojson", bench.outputs / "alerts" / "alerts.geojson")
    with bench.ledger() as ledger:
        run_id = f"run-{number}"
        at = datetime(2024, 7, number, 6, tzinfo=UTC)
        ledger.start_run(RunRecord(run_id, at, "0", {"history_days": 365}))
        manifest = attest(settings.outputs, ledger, run_id, key=signing_key(settings.signing_key))
        ledger.finish_run(run_id, status="completed", summary={"manifest": manifest}, at=at)
    return manifest


@pytest.fixture(scope="module")
def template(halfway, tmp_path_factory):
    """Outputs of two runs, each with a manifest signed with one key."""
    folder = tmp_path_factory.mktemp("evidence")
    bench = halfway.copy(folder / "outputs")
    secret, public = key_files(folder, "ours")
    assert close(bench, 1, secret)["number"] == 1
    bench.watch()
    assert close(bench, 2, secret)["number"] == 2
    assert close(bench, 3, secret) is None, "nothing changed"
    return bench, public


@pytest.fixture
def evidence(template, tmp_path, call):
    bench, public = template
    copied = bench.copy(tmp_path / "outputs")

    def called(*options, path=""):
        return call("verify", f"outputs/{path}", *options, cwd=tmp_path)

    verify: Any = called
    verify.outputs, verify.public, verify.bench, verify.folder = copied.outputs, public, copied, tmp_path
    return verify


def wrong(said):
    return [line.removeprefix("WRONG  ") for line in said.out.splitlines() if line.startswith("WRONG")]


def test_evidence_that_nobody_touched_holds(evidence, made):
    said = evidence("--key", str(evidence.public))
    assert (said.status, wrong(said)) == (0, [])
    assert "holds  chain: unbroken, 2 manifests" in said.out
    assert "all signed with this key" in said.out
    assert evidence(path=f"areas/{made.WALLED}").status == 0
    assert evidence(path="alerts/alerts.geojson").status == 0


def test_a_changed_byte_is_named(evidence, made):
    raster = next(evidence.outputs.glob("areas/*/????-??-??/score.tif"))
    scene = next(evidence.outputs.glob("archive/*/*/*.tif"))
    for path in (raster, scene):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    said = evidence()
    assert said.status == 1
    names = sorted(path.relative_to(evidence.outputs).as_posix() for path in (raster, scene))
    assert wrong(said) == [f"files: {name} was changed" for name in names]
    assert wrong(evidence(path=f"areas/{made.WALLED}")) == [f"files: {names[1]} was changed"]


def test_a_file_that_was_removed_or_slipped_in_is_named(evidence, made):
    events = evidence.outputs / "areas" / made.WALLED / "events.geojson"
    events.unlink()
    slipped = evidence.outputs / "areas" / made.WALLED / "2024-01-07"
    slipped.mkdir()
    (slipped / "score.tif").write_bytes(b"what somebody would like to be true")
    assert wrong(evidence()) == [
        f"files: areas/{made.WALLED}/events.geojson is missing",
        f"files: areas/{made.WALLED}/2024-01-07/score.tif is on no manifest; if a run was cut short, watch again",
    ]


@pytest.mark.parametrize(
    ("cut", "complaint"),
    [
        ("000001.json", "chain: 000002.json stands where 000001.json should: the chain is cut"),
        ("000002.json", "chain: the record knows another 000002.json: the end of the chain was cut or changed"),
    ],
)
def test_a_chain_that_was_cut_is_noticed(evidence, cut, complaint):
    (evidence.outputs / FOLDER / cut).unlink()
    said = evidence()
    assert said.status == 1
    assert complaint in wrong(said)


def test_a_manifest_that_was_rewritten_is_noticed(evidence):
    path = evidence.outputs / FOLDER / "000001.json"
    manifest = json.loads(path.read_text())
    name = next(iter(manifest["body"]["files"]))
    manifest["body"]["files"][name]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest))
    found = wrong(evidence("--key", str(evidence.public)))
    assert "chain: 000002.json does not follow from the one before it: one of the two was changed" in found
    assert "signature: 000001.json is not signed with this key" in found


def test_another_key_and_no_key_are_told_apart(evidence):
    _, other = key_files(evidence.folder, "other")
    said = evidence("--key", str(other))
    assert (said.status, len(wrong(said))) == (1, 2)
    assert wrong(said)[0] == "signature: 000001.json is not signed with this key"
    assert "2 of 2 manifests signed; --key PUBLIC.pem asks by whom" in evidence().out
    (evidence.outputs / "alerts.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    assert close(evidence.bench, 9)["number"] == 3
    assert wrong(evidence("--key", str(evidence.public))) == ["signature: 000003.json is not signed"]
    assert evidence().status == 0


def test_a_record_that_went_on_is_not_complained_of(evidence, made):
    with evidence.bench.ledger() as ledger:
        alert = ledger.alerts()[0]
        ledger.acknowledge(alert.alert_id, by="Anna", on=datetime.now(UTC).date())
        ledger.judge(alert.event_id, Judgement(Verdict.CONFIRMED, by="Anna"), at=datetime.now(UTC))
    assert wrong(evidence()) == []


def test_the_archive_gives_the_same_bytes_again(evidence, made):
    said = evidence("--replay", path=f"areas/{made.WALLED}")
    assert (said.status, wrong(said)) == (0, [])
    (raster,) = sorted((evidence.outputs / "areas" / made.WALLED).glob("*/score.tif"))[-1:]
    assert is_tagged(raster)
    raster.write_bytes(untagged(raster))  # as the version before wrote it, which no run writes again
    said = evidence("--replay", path=f"areas/{made.WALLED}")
    assert [line for line in wrong(said) if line.startswith("replay")] == []
    events = evidence.outputs / "areas" / made.WALLED / "events.geojson"
    events.write_text(events.read_text().replace('"confidence": 0.', '"confidence": 0.0', 1))
    assert f"replay: areas/{made.WALLED}/events.geojson: the archive gives something else" in wrong(
        evidence("--replay", path=f"areas/{made.WALLED}")
    )


def test_what_is_no_evidence_is_a_wrong_call(evidence, call, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for arguments, complaint in (
        (("elsewhere",), "no run wrote a manifest there"),
        (("outputs/nothing",), "is not evidence"),
        (("outputs", "--key", "outputs/alerts/alerts.geojson"), "is not a public Ed25519 key in PEM"),
    ):
        said = call("verify", *arguments, cwd=tmp_path)
        assert (said.status, complaint in said.err) == (2, True)
    (evidence.outputs / FOLDER / "000001.json").write_text("{}")
    assert "put back the file that the run wrote" in evidence().err


def test_nothing_is_added_to_a_damaged_chain_and_keys_of_other_kinds_are_refused(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "000001.json").write_text("torn")
    with pytest.raises(EvidenceError, match="cannot be read"):
        write_manifest(
            tmp_path,
            run_id="r",
            made_at="2026-11-24T00:00:00+00:00",
            record={"changes": 0, "link": "", "follows": None},
        )
    subprocess.run(["openssl", "genpkey", "-algorithm", "x25519", "-out", tmp_path / "x.pem"], check=True)
    for name in ("x.pem", "none.pem"):
        with pytest.raises(EvidenceError, match="make one with `openssl genpkey -algorithm ed25519`"):
            signing_key(tmp_path / name)
    assert signing_key(None) is None
