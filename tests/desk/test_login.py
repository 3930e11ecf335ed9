"""In and out: passwords, sessions, limits, and what every answer carries."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from flows.desk.cookies import SESSION_COOKIE
from flows.desk.errors import DeskError
from flows.desk.guard import inside, key_hash
from flows.desk.headers import MOST_BYTES
from flows.desk.login_limits import Attempts
from flows.desk.passwords import hashed, is_right


def log_in(client: httpx.Client, name: str, password: str, **form: str) -> httpx.Response:
    key = re.search(r'name="form_key" value="([^"]+)"', client.get("/login").text)
    assert key is not None
    return client.post("/login", data={"form_key": key[1], "name": name, "password": password, **form})


def test_in_and_out_again(desk: Any) -> None:
    with desk.client() as client:
        answer = log_in(client, " Rita ", desk.password, next="/cases/ev-a1?show=all")
        assert (answer.status_code, answer.headers["location"]) == (303, "/cases/ev-a1?show=all")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        key = client.cookies[SESSION_COOKIE]
        session = desk.ledger.accounts.session(key_hash(key), at=datetime.now(UTC))
        assert "rita" in client.get("/").text
        assert client.post("/logout", data={"form_key": session.form_key}).status_code == 303
        client.cookies.set(SESSION_COOKIE, key)
        assert client.get("/").status_code == 303, "the key is worth nothing any more"
    assert [act.act for act in desk.ledger.accounts.acts()][:2] == ["logout", "login"]


def test_passwords_and_keys_are_nowhere_in_the_record(desk: Any) -> None:
    with desk.client() as client:
        log_in(client, "rita", desk.password)
        key = client.cookies[SESSION_COOKIE]
    held = b"".join(path.read_bytes() for path in desk.outputs.glob("ledger.sqlite*"))
    assert b"$argon2id$" in held
    assert desk.password.encode() not in held
    assert key.encode() not in held


def test_wrong_is_wrong_in_one_way_only(desk: Any) -> None:
    desk.ledger.accounts.change("rolf", closed_at=datetime.now(UTC))
    said = set()
    for name, password in (("rita", "wrong"), ("nobody", desk.password), ("rolf", desk.password), ("rita", "")):
        with desk.client() as client:
            answer = log_in(client, name, password)
            assert answer.status_code == 403
            assert SESSION_COOKIE not in client.cookies
            said.add(re.search(r'role="alert"[^>]*>([^<]+)<', answer.text)[1])
    assert said == {"The name or the password is wrong."}


def test_too_many_attempts_are_stopped_even_with_the_right_password(desk: Any) -> None:
    with desk.client() as client:
        statuses = [log_in(client, "rita", "wrong").status_code for _ in range(6)]
        assert statuses == [403] * 5 + [429]
        assert log_in(client, "RITA", desk.password).status_code == 429
        assert log_in(client, "rolf", desk.password).status_code == 303


def test_an_address_is_stopped_whatever_names_it_tries() -> None:
    attempts = Attempts()
    assert all(attempts.take(f"name-{n}", "10.0.0.1") for n in range(20))
    assert not attempts.take("one more", "10.0.0.1")
    assert attempts.take("one more", "10.0.0.2")


def test_a_session_ends_by_itself_and_with_a_change_of_the_account(desk: Any) -> None:
    account = desk.ledger.accounts.find("rita")
    past = datetime.now(UTC) - timedelta(hours=13)
    desk.ledger.accounts.open_session(
        key_hash("old"), "f", account=account.number, at=past, ends_at=past + timedelta(hours=12)
    )
    with httpx.Client(base_url=desk.url, cookies={SESSION_COOKIE: "old"}) as client:
        assert client.get("/").status_code == 303
    with desk.client("rita") as client, desk.client("ada") as admin:
        assert client.get("/").status_code == 200
        form = {"role": "viewer", "form_key": desk.form_key_of("ada")}
        assert admin.post("/accounts/rita", data=form).status_code == 303
        assert client.get("/").status_code == 303
    assert desk.ledger.accounts.find("rita").role == "viewer"


def test_an_admin_cannot_lock_themselves_out_from_the_page(desk: Any) -> None:
    with desk.client("ada") as admin:
        answer = admin.post("/accounts/ada", data={"close": "1", "form_key": desk.form_key_of("ada")})
    assert answer.status_code == 409
    assert desk.ledger.accounts.find("ada").closed_at is None


@pytest.mark.parametrize("path", ["/login", "/", "/nothing/here", "/static/desk.js", "/static/nothing"])
def test_every_answer_carries_a_strict_policy(shared: Any, path: str) -> None:
    with shared.client("rita") as client:
        headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith(
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; form-action 'self'"
    )
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers or "uvicorn" in headers["server"]


def test_pages_are_not_kept_by_the_browser(shared: Any) -> None:
    with shared.client("rita") as client:
        assert client.get("/cases/ev-a1").headers["cache-control"] == "no-store"


def test_a_strange_host_and_a_long_form_are_refused(shared: Any) -> None:
    with shared.client("rita") as client:
        assert client.get("/login", headers={"Host": "rebound.example"}).status_code == 400
        long = {"note": "x" * MOST_BYTES, "form_key": shared.form_key_of("rita")}
        assert client.post("/cases/ev-a1/verdicts", data=long).status_code == 413

        def endless() -> Any:
            yield b"note=x"

        assert client.post("/cases/ev-a1/verdicts", content=endless()).status_code == 413


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("/cases/ev-a1?show=all", "/cases/ev-a1?show=all"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\nSet-Cookie: a=b", "/"),
        ("", "/"),
    ],
)
def test_after_the_login_one_stays_at_the_desk(address: str, kept: str) -> None:
    assert inside(address) == kept


def test_passwords_are_hashed_and_short_ones_refused() -> None:
    kept = hashed("a good long password")
    assert kept != hashed("a good long password")
    assert is_right("a good long password", kept)
    assert not is_right("a good long passwore", kept)
    assert not is_right("anything", None)
    assert not is_right("anything", "no hash")
    for bad in ("", "eleven chars"[:11], "x" * 257):
        with pytest.raises(DeskError, match="use 12 to 256"):
            hashed(bad)
