"""The confidence of an event in words, and whether its number is a probability that can be shown."""

from __future__ import annotations

CALIBRATED_FROM = 0.5
"""What rests on fewer than three dates stays below: it ranks, and its digits say nothing."""
WORDS = ((0.25, "low"), (0.8, "moderate"), (0.9, "high"))


def word_of(confidence: float) -> str:
    """Return the word of a confidence.

    Parameters
    ----------
    confidence
        0 to 1.

    Returns
    -------
    str: low, moderate, high or very_high.
    """
    return next((word for bound, word in WORDS if confidence < bound), "very_high")


def is_calibrated(confidence: float) -> bool:
    """Decide whether the number is a probability that can be shown, and no mere rank.

    Parameters
    ----------
    confidence
        0 to 1.

    Returns
    -------
    bool.
    """
    return confidence >= CALIBRATED_FROM
