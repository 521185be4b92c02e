"""`condor_submit`, `condor_q`, `condor_history` and `condor_rm` of HTCondor, as their manuals describe them."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from jobs import ENDED, RUNNING, Jobs


def _words(value: str) -> list[str]:
    """Return the words of `arguments` or `environment`: in double quotes, with single quotes around blanks."""
    assert value[0] == value[-1] == '"', value
    text = value[1:-1].replace('""', '"')
    words, word, inside, index = [], None, False, 0
    while index < len(text):
        char = text[index]
        if char == "'" and inside and text[index + 1 : index + 2] == "'":
            word, index = (word or "") + "'", index + 1
        elif char == "'":
            inside, word = not inside, word or ""
        elif char.isspace() and not inside:
            words += [word] if word is not None else []
            word = None
        else:
            word = (word or "") + char
        index += 1
    return words + ([word] if word is not None else [])


def submit(arguments: list[str]) -> int:
    """Take a description."""
    jobs = Jobs()
    told: dict[str, str] = {"environment": '""', "arguments": '""'}
    n = 0
    for line in Path(arguments[-1]).read_text().splitlines():
        if queue := re.fullmatch(r"\s*queue\s*(\d*)\s*", line):
            n = int(queue[1] or 1)
        elif line.strip() and not line.lstrip().startswith("#"):
            key, equals, value = line.partition("=")
            assert equals, f"no description: {line}"
            told[key.strip().lower()] = value.strip()
    if not Path(told["executable"]).exists() or told.get("accounting_group") == "nope":
        print(f'ERROR: Executable file "{told["executable"]}" is not there', file=sys.stderr)
        return 1
    number = jobs.next_number()

    def process(index: int) -> dict[str, Any]:
        def filled(key: str) -> str:
            text = told[key].replace("$(Process)", str(index)).replace("$(Cluster)", str(number))
            return text.replace("$(DOLLAR)", "$")

        return {
            "argv": [filled("executable"), *_words(filled("arguments"))],
            "cwd": told.get("initialdir"),
            "environment": dict(word.split("=", 1) for word in _words(filled("environment"))),
            "stdout": filled("output"),
            "stderr": filled("error"),
        }

    name = arguments[arguments.index("-batch-name") + 1] if "-batch-name" in arguments else ""
    jobs.submit([process(index) for index in range(n)], number=number, name=name)
    print(f"Submitting job(s){'.' * n}\n{n} job(s) submitted to cluster {number}.")
    return 0


def _rows(jobs: Jobs, number: int, *, ended: bool) -> list[dict[str, str]]:
    job = jobs.job(number)
    rows = []
    for index, (state, code) in enumerate(jobs.states(number) if job is not None else ()):
        assert job is not None
        if (state == ENDED) is not ended:
            continue
        held = jobs.said("held") if state not in {RUNNING, ENDED} else ""
        status = "2" if state == RUNNING else "5" if held else "1"
        why = jobs.said(f"{number}.reason") or ("via condor_rm (by user me)" if job.get("canceled") else "")
        rows.append(
            {
                "ClusterId": str(number),
                "ProcId": str(index),
                "JobStatus": ("3" if why else "4") if ended else status,
                "HoldReason": held or "undefined",
                "JobBatchName": job["name"] or "undefined",
                "ExitBySignal": str(code < 0).lower() if ended and not why else "undefined",
                "ExitCode": str(code) if ended and not why and code >= 0 else "undefined",
                "ExitSignal": str(-code) if ended and not why and code < 0 else "undefined",
                "RemoveReason": why or "undefined",
            }
        )
    return rows


def show(arguments: list[str], *, ended: bool) -> int:
    """Print the attributes that are asked for: of jobs that have ended, or of those that have not."""
    jobs = Jobs()
    jobs.start_what_may()
    fields = arguments[arguments.index("-af") + 1 :]
    numbers = [int(word) for word in arguments[: arguments.index("-af")]]
    for number in numbers or jobs.numbers():
        for row in _rows(jobs, number, ended=ended):
            print(" ".join(row[field] for field in fields))
    return 0


def remove(arguments: list[str]) -> int:
    """End jobs."""
    jobs, code = Jobs(), 0
    for word in arguments:
        if jobs.job(int(word)) is None or all(state == ENDED for state, _ in jobs.states(int(word))):
            print(f"Couldn't find/remove all jobs in cluster {word}", file=sys.stderr)
            code = 1
        else:
            jobs.cancel(int(word))
            print(f"All jobs in cluster {word} have been marked for removal")
    return code


def main(arguments: list[str]) -> int:
    match sys.argv[0]:
        case "condor_submit":
            return submit(arguments)
        case "condor_q":
            return show(arguments, ended=False)
        case "condor_history":
            return show(arguments, ended=True)
        case _:
            return remove(arguments)
