"""What all commands have in common: options from the command line and from the profile's files."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

from traitlets import Bool, CaselessStrEnum, Int, TraitError, Unicode, Union
from traitlets.config import Application, Config, Configurable

from engineroom.machine.homes import expanded
from engineroom.machine.own_files import UnsafeFile
from engineroom.machine.own_modules import importable, places_for
from engineroom.settings.command_line import CommandLine, spell_out
from engineroom.settings.file_reader import JSONOptionFile, OptionFile
from engineroom.settings.ipython_options import classes_in
from engineroom.settings.old_names import renew, sections_of, unknown_options
from engineroom.settings.option import (
    OptionError,
    aliases_of,
    configured,
    names_in,
    nearest,
    no_sense,
    option,
    spellings_of,
    switches_of,
)
from engineroom.settings.profiles import Profile

log = logging.getLogger(__name__)

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class BaseParallelApplication(Application):
    """The options of every command."""

    config_name: ClassVar[str] = ""
    """The profile's file with options is `<config_name>_config.py`."""

    takes_arguments: ClassVar[bool] = False
    for_engines: ClassVar[bool] = False
    """Whether it starts engines, and takes the options of their IPython."""

    arguments_shown: ClassVar[str] = ""
    """What the usage line says of them."""

    subcommand: ClassVar[str] = ""
    """`ipcluster` has several."""

    first: ClassVar[tuple[str, ...]] = ()
    """The options that people use first, each as an example; `-h` shows these."""

    no_effect: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """The options of every command that do nothing with this one, and why."""

    more_help: ClassVar[str] = ""
    """What `--help-all` says at its end."""

    option_classes: ClassVar[tuple[type[Configurable], ...]] = ()
    """Other classes whose options this command takes, as `--Class.name`."""

    flag_classes: ClassVar[tuple[type[Configurable], ...]] = ()
    """Those of them whose options it also takes by their flags."""

    old_classes: ClassVar[tuple[str, ...]] = ("BaseIPythonApplication",)
    """What the class was called by those that came before; as sections of files, they work as well."""

    profile = option(
        Unicode("", help='Name of the IPython profile to use (default: "default").'), "profile", in_files=False
    )
    profile_dir = option(
        Unicode("", help="Directory of the profile to use, instead of its name."),
        "profile-dir",
        old=("ProfileDir.location",),
        in_files=False,
    )
    ipython_dir = option(
        Unicode("", help="IPython's directory, which holds the profiles (default: $IPYTHONDIR, or ~/.ipython)."),
        "ipython-dir",
        in_files=False,
    )
    cluster_id = option(
        Unicode(
            "",
            help="Name of this cluster, to tell it from others in the same profile. It appears in its file names.",
        ),
        "cluster-id",
    )
    config_file = option(Unicode("", help="Another file of options, read last."), "config", in_files=False)
    work_dir = option(Unicode("", help="Working directory of the process (default: the current one)."), "work-dir")
    log_to_file = option(Bool(default_value=False, help="Log to a file in the profile's log directory."), "log-to-file")
    clean_logs = option(
        Bool(default_value=False, help="Delete this cluster's old logs at start (default: keep the last 3)."),
        "clean-logs",
    )
    log_level = option(
        Union(
            [CaselessStrEnum(LEVELS), Int()],
            default_value="INFO",
            help="Lowest level to log: DEBUG, INFO, WARNING, ERROR or CRITICAL.",
        ),
        "log-level",
    )
    init = option(
        Bool(default_value=False, help="Create the profile and its commented configuration files first, if missing."),
        "init",
        in_files=False,
    )
    show_config = option(
        Bool(default_value=False, help="Print the options set in files and on the command line, then exit."),
        "show-config",
        in_files=False,
    )
    show_config_json = option(
        Bool(default_value=False, help="Print them as JSON, then exit."),
        "show-config-json",
        in_files=False,
    )

    def __init__(self, **settings: Any) -> None:
        self.classes = list(self.option_classes)
        self.arguments: list[str] = []
        self.after_dashes: list[str] = []
        super().__init__(**settings)
        everything = self.with_flags()
        self.aliases: Any = aliases_of(everything)
        self.flags: Any = {
            ("debug",): (
                Config({"BaseParallelApplication": {"log_level": "DEBUG"}}),
                "Log everything: the same as --log-level=DEBUG.",
            ),
            ("quiet",): (
                Config({"BaseParallelApplication": {"log_level": "ERROR"}}),
                "Log errors only: the same as --log-level=ERROR.",
            ),
            **switches_of(everything),
        }

    @classmethod
    def from_command_line(cls, argv: Sequence[str]) -> Self:
        """Return the application with the options of `argv` and of the profile's files; `argv` wins.

        OptionError says what is wrong. `-h`, `--help-all`, `--version` and `--show-config` print and raise SystemExit.
        """
        app = cls()
        app.read_arguments(argv)
        if "log_level" in app.cli_config.BaseParallelApplication:
            logging.getLogger("engineroom").setLevel(app.log_level)
        if app.init:
            app.make_files()
        app.read_files()
        if app.show_config or app.show_config_json:
            app.show()
            raise SystemExit(0)
        return app

    @property
    def profile_directory(self) -> Profile:
        """The profile that the options name."""
        return Profile.find(self.profile, profile_dir=self.profile_dir, ipython_dir=self.ipython_dir)

    def read_arguments(self, argv: Sequence[str]) -> None:
        """Take the options in `argv`; what follows `--` is kept in `after_dashes`."""
        ours = list(argv[: argv.index("--")]) if "--" in argv else list(argv)
        self.after_dashes = list(argv[len(ours) + 1 :])
        ours = [re.sub(r"^[\u2013\u2014](?=\w)", "--", argument) for argument in ours]  # as word processors write it
        if {"-h", "--help", "--help-all"}.intersection(ours):
            self.print_help(classes="--help-all" in ours)
            raise SystemExit(0)
        if {"--version", "-V"}.intersection(ours):
            from importlib.metadata import version  # takes 20 ms, and few ask

            print(version("engineroom"))
            raise SystemExit(0)
        loader = CommandLine(
            list(spell_out(ours, aliases=self.aliases, switches=self.flags)),
            aliases=self.aliases,
            flags=self.flags,
            classes=[*self.with_bases(), *self.classes],
        )
        self.cli_config = loader.load_config()
        for remark in renew(self.cli_config, self.all_classes()):
            log.warning("%s", remark)
        if any(unknown_options(self.cli_config, self.all_classes())):
            rare = [*self.rare_classes(self.cli_config), *(classes_in(self.cli_config) if self.for_engines else ())]
            for problem in unknown_options(self.cli_config, [*self.all_classes(), *rare]):
                raise OptionError(problem)
        self._say_what_has_no_effect()
        self.arguments = [str(argument) for argument in loader.extra_args]
        if self.arguments and not self.takes_arguments:
            raise OptionError(f"unexpected argument {self.arguments[0]!r}{self._meant(self.arguments[0])}")
        self._apply(self.cli_config)

    def read_files(self) -> None:
        """Take the options in the profile's file and in `config_file`; those of the command line win."""
        config = read_config_files(self.option_files(), self.all_classes(), over=self.cli_config)
        config.merge(self.cli_config)
        self._apply(config)

    def make_files(self) -> None:
        """Write the commented files of the profile, but for those that are there already."""
        from engineroom.settings.config_files import write_config_file  # imports us; and few need it
        from engineroom.settings.file_sections import SECTIONS

        self.profile_directory.prepare()
        for program in SECTIONS:
            write_config_file(self.profile_directory.path, program)

    def show(self) -> None:
        """Print what files and command line have set."""
        from engineroom.settings.showing import as_json, as_text  # few ask

        print(as_json(self.config) if self.show_config_json else "\n".join(as_text(self.config, self.option_files())))

    def option_files(self) -> list[Path]:
        """Return the files that options are read from, the last one counting most; they need not exist."""
        paths = with_json(self.profile_directory.path / f"{self.config_name}_config.py") if self.config_name else []
        if self.config_file:
            paths.append(expanded(self.config_file))
            if not paths[-1].exists():
                raise OptionError(f"no such file: {self.config_file}")
        return paths

    def enter_work_dir(self) -> None:
        """Go to the working directory that the options name, if they do; OptionError: that can't be.

        The profile stays the one that was meant where we were.
        """
        if not self.work_dir:
            return
        self.profile_dir = str(self.profile_directory.path)
        try:
            os.chdir(expanded(self.work_dir))
        except OSError as error:
            raise OptionError(f"work_dir: {error}. Create that directory, or name another by --work-dir") from None

    def command(self) -> str:
        """Return what is typed to run it."""
        return " ".join(filter(None, [self.name, self.subcommand]))

    def usage(self) -> str:
        """Return the command with what may follow it."""
        return " ".join(filter(None, [self.command(), "[options]", self.arguments_shown]))

    def print_help(self, classes: bool = False) -> None:  # noqa: FBT001, FBT002 (as traitlets has it)
        """Print the page of the options that people use first; with `classes`, that of all."""
        from engineroom.settings.help_page import first_page, full_page  # for those who ask

        print(full_page(self) if classes else first_page(self))

    def _say_what_has_no_effect(self) -> None:
        for section in {type(self).__name__, "BaseParallelApplication"}.intersection(self.cli_config):
            for name in self.no_effect.keys() & self.cli_config[section].keys():
                log.warning("%s has no effect with `%s`: %s", name, self.command(), self.no_effect[name])

    def _meant(self, argument: str) -> str:
        """Return "; did you mean ...?" where a number stands without its option."""
        owners = {flag for flags in self.aliases for flag in flags}
        return f" (did you mean -n {argument}?)" if argument.isdigit() and "n" in owners else ""

    def _apply(self, config: Config) -> None:
        try:
            self.update_config(config)
        except TraitError as error:
            raise no_sense(error) from error
        for cls in self.option_classes:
            configured(cls, config)

    def with_bases(self) -> list[type[Configurable]]:
        """Return this class and its parents that have options of ours."""
        return [cls for cls in type(self).mro() if issubclass(cls, BaseParallelApplication)]

    def with_flags(self) -> list[type[Configurable]]:
        """Return the classes whose options this command takes by flags; where two have the same, the first counts."""
        return [*self.with_bases(), *self.flag_classes]

    def all_classes(self) -> list[type[Configurable]]:
        """Return the classes whose options this command takes."""
        return [type(self), *self.option_classes]

    def rare_classes(self, config: Config) -> list[type[Configurable]]:
        """Return further classes whose options it takes, and that are worth loading only if `config` names them."""
        del config
        return []

    def _configure_logging(self) -> None:
        """Leave logging alone: each program sets it up when it knows where to."""


def read_config_files(
    paths: Iterable[Path], classes: Iterable[type[Configurable]] = (), *, over: Config | None = None
) -> Config:
    """Return the options in those of `paths` that exist, by their names of today, later ones first in rank.

    What is old or unknown in them is logged. `classes`: those whose options are most likely there. `over`: options
    that count more, and may name a launcher whose own options are in the files.
    """
    config = Config()
    for path in paths:
        if path.exists():
            config.merge(_read(path, list(classes), over or Config()))
    return config


def with_json(path: Path) -> list[Path]:
    """Return `X_config.py`, and `X_config.json`, which counts more."""
    return [path, path.with_suffix(".json")]


def _read(path: Path, classes: list[type[Configurable]], over: Config) -> Config:
    try:
        with importable(places_for(path.parent)):
            file = JSONOptionFile(path) if path.suffix == ".json" else OptionFile(path)
            config = file.load_config()
    except UnsafeFile as error:
        raise OptionError(str(error)) from None
    except Exception as error:
        raise OptionError(f"{path}: {type(error).__name__}: {error}{_hint(error)}") from error
    bare = [f"write c.{name}; it is also accepted without the c." for name in file.bare]
    for remark in [*bare, *renew(config, classes), *_unknown_to_all(config, classes, over, path.parent)]:
        log.warning("%s: %s", path, remark)
    return config


def _hint(error: Exception) -> str:
    """Return what to write instead, where something was named as classes with options are."""
    name = error.name if isinstance(error, NameError) else None
    if not name or not name[:1].isupper():
        return ""
    from engineroom.settings.catalogue import CLASSES  # imports what imports us; and few need it

    known = {section: f"c.{section}" for section in sections_of(CLASSES)}
    return nearest(name, known) or f". Options have a c before them: write c.{name}"


def _unknown_to_all(config: Config, classes: list[type[Configurable]], over: Config, place: Path) -> list[str]:
    if set(names_in(config)) <= set(spellings_of(classes)):
        return []
    from engineroom.settings.catalogue import CLASSES  # imports what imports us; and few need it

    unknown = list(unknown_options(config, CLASSES))
    if not unknown:
        return []
    from engineroom.settings.launcher_classes import own_launchers  # as above

    more = [*classes_in(config), *own_launchers([config, over], places_for(place))]
    return list(unknown_options(config, [*CLASSES, *more]))
