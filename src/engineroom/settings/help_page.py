"""What `-h` and `--help-all` print: the options that people use first, and all of them."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Protocol

from traitlets import Bool, Dict, Enum, Float, Int, List, TraitType
from traitlets.config import Application, Configurable

from engineroom.settings.option import own_options

_Class = type[Configurable]
_Trait = TraitType[Any, Any]

WIDTH = 80
_COLUMN = 24
"""Where the words about an option begin on the first page."""

_CHOICE = "CHOICE"

_PLACEHOLDERS: tuple[tuple[type[_Trait], str], ...] = (
    (Bool, "True|False"),
    (Int, "N"),
    (Float, "NUMBER"),
    (List, "LIST"),
    (Dict, "DICT"),
)


class Command(Protocol):
    """What a page says of a command."""

    @property
    def first(self) -> Iterable[str]: ...
    @property
    def examples(self) -> str: ...
    @property
    def more_help(self) -> str: ...
    @property
    def no_effect(self) -> Collection[str]: ...
    @property
    def option_classes(self) -> Iterable[_Class]: ...
    @property
    def flags(self) -> Any: ...
    def usage(self) -> str: ...
    def command(self) -> str: ...
    def with_flags(self) -> Iterable[_Class]: ...
    def with_bases(self) -> Iterable[_Class]: ...
    def class_traits(self) -> dict[str, Any]: ...


def first_page(app: Command) -> str:
    """Return what `-h` prints, within one screen: usage, what the command does, and its `first` options by example."""
    lines = [f"Usage: {app.usage()}", "", *_paragraphs(app), ""]
    for example in app.first:
        lines += _entry(example, _first_sentence(_words_of(_flag_in(example), app)))
    lines += ["", *_examples(app)]
    lines.append(f"All options: {app.command()} --help-all")
    return "\n".join(lines)


def full_page(app: Command) -> str:
    """Return what `--help-all` prints: every option once, with its flags, its name in files and its default."""
    lines = [f"Usage: {app.usage()}", "", *_paragraphs(app), "", *_examples(app)]
    lines += _wrapped("In configuration files, write --Class.name=VALUE as c.Class.name = VALUE.")
    owners = _owners(app)
    for cls, title in _sections(app):
        options = [(name, trait) for name, trait in _options(cls) if name not in app.no_effect]
        if options:
            lines += ["", title, "=" * len(title)]
            for name, trait in options:
                lines += _full_entry(cls, name, trait, owners)
    if ignored := sorted(_spelling(app, name) for name in app.no_effect):
        lines += ["", *_wrapped(f"Accepted, but without effect here: {', '.join(ignored)}.")]
    if app.more_help:
        lines += ["", *_wrapped(app.more_help)]
    return "\n".join(lines)


def _paragraphs(app: Command) -> Iterator[str]:
    for number, text in enumerate(inspect.cleandoc(type(app).__doc__ or "").split("\n\n")):
        if number:
            yield ""
        yield from _wrapped(text)


def _examples(app: Command) -> list[str]:
    return ["Example:", *(f"  {line}" for line in app.examples.splitlines()), ""] if app.examples else []


def _owners(app: Command) -> dict[str, tuple[str, _Trait]]:
    """Return, by flag, the option that it sets: `Class.name`, and the trait."""
    found: dict[str, tuple[str, _Trait]] = {}
    for cls in app.with_flags():
        for name, trait, flags in own_options(cls):
            for flag in (*flags, *trait.metadata.get("shortcuts", ())):
                found.setdefault(flag, (f"{cls.__name__}.{name}", trait))
    return found


def _words_of(flag: str, app: Command) -> str:
    owners = _owners(app)
    return str(owners[flag][1].help) if flag in owners else str(app.flags[flag,][1])


def _flag_in(example: str) -> str:
    return re.split(r"[= ]", example.lstrip("-"), maxsplit=1)[0]


def _first_sentence(words: str) -> str:
    return re.split(r"(?<=\.)\s+(?=[A-Z])", words, maxsplit=1)[0]


def _entry(example: str, words: str) -> list[str]:
    lines = textwrap.wrap(words, WIDTH - _COLUMN, break_on_hyphens=False)
    left = f"  {example}"
    if len(left) > _COLUMN - 2:
        return [left, *(" " * _COLUMN + line for line in lines)]
    return [f"{left:{_COLUMN}}{lines[0]}", *(" " * _COLUMN + line for line in lines[1:])]


def _sections(app: Command) -> Iterator[tuple[_Class, str]]:
    """Yield the classes whose options the command takes, each once, its own first and the common ones last."""
    own = list(app.with_bases())
    for cls in (*own[:-1], *app.option_classes):
        yield cls, f"Options of {app.command()}" if cls in own else _title(cls)
    yield own[-1], "Options of every command"


def _title(cls: _Class) -> str:
    if issubclass(cls, Application):
        return f"Options of {cls().name}"
    return inspect.cleandoc(cls.__doc__ or "").partition("\n")[0].rstrip(".")


def _options(cls: _Class) -> Iterator[tuple[str, _Trait]]:
    """Yield the options in the order in which they are declared: the usual ones first."""
    own = {name: trait for name, trait, _ in own_options(cls)}
    for name in vars(cls):
        if name in own and not str(own[name].help).startswith("Ignored"):
            yield name, own[name]


def _full_entry(cls: _Class, name: str, trait: _Trait, owners: Mapping[str, tuple[str, _Trait]]) -> Iterator[str]:
    full, value = f"{cls.__name__}.{name}", _placeholder(trait)
    mine = [flag for flag, (owner, _) in owners.items() if owner == full]
    shortcuts = [flag for flag in mine if flag in trait.metadata.get("shortcuts", ())]
    flags = [flag for flag in mine if flag not in shortcuts]
    spellings = [dashed(flag) if isinstance(trait, Bool) else _with_value(flag, value) for flag in flags]
    yield ", ".join([*spellings, f"--{full}={value}"])
    words = str(trait.help)
    if value == _CHOICE:
        words += f" One of: {', '.join(trait.values or ())}."  # type: ignore[attr-defined]  # an Enum
    if shortcuts:
        words += f" Short forms: {', '.join(map(dashed, shortcuts))}."
    default = trait.default_value
    if "default" not in words.lower() and default not in (None, "", (), False) and not isinstance(trait, List | Dict):
        words += f" Default: {getattr(default, 'pattern', default)}."
    yield from _wrapped(words, "    ")


def _placeholder(trait: _Trait) -> str:
    if isinstance(trait, Enum):
        choices = "|".join(map(str, trait.values or ()))
        return choices if len(choices) <= _COLUMN else _CHOICE
    return next((words for kind, words in _PLACEHOLDERS if isinstance(trait, kind)), "TEXT")


def dashed(flag: str) -> str:
    """Return `flag` as it is typed."""
    return f"-{flag}" if len(flag) == 1 else f"--{flag}"


def _with_value(flag: str, value: str) -> str:
    return f"-{flag} {value}" if len(flag) == 1 else f"--{flag}={value}"


def _spelling(app: Command, name: str) -> str:
    """Return the first flag of an option that the command inherits."""
    flags = app.class_traits()[name].metadata.get("flags", ())
    return dashed(flags[0]) if flags else f"--{type(app).__name__}.{name}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
