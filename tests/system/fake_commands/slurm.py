"""`sbatch`, `srun`, `squeue`, `scontrol` and `scancel` of Slurm, as far as they are needed here.

A file `N.state` has job N be in that state, whatever its processes do: `TIMEOUT`, `CANCELLED`, `OUT_OF_MEMORY`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from jobs import ENDED, WAITING, Jobs


def main(argv: list[str]) -> int:
    """Be the command that we are called by; return the exit code."""
    return {"sbatch": _sbatch, "srun": _srun, "squeue": _squeue, "scontrol": _scontrol, "scancel": _scancel}[
        Path(sys.argv[0]).name
    ](argv)


def _sbatch(argv: list[str]) -> int:
    jobs = Jobs()
    if jobs.said("reject"):
        print(f"sbatch: error: Batch job submission failed: {jobs.said('reject')}", file=sys.stderr)
        return 1
    script = Path(argv[-1])
    said = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", script.read_text(), re.MULTILINE))
    number = jobs.next_number()
    output = said.get("output", "/dev/null").replace("%j", str(number))
    process = {
        "argv": ["/bin/sh", str(script)],
        "environment": {"SLURM_NTASKS": said.get("ntasks", "1")},
        "stdout": output,
        "stderr": output,
    }
    comment = next((each.partition("=")[2] for each in argv if each.startswith("--comment=")), "")
    print(f"Submitted batch job {jobs.submit([process], number=number, comment=comment)}")
    return 0


def _srun(argv: list[str]) -> int:
    while argv[0].startswith("-"):
        argv = argv[1:]
    tasks = [subprocess.Popen(argv) for _ in range(int(os.environ.get("SLURM_NTASKS", "1")))]
    return max(task.wait() for task in tasks)


def _squeue(argv: list[str]) -> int:
    jobs = Jobs()
    jobs.start_what_may()
    asked = next((each.partition("=")[2].split(",") for each in argv if each.startswith("--jobs=")), None)
    for number in jobs.numbers() if asked is None else map(int, asked):
        job = jobs.job(number)
        assert job is not None
        if "--format=%i %k" in argv:
            print(number, job["comment"])
        else:
            state = _state(jobs, number)
            reason = jobs.said("hold") if state == "PENDING" else "None"
            print(f"{number}|{state}|{reason}")
    return 0


def _state(jobs: Jobs, number: int) -> str:
    job = jobs.job(number)
    assert job is not None
    [(state, code)] = jobs.states(number)
    if told := jobs.said(f"{number}.state"):
        return told
    if job.get("canceled"):
        return "CANCELLED"
    if state == ENDED:
        return "FAILED" if code else "COMPLETED"
    return "PENDING" if state == WAITING else "RUNNING"


def _scontrol(argv: list[str]) -> int:
    jobs, number = Jobs(), int(argv[-1])
    [(_, code)] = jobs.states(number)
    exit_code = f"0:{-code}" if code < 0 else f"{code}:0"
    print(f"JobId={number} JobState={_state(jobs, number)} ExitCode={exit_code}")
    return 0


def _scancel(argv: list[str]) -> int:
    for number in argv:
        if number.isdigit():
            Jobs().cancel(int(number))
    return 0
