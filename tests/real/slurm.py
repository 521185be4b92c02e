"""A real Slurm of the test's own: munge, slurmctld and three slurmd on this machine, on ports of their own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.patience import SECONDS
from tests.system.conftest import until

_CONFIG = """\
ClusterName=er
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={directory}/munge/munge.socket
CryptoType=crypto/munge
SlurmctldPort={port}
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool-%n
SlurmctldPidFile={directory}/slurmctld.pid
SlurmdPidFile={directory}/slurmd-%n.pid
SlurmctldLogFile={directory}/log/slurmctld.log
SlurmdLogFile={directory}/log/slurmd-%n.log
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SlurmctldTimeout=30
SlurmdTimeout=30
InactiveLimit=0
KillWait=2
MinJobAge=60
MaxArraySize=1001
SlurmdParameters=config_overrides
JobSubmitPlugins=pbs
PlugStackConfig={directory}/plugstack.conf
NodeName=n[1-3] NodeHostname={host} NodeAddr=127.0.0.1 Port={first}-{last} CPUs=4 Boards=1 SocketsPerBoard=1 \
CoresPerSocket=4 ThreadsPerCore=1 RealMemory=2000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=short Nodes=ALL MaxTime=10 State=UP
"""


class Slurm:
    """Three nodes, `n1` to `n3`, with four cores each, in the partitions `debug` and `short`."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="er-slurm-", dir="/tmp"))
        self._daemons: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which Slurm's commands find it."""
        return {"SLURM_CONF": str(self.directory / "slurm.conf")}

    def start(self) -> None:
        self.directory.chmod(0o755)
        for name in ("state", "log", "munge"):
            (self.directory / name).mkdir()
        self._start_munge()
        first = _free_ports(4)
        config = self.directory / "slurm.conf"
        config.write_text(
            _CONFIG.format(
                host=socket.gethostname().partition(".")[0],
                directory=self.directory,
                port=first,
                first=first + 1,
                last=first + 3,
            )
        )
        (self.directory / "plugstack.conf").write_text("optional spank_pbs.so\n")
        self._start("slurmctld", "-D", "-f", str(config))
        for node in ("n1", "n2", "n3"):
            self._start("slurmd", "-D", "-f", str(config), "-N", node)
        until(lambda: self.run("sinfo", "-h", "-N", "-p", "debug", "-t", "idle", "-o", "%N").count("n") == 3)

    def stop(self) -> None:
        self.cancel_all()
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in reversed(self._daemons):
            try:
                daemon.wait(SECONDS)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *argv: str) -> str:
        """Return what a command of Slurm prints, "" if it fails."""
        done = subprocess.run(
            argv, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False, timeout=SECONDS
        )
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> list[str]:
        """Return the ids of jobs that run or wait."""
        return self.run("squeue", "--noheader", "--format=%i").split()

    def cancel_all(self) -> None:
        if jobs := self.jobs():
            self.run("scancel", *jobs)
            until(lambda: not self.jobs())

    def _start_munge(self) -> None:
        place = self.directory / "munge"
        key = place / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        for path in (place, key):
            shutil.chown(path, "munge", "munge")
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={place}/munge.{name}" for option, name in files.items()]
        self._start("munged", "--foreground", "--force", "--num-threads=2", *options, user="munge")
        until((place / "munge.socket").is_socket)

    def _start(self, program: str, *arguments: str, user: str | None = None) -> None:
        path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert path is not None, f"{program} is not installed"
        # What jobs start has the mark of the test run; the daemons themselves outlive its tests.
        log = (self.directory / "log" / f"{program}-{len(self._daemons)}.out").open("wb")
        environment = {name: value for name, value in os.environ.items() if name != "ENGINEROOM_TEST_RUN"}
        with log:
            daemon = subprocess.Popen(
                [path, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, user=user
            )
        self._daemons.append(daemon)


def _free_ports(n: int) -> int:
    """Return the first of `n` ports in a row that nobody listens on; by pid, so that test runs differ."""
    for first in range(20000 + os.getpid() * 8 % 12000, 32000, 8):
        sockets = [socket.socket() for _ in range(n)]
        try:
            for index, sock in enumerate(sockets):
                sock.bind(("127.0.0.1", first + index))
        except OSError:
            continue
        else:
            return first
        finally:
            for sock in sockets:
                sock.close()
    raise AssertionError("no free ports")
