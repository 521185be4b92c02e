"""`%autopx`: cells go to the engines until it is said again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_STAYS = re.compile(r"\s*%{1,2}(autopx|px|result|load_ext|reload_ext)")
"""Cells that run here all the same: those that begin with a magic of ours, perhaps below comments."""
_SWITCH = re.compile(r"%autopx")


class ToEngines:
    """An input transformer that puts `%%px` above each cell. History and numbers stay IPython's."""

    has_side_effects = True
    """IPython leaves it out when it only looks whether a cell is complete."""

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix

    def __call__(self, lines: list[str]) -> list[str]:
        begins = next((line for line in lines if _says_something(line)), "")
        if not "".join(lines).strip() or _STAYS.match(begins):
            return lines
        place = _switched_at(lines)
        if place is None:
            return [f"%%px{self.suffix}\n", *lines]
        above = "".join(lines[:place])
        return [f"get_ipython().run_cell_magic({f'px{self.suffix}'!r}, '', {above!r})\n", *lines[place:]]


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _switched_at(lines: list[str]) -> int | None:
    """Return the number of the line with `%autopx`, from which on a cell runs here; None: there is none."""
    if not any(map(_SWITCH.match, lines)):
        return None
    from IPython.core.inputtransformer2 import TransformerManager  # only now needed

    for place, line in enumerate(lines):
        if _SWITCH.match(line):
            state, _ = TransformerManager().check_complete("".join(lines[:place]))  # type: ignore[no-untyped-call]
            if state != "incomplete":  # or it stands in a string
                return place
    return None


def toggle(shell: Any, suffix: str) -> None:
    """Have cells sent to the engines of `%px` with this suffix; or no longer, if they are."""
    transformers: list[Any] = shell.input_transformers_cleanup
    before = [each for each in transformers if isinstance(each, ToEngines)]
    for each in before:
        transformers.remove(each)
    if any(each.suffix == suffix for each in before):
        print(f"%autopx{suffix} disabled: cells run here")
        return
    transformers.append(ToEngines(suffix))
    print(f"%autopx{suffix} enabled: cells run on the engines until you run %autopx{suffix} again")


@contextmanager
def paused(shell: Any) -> Iterator[None]:
    """A context in which cells run here, whatever %autopx says."""
    transformers: list[Any] = shell.input_transformers_cleanup
    before = list(transformers)
    transformers[:] = [each for each in before if not isinstance(each, ToEngines)]
    try:
        yield
    finally:
        transformers[:] = before


def is_on(shell: Any, suffix: str) -> bool:
    """Whether cells are sent to the engines of `%px` with this suffix."""
    return any(isinstance(each, ToEngines) and each.suffix == suffix for each in shell.input_transformers_cleanup)
