"""A pretend ssh: hosts whose names begin with `node` are this machine, with a home of their own; others fail."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_SCRIPT = """\
#!/bin/sh
while [ "$1" != -- ]; do shift; done
case $2 in
node*) ;;
closed*) echo "ssh: connect to host $2 port 22: Connection refused" >&2; exit 255 ;;
*) echo "ssh: Could not resolve hostname $2: Name or service not known" >&2; exit 255 ;;
esac
home={home}/$2
mkdir -p "$home" && cd "$home" || exit 1
exec env -i HOME="$home" PATH="$PATH" {kept} sh -c "$3"
"""
_KEPT = ("ENGINEROOM_TEST_RUN", "ENGINEROOM_SOCKET_DIR", "SPT_NOENV")


def fake_ssh(directory: Path) -> Path:
    """Return the command, made below `directory`, where the homes of the hosts are too."""
    path = directory / "ssh"
    path.write_text(
        _SCRIPT.format(home=directory, kept=" ".join(f"{name}={os.environ.get(name, '')}" for name in _KEPT))
    )
    path.chmod(0o755)
    return path


def ssh_options(directory: Path, **engines: int) -> str:
    """Return lines of ipcluster_config.py for engines on these hosts."""
    return (
        "c = get_config()\n"
        "c.Cluster.engine_launcher_class = 'SSH'\n"
        f"c.SSHLauncher.ssh_cmd = [{str(fake_ssh(directory))!r}]\n"
        f"c.SSHLauncher.remote_python = {sys.executable!r}\n"
        f"c.SSHEngineSetLauncher.engines = {engines!r}\n"
    )
