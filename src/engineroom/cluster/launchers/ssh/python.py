"""Which Python of another machine is used: the one that is configured, or the first that can import engineroom."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

NONE_FITS = 125
"""What the shell there exits with when none of several can import engineroom."""

TRIED = "engineroom: tried "
"""How the line on its stderr begins that names them all."""

_ENVIRONMENTS = (
    *("~/.conda/envs", "~/miniconda3/envs", "~/miniforge3/envs", "~/mambaforge/envs", "~/anaconda3/envs"),
    *("~/micromamba/envs", "/opt/conda/envs", "~/.virtualenvs", "~/.pyenv/versions", "~"),
)
"""Where environments are usually kept, each by its name."""


def candidates(environment: Mapping[str, str] = os.environ, *, script: bool = False) -> list[str]:
    """Return the Pythons to try where none is configured, the best first.

    They are this interpreter's path, for the file system may be shared or machines be alike; the active environment's
    name, where such environments usually are; and what the PATH there has. `script`: a script there has put its own
    environment first on that PATH.
    """
    on_path = ["python3", "python"]
    here = [sys.executable, *_in_home(sys.executable)]
    named = [f"{place}/{name}/bin/python" for name in _names(environment) for place in _ENVIRONMENTS]
    found = [*on_path, *here, *named] if script else [*here, *named, *on_path]
    return list(dict.fromkeys(filter(None, found)))


def _in_home(path: str) -> Iterator[str]:
    """Yield the same path below another home directory."""
    try:
        yield f"~/{Path(path).relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return


def _names(environment: Mapping[str, str]) -> Iterator[str]:
    for variable in ("CONDA_DEFAULT_ENV", "VIRTUAL_ENV"):
        name = environment.get(variable, "").rstrip("/").rpartition("/")[2]
        if name and name != "base":
            yield name
    if sys.prefix != sys.base_prefix:
        yield Path(sys.prefix).name


def choosing(pythons: list[str], version: str) -> str:
    """Return the lines of a shell, as one, that set `python` to the first that can import engineroom `version`.

    If none can, the shell says what each said, in one line on its stderr, and exits with `NONE_FITS`.
    """
    series = ".".join(version.split(".")[:2])
    test = (
        f"import engineroom, sys; v = engineroom.__version__; v.startswith('{series}.') or sys.exit('engineroom ' + v)"
    )
    return (
        "python=; tried=; "
        f"for each in {' '.join(map(quoted, pythons))}; do "
        'if ! command -v "$each" >/dev/null 2>&1; then tried="$tried; $each: not found"; continue; fi; '
        f'if said=$("$each" -P -c {shlex.quote(test)} 2>&1 </dev/null); then python=$each; break; fi; '
        'tried="$tried; $each: $(printf %s "$said" | tail -n 1)"; done; '
        f'if [ -z "$python" ]; then echo "{TRIED}${{tried#; }}" >&2; exit {NONE_FITS}; fi'
    )


def quoted(path: str) -> str:
    """Return `path` for a shell; ~ is the home directory there."""
    return f'"$HOME"/{shlex.quote(path[2:])}' if path.startswith("~/") else shlex.quote(path)
