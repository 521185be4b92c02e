"""The commented files with options that a new profile gets."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from traitlets import TraitType
from traitlets.config import Configurable

from engineroom.machine.own_files import write_new
from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.file_sections import SECTIONS, Section
from engineroom.settings.help_page import dashed
from engineroom.settings.old_names import old_classes_of
from engineroom.settings.option import own_options

WIDTH = 100

_HEAD = {
    "ipcluster": "How `ipcluster` and `Cluster()` start a controller and engines. Options of the controller and of "
    "engines (c.IPController, c.IPEngine) set here apply to clusters only, not to `ipcontroller` and `ipengine` alone.",
    "ipcontroller": "How the controller runs: where it listens, and how it schedules tasks.",
    "ipengine": "How each engine runs: where it finds the controller, and what it does at start.",
}
_USE = (
    "To set an option, remove the # before its line and change the value. The command line overrides this file; "
    "`ipcluster config` shows every option, its value and where it was set."
)


_COMMON = frozenset(name for name, _, _ in own_options(BaseParallelApplication))


def config_file(profile_dir: Path, program: str) -> Path:
    """Return the path of the file with the options of `program`."""
    return profile_dir / f"{program}_config.py"


def write_config_file(profile_dir: Path, program: str, *, overwrite: bool = False) -> bool:
    """Write the file, with the options as comments; return whether it was written: not if it is there already."""
    path = config_file(profile_dir, program)
    if path.exists() and not overwrite:
        return False
    write_new(path, config_text(program).encode())
    return True


def config_text(program: str) -> str:
    """Return the contents of a new file: nothing is set, everything is explained."""
    head = [f"# Configuration of {program}.", "#", *_comment(_HEAD[program]), "#", *_comment(_USE)]
    lines = [*head, "", "c = get_config()  # noqa: F821", ""]
    explained: set[str] = set()
    for section in SECTIONS[program]:
        lines += _section(section, explained)
    return "\n".join(lines)


def _section(section: Section, explained: set[str]) -> Iterator[str]:
    """Yield the title, the typical lines, and the options of the section's classes that are not `explained` yet."""
    yield ""
    yield f"# {section.title}"
    yield f"# {'-' * len(section.title)}"
    if section.words:
        yield from _comment(section.words, first="# ")
    yield ""
    if section.lines:
        yield from (f"# {line}" for line in section.lines)
        yield ""
    for cls in section.classes:
        yield from _class(cls, explained)
        explained.update(cls.class_trait_names(config=True))


def _class(cls: type[Configurable], explained: set[str]) -> Iterator[str]:
    if old := old_classes_of(cls):
        yield f"# Earlier names of {cls.__name__}, which still work: {', '.join(old)}."
        yield ""
    bases = cls.mro() if issubclass(cls, BaseParallelApplication) else [cls]
    for name in dict.fromkeys(name for base in bases for name in vars(base)):  # as written, the usual ones first
        trait = cls.class_traits(config=True).get(name)
        if trait is None or (name in _COMMON and name in explained):
            continue
        if trait.metadata.get("in_files") and not str(trait.help).startswith("Ignored"):
            yield from _option(cls, name, trait)


def _option(cls: type[Configurable], name: str, trait: TraitType[Any, Any]) -> Iterator[str]:
    flags = [*trait.metadata["flags"], *trait.metadata["shortcuts"]]
    words = f"{trait.help} On the command line: {', '.join(map(dashed, flags))}" if flags else str(trait.help)
    yield from _comment(words, first="## ")
    yield f"# c.{cls.__name__}.{name} = {trait.default_value_repr()}"
    yield ""


def _comment(words: str, first: str = "#  ") -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=first,
        subsequent_indent=" ".ljust(len(first)).replace(" ", "#", 1),
        break_long_words=False,
        break_on_hyphens=False,
    )
