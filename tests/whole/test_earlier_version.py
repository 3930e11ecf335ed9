"""A ledger, an archive and a saved state that an earlier version left are taken over; see `data/README.md`."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from detectors import VERSION
from detectors.acquisition import Acquisition
from detectors.records import State
from flows.evidence.state import load_state
from flows.ledger.ledger import Ledger, open_ledger

if TYPE_CHECKING:
    from command_line import Said

    from tests.conftest import WebServer

RECORD = Path(__file__).parent / "data" / "record-of-dd71ddc.tar.xz"
MADE_BY = "6"  # the version of the detectors then; later ones replay every week of it
AREA, LAST, NEXT = "pier-3", "2024-W07", "2024-02-25"

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")


@dataclass(frozen=True)
class Takeover:
    """A copy of the record, and today's command line over it."""

    folder: Path
    call: Callable[..., Said]

    def sitewatch(self, *arguments: str) -> str:
        """Call the command line with the settings of then, which must end well; what it says."""
        settings = {"areas": "areas.geojson", "history_days": "100", "alert_routes": "routes.toml"}
        said = self.call(*arguments, cwd=self.folder, **settings)
        assert said.status == 0, said
        return said.out

    def ledger(self) -> Ledger:
        """The record, to be closed."""
        return open_ledger(f"sqlite:///{self.folder / 'outputs' / 'ledger.sqlite'}")

    @property
    def states(self) -> list[Path]:
        """The saved states."""
        return sorted(self.folder.glob(f"outputs/areas/{AREA}/state/*.npz"))


@pytest.fixture
def takeover(
    tmp_path: Path, call: Callable[..., Said], web_server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> Takeover:
    with tarfile.open(RECORD) as packed:
        packed.extractall(tmp_path, filter="data")
    monkeypatch.setenv("HOOK", web_server.url())
    monkeypatch.setenv("SECRET", "a secret for a test")
    return Takeover(tmp_path, call)


def no_scene(scene_id: str) -> Acquisition:
    raise AssertionError(scene_id)


def test_the_record_of_an_earlier_version_holds_as_evidence(takeover: Takeover) -> None:
    lines = takeover.sitewatch("verify", "outputs").splitlines()
    assert {line.split(":")[0] for line in lines} >= {"holds  chain", "holds  record", "holds  files"}


def test_today_s_code_goes_on_for_a_week_and_sends_nothing_twice(
    takeover: Takeover, web_server: WebServer, prefect_server: None
) -> None:
    (state,) = takeover.states
    is_spared = VERSION == MADE_BY
    assert (load_state(state, read=no_scene) is not None) == is_spared, "what an older detector left is known for that"
    with takeover.ledger() as ledger:
        (alert,) = ledger.alerts()
        seen = {observation.week: observation for observation in ledger.observations()}
        assert not ledger.pending_messages()
    assert [str(week) for week in seen] == ["2024-W05", "2024-W06", LAST]

    said = takeover.sitewatch("watch", "--until", NEXT)

    assert f"2024-W08: 1 areas, 1 scenes fetched, {1 if is_spared else 4} weeks worked through" in said
    assert (state in takeover.states) == is_spared, "the state is kept as long as it rests on the same digest"
    with takeover.ledger() as ledger:
        after = {observation.week: observation for observation in ledger.observations()}
        again = ledger.alert(alert.alert_id)
        assert [str(week) for week in after] == ["2024-W05", "2024-W06", LAST, "2024-W08"]
        assert not ledger.pending_messages()
        states = {event.event_id: event.state for event in ledger.events("pier-3")}
        reference = ledger.references().of(alert.alert_id)
    if is_spared:
        assert {week: after[week] for week in seen} == seen
        assert again is not None
        assert not web_server.posts
    told = [post.body for post in web_server.posts if reference.encode() in post.body]
    assert not [post for post in web_server.posts if alert.alert_id.encode() in post.body]
    is_withdrawn = states[alert.event_id] is State.RETRACTED
    assert len(told) == int(is_withdrawn), "what still stands is told by nothing, what does not is withdrawn once"
    assert "WRONG" not in takeover.sitewatch("verify", "outputs")


def test_the_same_week_again_leaves_the_record_as_it_is(
    takeover: Takeover, web_server: WebServer, prefect_server: None
) -> None:
    takeover.sitewatch("watch", "--until", NEXT)
    told = len(web_server.posts)
    assert "0 scenes fetched, 0 weeks worked through" in takeover.sitewatch("watch", "--until", NEXT)
    assert len(web_server.posts) == told
