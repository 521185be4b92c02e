"""`bsub`, `bjobs` and `bkill` of LSF, as their manuals describe them."""

from __future__ import annotations

import re
import shlex
import signal
import sys

from jobs import ENDED, RUNNING, WAITING, Jobs

_WORDS = {WAITING: "PEND", RUNNING: "RUN"}


def _directives(script: str) -> dict[str, str]:
    words = [word for line in re.findall(r"^#BSUB\s+(.*)$", script, re.MULTILINE) for word in shlex.split(line)]
    return dict(zip(words[::2], words[1::2], strict=True))


def bsub(arguments: list[str]) -> int:
    """Take the script on stdin."""
    jobs, script = Jobs(), sys.stdin.read()
    told = {**_directives(script), **dict(zip(arguments[::2], arguments[1::2], strict=True))}
    if told.get("-q") == "nope":
        print("nope: No such queue. Job not submitted.", file=sys.stderr)
        return 255
    array = re.fullmatch(r"(?P<name>.+?)(?:\[1-(?P<n>\d+)\])?", told["-J"])
    assert array is not None
    number = jobs.next_number()
    path = jobs.directory / f"{number}.script"
    path.write_text(script)
    elements = range(1, int(array["n"]) + 1) if array["n"] else [0]
    processes = [
        {
            "argv": ["sh", str(path)],
            "environment": {"LSB_JOBID": str(number), "LSB_JOBINDEX": str(index), "LSB_JOBNAME": array["name"]},
            "stdout": told["-o"].replace("%I", str(index)).replace("%J", str(number)),
        }
        for index in elements
    ]
    jobs.submit(processes, number=number, description=told.get("-Jd", ""), array=bool(array["n"]))
    queue = f"queue <{told['-q']}>" if "-q" in told else "default queue <normal>"
    print(f"Job <{number}> is submitted to {queue}.")
    return 0


def bjobs(arguments: list[str]) -> int:
    """Print the fields that are asked for; of jobs that ended, too, if they are named."""
    jobs = Jobs()
    jobs.start_what_may()
    fields = arguments[arguments.index("-o") + 1].split()
    delimiter = " "
    if fields[-1].startswith("delimiter="):
        delimiter = fields.pop().partition("=")[2].strip("'")
    numbers = [int(word) for word in arguments[arguments.index("-o") + 2 :]]
    for number in numbers or jobs.numbers():
        job = jobs.job(number)
        if job is None:
            print(f"Job <{number}> is not found", file=sys.stderr)
            continue
        for state, code in jobs.states(number):
            if numbers or state != ENDED:
                values = _values(jobs, number, job, state, code)
                print(delimiter.join(values[field] for field in fields))
    return 255 if any(jobs.job(number) is None for number in numbers) else 0


def _values(jobs: Jobs, number: int, job: dict[str, object], state: str, code: int) -> dict[str, str]:
    ended = state == ENDED
    reason = jobs.said(f"{number}.reason") or ("TERM_OWNER: job killed by owner" if job.get("canceled") else "")
    return {
        "jobid": str(number),
        "stat": _WORDS.get(state) or ("EXIT" if code else "DONE"),
        "exit_code": str(code if code >= 0 else 128 - code) if ended and code else "-",
        "exit_reason": reason if ended and code and reason else "-",
        "pend_reason": jobs.said("hold") or "-" if state == WAITING else "-",
        "job_description": str(job["description"]) or "-",
    }


def bkill(arguments: list[str]) -> int:
    """End jobs, or signal them."""
    jobs, code = Jobs(), 0
    signum = signal.SIGKILL
    if arguments[0] == "-s":
        signum = signal.Signals[f"SIG{arguments[1].removeprefix('SIG')}"]
        arguments = arguments[2:]
    for word in arguments:
        number = int(word)
        if jobs.job(number) is None:
            print(f"Job <{number}>: No matching job found", file=sys.stderr)
            code = 255
        elif all(state == ENDED for state, _ in jobs.states(number)):
            print(f"Job <{number}>: Job has already finished", file=sys.stderr)
            code = 255
        elif signum == signal.SIGKILL:
            jobs.cancel(number)
            print(f"Job <{number}> is being terminated")
        else:
            jobs.signal(number, signum)
            print(f"Job <{number}> is being signaled")
    return code


def main(arguments: list[str]) -> int:
    return {"bsub": bsub, "bjobs": bjobs, "bkill": bkill}[sys.argv[0]](arguments)
