"""A weekly run that dies at any moment, and the next one: nothing is lost, and nobody acts on anything twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from child import Child

CHILD = Path(__file__).parents[1] / "helpers" / "post_child.py"
SECRET = "sixteen letters or more"


@pytest.fixture
def rehearsals(new_url, tmp_path, mail_server, web_server):
    """Each rehearsal: where it was killed, what is on record, and what mail server and web server got, by key.

    The web server stands for Prefect's as well, whose events are posted.
    """
    (tmp_path / "routes.toml").write_text(
        f'[channels.hook]\nkind = "webhook"\nurl = "{web_server.url()}"\nsecret = "{SECRET}"\n'
        f'[channels.post]\nurl = "{mail_server.url}"\n'
        '[[routes]]\nname = "all"\nchannels = ["hook", "post"]\n'
    )
    command = [sys.executable, "-W", "error", str(CHILD), new_url, str(tmp_path)]
    found = []
    helpers = {"PYTHONPATH": str(CHILD.parents[1] / "helpers")}
    prefect = {"PREFECT_API_URL": web_server.url("/api"), "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false"}
    with Child(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | prefect | helpers
    ) as child:
        for line in child.stdout:
            outcome = json.loads(line)
            hooked = [post for post in web_server.posts if post.path == "/hook"]
            outcome["posts"] = [(post.headers["webhook-id"], post.body) for post in hooked]
            emitted = [post.body for post in web_server.posts if post.path == "/api/events"]
            outcome["signals"] = [(ids_of(body), body) for body in emitted]
            outcome["mails"] = [(mail["X-Sitewatch-Key"], mail["Subject"]) for mail in mail_server.mails]
            web_server.posts.clear()
            mail_server.mails.clear()
            found.append(outcome)
            child.stdin.write("\n")
            child.stdin.flush()
    assert child.returncode == 0
    return found


def ids_of(body):
    """The ids of the Prefect events in a request."""
    return tuple(event["id"] for event in json.loads(body))


def test_a_kill_at_any_moment_loses_nothing_and_nobody_acts_on_a_key_twice(rehearsals):
    undisturbed, *killed, last = rehearsals
    assert (undisturbed["fault"], last["fault"]) == (None, None)
    assert len(killed) > 16
    assert [len(undisturbed[name]) for name in ("posts", "mails", "signals")] == [1, 1, 1]
    told = json.loads(undisturbed["posts"][0][1])["alerts"]
    assert sorted(news for alert in told for news in alert["properties"]["news"]) == [
        *["issued"] * 4,
        *("merged", "state", "state", "step"),
    ]
    assert len(undisturbed["signals"][0][0]) == 8
    assert undisturbed["pending"] == []
    for outcome in killed:
        for name in ("alerts", "events", "pending", "file"):
            assert outcome[name] == undisturbed[name], (outcome["fault"], name)
        for name in ("posts", "mails", "signals"):
            # What a receiver acts on: the first of each key, and those that came again said the same.
            assert set(map(tuple, outcome[name])) == set(map(tuple, undisturbed[name])), (outcome["fault"], name)
    for name in ("posts", "mails", "signals"):
        twice = [outcome["fault"] for outcome in killed if len(outcome[name]) > 1]
        assert len(twice) == 2, "only a kill between a send and its mark makes a message come again"
