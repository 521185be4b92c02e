"""The commented files with options that a new profile gets."""

from __future__ import annotations

import textwrap
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from traitlets import TraitType
from traitlets.config import Configurable

from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.catalogue import FILES
from engineroom.settings.launchers import LAUNCHER_CLASSES
from engineroom.settings.old_names import old_classes_of
from engineroom.settings.option import own_options
from engineroom.settings.winhpc import WINHPC_CLASSES

WIDTH = 100

_HEAD = {
    "ipcluster": "How `ipcluster` and `Cluster()` start a controller and engines. Options of these two may be set here "
    "as well (c.IPController, c.IPEngine): they then count for clusters, not for `ipcontroller` and `ipengine` alone.",
    "ipcontroller": "How the controller runs: where it listens, and who gets the tasks.",
    "ipengine": "How each engine runs: where it finds the controller, and what it does at start.",
}
_USE = (
    "To set an option, remove the # before its line and change the value. An option on the command line counts more "
    "than one in this file; `ipcluster config` shows the values in effect, and who says so."
)


_COMMON = frozenset(name for name, _, _ in own_options(BaseParallelApplication))
_FAMILIES = (*LAUNCHER_CLASSES, *WINHPC_CLASSES)
"""Classes of which each is shown with the options that its parents do not have."""


def config_file(profile_dir: Path, program: str) -> Path:
    """Return the path of the file with the options of `program`."""
    return profile_dir / f"{program}_config.py"


def write_config_file(profile_dir: Path, program: str, *, overwrite: bool = False) -> bool:
    """Write the file, with every option as a comment; return whether it was written: not if it is there already."""
    path = config_file(profile_dir, program)
    if path.exists() and not overwrite:
        return False
    path.write_text(config_text(program), encoding="utf-8")
    return True


def config_text(program: str) -> str:
    """Return the contents of a new file: nothing is set, everything is explained."""
    head = [f"# Configuration of {program}.", "#", *_comment(_HEAD[program]), "#", *_comment(_USE)]
    lines = [*head, "", "c = get_config()  # noqa: F821", ""]
    explained: set[str] = set()
    for cls in FILES[program]:
        lines += _section(cls, explained)
        explained.update(_COMMON.intersection(cls.class_trait_names()))
    return "\n".join(lines)


def _section(cls: type[Configurable], explained: Container[str]) -> Iterator[str]:
    """Yield the options of `cls`, but for those that all applications have and that are `explained` already."""
    summary = (cls.__doc__ or "").strip().partition("\n")[0]
    yield ""
    yield from _comment(f"{cls.__name__}: {summary[:1].lower()}{summary[1:]}", first="# ")
    if old := old_classes_of(cls):
        yield f"# Earlier names, which work as well: {', '.join(f'c.{name}' for name in old)}."
    yield ""
    traits = cls.class_traits(config=True)
    if cls in _FAMILIES:
        if parents := [base.__name__ for base in cls.__bases__ if base in _FAMILIES]:
            yield from _comment(f"It has the options of {' and '.join(parents)} too.", first="# ")
            yield ""
        traits = cls.class_own_traits(config=True)
    for name, trait in sorted(traits.items()):
        if trait.metadata.get("in_files") and name not in explained:
            yield from _option(cls, name, trait)


def _option(cls: type[Configurable], name: str, trait: TraitType[Any, Any]) -> Iterator[str]:
    yield from _comment(str(trait.help), first="## ")
    flags = [*trait.metadata["flags"], *trait.metadata["shortcuts"]]
    if flags:
        yield from _comment(f"On the command line: {', '.join(map(_dashed, flags))}")
    if old := trait.metadata["old"]:
        yield from _comment(f"Earlier names: {', '.join(old)}")
    yield f"# c.{cls.__name__}.{name} = {trait.default_value_repr()}"
    yield ""


def _dashed(flag: str) -> str:
    return f"-{flag}" if len(flag) == 1 else f"--{flag}"


def _comment(words: str, first: str = "#  ") -> list[str]:
    return textwrap.wrap(
        words, WIDTH, initial_indent=first, subsequent_indent="#  ", break_long_words=False, break_on_hyphens=False
    )
