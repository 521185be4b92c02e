"""`job` of Windows HPC Server, as its manual describes it."""

from __future__ import annotations

import re
import shlex
import sys
from xml.etree import ElementTree as ET

from jobs import ENDED, RUNNING, Jobs

_SPACE = "{http://schemas.microsoft.com/HPCS2008/scheduler/}"


def _option(arguments: list[str], name: str) -> str:
    return next((each.partition(":")[2] for each in arguments if each.lower().startswith(f"/{name}:")), "")


def _submit(jobs: Jobs, arguments: list[str]) -> int:
    root = ET.parse(_option(arguments, "jobfile")).getroot()
    if root.tag != f"{_SPACE}Job":
        print("The job file is not valid.")
        return 1
    if jobs.said("reject"):
        print(jobs.said("reject"))
        return 1
    processes = [
        {
            "argv": shlex.split(task.attrib["CommandLine"]),
            "cwd": task.get("WorkDirectory"),
            "stdout": task.attrib["StdOutFilePath"],
            "stderr": task.attrib["StdErrFilePath"],
            "environment": {
                variable.findtext(f"{_SPACE}Name"): variable.findtext(f"{_SPACE}Value")
                for variable in task.iter(f"{_SPACE}Variable")
            },
        }
        for task in root.iter(f"{_SPACE}Task")
    ]
    print(f"Job has been submitted. ID: {jobs.submit(processes, name=root.get('Name'))}.")
    return 0


def _view(jobs: Jobs, number: int) -> int:
    jobs.start_what_may()
    job = jobs.job(number)
    assert job is not None
    states = jobs.states(number)
    reason = ""
    if job.get("canceled"):
        state = "Canceled" if all(state == ENDED for state, _ in states) else "Canceling"
    elif not job["started"]:
        state, reason = "Queued", f"Pending Reason                  : {jobs.said('hold')}"
    elif any(state == RUNNING for state, _ in states):
        state = "Running"
    elif failed := [code for _, code in states if code]:
        state, reason = "Failed", f"Error Message                   : Task failed with exit code {failed[0]}."
    else:
        state = "Finished"
    print(f"Id                              : {number}")
    print(f"Name                            : {job['name']}")
    print(f"State                           : {state}")
    print("Priority                        : Normal")
    print(reason)
    return 0


def _cancel(jobs: Jobs, number: int) -> int:
    if all(state == ENDED for state, _ in jobs.states(number)):
        print(f"Job {number} can't be canceled: it has ended.")
        return 1
    jobs.cancel(number)
    print(f"Job {number} has been canceled.")
    return 0


def main(arguments: list[str]) -> int:
    jobs = Jobs()
    wanted = jobs.said("head_node")
    if wanted != _option(arguments, "scheduler"):
        print(f"The head node {_option(arguments, 'scheduler')} can't be reached.")
        return 1
    verb, *rest = arguments
    if verb == "submit":
        return _submit(jobs, rest)
    if not re.fullmatch(r"\d+", rest[0]) or jobs.job(int(rest[0])) is None:
        print(f"The job {rest[0]} does not exist.")
        return 1
    return {"view": _view, "cancel": _cancel}[verb](jobs, int(rest[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
