"""Machines with an sshd each: reached by OpenSSH's client with a configuration of the test's own."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

from tests.patience import SECONDS
from tests.real.hosts import Hosts
from tests.system.conftest import until

_SSHD = """\
ListenAddress {address}
Port 22
HostKey {directory}/host_key
PidFile {directory}/sshd.pid
AuthorizedKeysFile {keys}
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
AllowTcpForwarding yes
GatewayPorts clientspecified
MaxStartups 100:30:200
MaxSessions 100
Subsystem sftp internal-sftp
"""

_SSH = """\
Host *
    User {user}
    IdentityFile {key}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {known}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    ConnectTimeout 5
    LogLevel ERROR
"""


class SshHosts(Hosts):
    """Machines with an sshd each. `config` is for `ssh -F`; names are those of the machines, and their addresses.

    Each has a home directory of its own, `home(name)`, so that profiles are not shared unless a test wants it.
    """

    kind, second = "s", 79

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.config = directory / "ssh_config"
        self.key = directory / "user_key"
        self._known = directory / "known_hosts"

    @property
    def python(self) -> str:
        """The Python that has engineroom, there as here."""
        return sys.executable

    def home(self, name: str) -> Path:
        return self.directory / name / "home"

    def start(self, *names: str) -> None:
        super().start(*names)
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        keygen(self.key, "user")
        keys = self.directory / "authorized_keys"
        keys.write_bytes(self.key.with_suffix(".pub").read_bytes())
        (self.directory / "hosts").write_text(
            "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in self.addresses.items())
        )
        blocks = [f"Host {name} {address}\n    HostName {address}\n" for name, address in self.addresses.items()]
        self.config.write_text("".join(blocks) + _SSH.format(user=getpass.getuser(), key=self.key, known=self._known))
        for name, address in self.addresses.items():
            self._set_up(name, address, keys)

    def _set_up(self, name: str, address: str, keys: Path) -> None:
        directory = self.directory / name
        self.home(name).mkdir(parents=True)
        keygen(directory / "host_key", name)
        with self._known.open("a") as known:
            known.write(f"{name},{address} {(directory / 'host_key.pub').read_text()}")
        settings = _SSHD.format(address=address, directory=directory, keys=keys)
        # `env -i`: what runs by ssh gets nothing of the tests' environment, as on a real machine; but for the mark by
        # which tests find what they left, and a home of its own.
        run = f"ENGINEROOM_TEST_RUN={os.environ['ENGINEROOM_TEST_RUN']}"
        home = f"HOME={self.home(name)}"
        # Titles of processes must not take the place of their environment, and sockets are looked for in one place.
        sockets = f"ENGINEROOM_SOCKET_DIR={os.environ['ENGINEROOM_SOCKET_DIR']}"
        (directory / "sshd_config").write_text(f"{settings}SetEnv {run} {home} {sockets} SPT_NOENV=1\n")
        self.start_sshd(name)
        until(lambda: self.ssh(name, "true").returncode == 0)

    def start_sshd(self, name: str, **settings: str) -> subprocess.Popen[str]:
        """Run an sshd on a machine: with `settings`, as `Port="23"`, another one."""
        lines = (self.directory / name / "sshd_config").read_text().splitlines()
        config = self.directory / name / f"sshd_config{settings.get('Port', '')}"
        kept = [line for line in lines if line.split()[0] not in settings]
        config.write_text("\n".join([*kept, *(f"{key} {value}" for key, value in settings.items())]) + "\n")
        return self.run(
            name,
            *("env", "-i", f"ENGINEROOM_TEST_RUN={os.environ['ENGINEROOM_TEST_RUN']}"),
            *("PATH=/usr/sbin:/usr/bin:/sbin:/bin", "unshare", "-m", "--propagation", "private", "sh", "-c"),
            'mount --bind "$0" /etc/hosts && shift && exec /usr/sbin/sshd -D -e "$@"',
            *(str(self.directory / "hosts"), "_", "-f", str(config)),
        )

    def ssh(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run `command` on a machine by ssh."""
        return subprocess.run(
            ["ssh", "-F", str(self.config), name, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )


def keygen(path: Path, comment: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)], check=True)
