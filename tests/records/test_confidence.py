"""What is said of a confidence, in words and in digits."""

from __future__ import annotations

import pytest

from flows.alerts.language import language
from flows.records.confidence import is_calibrated, word_of


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
    assert is_calibrated(confidence) == has_digits


@pytest.mark.parametrize("name", ["en", "fr"])
def test_every_word_is_there_in_every_language(name: str) -> None:
    words = {language(name).phrases(f"confidence.{word_of(c)}") for c in (0.1, 0.3, 0.85, 0.95)}
    assert len(words) == 4
