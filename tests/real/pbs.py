"""The commands of PBS, as SchedMD's wrappers in front of a real Slurm: qsub, qstat, qdel."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from tests.real.installing import download, install

_SLURMS = ("sbatch", "salloc", "srun", "scancel", "squeue", "scontrol")


class PbsCommands:
    """A directory for PATH with the commands of PBS.

    Their package can't be installed beside Grid Engine's, so it is unpacked.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def path(self) -> Path:
        return self._directory / "x" / "usr" / "bin"

    def unpack(self) -> None:
        install("libslurm-perl", "libslurmdb-perl", "libswitch-perl", file="/usr/share/doc/libslurm-perl")
        with tempfile.TemporaryDirectory(dir="/tmp") as place:
            package = download("slurm-wlm-torque", Path(place))
            subprocess.run(["dpkg-deb", "-x", str(package), str(self._directory / "x")], check=True, timeout=60)
        for name in _SLURMS:  # the wrappers look beside themselves
            (self.path / name).symlink_to(Path("/usr/bin") / name)
