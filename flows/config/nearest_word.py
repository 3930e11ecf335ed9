"""Name the word that a person most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

ALIKE = 0.6  # difflib's own threshold: one or two letters of a short word


def nearest(word: str, known: Iterable[str], *, alike: float = ALIKE) -> str | None:
    """Return the known word most like this one, without regard to case; None where none is like it."""
    folded = {one.casefold(): one for one in known}
    found = get_close_matches(word.casefold()[:200], folded, n=1, cutoff=alike)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the question to add to a complaint, ``(did you mean …?)`` after a blank; empty if no word is like it."""
    found = nearest(word, known)
    return f" (did you mean `{found}`?)" if found else ""
