"""What all commands have in common: their options, and what their help shows. What reads them is in `reading`."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from traitlets import Bool, CaselessStrEnum, Int, TraitError, Unicode, Union
from traitlets.config import Application, Config, Configurable

from engineroom.machine.homes import expanded
from engineroom.settings.option import (
    OptionError,
    aliases_of,
    configured,
    no_sense,
    option,
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

    files_may_fail: ClassVar[bool] = False
    """Whether it goes on without the profile's files where these can't be read."""

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
        self.files_read: list[tuple[Path, Config]] = []
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

    @property
    def profile_directory(self) -> Profile:
        """The profile that the options name."""
        return Profile.find(self.profile, profile_dir=self.profile_dir, ipython_dir=self.ipython_dir)

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

    def apply(self, config: Config) -> None:
        """Take the options in `config`; OptionError: one of them makes no sense."""
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


def with_json(path: Path) -> list[Path]:
    """Return `X_config.py`, and `X_config.json`, which counts more."""
    return [path, path.with_suffix(".json")]
