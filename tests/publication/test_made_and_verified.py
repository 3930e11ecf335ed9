"""A pack made by one command is checked by another, whoever it is for, as a folder and as a zip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Said, called
from proven_pack import Signer, signer, signing_key_of
from sea_watch import WALLED, Bench

from flows.evidence.geojson_files import write_events
from flows.pipeline.evidence_manifest import attest
from flows.pipeline.watch_terms import write_watch_terms
from flows.reports.data.releases import Releases, write_releases


@pytest.fixture(scope="module")
def watched(undisturbed: Bench, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Signer]:
    """The outputs of a watch, released for everybody, and the key that signs."""
    folder = tmp_path_factory.mktemp("watched")
    bench, ours = undisturbed.copy(folder / "outputs"), signer(folder, "ours")
    with bench.ledger() as ledger:
        write_watch_terms(bench.stores(ledger))
        write_events(ledger.events(WALLED), bench.outputs / "areas" / WALLED / "events.geojson")
        attest(bench.outputs, ledger, "run", key=signing_key_of(folder / "ours.pem"))
        last = max(ledger.chains(WALLED))
    write_releases(bench.outputs, Releases({WALLED: frozenset([last])}))
    return bench.outputs, ours


RESTRICTED, PUBLIC, MONTHS = ("--restricted",), ("--public", "--yes"), ("--public", "--yes", "--coarse-dates")


def made(watched: tuple[Path, Signer], target: Path, *options: str) -> Said:
    outputs, ours = watched
    named = ("export", "pack", target, "--area", WALLED, *options, "--outputs", outputs)
    return called(*named, cwd=target.parent, signing_key=str(ours.public.with_name("ours.pem")))


@pytest.mark.parametrize(
    ("name", "options"),
    [("pack", RESTRICTED), ("pack.zip", RESTRICTED), ("pack", PUBLIC), ("pack.zip", MONTHS)],
)
def test_what_one_command_makes_another_verifies(
    watched: tuple[Path, Signer], tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    told = made(watched, tmp_path / name, *options)
    assert (told.status, told.err) == (0, ""), told.out
    said = called("verify", tmp_path / name, "--key", watched[1].public, "--replay", cwd=tmp_path)
    assert (said.status, "WRONG" in said.out, "the index is signed" in said.out) == (0, False, True), said.out
    if (tmp_path / name).is_dir():
        words = (tmp_path / name / "README.txt").read_text(encoding="utf-8")
        assert [one.name for one in (tmp_path / name).iterdir() if one.is_file() and one.name not in words] == [
            "README.txt"
        ]
    assert ("replay: the events of 1 place, the same bytes" in said.out) is (options == RESTRICTED)
    assert ("the sender left the proof out" in said.out) is (options == MONTHS)


def test_proof_is_not_left_out_by_whoever_only_says_so(watched: tuple[Path, Signer], tmp_path: Path) -> None:
    """The signature over the index tells, and a pack that holds any head has to hold the proof whole."""
    made(watched, tmp_path / "pack", *PUBLIC)
    index = tmp_path / "pack" / "index.json"
    text = json.loads(index.read_text())
    text["not_made"] = [{"what": "proof", "why": "so I say"}]
    for one in ("EVIDENCE.md", "EVIDENCE.fr.md"):
        (tmp_path / "pack" / one).unlink()
    text["files"] = [one for one in text["files"] if not one["path"].startswith("EVIDENCE")]
    index.write_text(json.dumps(text))
    said = called("verify", tmp_path / "pack", cwd=tmp_path)
    assert "WRONG  index: EVIDENCE.md is not in the pack" in said.out
    for path in (tmp_path / "pack" / "proof" / "outputs" / "evidence").iterdir():
        path.unlink()
    text["files"] = [one for one in text["files"] if not one["path"].startswith("proof/")]
    index.write_text(json.dumps(text))
    said = called("verify", tmp_path / "pack", "--key", watched[1].public, cwd=tmp_path)
    assert said.status == 1
    assert "WRONG  index: index.json is not signed with this key" in said.out
