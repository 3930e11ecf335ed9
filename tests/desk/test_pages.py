"""What the pages say and do, by plain forms and without a browser."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import flows.desk
from flows.ledger import Reason
from flows.translations.phrases import Phrases

ROOM = Path(flows.desk.__file__).parent


def marks(desk: Any, event_id: str) -> list[str]:
    with desk.client("vera") as client:
        text = client.get(f"/cases/{event_id}").text
    return re.findall(r'class="mark (?:standing-\w+|disputed)">([^<]+)<', text)


def test_the_queue_begins_with_what_matters_and_leaves_out_what_raised_no_alert(shared: Any) -> None:
    with shared.client("rolf") as client:
        text = client.get("/").text
        assert re.findall(r'href="/cases/(ev-\w+)"', text) == list(shared.order)
        assert "4 cases wait for you. There are 5 events on record." in text
        everything = client.get("/?show=all").text
        assert re.findall(r'href="/cases/(ev-\w+)\?', everything) == [*shared.order, "ev-b3"]
        some = client.get("/?change=clearing&text=IBIS%20sound").text
        assert re.findall(r'href="/cases/(ev-\w+)\?change=clearing&amp;text=IBIS\+sound"', some) == ["ev-b1"]
        assert "No case here." in client.get("/?text=nowhere").text
        assert client.get("/?page=99&show=nonsense&kind=%3Cb%3E").status_code == 200


def test_a_verdict_leads_to_the_next_case_and_can_be_taken_back(desk: Any) -> None:
    answer = desk.judge("rita", "ev-b1", "rejected:season", note="ploughed")
    assert answer.headers["location"] == "/cases/ev-b2?done=1"
    with desk.client("rita") as client:
        notice = unescape(client.get("/cases/ev-b2?done=1").text)
        assert re.search(r"Recorded: <b>rejected</b> \(crops or season\) · Clearing, <bdi>Ibis Sound</bdi>", notice)
        assert re.findall(r'href="/cases/(ev-\w+)"', client.get("/").text) == ["ev-a1", "ev-a2", "ev-b2"]
        back = client.post("/verdicts/1/undo", data={"form_key": desk.form_key_of("rita")})
        assert back.headers["location"] == "/cases/ev-b1?undone=1"
        assert "Withdrawn: <b>rejected</b>" in client.get("/cases/ev-b1?undone=1").text
        assert re.findall(r'href="/cases/(ev-\w+)"', client.get("/").text) == list(desk.order)
    with desk.client("rolf") as client:
        assert "Recorded:" not in client.get("/cases/ev-b2?done=1").text, "told only to who did it"
    assert [act.act for act in desk.ledger.accounts.acts(subject="ev-b1")] == ["undo", "rejected"]


def test_another_persons_verdict_cannot_be_taken_back(desk: Any) -> None:
    desk.judge("rita", "ev-a1", "confirmed")
    for number in ("1", "2", "99999999999999999999", "x"):
        with desk.client("rolf") as client:
            answer = client.post(f"/verdicts/{number}/undo", data={"form_key": desk.form_key_of("rolf")})
            assert answer.status_code == 409
    assert marks(desk, "ev-a1") == ["confirmed once, needs a second reviewer"]


@pytest.mark.parametrize(
    ("verdict", "note", "complaint"),
    [
        ("rejected", "", "a rejection needs a reason"),
        ("rejected:other", " ", "needs a note: say in a few words"),
        ("confirmed:cloud", "", "other verdicts take none"),
        ("published", "", "Use the buttons"),
        ("rejected:because", "", "Use the buttons"),
        ("", "", "Use the buttons"),
        ("unsure", "x" * 10_001, "10001 characters; the limit is 10000"),
    ],
)
def test_a_verdict_that_lacks_something_is_asked_for_again(
    shared: Any, verdict: str, note: str, complaint: str
) -> None:
    answer = shared.judge("rita", "ev-a2", verdict, note=note)
    assert answer.status_code == 422
    assert complaint in unescape(answer.text)
    assert note.strip()[:50] in answer.text
    assert shared.ledger.verdicts("ev-a2") == []


def test_what_cannot_be_done_is_said_in_the_language_of_the_page(desk: Any) -> None:
    desk.judge("rita", "ev-a1", "confirmed")
    asked = {
        "/areas/nowhere/reruns": {},
        "/verdicts/1/undo": {},
        "/accounts/nobody": {"role": "viewer"},
        "/accounts/rolf": {"role": "queen"},
        "/accounts/ada": {"close": "1"},
        "/cases/ev-a2/verdicts": {"verdict": "rejected"},
    }
    with desk.client("ada") as client:
        client.get("/language/fr")
        for path, form in asked.items():
            answer = client.post(path, data={**form, "form_key": desk.form_key_of("ada")})
            assert answer.status_code == (422 if "cases" in path else 409)
            said = re.findall(r'class="failure"[^>]*>(?:<bdi>)?([^<]+)<', answer.text)
            assert len(said) == 1, path
            assert not re.search(r"\b(?:the|is|not|of|one)\b", said[0]), said
            assert re.search(r"\b(?:la|le|pas|une?|en)\b", unescape(said[0])), said


def test_two_people_make_a_case_fit_for_publication_and_disagreement_is_shown(desk: Any) -> None:
    desk.judge("rita", "ev-a1", "confirmed")
    with desk.client("rolf") as client:
        assert "Confirm for publication" in client.get("/cases/ev-a1").text
    with desk.client("rita") as client:
        assert "Confirm for publication" not in client.get("/cases/ev-a1").text, "one person is not two"
    desk.judge("rita", "ev-a1", "confirmed", note="again")
    assert marks(desk, "ev-a1") == ["confirmed once, needs a second reviewer"]
    desk.judge("rolf", "ev-a1", "confirmed")
    assert marks(desk, "ev-a1") == ["confirmed for publication"]
    desk.judge("otto", "ev-a1", "rejected:old")
    assert marks(desk, "ev-a1") == ["reviewers disagree"]
    with desk.client("vera") as client:
        assert "Reviewers disagree on 1 case." in client.get("/precision").text
        assert re.search(r"Verdicts on this case.*rita.*rolf.*otto", client.get("/cases/ev-a1").text, re.DOTALL)


def test_live_precision_follows_the_verdicts(desk: Any) -> None:
    desk.judge("rita", "ev-a1", "confirmed")
    desk.judge("rita", "ev-b1", "rejected:season")
    with desk.client("vera") as client:
        text = client.get("/precision").text
        client.get("/language/fr")
        french = client.get("/precision").text
    assert "<b>50 %</b>" in text
    assert "0.8 to 0.9" in text
    assert "0,8 à 0,9" in french


def test_a_number_that_verdicts_contradict_is_shown_nowhere_at_the_desk(desk: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("flows.ledger.precision.FEWEST", 4)

    def pages() -> list[str]:
        with desk.client("rita") as client:
            texts = [client.get(path).text for path in ("/?show=all", "/cases/ev-a1", "/precision")]
        return [re.sub(r"\s+", " ", text) for text in texts]

    queue, case, _ = pages()
    assert "high (0.80)" in queue
    assert "high (0.80)" in case
    for name in ("ev-a1", "ev-a2", "ev-b1", "ev-b2"):
        desk.judge("rita", name, "rejected:season")
    queue, case, precision = pages()
    assert "(0.80)" not in queue + case
    assert "high" in case
    assert "Of 4 reviewed alerts that stated 80 % to 90 %, reviewers found 0 to be right (0 % to 49 %)." in precision
    assert "Reviewers found too few of the alerts that stated 80 % to 90 % to be right." in precision


def test_viewers_are_offered_nothing_that_they_may_not_do(shared: Any) -> None:
    with shared.client("vera") as client:
        text = client.get("/cases/ev-a1").text
    assert 'name="verdict"' not in text
    assert "/runs" not in text
    assert "/accounts" not in text


def test_what_is_not_there_is_said_to_be_missing(shared: Any) -> None:
    paths = ["/cases/nothing", "/cases/ev-a1/pictures/x.webp", "/areas/nowhere/map", "/tiles/heron/x/1/1/1.png"]
    paths += ["/tiles/heron/picture/99/1/1.png", "/tiles/heron/picture/2/9/1.png", "/tiles/heron/picture/a/b/c.png"]
    paths += ["/tiles/heron/score/12/2082/2027.png", "/language/xx", "/static/../app.py", "/cases/..%2f..%2fledger"]
    with shared.client("ada") as client:
        for path in paths:
            assert client.get(path).status_code == 404, path
        form = {"verdict": "confirmed", "form_key": shared.form_key_of("ada")}
        assert client.post("/cases/nothing/verdicts", data=form).status_code == 404


def test_runs_and_failures_are_shown_to_operators(shared: Any) -> None:
    with shared.client("otto") as client:
        text = client.get("/runs").text
    assert "the catalog answered 503" in text
    assert "2026-W47" in text


def test_the_desk_speaks_french(shared: Any) -> None:
    with shared.client("rita") as client:
        answer = client.get("/language/fr?next=/cases/ev-a1")
        assert answer.headers["location"] == "/cases/ev-a1"
        text = unescape(client.get("/cases/ev-a1").text)
    assert 'lang="fr"' in text
    assert "Verdicts sur ce cas" in text
    assert "Cela pourrait aussi être" in text or "Autres explications possibles" in text or "autre" in text
    assert "Your verdict" not in text
    assert "What else it could be" not in text


def test_every_reason_has_words() -> None:
    phrases = Phrases("fr")
    assert {reason.value for reason in Reason} == set(phrases.section("desk.reason"))
