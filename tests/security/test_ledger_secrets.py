"""A password in the ledger's address is printed nowhere, however it is written there."""

from __future__ import annotations

import json
import logging

import pytest
from loopback import free_port
from small_record import make, sitewatch

from flows.ledger import LedgerError, open_ledger
from flows.ledger.addresses import read_address, shown, without_secrets
from flows.ledger.database import level_of
from flows.ledger.read_only import open_read_only

SECRET = "SECRETX"
ADDRESSES = {
    "in the query": "postgresql://127.0.0.1:{port}/db?user=sw&password=SECRETX",
    "of the key in the query": "postgresql://127.0.0.1:{port}/db?user=sw&sslpassword=SECRETX",
    "twice in the query": "postgresql://127.0.0.1:{port}/db?password=SECRETX&password=SECRETX2",
    "in options": "postgresql://127.0.0.1:{port}/db?options=-csecret%3DSECRETX",
    "in its place": "postgresql://sw:SECRETX@127.0.0.1:{port}/db",
    "with an @": "postgresql://sw:one@SECRETX@127.0.0.1:{port}/db",
    "with an @ and a /": "postgresql://sw:one@SECRETX/two@127.0.0.1:{port}/db",
    "with an @ and a :": "postgresql://sw:one@two:SECRETX@127.0.0.1:{port}/db",
    "with a port": "postgresql://127.0.0.1:SECRETX/db",
    "with an unknown word": "postgresql://127.0.0.1:{port}/db?user=sw&passwort=SECRETX",
    "with a # and a ?": "postgresql://sw:#?SECRETX@127.0.0.1:{port}/db",
    "escaped": "postgresql://sw:%53ECRETX%40@127.0.0.1:{port}/db",
    "of another driver": "mysql://sw:SECRETX@127.0.0.1/db?password=SECRETX",
    "of a driver that is none": "nothing://sw:SECRETX@127.0.0.1/db?password=SECRETX",
    "of SQLite": "sqlite:///x.sqlite?password=SECRETX",
    "with a bad number": "sqlite:///x.sqlite?timeout=SECRETX",
}


@pytest.fixture
def refusing():
    """A port where nobody listens."""
    return free_port()


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_no_error_log_or_cause_repeats_it(address, refusing, caplog, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    said = []
    for use in (open_ledger, level_of, lambda url: open_read_only(url).__enter__()):
        try:
            use(address.format(port=refusing))
        except LedgerError as error:
            said += [str(error), repr(error.__cause__), "" if error.__suppress_context__ else repr(error.__context__)]
    assert said or address == ADDRESSES["of SQLite"]
    assert SECRET not in "".join(said) + caplog.text
    assert "%53ECRETX" not in "".join(said)


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
@pytest.mark.parametrize("command", [("doctor", "--json"), ("alerts", "list"), ("verify", "outputs")], ids=" ".join)
def test_no_command_prints_it(address, command, refusing, tmp_path):
    if command[0] == "verify":
        make(tmp_path / "outputs", runs=2)
    said = sitewatch(*command, cwd=tmp_path, SITEWATCH_LEDGER_URL=address.format(port=refusing))
    assert SECRET not in said.out + said.err
    assert "Traceback" not in said.err
    assert said.status in (1, 2) or address == ADDRESSES["of SQLite"]


def test_settings_beside_a_run_do_not_hold_it(tmp_path):
    from flows.config.settings import load_settings

    settings = load_settings(outputs=tmp_path, ledger_url=ADDRESSES["in the query"].format(port=1))
    assert SECRET not in json.dumps(settings.without_secrets()) + repr(settings)


def test_what_is_no_secret_is_shown():
    address = read_address("postgresql://sw:a@127.0.0.1:5432/db?sslmode=require&sslpassword=b c&password=d")
    assert shown(address) == (
        "postgresql+psycopg://sw:***@127.0.0.1:5432/db?password=hidden&sslmode=require&sslpassword=hidden"
    )
    assert without_secrets("no b c\nnor b%20c, b+c", address) == "no *** nor ***, ***"
    assert shown(read_address("sqlite:////data/at@home/ledger.sqlite")) == "sqlite:////data/at@home/ledger.sqlite"


@pytest.mark.parametrize("name", ["with an @", "with an @ and a /", "with an @ and a :"])
def test_an_at_sign_in_a_password_has_a_mend(name):
    with pytest.raises(LedgerError, match="%40"):
        open_ledger(ADDRESSES[name].format(port=5432))


def test_a_password_of_digits_that_passes_for_a_port_is_hidden():
    """The host was forgotten: then the user stands for it, and the password for the port."""
    address = read_address("postgresql://sw:12345/db")
    assert shown(address) == "postgresql+psycopg://sw:***/db"
    assert "12345" not in without_secrets("connection to server at sw, port 12345 failed", address)
    assert shown(read_address("postgresql://sw@localhost:5432/db")) == "postgresql+psycopg://sw@localhost:5432/db"
