"""Python environments that real tests need besides the one that runs them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BASE = sysconfig.get_path("purelib")


def on_top(directory: Path, requirements: Sequence[str], *paths: Path) -> Path:
    """Return the programs of an environment that has `requirements`, and `paths`, and whatever this one has.

    What this one has is not installed again, unless in another version; one that is there already is used again.
    """
    stamp, wanted = directory / "stamp", hashlib.sha256(repr((sys.version, _BASE, requirements, paths)).encode())
    if not stamp.exists() or stamp.read_text() != wanted.hexdigest():
        venv.create(directory, clear=True, with_pip=False)
        lines = [*map(str, paths), f"import site; site.addsitedir({_BASE!r})"]
        place = directory / Path(_BASE).relative_to(sys.prefix)
        (place / "on_top.pth").write_text("\n".join(lines) + "\n")
        pip = [sys.executable, "-m", "pip", "--python", str(directory), "--disable-pip-version-check"]
        _run(*pip, "install", "-q", "--no-compile", *requirements)
        stamp.write_text(wanted.hexdigest())
    return directory / "bin"


def of_another_python(name: str) -> Path:
    """Return the programs of an environment in which a Python such as "python3.12" has engineroom, and nothing else."""
    directory = ROOT / "build" / name
    _run("bash", ".ci/venv", str(directory), name, "-")
    return directory / "bin"


def _run(*command: str) -> None:
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert made.returncode == 0, f"{' '.join(command)}: {made.stdout}{made.stderr}"
