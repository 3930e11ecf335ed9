"""What is said of a confidence, in words and in digits."""

from __future__ import annotations

import pytest

from detectors.records import State
from flows.alerts.language import language
from flows.records.confidence import band_of, is_calibrated, word_of


@pytest.mark.parametrize(
    ("confidence", "word", "has_digits"),
    [
        (0.0, "low", False),
        (0.25, "moderate", False),
        (0.49, "moderate", False),
        (0.5, "moderate", True),
        (0.8, "high", True),
        (0.95, "very_high", True),
    ],
)
def test_a_confidence_has_a_word_and_digits_where_they_are_a_probability(
    confidence: float, word: str, has_digits: bool
) -> None:
    assert word_of(confidence) == word
    assert is_calibrated(confidence, State.CONFIRMED, contradicted=()) == has_digits


def test_a_number_that_reviewers_contradict_is_no_probability_that_can_be_shown() -> None:
    contradicted = frozenset({0.9})
    shown = [is_calibrated(c, State.CONFIRMED, contradicted=contradicted) for c in (0.89, 0.9, 0.95, 1.0)]
    assert shown == [True, False, False, False]


@pytest.mark.parametrize("state", list(State))
def test_only_what_is_confirmed_states_a_number(state: State) -> None:
    assert is_calibrated(0.95, state, contradicted=()) == (state in (State.CONFIRMED, State.FINISHED))


def test_bands_meet_at_their_lower_ends() -> None:
    assert [band_of(c) for c in (0.0, 0.499, 0.5, 0.599, 0.6, 0.7, 0.8, 0.899, 0.9, 1.0)] == [
        0.0, 0.0, 0.5, 0.5, 0.6, 0.7, 0.8, 0.8, 0.9, 0.9,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["en", "fr"])
def test_every_word_is_there_in_every_language(name: str) -> None:
    words = {language(name).phrases(f"confidence.{word_of(c)}") for c in (0.1, 0.3, 0.85, 0.95)}
    assert len(words) == 4
