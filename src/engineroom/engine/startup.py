"""What an engine does before it registers: set up its environment and run the user's start-up code."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

from engineroom.engine.config import EngineConfig
from engineroom.engine.ipython_startup import APPLICATION, IPythonStart
from engineroom.engine.mpi import Rank
from engineroom.engine.namespace import Names, Namespace
from engineroom.machine.processes import boot_id, host_name, pid_namespace
from engineroom.protocol.messages import EngineInfo
from engineroom.protocol.texts import brief

log = logging.getLogger(__name__)


def prepare_surroundings(config: EngineConfig) -> str:
    """Set environment, module path and working directory; return "" or what went wrong."""
    os.environ.update(config.environment)
    known = set(sys.path)
    sys.path[:0] = [directory for directory in config.sys_path if directory not in known]
    if config.work_dir:
        try:
            os.chdir(config.work_dir)
        except OSError as error:
            return f"work_dir: {error}"
    return ""


def run_startup_code(config: EngineConfig, namespace: Namespace) -> list[str]:
    """Run what Python and IPython run at their start, then the script and the command, in the user's namespace.

    Return what went wrong, in words.
    """

    def run_script(path: str) -> None:
        _run_script(path, namespace.names)

    options = config.ipython.get(APPLICATION, {})
    problems = []
    if (file := os.environ.get("PYTHONSTARTUP")) and options.get("exec_PYTHONSTARTUP", True):
        problems.append(_attempt(f"$PYTHONSTARTUP {file}", lambda: run_script(file)))
    ipython = IPythonStart(namespace, run_script)
    problems += [_attempt(what, act) for what, act in ipython.steps(config.profile_dir, options)]
    if config.startup_script:
        script = config.startup_script
        problems.append(_attempt(f"startup_script {script}", lambda: run_script(script)))
    if config.startup_command:
        command = config.startup_command
        problems.append(_attempt("startup_command", lambda: run_code(command, "<startup_command>", namespace)))
    return [problem for problem in problems if problem]


def describe_engine(config: EngineConfig, problems: list[str], rank: Rank | None = None) -> EngineInfo:
    """Return the description of this process for the controller."""
    place = rank or Rank(-1, 0)
    resources = ({"memory": float(config.memory_limit)} if config.memory_limit else {}) | config.resources
    return EngineInfo(
        pid=os.getpid(),
        host=brief(host_name(), 255),
        boot_id=boot_id(),
        pid_namespace=pid_namespace(),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        work_dir=brief(_working_directory()),
        problem=brief("; ".join(problems)),
        launch=config.launch,
        mpi_rank=place.rank,
        mpi_size=place.size,
        resources=tuple(sorted(resources.items())),
        tags=tuple(config.tags),
    )


def _working_directory() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


def _attempt(what: str, act: Callable[[], object]) -> str:
    log.info("running start-up code: %s", what)  # if it never ends, this is all that the log says
    try:
        act()
    except BaseException as error:  # the user's code: the engine starts, and says what was wrong
        log.exception("start-up code failed: %s", what)
        return f"{what}: {type(error).__name__}: {error}"
    return ""


def _run_script(path: str, names: Names) -> None:
    code = compile(Path(path).read_bytes(), path, "exec")
    names["__file__"] = path
    try:
        exec(code, names)
    finally:
        names.pop("__file__", None)


def run_code(command: str, file: str, namespace: Namespace) -> None:
    """Run `command` in the user's namespace; `file`: its name in tracebacks."""
    try:
        code = compile(command, file, "exec")
    except SyntaxError:
        namespace.execute({"code": command, "silent": True}).raise_error()  # IPython's own syntax, perhaps
        return
    exec(code, namespace.names)
