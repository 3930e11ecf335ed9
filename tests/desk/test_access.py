"""Who may do what: every route, tried by everybody, without a login, and with a stolen form token."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import httpx
import pytest
from fastapi.routing import APIRoute

ROLES = ("viewer", "reviewer", "operator", "admin")
PERSON = {"viewer": "vera", "reviewer": "rita", "operator": "otto", "admin": "ada"}


class Rule(NamedTuple):
    """What a route asks for: an address under it, the least role (None: everybody), and what success answers."""

    method: str
    route: str
    address: str
    least: str | None
    success: int
    form: dict[str, str] = {}  # noqa: RUF012


CLAIM = {"kind": "sealed", "said_on": "2026-09-01"}
RULES = [
    Rule("GET", "/login", "/login", None, 200),
    Rule("POST", "/login", "/login", None, 403),  # without the form's key; the way in has tests of its own
    Rule("GET", "/static/{name}", "/static/desk.css", None, 200),
    Rule("GET", "/language/{lang}", "/language/fr", None, 303),
    Rule("GET", "/", "/", "viewer", 200),
    Rule("GET", "/cases/{event_id}", "/cases/ev-a1", "viewer", 200),
    Rule("GET", "/cases/{event_id}/pictures/{name}.webp", "/cases/ev-a1/pictures/main-after.webp", "reviewer", 200),
    Rule("GET", "/precision", "/precision", "viewer", 200),
    Rule("GET", "/quiet", "/quiet", "reviewer", 200),
    Rule("GET", "/quiet/{number}", "/quiet/1", "reviewer", 200),
    Rule("GET", "/quiet/{number}/pictures/{name}.webp", "/quiet/1/pictures/colour-after.webp", "reviewer", 200),
    Rule("POST", "/quiet/{number}/answers", "/quiet/1/answers", "reviewer", 303, {"answer": "nothing"}),
    Rule("POST", "/logout", "/logout", "viewer", 303),
    Rule("GET", "/password", "/password", "viewer", 200),
    Rule("POST", "/password", "/password", "viewer", 422, {"new": "one", "again": "other"}),  # let in, and told
    Rule("POST", "/cases/{event_id}/verdicts", "/cases/ev-a1/verdicts", "reviewer", 303, {"verdict": "confirmed"}),
    Rule("POST", "/verdicts/{number}/undo", "/verdicts/{mine}/undo", "reviewer", 303),
    Rule("GET", "/incidents/{incident_id}", "{incident}", "viewer", 200),
    Rule("GET", "/incidents/{incident_id}/alerts.geojson", "{incident}/alerts.geojson", "operator", 200),
    Rule(
        "POST", "/incidents/{incident_id}/acknowledgement", "{incident}/acknowledgement", "reviewer", 422
    ),  # let in, and told
    Rule("POST", "/incidents/{incident_id}/verdicts", "{incident}/verdicts", "reviewer", 422),  # let in, and told
    Rule("POST", "/incidents/{incident_id}/mute", "{incident}/mute", "reviewer", 422),  # let in, and told
    Rule("GET", "/sites", "/sites", "viewer", 200),
    Rule("GET", "/sites/{area_id}", "/sites/heron", "viewer", 200),
    Rule("POST", "/sites/{area_id}/claims", "/sites/heron/claims", "reviewer", 303, CLAIM),
    Rule("POST", "/claims/{claim_id}/withdrawal", "/claims/cl-0/withdrawal", "reviewer", 404),  # let in: there is none
    Rule("GET", "/packs", "/packs?event=ev-a1", "viewer", 200),
    Rule("POST", "/packs/public", "/packs/public", "viewer", 422, {"event": "ev-a1"}),  # let in, and asked to agree
    Rule("POST", "/packs/restricted", "/packs/restricted", "operator", 409, {"event": "ev-0"}),  # let in: there is none
    Rule("GET", "/packs/public/{name}.zip", "/packs/public/event_ev-0_en.zip", "viewer", 404),  # let in: there is none
    Rule("GET", "/packs/restricted/{name}.zip", "/packs/restricted/event_ev-0_en.zip", "operator", 404),
    Rule("GET", "/areas/{area_id}/map", "/areas/heron/map", "operator", 200),
    Rule("GET", "/tiles/{area_id}/{layer}/{z}/{x}/{y}.png", "/tiles/heron/picture/12/2082/2027.png", "operator", 200),
    Rule("GET", "/runs", "/runs", "operator", 200),
    Rule("POST", "/areas/{area_id}/reruns", "/areas/nowhere/reruns", "operator", 409),  # let in, and told it is none
    Rule("GET", "/accounts", "/accounts", "admin", 200),
    Rule("POST", "/accounts/{name}", "/accounts/rolf", "admin", 303, {"role": "reviewer"}),
    Rule("GET", "/acts", "/acts", "admin", 200),
]
GUARDED = [rule for rule in RULES if rule.least is not None]


def named(rule: Rule) -> str:
    return f"{rule.method} {rule.route}"


def address_of(desk: Any, rule: Rule) -> str:
    """The address of a rule, with an incident that is there."""
    return rule.address.replace("{incident}", f"/incidents/{desk.ledger.incidents().all[0].incident_id}")


def ask(desk: Any, rule: Rule, name: str | None, **form: str) -> httpx.Response:
    """What the route answers somebody; the verdict to be taken back is one of their own."""
    with desk.client(name) as client:
        address = address_of(desk, rule)
        if "{mine}" in address and name is not None:
            said = [one for one in desk.ledger.reviews.opinions() if one.by == name]
            if not said and desk.people[name] != "viewer":
                desk.judge(name, "ev-b2", "unsure")
                said = desk.ledger.reviews.opinions()
            address = address.replace("{mine}", str(said[-1].number if said else 1))
        given = {"data": {**rule.form, **form}} if rule.method == "POST" else {}
        return client.request(rule.method, address, **given)


def test_every_route_is_in_the_table(shared: Any) -> None:
    routes = {
        (method, route.path) for route in shared.app.routes if isinstance(route, APIRoute) for method in route.methods
    }
    assert routes == {(rule.method, rule.route) for rule in RULES}
    assert len(shared.app.routes) == len(RULES), "something is served that is no route of ours"


@pytest.mark.parametrize("rule", RULES, ids=named)
def test_without_a_login(shared: Any, rule: Rule) -> None:
    answer = ask(shared, rule, None, form_key="form-rita")
    if rule.least is None:
        assert answer.status_code == rule.success
    elif rule.method == "POST":
        assert answer.status_code == 401
    else:
        assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rule", GUARDED, ids=named)
def test_with_each_role(shared: Any, rule: Rule, role: str) -> None:
    name = PERSON[role]
    answer = ask(shared, rule, name, form_key=shared.form_key_of(name))
    may = ROLES.index(role) >= ROLES.index(str(rule.least))
    assert answer.status_code == (rule.success if may else 403)


@pytest.mark.parametrize("stolen", ["", "form-rolf", "form-ada2"])
@pytest.mark.parametrize("rule", [rule for rule in GUARDED if rule.method == "POST"], ids=named)
def test_with_a_stolen_form_token(shared: Any, rule: Rule, stolen: str) -> None:
    shared.key_of("rolf")  # his session is open and its token is good, for him
    before = len(shared.ledger.accounts.acts())
    answer = ask(shared, rule._replace(address=rule.address.replace("{mine}", "1")), "ada", form_key=stolen)
    assert answer.status_code == 403
    assert len(shared.ledger.accounts.acts()) == before, "something was done all the same"


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.method == "POST"], ids=named)
def test_a_form_of_another_site_is_refused(shared: Any, rule: Rule, origin: str) -> None:
    key = shared.form_key_of("ada")
    with shared.client("ada") as client:
        address = address_of(shared, rule).replace("{mine}", "1")
        answer = client.post(address, data={**rule.form, "form_key": key}, headers={"Origin": origin})
    assert answer.status_code == 403


def test_leave_to_see_positions_belongs_to_the_account(desk: Any) -> None:
    where = "Latitude "
    with desk.client("rita") as client:
        page = client.get("/cases/ev-a1").text
        assert where not in page
        assert client.get("/areas/heron/map").status_code == 403
    desk.ledger.accounts.change("rita", sees_positions=True)
    with desk.client("rita") as client:
        assert where in client.get("/cases/ev-a1").text
        assert client.get("/areas/heron/map").status_code == 200


def test_nobody_without_leave_is_shown_where_places_lie(shared: Any) -> None:
    """The digits of where the places lie are on no page of theirs."""
    (case,) = shared.outputs.glob("desk/cases/heron/*/ev-a1.json")
    digits = [f"{degrees:.5f}"[:6] for degrees in json.loads(case.read_text())["position"]]
    with shared.client("otto") as client:
        assert all(some in client.get("/cases/ev-a1").text for some in digits)
    with shared.client("rita") as client:
        for path in ("/", "/cases/ev-a1", "/cases/ev-b1", "/precision"):
            assert not any(some in client.get(path).text for some in digits)


def test_links_to_the_place_elsewhere_are_for_those_who_may_see_it(shared: Any) -> None:
    """With the warning beside them; a reviewer is shown the same pictures without them."""
    host, warning = "browser.dataspace.copernicus.eu", "tells the Copernicus Browser"
    with shared.client("otto") as client:
        answer = client.get("/cases/ev-a1")
    assert answer.text.count('rel="noreferrer noopener"') == answer.text.count(f"https://{host}/?") >= 2
    assert warning in answer.text
    assert answer.headers["X-DNS-Prefetch-Control"] == "off"
    for name in ("rita", "vera"):
        with shared.client(name) as client:
            text = client.get("/cases/ev-a1").text
        assert host not in text
        assert warning not in text


def test_a_role_that_is_not_known_may_nothing(desk: Any) -> None:
    desk.ledger.accounts.change("rita", role="superuser")
    with desk.client("rita") as client:
        assert client.get("/").status_code == 403
