"""The signature of a pack's index, which lists every other file by its hash."""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from flows.publication.pack_subject import PackFile

INDEX = "index.json"
SIGNATURE = "index.sig"
_WORD = b"index "  # so that no signature of a manifest or a head can stand for one of an index


def sign_index(index: PackFile, key: Ed25519PrivateKey) -> PackFile:
    """Make the file with the signature of an index, in base64; the index itself does not list it."""
    return PackFile(SIGNATURE, base64.b64encode(key.sign(_WORD + index.content)) + b"\n")


def is_index_signed(index: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Return whether the holder of a key signed an index."""
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), _WORD + index)
    except (InvalidSignature, ValueError):
        return False
    return True
