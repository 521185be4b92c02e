"""Grid Engine, for real: a master and an execution host on this machine, in a directory and on ports of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.patience import SECONDS
from tests.real.installing import install
from tests.system.conftest import until

_SHARE = Path("/usr/share/gridengine")
_LIBRARY = Path("/var/lib/gridengine")

_BOOTSTRAP = """\
admin_user              sgeadmin
default_domain          none
ignore_fqdn             true
spooling_method         berkeleydb
spooling_lib            libspoolb
spooling_params         {directory}/spool
binary_path             /usr/sbin
qmaster_spool_dir       {directory}/qmaster
security_mode           none
listener_threads        2
worker_threads          2
scheduler_threads       1
"""

_EXEC_HOST = """\
hostname {host}
load_scaling NONE
complex_values NONE
user_lists NONE
xuser_lists NONE
projects NONE
xprojects NONE
usage_scaling NONE
report_variables NONE
"""

_PARALLEL = """\
pe_name mpi
slots 64
user_lists NONE
xuser_lists NONE
start_proc_args NONE
stop_proc_args NONE
allocation_rule $fill_up
control_slaves TRUE
job_is_first_task FALSE
urgency_slots min
accounting_summary FALSE
qsort_args NONE
"""

_GLOBAL = {
    "mailer": "/bin/true",
    "administrator_mail": "none",
    "min_uid": "0",  # or root has no jobs
    "min_gid": "0",
    "shell_start_mode": "unix_behavior",
    "load_report_time": "00:00:02",
    # Who had ended is told 15 s later otherwise.
    "reporting_params": "accounting=true reporting=false flush_time=00:00:15 accounting_flush_time=00:00:00 "
    "joblog=false sharelog=00:00:00",
}
_SCHEDULER = {"schedule_interval": "0:0:1", "flush_submit_sec": "1", "flush_finish_sec": "1", "schedd_job_info": "true"}
_QUEUE = {"pe_list": "mpi", "shell": "/bin/bash", "shell_start_mode": "unix_behavior", "load_thresholds": "NONE"}


class GridEngine:
    """A cell with one machine and the queues `all.q` (8 slots) and `tiny.q` (1 slot). `environment`: of its clients."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self._directory = Path()
        self._daemons: list[psutil.Process] = []

    def start(self) -> None:
        """Start it; installs what is missing."""
        install("gridengine-master", "gridengine-exec", "gridengine-client", command="sge_qmaster")
        # Daemons run as another user, who must be able to read this; and many of their paths are short.
        self._directory = Path(tempfile.mkdtemp(prefix="er-sge-", dir="/tmp"))
        self._directory.chmod(0o755)
        root, host = self._directory / "root", socket.gethostname()
        first = 20000 + os.getpid() % 5000 * 2
        self.environment = {
            "SGE_ROOT": str(root),
            "SGE_CELL": "er",
            "SGE_QMASTER_PORT": str(first),
            "SGE_EXECD_PORT": str(first + 1),
        }
        try:
            self._lay_out(root, host)
            self._start_master(host)
            self._configure(host)
            self._start_execution(host)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the daemons, and remove all that they wrote."""
        for process in reversed(self._daemons):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()  # asked to end, the master would take 8 s, and nothing of it is kept
        until(lambda: not any(map(_lives, self._daemons)))
        self._daemons = []
        shutil.rmtree(self._directory, ignore_errors=True)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a client, or a tool."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert not check or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
        return done

    def jobs(self) -> list[str]:
        """Return the ids of all jobs that have not ended."""
        return [line.split()[0] for line in self.run("qstat", "-u", "*").stdout.splitlines()[2:]]

    def _lay_out(self, root: Path, host: str) -> None:
        cell = root / "er" / "common"
        for path in (cell, self._directory / "qmaster" / "job_scripts", self._directory / "spool"):
            path.mkdir(parents=True)
        (self._directory / "execd").mkdir()
        for name in ("bin", "lib", "utilbin"):
            (root / name).symlink_to(_LIBRARY / name)
        (root / "util").symlink_to(_SHARE / "util")
        (cell / "act_qmaster").write_text(f"{host}\n")
        # The address of a name that /etc/hosts has on 127.0.0.1 is called localhost: they are one host.
        (cell / "host_aliases").write_text(f"{host} localhost\n")
        (cell / "bootstrap").write_text(_BOOTSTRAP.format(directory=self._directory))
        self.run("chown", "-R", "sgeadmin:sgeadmin", str(self._directory))
        init = str(_SHARE / "scripts" / "init_cluster")
        self._as_admin(init, str(root), "er", str(self._directory / "spool"), "sgeadmin")

    def _start_master(self, host: str) -> None:
        self._daemon("sge_qmaster", lambda: [self._directory / "qmaster" / "qmaster.pid"])
        until(lambda: self._as_admin("qconf", "-sm", check=False).returncode == 0)
        self._as_admin("qconf", "-ah", host, check=False)  # a host that is one already is an error
        self._as_admin("qconf", "-as", host)

    def _configure(self, host: str) -> None:
        spool = {"execd_spool_dir": str(self._directory / "execd"), "gid_range": _gid_range()}
        self._change("-sconf", "global", "-Mconf", {**_GLOBAL, **spool}, name="global")
        self._change("-ssconf", "", "-Msconf", _SCHEDULER, name="scheduler")
        self._add("-Ae", "host", _EXEC_HOST.format(host=host))
        self._add("-Ap", "parallel", _PARALLEL)
        for name, slots in (("all.q", "8"), ("tiny.q", "1")):
            changes = {**_QUEUE, "qname": name, "hostlist": host, "slots": slots}
            self._change("-sq", "", "-Aq", changes, name=name)

    def _start_execution(self, host: str) -> None:
        self._daemon("sge_execd", lambda: list((self._directory / "execd").glob("*/execd.pid")))

        def ready() -> bool:
            # A queue is in state "au" until its host has said how it is.
            lines = [line.split() for line in self.run("qstat", "-f").stdout.splitlines() if "@" in line]
            return len(lines) == 2 and all(len(fields) == 5 and fields[4] == "lx-amd64" for fields in lines)

        until(ready)

    def _daemon(self, name: str, pid_files: Callable[[], list[Path]]) -> None:
        self.run(f"/usr/sbin/{name}")
        found = until(lambda: [text for path in pid_files() if path.exists() and (text := path.read_text().strip())])
        self._daemons.append(psutil.Process(int(found[0])))

    def _change(self, show: str, what: str, put: str, changes: dict[str, str], *, name: str) -> None:
        """Show an object, and put it back, or as a new one, with other values."""
        said = self._as_admin("qconf", show, *filter(None, [what])).stdout.replace("\\\n", " ")
        lines = [line.split(maxsplit=1) for line in said.splitlines() if line.strip()]
        text = "".join(f"{key} {changes.get(key, ' '.join(value))}\n" for key, *value in lines)
        self._add(put, name, text)

    def _add(self, option: str, name: str, text: str) -> None:
        path = self._directory / name  # which is what it is called, for some
        path.write_text(text)
        path.chmod(0o644)
        self._as_admin("qconf", option, str(path))

    def _as_admin(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("runuser", "-u", "sgeadmin", "--", *command, check=check)


def _gid_range() -> str:
    first = 50000 + os.getpid() % 100 * 500
    return f"{first}-{first + 400}"


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
