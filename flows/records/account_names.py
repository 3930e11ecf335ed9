"""Tell the names of accounts apart: when two are one, and when two look like one."""

from __future__ import annotations

import unicodedata

# Small letters that look like a Latin one or like several, by what they look like: after Unicode's confusables.txt
# (UTS 39), as far as letters that case folding leaves and that people type in names.
_ALIKE = {
    "a": "аαɑ", "b": "ьƅϧ", "c": "сϲᴄ", "d": "ԁɗ", "e": "еҽє", "f": "ẝ", "g": "ɡցǥ", "h": "һհ", "i": "іıιɩ",
    "j": "јϳȷ", "k": "кκĸҝ", "l": "1ӏ", "m": "м", "n": "пոηռ", "o": "оοօσᴏ0", "p": "рρϱ", "q": "ԛգզ", "r": "гɼᴦ",
    "s": "ѕꜱ", "t": "тτ", "u": "υսʋ", "v": "νѵᴠ", "w": "ԝшաɯω", "x": "хχ", "y": "уγүყ", "z": "ᴢ", "3": "зэҙ", "6": "б",
    "ae": "ӕæ", "oe": "œ",
}  # fmt: skip
_LOOKS = {ord(letter): plain for plain, letters in _ALIKE.items() for letter in letters}
_WRITTEN_TOGETHER = ({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"},)


def fold_name(name: str) -> str:
    """Write a name as accounts are kept and counted: without case, width and spare blanks.

    Parameters
    ----------
    name
        A name as somebody typed it.

    Returns
    -------
    str, the same for every way to type the name.
    """
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def name_image(name: str) -> str:
    """Reduce a name to what it looks like, letters of all alphabets taken for the Latin ones that they resemble.

    Two names with the same image cannot be told apart by everybody. Digits of all alphabets count as 0 to 9, and 0 and
    1 as the letters o and l that they resemble.

    Parameters
    ----------
    name
        A name as somebody typed it.

    Returns
    -------
    str for comparison only, not for people.
    """
    digits = "".join(str(unicodedata.decimal(letter, letter)) for letter in fold_name(name))
    return digits.translate(_LOOKS).replace("rn", "m").replace("vv", "w")


def scripts_of(name: str) -> set[str]:
    """Find the alphabets of a name's letters, by the first word of Unicode's names for them.

    Parameters
    ----------
    name
        A name as somebody typed it.

    Returns
    -------
    set of str such as ``LATIN`` or ``CYRILLIC``; those that are written together, as in Japanese, are one, ``CJK``.
    """
    found = {unicodedata.name(letter, "UNKNOWN").split()[0] for letter in fold_name(name) if letter.isalpha()}
    for together in _WRITTEN_TOGETHER:
        if found & together:
            found = (found - together) | {"CJK"}
    return found
