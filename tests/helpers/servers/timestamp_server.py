"""A time stamp authority (RFC 3161) on loopback: real stamps by `openssl ts`, under a root certificate of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hostile_web import HostileWeb, hostile_web

CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class StampMaker:
    """The key and the certificates of one authority, in a folder; `until` is the end of its certificate."""

    folder: Path
    name: str = "test"
    since: datetime = LONG_AGO
    until: datetime = field(default_factory=lambda: datetime.now(UTC) + timedelta(days=3650))
    made: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root_key, root_name = ec.generate_private_key(ec.SECP256R1()), named(f"Root of {self.name}")
        until = LONG_AGO + timedelta(days=36500)
        root = certificate(root_name, root_name, self.root_key, self.root_key, LONG_AGO, until)
        self.roots.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        (self.folder / "serial").write_text("01\n")
        (self.folder / "ts.cnf").write_text(CONFIG.format(folder=self.folder))
        self.renew(self.until)

    def renew(self, until: datetime) -> None:
        """Take a new key, with a certificate until that day, under the same root."""
        key, pem = ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.PEM
        names = named(f"Stamps of {self.name}"), named(f"Root of {self.name}")
        own = certificate(*names, key, self.root_key, self.since, until, is_authority=False)
        (self.folder / "own.pem").write_bytes(own.public_bytes(pem))
        plain = serialization.NoEncryption()
        (self.folder / "own.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))

    @property
    def roots(self) -> Path:
        """The file that an operator would name in the settings."""
        return self.folder / f"{self.name}.pem"

    def stamp(self, request: bytes) -> bytes:
        """The answer to a request."""
        self.made += 1
        asked = self.folder / "asked.tsq"
        asked.write_bytes(request)
        command: list[str | Path] = [
            "openssl",
            "ts",
            "-reply",
            "-config",
            self.folder / "ts.cnf",
            "-section",
            "one",
            "-queryfile",
            asked,
        ]
        keys: list[str | Path] = ["-signer", self.folder / "own.pem", "-inkey", self.folder / "own.key"]
        return subprocess.run([*command, *keys], capture_output=True, check=True).stdout


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    since: datetime,
    until: datetime,
    *,
    is_authority: bool = True,
) -> x509.Certificate:
    """A certificate as those of real authorities are."""
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    builder = builder.add_extension(of_issuer, critical=False)
    uses = {"key_cert_sign": is_authority, "crl_sign": is_authority, "digital_signature": not is_authority}
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    usage = x509.KeyUsage(**uses, **dict.fromkeys((*others, "encipher_only", "decipher_only"), False))
    builder = builder.add_extension(usage, critical=True)
    if not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return builder.sign(signer, hashes.SHA256())


@dataclass
class TimestampServer:
    """An authority that answers over HTTP, and what it was sent; `status` other than 200 is its answer to all."""

    maker: StampMaker
    web: HostileWeb
    status: int = 200

    @property
    def requests(self) -> list[bytes]:
        """What it was sent."""
        return self.web.bodies

    @property
    def entry(self) -> str:
        """What an operator would write into the settings."""
        return f"{self.maker.roots}={self.web.address}/tsr"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Stamp what is asked for."""
        content = self.maker.stamp(self.requests[-1]) if self.status == 200 else b""
        handler.send_response(self.status)
        handler.send_header("Content-Type", "application/timestamp-reply")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


@contextmanager
def timestamp_server(folder: Path, name: str = "test", *, until: datetime | None = None) -> Iterator[TimestampServer]:
    """An authority on loopback for as long as the block lasts; its certificate lasts ten years, or `until` a day."""
    with hostile_web() as web:
        maker = StampMaker(folder, name) if until is None else StampMaker(folder, name, until=until)
        server = TimestampServer(maker, web)
        web.put("/tsr", server.answer)
        yield server
