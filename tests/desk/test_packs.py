"""Packs at the desk: who is offered what, how one is made and fetched, and what is no longer public."""

from __future__ import annotations

import io
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aois.area import Sensitivity
from flows.desk.backend.pack_shelf import DeskPacks
from flows.desk.errors import DeskError
from flows.publication.pack_choice import PackChoice
from flows.publication.pack_subject import Sharing
from flows.reports.data.releases import Releases, write_releases

WRITES = """
import pathlib, sys
gate = pathlib.Path(sys.argv[sys.argv.index("--outputs") + 1], "gate")
while not gate.exists():
    pass
pathlib.Path(sys.argv[1]).write_bytes(" ".join(sys.argv[2:]).encode())
"""
FAILS = "import sys; print('error: the disk is round'); sys.exit(2)"


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def shelf(desk: Any, code: str = WRITES) -> DeskPacks:
    return DeskPacks(desk.ledger, desk.outputs, command=(sys.executable, "-c", code))


def publish(desk: Any, area_id: str = "heron") -> None:
    areas = [
        replace(area, sensitivity=Sensitivity.PUBLIC) if area.id == area_id else area for area in desk.ledger.areas()
    ]
    desk.ledger.record_areas(areas)


def ask(desk: Any, name: str, path: str, **form: str) -> Any:
    with desk.client(name) as client:
        if not form:
            return client.get(path)
        return client.post(path, data={**form, "form_key": desk.form_key_of(name)})


@pytest.fixture
def open_gate(desk: Any) -> Iterator[Path]:
    gate = Path(desk.outputs, "gate")
    yield gate
    gate.touch()  # so that no child waits for ever


def test_only_who_sees_positions_is_offered_a_restricted_pack(desk: Any) -> None:
    publish(desk)
    for name, is_offered in (("vera", False), ("rita", False), ("otto", True), ("ada", True)):
        text = ask(desk, name, "/packs?event=ev-a1").text
        assert ("/packs/restricted" in text) is is_offered
        assert "What a careful reader can still learn from this pack:" in text
    assert ask(desk, "rita", "/packs/restricted", event="ev-a1").status_code == 403


def test_a_restricted_place_has_no_public_pack_until_it_is_released(desk: Any) -> None:
    text = ask(desk, "vera", "/packs?area=heron").text
    assert "This place is restricted, so there can be no public pack of it." in text
    assert 'action="/packs/public"' not in text
    assert ask(desk, "vera", "/packs/public", area="heron", agreed="1").status_code == 409
    week = max(seen.week for seen in desk.ledger.observations(area_id="heron"))
    write_releases(desk.outputs, Releases().released(["heron"], week, later_too=False))
    assert 'action="/packs/public"' in ask(desk, "vera", "/packs?area=heron").text


def test_pages_lead_to_the_packs_of_their_case_and_site(shared: Any) -> None:
    assert "/packs?event=ev-a1" in ask(shared, "vera", "/cases/ev-a1").text
    assert "/packs?area=heron" in ask(shared, "vera", "/sites/heron").text
    assert ask(shared, "vera", "/packs?event=ev-000000000000").status_code == 404
    assert "There is no pack yet." in ask(shared, "vera", "/packs").text


def test_without_agreement_nothing_is_public(desk: Any) -> None:
    publish(desk)
    answer = ask(desk, "vera", "/packs/public", event="ev-a1")
    assert answer.status_code == 422
    assert "Nothing was made." in answer.text
    assert not list(desk.outputs.glob("desk/packs/**/*.log"))


def test_a_pack_is_made_by_the_command_and_fetched(desk: Any) -> None:
    """The real command, in a process of its own."""
    publish(desk)
    asked = ask(desk, "vera", "/packs/public", event="ev-a1", agreed="1", coarse_dates="1")
    assert (asked.status_code, asked.headers["location"]) == (303, "/packs?event=ev-a1")
    until(lambda: "being made" not in ask(desk, "vera", "/packs").text)
    assert "/packs/public/event_ev-a1_en_months.zip" in ask(desk, "vera", "/packs").text
    answer = ask(desk, "vera", "/packs/public/event_ev-a1_en_months.zip")
    assert answer.headers["content-disposition"] == 'attachment; filename="sitewatch-public.zip"'
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as held:
        assert {"caption.fr.txt", "index.json", "page.pdf", "table.csv"} <= set(held.namelist())
        assert b"2026-09," in held.read("table.csv")
        assert b"ev-a1" not in b"".join(held.read(name) for name in held.namelist())
    acts = [(act.act, act.by) for act in desk.ledger.accounts.acts() if "pack" in act.act]
    assert acts[::-1][0] == ("pack", "vera")
    assert acts[0] == ("pack-fetched", "vera")
    assert not list(desk.outputs.glob("desk/packs/restricted/*.zip"))


def test_a_public_pack_of_a_place_that_is_restricted_again_is_not_handed_out(desk: Any, open_gate: Path) -> None:
    publish(desk)
    packs, choice = shelf(desk), PackChoice(area="heron")
    open_gate.touch()
    made = packs.begin(choice, sharing=Sharing.PUBLIC, language="en", coarse_dates=False)
    until(lambda: packs.packs(Sharing.PUBLIC)[0].is_ready)
    assert packs.file(Sharing.PUBLIC, made.name) is not None
    desk.ledger.record_areas([replace(a, sensitivity=Sensitivity.RESTRICTED) for a in desk.ledger.areas()])
    assert packs.file(Sharing.PUBLIC, made.name) is None


def test_a_pack_is_kept_for_its_sharing_alone(desk: Any, open_gate: Path) -> None:
    packs = shelf(desk)
    open_gate.touch()
    made = packs.begin(PackChoice(event="ev-a1"), sharing=Sharing.RESTRICTED, language="fr", coarse_dates=False)
    until(lambda: packs.packs(Sharing.RESTRICTED)[0].is_ready)
    path = packs.file(Sharing.RESTRICTED, made.name)
    assert path is not None
    assert path.read_text().startswith("--event ev-a1 --restricted --lang fr --yes --outputs")
    assert packs.file(Sharing.PUBLIC, made.name) is None
    assert "event_ev-a1_fr" not in ask(desk, "vera", "/packs").text
    assert "event_ev-a1_fr" in ask(desk, "otto", "/packs").text
    assert ask(desk, "vera", f"/packs/restricted/{made.name}.zip").status_code == 403
    for name in ("../../ledger", "event_ev-a1_fr.zip", "", "event_/etc/passwd_fr"):
        assert packs.file(Sharing.RESTRICTED, name) is None


def test_few_are_made_at_once_and_the_same_one_once(desk: Any, open_gate: Path) -> None:
    packs = shelf(desk)
    for event_id in ("ev-a1", "ev-a1", "ev-b1"):
        packs.begin(PackChoice(event=event_id), sharing=Sharing.RESTRICTED, language="en", coarse_dates=False)
    assert [one.is_going for one in packs.packs(Sharing.RESTRICTED)] == [True, True]
    with pytest.raises(DeskError, match="2 packs are being made already"):
        packs.begin(PackChoice(event="ev-b2"), sharing=Sharing.RESTRICTED, language="en", coarse_dates=False)
    open_gate.touch()
    until(lambda: not any(one.is_going for one in packs.packs(Sharing.RESTRICTED)))


def test_one_that_fails_says_why(desk: Any) -> None:
    packs = shelf(desk, FAILS)
    packs.begin(PackChoice(event="ev-a1"), sharing=Sharing.RESTRICTED, language="en", coarse_dates=False)
    until(lambda: not packs.packs(Sharing.RESTRICTED)[0].is_going)
    [told] = packs.packs(Sharing.RESTRICTED)
    assert (told.is_ready, told.last_words) == (False, "error: the disk is round")


def test_the_oldest_make_room(desk: Any, open_gate: Path) -> None:
    packs, folder = shelf(desk), desk.outputs / "desk" / "packs" / "restricted"
    packs.packs(Sharing.RESTRICTED)
    for number in range(25):
        (folder / f"event_ev-{number}_en.zip").write_bytes(b"old")
    open_gate.touch()
    packs.begin(PackChoice(event="ev-a1"), sharing=Sharing.RESTRICTED, language="en", coarse_dates=False)
    until(lambda: packs.packs(Sharing.RESTRICTED)[0].is_ready)
    assert len(list(folder.glob("*.zip"))) == 20
