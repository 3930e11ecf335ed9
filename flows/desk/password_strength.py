"""Say how hard a password is to guess, as far as that can be seen from it: pure."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

COMMON = Path(__file__).parent / "common_passwords.txt"
LEAST_WORTH = 8
A_WORD = 2  # what a common word counts for, in letters
SHORTEST_WORD = 3
_FOR_LETTERS = str.maketrans("01345789@$!|+", "oieastbgasiit")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn")


def password_worth(password: str, *, name: str = "") -> int:
    """Count the letters of a password that cannot be foretold.

    A repeated password counts once. A common word counts as `A_WORD` letters the first time, whatever digits stand for
    its letters; so does each part of the account's `name`. A letter that repeats the one before, or follows it in the
    alphabet, in counting or on a keyboard, counts nothing, and neither does a blank.

    The count is a rough one: it tells passwords that everybody tries from others. `LEAST_WORTH` was chosen so that a
    common word with a year behind it is refused and four words are taken.
    """
    small = _repeated_part("".join(password.casefold().split()))
    words = _common_words() | {part for part in re.split(r"[^\w]+", name.casefold()) if len(part) >= SHORTEST_WORD}
    seen: set[str] = set()
    worth, place, last = 0, 0, ""
    plain = small.translate(_FOR_LETTERS)
    while place < len(small):
        length = max(_word_at(small, place, words), _word_at(plain, place, words))
        if length:
            word = plain[place : place + length]
            worth, place, last = worth + A_WORD * (word not in seen), place + length, ""
            seen.add(word)
            continue
        worth += not _follows(last, small[place])
        last, place = small[place], place + 1
    return min(worth, 3 * len(set(small)) // 2)


def _repeated_part(text: str) -> str:
    """The shortest text of which this is a repetition, or else the text."""
    return text[: (text + text).find(text, 1)] if text else text


def _word_at(text: str, place: int, words: frozenset[str] | set[str]) -> int:
    """The length of the longest common word that begins there, 0 without one."""
    for length in range(min(_longest(), len(text) - place), SHORTEST_WORD - 1, -1):
        if text[place : place + length] in words:
            return length
    return 0


def _follows(before: str, letter: str) -> bool:
    """Whether a letter repeats the one before it or stands next to it in the alphabet, in counting or on a keyboard."""
    if not before:
        return False
    pair = {before + letter, letter + before}
    return (
        abs(ord(letter) - ord(before)) <= 1 or pair == {"90", "09"} or any(one in row for row in _KEYS for one in pair)
    )


@cache
def _common_words() -> frozenset[str]:
    lines = COMMON.read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@cache
def _longest() -> int:
    return max(map(len, _common_words()))
