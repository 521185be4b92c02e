"""What IPython runs when it starts, run when the engine starts: its start-up files, and what its options name.

IPython itself is loaded only if there is any of that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from engineroom.engine.namespace import Namespace
from engineroom.machine.own_files import read_code

Step = tuple[str, Callable[[], object]]
"""What is run, in words, and what runs it."""

APPLICATION = "InteractiveShellApp"

_SYSTEM = ("/etc/ipython", "/usr/local/etc/ipython") if sys.platform != "win32" else ()


class IPythonStart:
    """The steps of IPython's start; `run_script` runs a Python file in the namespace."""

    def __init__(self, namespace: Namespace, run_script: Callable[[str], object]) -> None:
        self._namespace, self._run_script = namespace, run_script

    def steps(self, profile_dir: str, options: Mapping[str, Any]) -> Iterator[Step]:
        """Yield what is to be run, in IPython's order. `options`: of `InteractiveShellApp`."""
        extensions = (*options.get("extensions", ()), *options.get("extra_extensions", ()))
        yield from _each("extension", extensions, self._load)
        for kind in ("pylab", "matplotlib", "gui"):
            yield from _each(kind, filter(None, [options.get(kind)]), partial(self._enable, kind))
        yield from _each("start-up file", startup_files(profile_dir), self._run_found)
        yield from _each("exec_lines", options.get("exec_lines", ()), self._run_cell)
        files = (*options.get("exec_files", ()), *filter(None, [options.get("file_to_run")]))
        yield from _each("file", files, self._run_file)
        yield from _each("code_to_run", filter(None, [options.get("code_to_run")]), self._run_cell)
        yield from _each("module", filter(None, [options.get("module_to_run")]), self._run_module)

    def _load(self, extension: str) -> None:
        shell: Any = self._namespace.cells().shell
        shell.extension_manager.load_extension(extension)

    def _enable(self, kind: str, backend: str) -> None:
        shell: Any = self._namespace.cells().shell
        getattr(shell, f"enable_{kind}")(backend)

    def _run_found(self, path: str) -> None:
        read_code(Path(path))  # nobody has named it: it must not be somebody else's
        self._run_file(path)

    def _run_file(self, path: str) -> None:
        shell: Any = self._namespace.cells().shell  # which these files expect to be there
        path = str(Path(path).expanduser())
        if path.endswith((".ipy", ".ipynb")):
            shell.safe_execfile_ipy(path, raise_exceptions=True)
        else:
            self._run_script(path)

    def _run_cell(self, code: str) -> None:
        self._namespace.execute({"code": code, "silent": True})

    def _run_module(self, name: str) -> None:
        import runpy  # few need it

        self._namespace.names.update(runpy.run_module(name, run_name="__main__"))


def startup_files(profile_dir: str) -> list[str]:
    """Return the start-up files of IPython's profile, and those of this machine."""
    places = [f"{sys.prefix}/etc/ipython", *_SYSTEM]
    directories = [Path(place) / "startup" for place in filter(None, [profile_dir, *places])]
    return sorted(str(path) for place in directories for path in _in(place) if path.name.endswith((".py", ".ipy")))


def _in(directory: Path) -> Iterable[Path]:
    try:
        return list(directory.iterdir())
    except OSError:  # most have none, and some may not look into it
        return ()


def _each(what: str, values: Iterable[str], run: Callable[[str], object]) -> Iterator[Step]:
    return ((f"{what} {value}", partial(run, value)) for value in values)
