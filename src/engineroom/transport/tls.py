"""TLS 1.3 with one certificate that both sides know: names, dates and authorities don't count."""

from __future__ import annotations

import datetime as dt
import os
import ssl
from pathlib import Path

from engineroom.machine.own_files import read_secret
from engineroom.machine.private_files import write_private
from engineroom.transport.secrecy import ALPN

_TEN_YEARS = dt.timedelta(days=3650)


def ensure_certificate(certificate: Path, key: Path) -> str:
    """Return the PEM certificate at `certificate`, made now, with its private `key`, if either is missing.

    UnsafeFile: another user could have written the key.
    """
    if key.exists():
        read_secret(key)  # one that others can read is made private, one that they can write is refused
    if not _are_there(certificate, key):
        _make_certificate(certificate, key)
    return certificate.read_text(encoding="ascii")


def make_certificate_aside(certificate: Path, key: Path) -> None:
    """Have a child process make what `ensure_certificate` needs, if it is missing: what makes it takes 10 MB of memory.

    For processes of one thread. Where there is no child, or it fails, `ensure_certificate` does it, or says why not.
    """
    if _are_there(certificate, key) or not hasattr(os, "fork"):
        return
    try:
        child = os.fork()
    except OSError:
        return
    if child:
        os.waitpid(child, 0)
        return
    try:
        ensure_certificate(certificate, key)
    finally:
        os._exit(0)


def _are_there(*files: Path) -> bool:
    """Whether these exist; one that is empty was being written when the power was cut."""
    try:
        return all(file.stat().st_size for file in files)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _make_certificate(certificate: Path, key: Path) -> None:
    # Slow to import, and needed only when a cluster id starts for the first time.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "engineroom controller")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + _TEN_YEARS)
        .sign(private, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    write_private(key, private.private_bytes(pem, pkcs8, serialization.NoEncryption()), durable=False)
    write_private(certificate, made.public_bytes(pem), durable=False)


def controller_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols([ALPN])
    context.num_tickets = 0
    return context


def peer_context() -> ssl.SSLContext:
    """Return the context for connecting; the caller compares the certificate by `check_certificate`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    return context


def is_the_certificate(pem: str, shown: bytes | None) -> bool:
    """Whether `shown` (DER) is exactly the certificate `pem`."""
    try:
        return shown is not None and ssl.PEM_cert_to_DER_cert(pem) == shown
    except ValueError:
        return False
