"""A weekly run that dies at any moment, and the next one: nothing is lost, and nobody acts on anything twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("post_child.py")
SECRET = "sixteen letters or more"


@pytest.fixture
def channels(new_url):
    """Both databases send the same way, so one of them is enough for the mail, which takes longer."""
    return ("hook", "post") if new_url.startswith("sqlite") else ("hook",)


@pytest.fixture
def rehearsals(new_url, tmp_path, mail_server, web_server, channels):
    """Each rehearsal: where it was killed, what is on record, and what mail and web server got, by key."""
    (tmp_path / "routes.toml").write_text(
        f'[channels.hook]\nkind = "webhook"\nurl = "{web_server.url()}"\nsecret = "{SECRET}"\n'
        f'[channels.post]\nurl = "{mail_server.url}"\n'
        f'[[routes]]\nname = "all"\nchannels = {json.dumps(channels)}\n'
    )
    command = [sys.executable, "-W", "error", str(CHILD), new_url, str(tmp_path)]
    found = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            outcome = json.loads(line)
            outcome["posts"] = [(post.headers["webhook-id"], post.body) for post in web_server.posts]
            outcome["mails"] = [(mail["X-Sitewatch-Key"], mail["Subject"]) for mail in mail_server.mails]
            web_server.posts.clear()
            mail_server.mails.clear()
            found.append(outcome)
            child.stdin.write("\n")
            child.stdin.flush()
    assert child.returncode == 0
    return found


def test_a_kill_at_any_moment_loses_nothing_and_nobody_acts_on_a_key_twice(rehearsals, channels):
    undisturbed, *killed, last = rehearsals
    assert (undisturbed["fault"], last["fault"]) == (None, None)
    assert len(killed) > 16
    assert len(undisturbed["posts"]) + len(undisturbed["mails"]) == len(channels)
    assert len(json.loads(undisturbed["posts"][0][1])["alerts"]) == 3
    assert undisturbed["pending"] == []
    for outcome in killed:
        for name in ("alerts", "events", "pending", "file"):
            assert outcome[name] == undisturbed[name], (outcome["fault"], name)
        for name in ("posts", "mails"):
            # What a receiver acts on: the first of each key, and those that came again said the same.
            assert set(map(tuple, outcome[name])) == set(map(tuple, undisturbed[name])), (outcome["fault"], name)
    twice = [outcome["fault"] for outcome in killed if len(outcome["posts"]) > 1 or len(outcome["mails"]) > 1]
    assert len(twice) == 2 * len(channels), "only a kill between a send and its mark makes a message come again"
