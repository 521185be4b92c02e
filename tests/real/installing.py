"""Programs that tests on real servers need: installed where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

_NO_DAEMONS = Path("/usr/sbin/policy-rc.d")


def install(*packages: str, command: str = "", file: str = "") -> None:
    """Install Debian's `packages` unless `command`, or `file`, is there; no daemon is started."""
    if command and shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None:
        return
    if file and Path(file).exists():
        return
    made = not _NO_DAEMONS.exists()
    if made:
        _NO_DAEMONS.write_text("#!/bin/sh\nexit 101\n")
        _NO_DAEMONS.chmod(0o755)
    try:
        if not _apt("install", *packages):
            assert _apt("update"), "apt-get update failed"
            assert _apt("install", *packages), f"apt-get install {' '.join(packages)} failed"
    finally:
        if made:
            _NO_DAEMONS.unlink()


def _apt(*arguments: str) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    options = ["-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"]
    done = subprocess.run(
        ["apt-get", *options, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    return done.returncode == 0
