"""`bind_kernel`: make an engine a Jupyter kernel, to which consoles connect."""

from __future__ import annotations

import glob
import importlib.util
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from engineroom.engine.between import place
from engineroom.machine.processes import host_name

if TYPE_CHECKING:
    from engineroom.engine.console_kernel import EngineKernelApp

_bound: dict[int, EngineKernelApp] = {}
"""By process, as user code may fork: the kernel."""


def bind_kernel(*, connection_file: str = "") -> None:
    """Make this engine a Jupyter kernel as well, to which consoles and notebooks connect.

    Call it on an engine: `%px from engineroom import bind_kernel; bind_kernel()`. Then `%px %connect_info` says how to
    connect, and `%px %qtconsole` opens a console. Its cells run in the engine's namespace, between the engine's tasks.
    A second call does nothing. `connection_file`: its name, in Jupyter's runtime directory, or its path; only its owner
    can read it. ImportError: ipykernel is missing. RuntimeError: this is not an engine.
    """
    between = place.between
    if between is None:
        raise RuntimeError(
            "bind_kernel() makes an engine a kernel, and this process is not an engine. Run it on an engine: "
            "`rc[0].execute('import engineroom; engineroom.bind_kernel()')`"
        )
    if os.getpid() in _bound:
        return
    if importlib.util.find_spec("ipykernel") is None:
        raise ImportError(
            "bind_kernel() needs ipykernel on the engine, and it is not installed there. Install it with `pip install "
            "ipykernel`, or use `ipcluster console`, which does not need it"
        )
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("bind_kernel() works only in an engine's main thread, and this is another one")
    shell: Any = between.namespace.get_ipython()
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # else ipykernel's debugger prints advice
    from engineroom.engine.console_kernel import Serving  # ipykernel takes 0.3 s

    _remove_old_files()
    _bound[os.getpid()] = Serving(between, connection_file or f"{_prefix()}{os.getpid()}.json").start()
    for magic in (connect_info, qtconsole):
        shell.register_magic_function(magic, "line")


def connect_info(line: str) -> None:
    """Print how a console connects to this engine."""
    del line
    path = Path(_app().abs_connection_file)
    shown = path.name if str(path.parent) == _runtime_dir() else str(path)
    print(
        f"{path.read_text().rstrip()}\n\n"
        "Paste the above JSON into a file, and connect with:\n"
        "    jupyter console --existing FILE\n"
        "On the engine's machine, connect with:\n"
        f"    jupyter console --existing {shown}\n"
    )


def qtconsole(line: str) -> None:
    """Open a qtconsole that is connected to this engine, on the engine's machine. Arguments are those of qtconsole."""
    from IPython.core.error import UsageError

    if importlib.util.find_spec("qtconsole") is None:
        raise UsageError(
            "qtconsole is not installed on this engine. Install it with `pip install qtconsole`, or use `ipcluster "
            "console` in a terminal"
        )
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise UsageError(
            "this engine has no display on which it could open a window. Use `%connect_info`, or `ipcluster console` "
            "in a terminal"
        )
    import shlex

    from ipykernel.connect import connect_qtconsole

    connect_qtconsole(_app().abs_connection_file, argv=shlex.split(line))


def _prefix() -> str:
    return f"engineroom-{host_name()}-"  # a home directory may be that of many machines


def _remove_old_files() -> None:
    """Remove the connection files of engines of this machine that were killed."""
    for path in Path(_runtime_dir()).glob(f"{glob.escape(_prefix())}*.json"):
        pid = path.stem.removeprefix(_prefix())
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)


def _app() -> EngineKernelApp:
    return _bound[os.getpid()]


def _runtime_dir() -> str:
    from jupyter_core.paths import jupyter_runtime_dir

    return jupyter_runtime_dir()
