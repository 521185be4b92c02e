"""Reading a command line: what traitlets does, with errors in words instead of warnings."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from traitlets.config import Config
from traitlets.config.loader import ArgumentError, DeferredConfigList, KVArgParseConfigLoader

from engineroom.settings.option import OptionError, nearest
from engineroom.settings.without_meaning import FLAGS, SWITCHES

_NO_VALUE = re.compile(r"argument (\S+): expected (?:at least )?one argument")
_NUMBER = re.compile(r"-\d")

_PATHS = frozenset({"startup_script", "url_file", "work_dir"})
"""Options that are paths, which mean something where they are said."""

_Flags = tuple[str, ...]


class _LacksValue(OptionError):
    """An option stands at the end, or before another one."""


class _Parser(KVArgParseConfigLoader.parser_class):  # type: ignore[valid-type, misc]  # traitlets keeps it in an attribute
    """Reports what it does not understand as an OptionError, not by leaving the process."""

    def error(self, message: str) -> NoReturn:
        lacking = _NO_VALUE.fullmatch(message)
        raise _LacksValue(f"{lacking[1]} needs a value", lacking[1]) if lacking else OptionError(message)


class CommandLine(KVArgParseConfigLoader):
    """traitlets' reader of `--Class.name=value` and flags; takes what `spell_out` returns."""

    parser_class = _Parser

    def __init__(
        self,
        argv: Sequence[str],
        *,
        aliases: Mapping[_Flags, str],
        flags: Mapping[_Flags, tuple[Config, str]],
        classes: list[type[Any]],
    ) -> None:
        one_by_one = {flag: value for each, value in flags.items() for flag in each}
        named = {flag: value for each, value in aliases.items() for flag in each}
        super().__init__(list(argv), aliases=named, flags=one_by_one, classes=classes)  # type: ignore[arg-type]

    def _exec_config_str(self, lhs: Any, rhs: Any, trait: Any = None) -> None:
        """Set an option; of several values for what takes only one, the last counts."""
        if trait is None and isinstance(rhs, list) and len(rhs) == 1:
            rhs = _written_list(rhs[0]) or rhs  # traitlets takes it for one word, if it does not know the option
        if isinstance(rhs, list) and trait is not None and not hasattr(trait, "from_string_list"):
            rhs = DeferredConfigList(rhs[-1:])
        super()._exec_config_str(lhs, rhs, trait)

    def load_config(self, *args: Any, **more: Any) -> Config:
        try:
            return super().load_config(*args, **more)
        except _LacksValue as error:
            flags = {flag for flag, name in self.aliases.items() if f"--{name}" == error.option}
            typed = next((each for each in self.argv if each.lstrip("-") in flags), error.option)
            raise OptionError(f"{typed} needs a value") from None
        except ArgumentError as error:
            raise OptionError(str(error)) from error


def _written_list(text: str) -> DeferredConfigList | None:
    """Return the words of a list as Python writes it, such as `['--hostfile', 'machines']`; None if `text` is none."""
    if not text.startswith(("[", "(")):
        return None
    try:
        words = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
    return DeferredConfigList(words) if all(isinstance(word, str) for word in words) else None


def spell_out(
    argv: Sequence[str], *, aliases: Mapping[_Flags, str], switches: Mapping[_Flags, tuple[Config, str]]
) -> Iterator[str]:
    """Yield `argv` with `-n4` as `-n 4` and `--switch=value` as `--Class.switch=value`.

    OptionError names a flag that does not exist, and the nearest that does.
    """
    valued = {flag for flags in aliases for flag in flags}
    switched = {flag: config for flags, (config, _) in switches.items() for flag in flags}
    for argument in argv:
        if not argument.startswith("-") or argument == "-" or _NUMBER.match(argument):
            yield argument
            continue
        flag, equals, value = argument.lstrip("-").partition("=")
        if "." in flag or flag in valued or (flag in switched and not equals):
            yield argument
        elif flag in switched:
            [(section, options)] = switched[flag].items()
            yield f"--{section}.{next(iter(options))}={value}"
        elif flag in FLAGS:
            yield f"--{FLAGS[flag]}{equals}{value}"
        elif flag in SWITCHES:
            yield f"--{SWITCHES[flag]}={value or True}"
        elif not argument.startswith("--") and flag[:1] in valued:
            yield from (argument[:2], argument[2:])
        else:
            known = (f"--{each}" for each in (*valued, *switched))
            raise OptionError(f"unknown option {argument.partition('=')[0]}{nearest('--' + flag, known)}")


def as_arguments(config: Config, *sections: str) -> list[str]:
    """Return as arguments, for a program elsewhere, the options in `config` of these classes.

    Paths become absolute: the program may be started in another directory.
    """
    return [
        f"--{section}.{name}={_as_argument(name, value)}"
        for section in sections
        if section in config
        for name, value in config[section].items()
        if value is not None
    ]


def _as_argument(name: str, value: Any) -> str:
    if name in _PATHS and value:
        return os.path.abspath(os.path.expanduser(str(value)))
    if isinstance(value, dict):
        return ",".join(f"{key}={each}" for key, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
