"""The least spread that is believed of each feature, and what a season never seen may add."""

from __future__ import annotations

# name: least standard deviation believed, in the feature's own unit. NDVI and visible from SCIENCE.md; the others in
# proportion, chosen on the Romanian series.
FLOORS: dict[str, float] = {
    "vegetation": 0.035,
    "greenness": 0.02,
    "brightness": 0.006,
    "built": 0.035,
    "redness": 0.03,
    "contrast": 0.006,
    "texture": 0.003,
    "vv": 0.18,
    "vh": 0.18,
}

# What a year and the next do to unchanged land, one standard deviation: added to the spread of a history that has not
# seen a year (1.5 dB for radar; chosen on the quiet Sentinel-1 series and the Romanian one).
UNSEEN_SEASON: dict[str, float] = {
    "vegetation": 0.08,
    "greenness": 0.03,
    "built": 0.06,
    "redness": 0.04,
    "brightness": 0.012,
    "contrast": 0.006,
    "texture": 0.003,
    "vv": 0.35,
    "vh": 0.35,
}
