"""Passwords: hashed by Argon2id with the parameters that argon2-cffi recommends, and never kept otherwise."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from flows.desk.errors import DeskError

LEAST, MOST = 12, 256  # letters; NIST SP 800-63B asks for at least 8, and for 15 where nothing else protects
HASHER = PasswordHasher()


def hashed(password: str) -> str:
    """The hash to keep; raises `DeskError` for a password that is too short or too long."""
    if not LEAST <= len(password) <= MOST:
        raise DeskError(f"the password has {len(password)} letters; take {LEAST} to {MOST}, such as four words")
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
