"""Make text from outside fit to print in a terminal, a log or an error."""

from __future__ import annotations

import unicodedata

LONGEST = 300
# Cc: control characters, escape among them. Cf: direction overrides and other invisible ones. Cs: half characters.
# Zl, Zp: line and paragraph separators.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = "\u200b\u200c\u200d"  # zero-width characters that Khmer, Burmese and Persian are written with


def printable(text: object, *, longest: int = LONGEST) -> str:
    """Return the text on one line, without characters that a terminal obeys, cut where it is too long.

    Parameters
    ----------
    text
        Anything; `str` is taken of it.
    longest
        Characters that are kept; what is cut is marked with ``…``.

    Returns
    -------
    str
        Each hidden character (control, format, surrogate, line separator) is replaced by ``�``, except that tabs and
        line ends become blanks and zero-width joiners stay.
    """
    plain = "".join(
        " " if c in "\t\r\n" else "�" if unicodedata.category(c) in HIDDEN and c not in JOINERS else c
        for c in str(text)
    )
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"
