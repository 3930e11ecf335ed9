"""The confidence of an event in words, and whether its number is a probability that can be shown."""

from __future__ import annotations

from collections.abc import Container

CALIBRATED_FROM = 0.5
"""What rests on fewer than three dates stays below: it ranks, and its digits say nothing."""
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


def is_calibrated(confidence: float, *, contradicted: Container[float]) -> bool:
    """Decide whether the number is a probability that can be shown, and no mere rank.

    Parameters
    ----------
    confidence
        0 to 1.
    contradicted
        Lower ends of the bands whose numbers reviewers found too high on this record.

    Returns
    -------
    bool.
    """
    return confidence >= CALIBRATED_FROM and band_of(confidence) not in contradicted
