"""A change of the answer to a claim is told once to each channel, and not to those of other sites."""

from datetime import UTC, date, datetime

import pytest
from shapely.geometry import box

from aois.area import Area, AreaKind
from aois.week import Week
from detectors.claims.claim_rules import ClaimAnswer, ClaimKind, ClaimRule
from flows.alerts.claim_news import post_claim_news
from flows.alerts.route_settings import MessageRoutes
from flows.alerts.routes import Routes
from flows.ledger import Ledger, open_ledger
from flows.ledger.claim_rows import claim_id_of
from flows.records.claims import AnswerRecord, ClaimOrigin, ClaimRecord
from flows.records.ids import AreaId

NOW = datetime(2026, 9, 7, 12, tzinfo=UTC)
CLAIM = ClaimRecord(
    claim_id="",
    area_id=AreaId("reef-1"),
    kind=ClaimKind.DEMOLISHED,
    said_on=date(2026, 8, 24),
    number=413,
    origin=ClaimOrigin.COMMAND,
    entered_by="Anna",
    entered_at=NOW,
)
ROUTES = Routes.model_validate(
    {
        "channels": {
            "mail": {"url": "mailto://a:b@mail.example.org"},
            "french": {"kind": "webhook", "url": "https://h.example.org", "secret": "sixteen letters or more"},
            "map": {"kind": "geojson", "path": "/tmp/x"},
        },
        "routes": [
            {"name": "all", "channels": ["mail", "map"]},
            {"name": "reefs", "channels": ["french", "mail"], "areas": ["reef-*"], "lang": "fr"},
            {"name": "others", "channels": ["french"], "areas": ["pier-*"]},
        ],
    }
)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}") as opened:
        opened.record_areas([Area("reef-1", AreaKind.SITE, box(0, 0, 0.01, 0.01))])
        opened.claims.add([CLAIM])
        yield opened


def say(ledger: Ledger, week: int, answer: ClaimAnswer) -> None:
    ledger.claims.record_answers(
        [
            AnswerRecord(
                claim_id=claim_id_of(CLAIM),
                week=Week(2026, week),
                answer=answer,
                rule=ClaimRule.AT_MOST_TOO_FEW,
                known=413,
                gone=28,
                changed=70,
                not_seen=63,
                standing=252,
                last_look=date(2026, 9, 3),
            )
        ]
    )


def told(ledger: Ledger, week: int, *, is_simulated: bool = False) -> dict[str, str]:
    """The text in each channel's outbox, by channel, after the news of a week."""
    ways = MessageRoutes(None, is_simulated, lambda: ROUTES)
    post_claim_news(ledger, ways, Week(2026, week), now=NOW)
    return {one.channel: f"{one.payload['title']}\n{one.payload['text']}" for one in ledger.outbox.unsent()}


def test_a_first_answer_that_says_nothing_is_not_told(ledger):
    say(ledger, 36, ClaimAnswer.NOT_SEEN)
    assert told(ledger, 36) == {}


def test_a_change_is_told_once_in_the_language_of_each_route(ledger):
    say(ledger, 36, ClaimAnswer.NOT_SEEN)
    say(ledger, 37, ClaimAnswer.CONTRADICTED)
    said = told(ledger, 37)
    assert set(said) == {"mail", "french"}
    assert "reef-1: the claim of 24 August 2026 is now contradicted" in said["mail"]
    assert "Between 28 and 161 of 413 known structures: roof no longer there." in said["mail"]
    assert "l’affirmation du 24 août 2026 est maintenant contredite" in said["french"]
    told(ledger, 37)
    assert len(ledger.outbox.unsent()) == 2


def test_an_answer_that_changes_again_is_told_again(ledger):
    for week, answer in enumerate((ClaimAnswer.CONTRADICTED, ClaimAnswer.NOT_SEEN, ClaimAnswer.CONTRADICTED), start=36):
        say(ledger, week, answer)
        told(ledger, week)
    assert len([one for one in ledger.outbox.unsent() if one.channel == "mail"]) == 3


def test_a_withdrawn_claim_and_a_simulated_one_are_not_told(ledger):
    say(ledger, 37, ClaimAnswer.CONTRADICTED)
    assert told(ledger, 37, is_simulated=True) == {}
    ledger.claims.withdraw(claim_id_of(CLAIM), by="Anna", why="misread", at=NOW)
    assert told(ledger, 37) == {}
