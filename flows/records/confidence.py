"""The confidence of an event in words, and whether its number is a probability that can be shown."""

from __future__ import annotations

from collections.abc import Container

from detectors.records import State

CALIBRATED_FROM = 0.5
"""A line alone stays below: its number ranks, and its digits say nothing."""
CALIBRATED_STATES = (State.CONFIRMED, State.FINISHED)
"""What is provisional rests on few dates, or was looked at again and again until it stood out: it ranks."""
BANDS = (0.0, CALIBRATED_FROM, 0.6, 0.7, 0.8, 0.9)
"""Lower ends of the bands of confidence; chosen so that each still fills within a season of a hundred alerts."""
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


def band_of(confidence: float) -> float:
    """Find the band that a confidence lies in.

    Parameters
    ----------
    confidence
        0 to 1.

    Returns
    -------
    float: the lower end of the band, one of `BANDS`.
    """
    return max(low for low in BANDS if low <= confidence)


def is_calibrated(confidence: float, state: State, *, contradicted: Container[float]) -> bool:
    """Decide whether the number is a probability that can be shown, and no mere rank.

    Parameters
    ----------
    confidence
        0 to 1.
    state
        Of the event, or that of the message that tells it.
    contradicted
        Lower ends of the bands whose numbers reviewers found too high on this record.

    Returns
    -------
    bool.
    """
    is_measured = state in CALIBRATED_STATES and confidence >= CALIBRATED_FROM
    return is_measured and band_of(confidence) not in contradicted
