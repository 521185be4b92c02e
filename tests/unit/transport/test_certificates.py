"""A controller has its certificate made by a child process, so that it does not keep what makes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
