"""Options on another machine: those of its own files, then what we say for all, then what the user says for it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar

from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.reading import read_arguments, read_files

_App = TypeVar("_App", bound=BaseParallelApplication)

_SECTION = "BaseParallelApplication"


def layered(cls: type[_App], ours: Sequence[str], theirs: Sequence[str]) -> _App:
    """Return a `cls` with the options of both command lines, of which `theirs` wins, over those of its profile's files.

    OptionError: one of them makes no sense.
    """
    first = cls()
    read_arguments(first, ours)
    said = deepcopy(first.cli_config)
    app = cls()
    read_arguments(app, theirs)
    if app.cli_config.get(_SECTION, {}).get("profile"):
        said[_SECTION].pop("profile_dir", None)  # which would count more
    said.merge(app.cli_config)
    app.cli_config = said
    app.update_config(said)
    read_files(app)
    return app


def says(arguments: Sequence[str], *names: str) -> bool:
    """Whether `arguments` have one of the options `names`."""
    return any(argument.partition("=")[0].lstrip("-") in names for argument in arguments)
