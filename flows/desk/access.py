"""Who may do what: one table of every route, and nothing is served that is not in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from flows.records.desk import Account


class Role(StrEnum):
    """What an account may do; each role may do what those before it may."""

    VIEWER = "viewer"
    """Look at cases as drawings with rounded sizes, and at verdicts."""
    REVIEWER = "reviewer"
    """See pictures, with which anybody can find the place, give verdicts and take back their own, enter claims."""
    OPERATOR = "operator"
    """See where places lie, runs and failures, and start reruns."""
    ADMIN = "admin"
    """Change accounts and read what everybody did."""


@dataclass(frozen=True)
class Need:
    """What a route asks for: the least role, None for everybody, and whether it shows pictures or where places lie."""

    role: Role | None
    positions: bool = False
    pictures: bool = False


EVERYBODY = Need(None)
ROUTES = {
    ("GET", "/login"): EVERYBODY,
    ("POST", "/login"): EVERYBODY,
    ("GET", "/static/{name}"): EVERYBODY,
    ("GET", "/language/{lang}"): EVERYBODY,
    ("POST", "/logout"): Need(Role.VIEWER),
    ("GET", "/password"): Need(Role.VIEWER),
    ("POST", "/password"): Need(Role.VIEWER),
    ("GET", "/"): Need(Role.VIEWER),
    ("GET", "/cases/{event_id}"): Need(Role.VIEWER),
    ("GET", "/cases/{event_id}/pictures/{name}.webp"): Need(Role.VIEWER, pictures=True),
    ("GET", "/precision"): Need(Role.VIEWER),
    ("POST", "/cases/{event_id}/verdicts"): Need(Role.REVIEWER),
    ("POST", "/verdicts/{number}/undo"): Need(Role.REVIEWER),
    ("GET", "/incidents/{incident_id}"): Need(Role.VIEWER),
    ("GET", "/incidents/{incident_id}/alerts.geojson"): Need(Role.VIEWER, positions=True),
    ("POST", "/incidents/{incident_id}/acknowledgement"): Need(Role.REVIEWER),
    ("POST", "/incidents/{incident_id}/verdicts"): Need(Role.REVIEWER),
    ("POST", "/incidents/{incident_id}/mute"): Need(Role.REVIEWER),
    ("GET", "/quiet"): Need(Role.REVIEWER, pictures=True),
    ("GET", "/quiet/{number}"): Need(Role.REVIEWER, pictures=True),
    ("GET", "/quiet/{number}/pictures/{name}.webp"): Need(Role.REVIEWER, pictures=True),
    ("POST", "/quiet/{number}/answers"): Need(Role.REVIEWER, pictures=True),
    ("GET", "/sites"): Need(Role.VIEWER),
    ("GET", "/sites/{area_id}"): Need(Role.VIEWER),
    ("POST", "/sites/{area_id}/claims"): Need(Role.REVIEWER),
    ("POST", "/claims/{claim_id}/withdrawal"): Need(Role.REVIEWER),
    ("GET", "/packs"): Need(Role.VIEWER),
    ("POST", "/packs/public"): Need(Role.VIEWER),
    ("POST", "/packs/restricted"): Need(Role.VIEWER, positions=True),
    ("GET", "/packs/public/{name}.zip"): Need(Role.VIEWER),
    ("GET", "/packs/restricted/{name}.zip"): Need(Role.VIEWER, positions=True),
    ("GET", "/areas/{area_id}/map"): Need(Role.VIEWER, positions=True),
    ("GET", "/tiles/{area_id}/{layer}/{z}/{x}/{y}.png"): Need(Role.VIEWER, positions=True),
    ("GET", "/runs"): Need(Role.OPERATOR),
    ("POST", "/areas/{area_id}/reruns"): Need(Role.OPERATOR),
    ("GET", "/accounts"): Need(Role.ADMIN),
    ("POST", "/accounts/{name}"): Need(Role.ADMIN),
    ("GET", "/acts"): Need(Role.ADMIN),
}


def may(account: Account, need: Need) -> bool:
    """Whether an account may use a route."""
    if need.positions and not sees_positions(account):
        return False
    if need.pictures and not sees_pictures(account):
        return False
    return need.role is None or has_role(account, need.role)


def has_role(account: Account, role: Role) -> bool:
    """Whether an account has at least that role; one whose role is not known has none."""
    order = list(Role)
    return account.role in order and order.index(Role(account.role)) >= order.index(role)


def sees_pictures(account: Account) -> bool:
    """Whether an account may see pictures: reviewers and above, and whoever is told where places lie in any case."""
    return has_role(account, Role.REVIEWER) or sees_positions(account)


def sees_positions(account: Account) -> bool:
    """Whether an account may see where places lie: operators and admins, and whoever was given leave."""
    return account.sees_positions or has_role(account, Role.OPERATOR)
