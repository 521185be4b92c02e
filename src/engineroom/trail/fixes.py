"""What to do about a failure, by the words in which it is told: for those who note one and know no fix themselves."""

from __future__ import annotations

import re

NOT_RECORDED = "tasks are not recorded: "
"""Before what is wrong with a database."""

FIXES: tuple[tuple[str, str], ...] = (
    (r"_config\.py: ", "correct that file"),
    (
        r"is not a connection file|is not JSON|connection file .* can't be read",
        "copy it again from the security directory of the controller's profile, or name another one by --file",
    ),
    (
        r"can't be started: Permission denied",
        "make that program executable (chmod +x), or name another one",
    ),
    (
        r"did not register within",
        "look at their logs with `ipcluster logs`; if they are only slow, raise c.Cluster.engine_timeout",
    ),
    (
        r"accessible to other users|users can write in|no directory for Unix|belongs to (somebody else|user \d+, not)",
        "set ENGINEROOM_SOCKET_DIR to a directory of your own with mode 700",
    ),
    (
        r"(?s)mpi(exec|run).*not enough slots",
        "add '--oversubscribe' to c.MPILauncher.mpi_args, or ask for fewer engines with -n",
    ),
    (
        r"(?s)mpi(exec|run).*run as root",
        "start it as another user, or add '--allow-run-as-root' to c.MPILauncher.mpi_args",
    ),
    (
        r"libmpi\S* cannot open shared object|cannot load MPI library",
        "have LD_LIBRARY_PATH name the directory of the MPI's library, or MPI4PY_MPIABI another MPI (mpich, openmpi)",
    ),
    (
        r"mpi(exec|run)\S* can't be started",
        "install Open MPI or MPICH, or say where it is: c.MPILauncher.mpi_cmd = ['/path/to/mpiexec']",
    ),
    (
        NOT_RECORDED + r".*(disk is full|disk I/O error|No space left|quota)",
        "make room on that disk; what is kept in memory meanwhile is written then",
    ),
    (
        NOT_RECORDED,
        "see to the database; what is kept in memory meanwhile is written once it works",
    ),
    (
        r"No space left on device|ENOSPC|Disk quota exceeded|EDQUOT|File too large|EFBIG",
        "make room on the disk of the profile, or choose a profile elsewhere by --profile-dir or $IPYTHONDIR",
    ),
    (
        r"Read-only file system|EROFS",
        "choose a profile that can be written to, by --profile-dir or $IPYTHONDIR",
    ),
    (
        r"No module named '?(engineroom|msgspec|cloudpickle|traitlets|psutil|setproctitle)\b",
        "install engineroom for the Python that is started there, or name another Python (engine_cmd, remote_python)",
    ),
    (
        r"startup_script|startup_command",
        "correct the start-up code: the engine runs without it; its log has the traceback",
    ),
    (r"work_dir", "create that directory, or name another by --work-dir"),
    (
        r"protocol \d+\.\d+",
        "install the same version of engineroom on both machines",
    ),
    (
        r"another certificate|does not know the key|another key|wrong key|has not the key|from another cluster",
        "fetch the connection file again from the security directory of the controller's profile",
    ),
    (
        r"connection file is stale|its controller .* has ended",
        "start a controller by `ipcluster start` or `ipcontroller`, or fetch its new connection file",
    ),
    (
        r"Cannot assign requested address|EADDRNOTAVAIL",
        "name an address that this machine has (`ip address` lists them) by --ip, or '*' for all",
    ),
    (
        r"Address already in use|EADDRINUSE",
        "choose other ports by --ports, or none: then a free one is taken",
    ),
    (
        r"can't listen on .*(Name or service not known|nodename nor servname|Temporary failure in name resol)",
        "listen on an address of this machine (--ip), or on all of them: --ip='*'",
    ),
    (
        r"Could not resolve hostname|Name or service not known|nodename nor servname|Temporary failure in name resol",
        "correct the host's name, or add it to ~/.ssh/config or /etc/hosts",
    ),
    (
        r"Permission denied \((publickey|password|keyboard)",
        "see that `ssh HOST true` works without a question: add your key by ssh-copy-id or ssh-add",
    ),
    (
        r"Host key verification failed",
        "see whether it is the right machine, then accept its key once by `ssh HOST true`",
    ),
    (
        r"no connection file|there is no connection file",
        (
            "start the controller first; where no directory is shared, copy its ipcontroller-engine.json, and "
            "name it by --file"
        ),
    ),
    (
        r"Connection refused|ECONNREFUSED",
        "see that the controller runs there (`ipcluster list`), and that it listens for other machines: --ip='*'",
    ),
    (
        r"No route to host|EHOSTUNREACH|Network is unreachable|ENETUNREACH|Connection timed out|ETIMEDOUT|no answer in",
        (
            "open the controller's port in the firewall, name an address that can be reached by --location, or tunnel "
            "by --enginessh"
        ),
    ),
    (
        r"(?i:time ?limit|walltime)|\bTIMEOUT\b",
        "ask for more time by the launcher's timelimit",
    ),
    (
        r"(?i)invalid (account|partition|qos|queue)|unknown queue|not allowed|reject",
        "correct the launcher's queue, account or options; `ipcluster start --dry-run` shows the script",
    ),
    (
        r"(?i)out.of.memory|\boom\b",
        "give each engine more memory: fewer engines on a machine, or more memory for the job (the launcher's options)",
    ),
    (
        r"killed by SIGKILL",
        "see who did it: the system for want of memory (`dmesg`, `journalctl -k`), a limit of the machine, or somebody",
    ),
    (
        r"(?i)cancelled|killed by|job .*killed",
        "see who ended it (the batch system's accounting, the machine's log), and start again",
    ),
    (
        r"Permission denied|EACCES|not writable",
        "make the directory yours and writable, or choose another profile by --profile, --profile-dir or $IPYTHONDIR",
    ),
    (
        r"can't be run: no directory of \$PATH has it",
        "start where that command is installed, or set its full path in the options of the launcher",
    ),
    (
        r"No such file or directory|ENOENT|command not found|not found",
        "correct the path: it must exist on the machine where it is started",
    ),
)
"""Regular expressions, the first that is found counting, and what to do."""


def fix_for(words: str) -> str:
    """Return what to do about a failure told in `words`; "" if that is not known."""
    return next((fix for pattern, fix in FIXES if re.search(pattern, words)), "")


def advice_for(words: str) -> str:
    """Return what to do as a line for the end of an error's text; "" if it is not known."""
    fix = fix_for(words)
    return f"\nfix: {fix}" if fix else ""
