"""The script of a job: from a template or by default, with the variables that it needs."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engineroom.cluster.launchers.launcher import CONTROLLER, Command
from engineroom.cluster.launchers.systems.system import BatchSystem
from engineroom.cluster.launchers.templates import find_template, render
from engineroom.machine.logs import end_of
from engineroom.machine.own_files import read_code
from engineroom.machine.private_files import write_private
from engineroom.settings.launchers import BatchSystemLauncher
from engineroom.settings.profiles import tail

_SHELL = "#!/bin/sh"

_PLAIN = re.compile(r"[\w./+=@~-]*")
"""Paths that every system's directives can have."""

_ODD, _VARIABLE = re.compile(r"[\s,'\"]"), re.compile(r"[$%^]")

_LAST_BYTES, _LAST_LINES, _LAST_CHARACTERS = 4096, 3, 200
"""How much of a job's output is looked at for its last words, and shown of them."""


def script_of(system: BatchSystem, options: BatchSystemLauncher, command: Command, *, n: int) -> str:
    """Return the script of one job with `n` processes of `command`; LaunchError: its template is not there, or wrong.

    `options.batch_template` counts most, then `batch_template_file`, then the system's own script.
    """
    array = command.role != CONTROLLER and n > 1
    fields = fields_of(system, options, command, n=n)
    template, name = options.batch_template, "batch_template"
    if not template and options.batch_template_file:
        path = find_template(options.batch_template_file, [Path.cwd(), Path(command.profile_dir)])
        template, name = read_code(path).decode("utf-8"), str(path)
    redirect = _redirect(system, options, command, n=n) if not template or _asks_for_output(template) else ""
    if redirect:
        fields["output_file"] = os.devnull
    given = render(template, fields, name=name) if template else ""
    text = given or _default(system, fields, role=command.role, array=array)
    return with_environment(text, system, command.environment, first=[redirect] if redirect else [])


def _redirect(system: BatchSystem, options: BatchSystemLauncher, command: Command, *, n: int) -> str:
    """Return the line by which a job writes its log itself, where no directive can name that file; "" if one can.

    Each system takes blanks, commas, colons, quotes or its own variables in the path for something else, and has no
    way to write all of them; a shell has.
    """
    if system.shebang != _SHELL:
        return ""
    if options.output_file:  # it may have the system's own variables, and HOST:PATH may be meant
        odd = system.array_variable and _ODD.search(options.output_file) and not _VARIABLE.search(options.output_file)
        return f"exec >{shlex.quote(options.output_file)} 2>&1" if odd else ""
    if _PLAIN.fullmatch(command.log_file):
        return ""
    suffix = ""
    if n < command.n:
        suffix = system.split_variable
    elif command.role != CONTROLLER and n > 1:
        suffix = system.array_variable
    return f"exec >{shlex.quote(command.log_file)}{suffix} 2>&1"


def _asks_for_output(template: str) -> bool:
    """Whether a template of the user's own, for a shell that can redirect itself, names the output file."""
    return re.search(r"\{[^}]*\boutput_file\b", template) is not None and not _is_csh(template)


def fields_of(system: BatchSystem, options: BatchSystemLauncher, command: Command, *, n: int) -> dict[str, Any]:
    """Return what a template may use."""
    program, *arguments = command.argv
    by_task = system.array_output if command.role != CONTROLLER and n > 1 else ""
    usual = f"{command.log_file}{system.split_output if n < command.n else by_task}" if command.log_file else ""
    role = "ipcontroller" if command.role == CONTROLLER else "ipengine"
    return {
        "n": n,
        "queue": options.queue,
        "account": options.account,
        "qos": getattr(options, "qos", ""),
        "timelimit": _time(system, options.timelimit),
        "options": options.options,
        "profile_dir": command.profile_dir,
        "cluster_id": command.cluster_id,
        "output_file": options.output_file or usual,
        "work_dir": command.work_dir,
        "program": shlex.quote(program),
        "program_args": shlex.join(arguments),
        "program_and_args": shlex.join(command.argv),
        "environment_json": json.dumps(dict(command.environment)),
        "job_name": re.sub(r"[^\w.-]", "_", f"{role}{tail(command.cluster_id)}")[: system.name_length],
        "quote": shlex.quote,
        **system.fields(command),
        **options.namespace,
    }


def with_environment(text: str, system: BatchSystem, variables: Mapping[str, str], first: Sequence[str] = ()) -> str:
    """Return the script `text` with the lines `first` and with `variables` set after its last directive.

    They are there even on systems that give a job nothing of the environment in which it was submitted.
    """
    if system.shebang and not text.startswith("#!"):
        text = f"{system.shebang}\n{text}"
    lines = text.splitlines()
    settings = [*first, *_settings(system, text, variables)]
    after = 0
    for number, line in enumerate(lines, 1):
        in_head = after == number - 1 and line.startswith("#")
        if line.lstrip().startswith(system.prefix) if system.prefix else in_head:
            after = number
    if system.shebang:
        after = max(after, 1)
    return "\n".join([*lines[:after], *settings, *lines[after:]]) + "\n"


def script_path(options: BatchSystemLauncher, system: BatchSystem, command: Command) -> Path:
    """Return where the script of a start is written: in the profile's directory, by system, role, cluster and set."""
    role = "controller" if command.role == CONTROLLER else "engines"
    name = options.batch_file_name or f"{system.name.lower().replace(' ', '_')}_{role}"
    return Path(command.profile_dir) / f"{name}{tail(command.cluster_id)}{tail(command.launch.set)}"


def write_script(path: Path, text: str) -> None:
    """Write a script, for its owner only."""
    write_private(path, text.encode())
    path.chmod(0o700)


def last_words(path: str, lines: int = _LAST_LINES) -> str:
    """Return the last lines that a job printed, as one, "" if they are not to be had (here, or yet).

    Not more than `lines`, and few in any case.
    """
    found = [line.strip() for line in end_of(path, _LAST_BYTES).split("\n")]
    said = [line[:_LAST_CHARACTERS] for line in found if line]
    most = min(lines, _LAST_LINES)
    return " / ".join(said[-most:]) if most else ""


def written_last(path: str) -> int | None:
    """Return when a file was written last, None if it is not there."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None


def remove_script(path: str) -> None:
    """Remove a script that has done its work."""
    Path(path).unlink(missing_ok=True)


def _default(system: BatchSystem, fields: Mapping[str, Any], *, role: str, array: bool) -> str:
    lines = [system.shebang] if system.shebang else []
    lines += [line for field, line in system.directives if fields.get(field)]
    lines.append(system.tasks if array else system.alone)
    if fields["work_dir"] and system.change_directory:
        lines.append(system.change_directory)
    lines.append(system.controller if role == CONTROLLER else system.engines)
    return render("\n".join(filter(None, lines)) + "\n", fields, name=f"the script for {system.name}")


def _settings(system: BatchSystem, text: str, variables: Mapping[str, str]) -> list[str]:
    """Return the lines that set `variables` in the language of the script `text`."""
    first = text.partition("\n")[0]
    if _is_csh(text):
        return [f"setenv {name} {shlex.quote(value)}" for name, value in variables.items()]
    if first.startswith("#!") and not re.search(r"sh\b", first):
        return []  # a script in Python or the like sets what it needs by itself
    return system.environment(variables)


def _is_csh(script: str) -> bool:
    first = script.partition("\n")[0]
    return bool(re.search(r"\bt?csh\b", first) or re.search(r"^#\S*\s+-S\s+\S*csh\b", script, re.MULTILINE))


def _time(system: BatchSystem, limit: object) -> str:
    words = "" if limit is None else str(limit)
    return system.minutes(int(words)) if words.isdigit() else words
