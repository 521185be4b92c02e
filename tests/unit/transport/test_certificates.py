"""A controller has its certificate made by a child process, so that it does not keep what makes it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from engineroom.transport.certificates import self_signed
from engineroom.transport.tls import controller_context

_PROGRAM = """
import sys
from pathlib import Path
from engineroom.transport.tls import ensure_certificate, make_certificate_aside

certificate, key = map(Path, sys.argv[1:])
make_certificate_aside(certificate, key)
imported = "cryptography" in sys.modules
try:
    print(imported, ensure_certificate(certificate, key).splitlines()[0])
except OSError as error:
    print(imported, type(error).__name__)
"""


_START = dt.datetime(2030, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize("name", ["engineroom controller", "x" * 64, "ü" * 32])
def test_a_certificate_says_what_others_read_in_it(name: str) -> None:
    for _ in range(20):  # numbers begin with a bit that is set, or with zeros, in one of two, or of 256
        pem, secret = self_signed(name, _START, _START + dt.timedelta(days=3650))
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = serialization.load_pem_private_key(secret.encode(), None)
        certificate.verify_directly_issued_by(certificate)
        assert certificate.public_key() == key.public_key()
        assert certificate.subject == x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        assert certificate.version is x509.Version.v3
        assert 0 < certificate.serial_number < 2**159
        assert certificate.not_valid_before_utc == _START
        assert certificate.not_valid_after_utc == _START + dt.timedelta(days=3650)


def test_a_certificate_of_the_last_years_is_valid_as_long_as_it_can_say() -> None:
    pem, _ = self_signed("a", _START, _START + dt.timedelta(days=36500))
    assert x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.year == 2049


def _run(certificate: Path, key: Path) -> str:
    command = [sys.executable, "-c", _PROGRAM, str(certificate), str(key)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()


def test_a_certificate_is_made_without_importing_what_makes_it(tmp_path: Path) -> None:
    files = tmp_path / "made.crt", tmp_path / "made.key"
    assert _run(*files) == "False -----BEGIN CERTIFICATE-----"
    made = [file.read_bytes() for file in files]
    assert _run(*files) == "False -----BEGIN CERTIFICATE-----"
    assert [file.read_bytes() for file in files] == made


def test_what_a_power_cut_has_left_empty_is_made_again(tmp_path: Path) -> None:
    files = tmp_path / "made.crt", tmp_path / "made.key"
    assert _run(*files) == "False -----BEGIN CERTIFICATE-----"
    for empty in files:
        empty.write_bytes(b"")
        assert _run(*files) == "False -----BEGIN CERTIFICATE-----"
        controller_context(*files)


def test_where_the_child_can_make_none_the_controller_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert _run(tmp_path / "file" / "made.crt", tmp_path / "file" / "made.key") == "False NotADirectoryError"
