"""Programs that tests on real servers need: installed where they are missing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_NO_DAEMONS = Path("/usr/sbin/policy-rc.d")
_LOCK = Path("/run/lock/engineroom-tests-install")


def install(*packages: str, command: str = "", file: str = "") -> None:
    """Install Debian's `packages` unless `command`, or `file`, is there; no daemon is started."""
    if _is_there(command, file):
        return
    with _alone():
        if _is_there(command, file):
            return  # meanwhile
        made = not _NO_DAEMONS.exists()
        if made:
            _NO_DAEMONS.write_text("#!/bin/sh\nexit 101\n")
            _NO_DAEMONS.chmod(0o755)
        try:
            _apt_with_lists("install", *packages)
        finally:
            if made:
                _NO_DAEMONS.unlink()


def download(package: str, directory: Path) -> Path:
    """Return the path of Debian's `package`, fetched to `directory` and not installed."""
    directory.chmod(0o777)  # apt downloads as another user
    with _alone():
        _apt_with_lists("download", package, directory=directory)
    [path] = directory.glob(f"{package}_*.deb")
    return path


def _is_there(command: str, file: str) -> bool:
    places = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return bool(command and shutil.which(command, path=places)) or bool(file and Path(file).exists())


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other test process installs anything."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _apt_with_lists(*arguments: str, directory: Path | None = None) -> None:
    """Run apt-get, if need be with new package lists."""
    if not _apt(*arguments, directory=directory):
        assert _apt("update"), "apt-get update failed"
        assert _apt(*arguments, directory=directory), f"apt-get {' '.join(arguments)} failed"


def _apt(*arguments: str, directory: Path | None = None) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    options = ["-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"]
    done = subprocess.run(
        ["apt-get", *options, *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode == 0
