"""Tasks that leave processes behind, in a module that an engine imports in no time."""

from __future__ import annotations


def leave_behind(place: str) -> dict[str, int]:
    """Start what tasks start and forget; return the pids by what is special about each. Runs in an engine."""
    import multiprocessing
    import os
    import signal
    import subprocess
    from pathlib import Path

    sleep = ["sleep", "600"]
    left = {
        "child": subprocess.Popen(sleep).pid,
        "session": subprocess.Popen(sleep, start_new_session=True).pid,
        "stubborn": subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600 & wait; wait"], start_new_session=True).pid,
        "fork": multiprocessing.get_context("fork").Process(target=signal.pause),
    }
    left["fork"].start()
    left["fork"] = left["fork"].pid
    orphan = Path(place, f"orphan-{os.getpid()}")
    subprocess.run(["sh", "-c", f"setsid sleep 600 & echo $! > {orphan}"], check=True)
    left["orphan"] = int(orphan.read_text())
    daemon = Path(place, f"daemon-{os.getpid()}")
    os.mkfifo(daemon)
    if (between := os.fork()) == 0:  # as PEP 3143 has it: no exec, no descriptor, no parent, no environment of its own
        os.setsid()
        if os.fork() == 0:
            os.closerange(0, 4096)
            daemon.write_text(str(os.getpid()))
            signal.pause()
        os._exit(0)
    os.waitpid(between, 0)
    with daemon.open(encoding="ascii") as written:  # a pipe: it waits for the other end
        left["daemon"] = int(written.read())
    return left


def leave_without_trace() -> int:
    """Start a process that knows nothing of where it comes from."""
    import subprocess

    return subprocess.Popen(["sleep", "600"], start_new_session=True, env={}).pid


def leave_on_purpose() -> int:
    import os
    import subprocess

    environment = {**os.environ, "ENGINEROOM_STAYS": "1"}
    return subprocess.Popen(["sleep", "600"], start_new_session=True, env=environment).pid
