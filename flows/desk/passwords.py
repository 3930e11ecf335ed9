"""Passwords: hashed by Argon2id with the parameters that argon2-cffi recommends, and never kept otherwise."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from flows.desk.errors import DeskError
from flows.desk.password_strength import LEAST_WORTH, password_worth

LEAST, MOST = 12, 256  # letters; NIST SP 800-63B asks for at least 8, and for 15 where nothing else protects
HASHER = PasswordHasher()


def hashed(password: str, *, name: str = "") -> str:
    """Return the hash to keep of a new password of the account `name`; raises as `check_new_password` does."""
    check_new_password(password, name=name)
    return HASHER.hash(password)


def check_new_password(password: str, *, name: str = "") -> None:
    """Raise `DeskError` for a password that is too short, too long, or easy to guess.

    Parts of the account's `name` hardly count.
    """
    if not LEAST <= len(password) <= MOST:
        raise DeskError(
            f"the password has {len(password)} letters; use {LEAST} to {MOST}, such as four words",
            key="password.length", n=len(password), least=LEAST, most=MOST,
        )  # fmt: skip
    if password_worth(password, name=name) < LEAST_WORTH:
        raise DeskError(
            "the password is easy to guess: common words, names, repetitions and rows of keys or digits hardly count; "
            "use four words that do not belong together",
            key="password.weak",
        )


def rehashed(password: str) -> str:
    """Return a hash with today's parameters of a password that is in use already, whatever it is."""
    return HASHER.hash(password)


def is_right(password: str, kept: str | None) -> bool:
    """Whether a password is the one that was hashed; takes as long where there is no account (None)."""
    nobodys = _nobodys()  # the first time that takes a while, whoever asks
    try:
        return HASHER.verify(kept or nobodys, password[: MOST + 1]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return HASHER.hash("of an account that is not there")
