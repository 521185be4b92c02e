"""Options: traits that say what they are, their unit, and the flag by which a command line sets them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from traitlets import Bool, TraitError, TraitType, Undefined
from traitlets.config import Config, Configurable

from engineroom.errors import LaunchError
from engineroom.settings.without_meaning import OF_TRAITLETS

_Trait = TypeVar("_Trait", bound="TraitType[Any, Any]")
_Configurable = TypeVar("_Configurable", bound=Configurable)


class OptionError(LaunchError):
    """An option is unknown, or its value makes no sense. `code`: what commands exit with, as for usage.

    `option`: `Class.name` of the one whose value makes no sense, as far as that is known.
    """

    code = 2

    def __init__(self, words: str, option: str = "") -> None:
        super().__init__(words)
        self.option = option


def no_sense(error: TraitError) -> OptionError:
    """Return an error that says which option has a value that makes no sense, in words for people."""
    found = re.match(r"The '(\w+)' trait of an? (\w+) instance expected (.*), not (?:the \w+ )?(.*)\.$", str(error))
    if found is None:
        return _out_of_range(str(error))
    name, section, expected, value = found.groups()
    expected = expected.replace("a unicode string", "a string")
    return OptionError(f"{section}.{name} must be {expected}, not {value}", f"{section}.{name}")


def _out_of_range(words: str) -> OptionError:
    """Return what traitlets says about a number that is too small or too large, in the words of the other errors."""
    found = re.match(
        r"The value of the '(\w+)' trait of an? (\w+) instance should not be (less|greater) than (.*), "
        r"but a value of (.*) was specified$",
        words,
    )
    if found is None:
        return OptionError(words)
    name, section, which, limit, value = found.groups()
    words = f"{section}.{name} must be at {'least' if which == 'less' else 'most'} {limit}, not {value}"
    return OptionError(words, f"{section}.{name}")


def option(
    trait: _Trait,
    *flags: str,
    old: tuple[str, ...] = (),
    shortcuts: Mapping[str, object] = MappingProxyType({}),
    in_files: bool = True,
) -> _Trait:
    """Return `trait` as an option: `c.Class.name` in files, `--Class.name` and `--FLAG` on command lines.

    `old`: its earlier names, within the class or as `Class.name`; they work as well. `shortcuts`: flags that set it to
    a certain value. `in_files`: whether a profile's file is a place to say it.
    """
    trait.tag(config=True, flags=flags, old=old, shortcuts=shortcuts, in_files=in_files)
    return trait


@cache
def own_options(cls: type[Configurable]) -> tuple[tuple[str, TraitType[Any, Any], tuple[str, ...]], ...]:
    """Return name, trait and flags of the options that `cls` itself declares."""
    own = cls.class_own_traits(config=True)
    return tuple((name, trait, trait.metadata.get("flags", ())) for name, trait in own.items())


def aliases_of(classes: Iterable[type[Configurable]]) -> dict[tuple[str, ...], str]:
    """Return, by flags, the option whose value follows them; the first class that claims a flag has it."""
    found: dict[tuple[str, ...], str] = {}
    taken: set[str] = set()
    for cls, name, trait, flags in _flagged(classes):
        free = tuple(flag for flag in flags if flag not in taken)
        taken.update(flags)
        if free and not isinstance(trait, Bool):
            found[free] = f"{cls.__name__}.{name}"
    return found


def switches_of(classes: Iterable[type[Configurable]]) -> dict[tuple[str, ...], tuple[Config, str]]:
    """Return, by flags, what naming the flag of a yes-or-no option, or a shortcut, sets, and its help."""
    found: dict[tuple[str, ...], tuple[Config, str]] = {}
    for cls in classes:
        for name, trait, flags in own_options(cls):
            if flags and isinstance(trait, Bool):
                found[flags] = (Config({cls.__name__: {name: True}}), str(trait.help))
            for flag, value in trait.metadata.get("shortcuts", {}).items():
                found[flag,] = (Config({cls.__name__: {name: value}}), f"The same as --{cls.__name__}.{name}={value}.")
    return found


def _flagged(
    classes: Iterable[type[Configurable]],
) -> Iterator[tuple[type[Configurable], str, TraitType[Any, Any], tuple[str, ...]]]:
    for cls in classes:
        for name, trait, flags in own_options(cls):
            if flags:
                yield cls, name, trait, flags


def keywords(cls: type[Configurable]) -> dict[str, str]:
    """Return, by what may be written for it as an argument in Python, each option of `cls`: its name, or a flag."""
    found = {name: name for name in cls.class_trait_names(config=True)}
    for name, trait in cls.class_traits(config=True).items():
        for flag in trait.metadata.get("flags", ()):
            found.setdefault(flag, name)
    return found


def configured(cls: type[_Configurable], config: Config) -> _Configurable:
    """Return a `cls` with the options in `config`; OptionError says which value makes no sense."""
    try:
        return cls(config=config)
    except TraitError as error:
        raise no_sense(error) from error


def spellings_of(classes: Iterable[type[Configurable]]) -> list[str]:
    """Return `Class.name` of each option of `classes` and of their parents."""
    known = {
        base.__name__: base
        for cls in classes
        for base in cls.mro()
        if issubclass(base, Configurable) and base is not Configurable
    }
    return [
        f"{name}.{trait}"
        for name, cls in known.items()
        for trait in cls.class_trait_names(config=True)
        if trait not in OF_TRAITLETS
    ]


def names_in(config: Config) -> list[str]:
    """Return `Class.name` of each option that `config` sets."""
    return [
        f"{section}.{name}"
        for section, values in config.items()
        for name in (values if isinstance(values, Config) else ())
    ]


def nearest(word: str, words: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the one of `words` that is most like `word`, or "".

    Of a mapping, what it has for that word.
    """
    meant = words if isinstance(words, Mapping) else {candidate: candidate for candidate in words}
    by_case = {candidate.lower(): candidate for candidate in meant}
    found = difflib.get_close_matches(word.lower(), by_case, n=1)
    return f"; did you mean {meant[by_case[found[0]]]}?" if found else ""


class PortList(TraitType[tuple[int, ...], Any]):
    """Ports to choose from: 10101, "10101-10120", "10101,10105", or a list of such."""

    default_value = ()
    info_text = 'ports such as 10101, "10101-10120", or a list of them'

    def validate(self, obj: Any, value: Any) -> tuple[int, ...]:
        try:
            return tuple(dict.fromkeys(_ports(value)))
        except (TypeError, ValueError):
            self.error(obj, value)

    def from_string(self, s: str) -> Any:
        return s


def _ports(value: Any) -> Iterator[int]:
    if isinstance(value, int):
        if not 0 <= value <= 65535:
            raise ValueError(value)
        yield value
    elif isinstance(value, str):
        for part in filter(None, (part.strip() for part in value.split(","))):
            first, _, last = part.partition("-")
            for port in range(int(first), int(last or first) + 1):
                yield from _ports(port)
    elif value is not Undefined:
        for each in value:
            yield from _ports(each)
