"""Random histories of watching, sending, failing, dying and clocks that jump: what must hold whatever happens."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from post_office import C, Office, P, R

import flows.alerts.sending
from detectors.records import State
from flows.ledger.ledger import open_ledger
from flows.records.ids import EventId

RANK = {"provisional": 0, "confirmed": 1, "finished": 2, "retracted": 3}
LIVES = ((P,), (P, C), (P, R), (P, C, State.FINISHED), (C,))
ROUTES = """
[channels.a]
url = "json://127.0.0.1/a"
[channels.b]
url = "json://127.0.0.1/b"
[[routes]]
name = "all"
channels = ["a"]
[[routes]]
name = "by day"
channels = ["b", "a"]
quiet_hours = "20:00-07:00"
"""


class Killed(BaseException):
    """The process died here."""


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    folder = tmp_path_factory.mktemp("office")
    (folder / "routes.toml").write_text(ROUTES)
    Office(f"sqlite:///{folder / 'ledger.sqlite'}", folder, alert_routes=folder / "routes.toml").ledger.close()
    return folder


def machine(blank, patch):
    class Watching(RuleBasedStateMachine):
        """A ledger, two channels that fail as they like, and everything that they ever took."""

        @initialize()
        def begin(self):
            self.folder = Path(tempfile.mkdtemp())
            shutil.copytree(blank, self.folder, dirs_exist_ok=True)
            self.office = Office(
                f"sqlite:///{self.folder / 'ledger.sqlite'}", self.folder, alert_routes=self.folder / "routes.toml"
            )
            self.down: set[str] = set()
            self.dies = ""
            self.taken: list[tuple[str, str, str]] = []
            self.told: dict[tuple[str, str], set[str]] = {}
            self.reached: dict[EventId, int] = {}
            self.weeks: list[dict] = []
            patch.setattr(flows.alerts.sending, "send", self.send)

        def send(self, content, channel, *, made_at, now, references):
            """One of the two channels, as it is just now."""
            name = channel.url.get_secret_value()[-1]
            if self.dies == "before":
                raise Killed
            if name in self.down:
                return "down"
            self.taken.append((name, content.key, repr(content)))
            for alert in content.alerts:
                for key in alert.messages:
                    self.told.setdefault((name, key), set()).add(content.key)
            if self.dies == "after":
                raise Killed
            return ""

        @rule(found=st.dictionaries(st.sampled_from(["p1_x", "p1_y", "p2_z"]), st.sampled_from(LIVES), max_size=3))
        def watch(self, found):
            self.office.watch(len(self.weeks), **found)
            self.weeks.append(found)

        @precondition(lambda self: self.weeks)
        @rule(since=st.integers(0, 5))
        def replay(self, since):
            before = self.office.ledger.alerts(), len(self.office.ledger.pending_messages())
            for number in range(min(since, len(self.weeks) - 1), len(self.weeks)):
                self.office.watch(number, **self.weeks[number])
            assert (self.office.ledger.alerts(), len(self.office.ledger.pending_messages())) == before

        @rule(due=st.booleans(), dies=st.sampled_from(["", "before", "after"]))
        def deliver(self, due, dies):
            self.dies = dies
            try:
                self.office.deliver(only_due=due)
            except Killed:
                self.office.ledger.close()
                self.office.ledger = open_ledger(self.office.url)
            self.dies = ""

        @rule(down=st.sets(st.sampled_from("ab")))
        def fail(self, down):
            self.down = down

        @rule(hours=st.sampled_from([-24 * 300, -7, -1, 1, 5, 24 * 7]))
        def clock(self, hours):
            self.office.later(hours=hours)

        @invariant()
        def no_state_goes_backwards_and_none_is_two(self):
            if not hasattr(self, "office"):
                return
            now: dict[EventId, int] = {}
            for area in ("pier-1", "pier-2"):
                for event in self.office.ledger.events(area):
                    assert event.event_id not in now
                    now[event.event_id] = RANK[event.state]
            assert self.reached.keys() <= now.keys()
            assert all(now[name] >= rank for name, rank in self.reached.items())
            self.reached = now

        @invariant()
        def one_key_says_one_thing_and_a_message_has_one_key_a_channel(self):
            said = Counter(key for key, _ in {(key, text) for _, key, text in getattr(self, "taken", [])})
            assert all(number == 1 for number in said.values())
            assert all(len(keys) == 1 for keys in getattr(self, "told", {}).values())

        def teardown(self):
            if not hasattr(self, "office"):
                return
            self.down = set()
            self.office.ledger.outbox.revive()
            for _ in range(3):
                self.office.later(days=1)
                self.office.deliver()
            messages = {key for _, key in self.told}
            assert self.office.ledger.pending_messages() == []
            assert {(name, key) for name in "ab" for key in messages} == set(self.told), "somebody was not told"
            references = self.office.ledger.references()
            issued = {references.of(alert.alert_id) for alert in self.office.ledger.alerts()}
            assert {key.split(":")[0] for key in messages} == issued
            self.office.ledger.close()
            shutil.rmtree(self.folder)

    return Watching


def test_whatever_happens_every_channel_is_told_everything_under_one_key(blank, monkeypatch):
    few = settings(
        max_examples=25,
        stateful_step_count=12,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine(blank, monkeypatch), settings=few)
