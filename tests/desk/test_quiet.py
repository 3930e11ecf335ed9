"""The weekly sample at the desk: places of which nothing was told, and what people say who look at them."""

from __future__ import annotations

from typing import Any

import pytest


def answer(desk: Any, number: int, **form: str) -> Any:
    with desk.client("rita") as client:
        return client.post(f"/quiet/{number}/answers", data={"form_key": desk.form_key_of("rita"), **form})


def test_a_reviewer_goes_through_the_sample(desk: Any) -> None:
    with desk.client("rita") as client:
        listed = client.get("/quiet").text
        assert "2 places wait for somebody to look at them." in listed
        assert "Nobody has looked. 2 places were drawn" in listed
        page = client.get("/quiet/1").text
    assert "from 21 September 2026 to 22 November 2026" in page
    assert '<img class="pixels" src="/quiet/1/pictures/colour-after.webp"' in page
    first = answer(desk, 1, answer="nothing")
    assert first.headers["location"] == "/quiet/2", "the next that nobody has answered"
    last = answer(desk, 2, answer="missed", changes="3", note="a long roof")
    assert last.headers["location"] == "/quiet"
    with desk.client("rita") as client:
        listed = client.get("/quiet").text
    assert "Something was missed" in listed
    assert "per site and year" in listed
    assert [(one.answer, one.changes, one.note, one.by) for one in desk.ledger.quiet.reviews()] == [
        ("nothing", 0, "", "rita"),
        ("missed", 3, "a long roof", "rita"),
    ]


@pytest.mark.parametrize(
    "form",
    [{"answer": "perhaps"}, {"answer": "missed", "changes": "0"}, {"answer": "missed", "changes": "99999999"}, {}],
)
def test_an_answer_that_cannot_be_is_asked_for_again(desk: Any, form: dict[str, str]) -> None:
    said = answer(desk, 1, **form, note="kept")
    assert said.status_code == 422
    assert "give a number from 1 to 50" in said.text
    assert "kept</textarea>" in said.text
    assert desk.ledger.quiet.reviews() == []


def test_viewers_are_not_led_to_the_sample(shared: Any) -> None:
    with shared.client("vera") as client:
        assert "/quiet" not in client.get("/").text


def test_no_coordinates_stand_on_the_page(shared: Any) -> None:
    with shared.client("rita") as client:
        page = client.get("/quiet/1").text
    place = shared.ledger.quiet.places()[0].geometry.centroid
    assert f"{place.x:.3f}" not in page
    assert f"{place.y:.3f}" not in page


def test_what_is_not_there_is_said_to_be_missing(shared: Any) -> None:
    with shared.client("rita") as client:
        for path in ("/quiet/99", "/quiet/x", "/quiet/1/pictures/colour-later.webp", "/quiet/1/pictures/x-after.webp"):
            assert client.get(path).status_code == 404
