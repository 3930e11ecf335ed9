"""Text of a list: what of it may be kept, and how it is shown in a message."""

from __future__ import annotations

import unicodedata

SHOWN = 40
# Control characters, half characters, and separators of lines and paragraphs.
_NEVER = {"Cc", "Cs", "Zl", "Zp"}
# These turn the order of what follows, so that a name reads as another. The invisible characters that Khmer, Burmese,
# Arabic and Hebrew need (U+200B to U+200F) are not among them.
_TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


def shown(text: str, *, longest: int = SHOWN) -> str:
    """Make a text fit for a message.

    Parameters
    ----------
    text
        Text of a list, of any kind and length.
    longest
        Characters that are shown.

    Returns
    -------
    str on one line, hidden characters as ``�``, cut at `longest` with ``…``.
    """
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    return "".join(c if c.isprintable() else "�" for c in cut)


def text_trouble(text: str, *, longest: int, lines: bool = False) -> str | None:
    """Tell what is wrong with a text of a list.

    Parameters
    ----------
    text
        A name, or another text of a list.
    longest
        Characters that it may have.
    lines
        True where it may have several lines and tabs.

    Returns
    -------
    str with the mend, or None where nothing is wrong.
    """
    if len(text) > longest:
        return f"has {len(text)} characters; shorten it to {longest}"
    for place, character in enumerate(text, start=1):
        if lines and character in "\t\r\n":
            continue
        if unicodedata.category(character) in _NEVER or character in _TURNING:
            return (
                f"holds the hidden character U+{ord(character):04X} at place {place}; "
                f"take it out{'' if lines else ' and write the text on one line'}"
            )
    return None
