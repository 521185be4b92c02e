"""What takes away the files of a host that was killed, where no controller on its machine does it.

`python -m engineroom.cluster.clearing.sweeper PROFILE_DIR CLUSTER_ID`: lines on stdin are further files to remove; the
end of stdin is the end of the host, which else would have ended this process first.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from engineroom.machine.left_behind import staying


class Sweeper:
    """The process, as its host has it; once it is made, a SIGKILL of the host leaves no file."""

    def __init__(self, profile_dir: str, cluster_id: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "engineroom.cluster.clearing.sweeper", profile_dir, cluster_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=staying(os.environ),  # it ends by itself
            start_new_session=True,
        )

    def also(self, files: Iterable[Path]) -> None:
        """Have `files` removed as well."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("".join(f"{file}\n" for file in files).encode())
            self._process.stdin.flush()

    def dismiss(self) -> None:
        """End it: the host removes everything by itself."""
        self._process.kill()
        self._process.communicate()


def main() -> int:
    """Wait for the end of the host, and clear up after it."""
    profile_dir, cluster_id = sys.argv[1:]
    files = sys.stdin.read().splitlines()
    # Only now: until then this is to be a small process.
    from engineroom.cluster.clearing.left_jobs import clear_up_after_host
    from engineroom.settings.profiles import Profile

    if clear_up_after_host(Profile(Path(profile_dir)), cluster_id, gone=True):
        for file in files:
            Path(file).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
