"""Options from a command line and from a profile's files, read into the application of a command."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import TypeVar

from traitlets.config import Config, Configurable

from engineroom.machine.own_files import UnsafeFile
from engineroom.machine.own_modules import importable, places_for
from engineroom.settings.application import BaseParallelApplication
from engineroom.settings.command_line import CommandLine, spell_out
from engineroom.settings.file_reader import JSONOptionFile, OptionFile
from engineroom.settings.ipython_options import classes_in
from engineroom.settings.launcher_kinds import KINDS
from engineroom.settings.old_names import renew, sections_of, unknown_names, unknown_options
from engineroom.settings.option import OptionError, names_in, nearest, spellings_of
from engineroom.version import own_version

log = logging.getLogger(__name__)

_CONSTANTS = {"true": True, "false": False, "none": None, "null": None}
"""What other languages call them."""

App = TypeVar("App", bound=BaseParallelApplication)


def read_application(cls: type[App], argv: Sequence[str]) -> App:
    """Return a `cls` with the options of `argv` and of the profile's files; `argv` wins.

    OptionError says what is wrong. `-h`, `--help-all`, `--version` and `--show-config` print and raise SystemExit.
    """
    app = cls()
    read_arguments(app, argv)
    if "log_level" in app.cli_config.BaseParallelApplication:
        logging.getLogger("engineroom").setLevel(app.log_level)
    if app.init:
        _make_files(app)
    read_files(app)
    if app.show_config or app.show_config_json:
        _show(app)
        raise SystemExit(0)
    return app


def read_arguments(app: BaseParallelApplication, argv: Sequence[str]) -> None:
    """Give `app` the options in `argv`; what follows `--` is kept in its `after_dashes`."""
    ours = list(argv[: argv.index("--")]) if "--" in argv else list(argv)
    app.after_dashes = list(argv[len(ours) + 1 :])
    ours = [re.sub(r"^[\u2013\u2014](?=\w)", "--", argument) for argument in ours]  # as word processors write it
    _answer(app, ours)
    loader = CommandLine(
        list(spell_out(ours, aliases=app.aliases, switches=app.flags)),
        aliases=app.aliases,
        flags=app.flags,
        classes=[*app.with_bases(), *app.classes],
    )
    app.cli_config = loader.load_config()
    for remark in renew(app.cli_config, app.all_classes()):
        log.warning("%s", remark)
    if any(unknown_options(app.cli_config, app.all_classes())):
        rare = [*app.rare_classes(app.cli_config), *(classes_in(app.cli_config) if app.for_engines else ())]
        for problem in unknown_options(app.cli_config, [*app.all_classes(), *rare]):
            raise OptionError(problem)
    _say_what_has_no_effect(app)
    app.arguments = [str(argument) for argument in loader.extra_args]
    if app.arguments and not app.takes_arguments:
        raise OptionError(f"unexpected argument {app.arguments[0]!r}{_meant(app, app.arguments[0])}")
    app.apply(app.cli_config)


def read_files(app: BaseParallelApplication) -> None:
    """Give `app` the options in the profile's files and in its `config_file`; those of the command line win."""
    try:
        app.files_read = read_each(app.option_files(), app.all_classes(), app.cli_config)
        with naming_files(app.files_read, over=app.cli_config):
            app.apply(merged([*(config for _, config in app.files_read), app.cli_config]))
    except OptionError as error:
        if not app.files_may_fail:
            raise
        log.warning("%s. It is left out", error)


def _answer(app: BaseParallelApplication, argv: Sequence[str]) -> None:
    """Print what is asked for instead of the command's work, and raise SystemExit; else nothing."""
    if {"-h", "--help", "--help-all"}.intersection(argv):
        app.print_help(classes="--help-all" in argv)
    elif {"--version", "-V"}.intersection(argv):
        print(own_version())
    else:
        return
    raise SystemExit(0)


def _make_files(app: BaseParallelApplication) -> None:
    """Write the commented files of the profile, but for those that are there already."""
    from engineroom.settings.config_files import write_config_file  # few need it
    from engineroom.settings.file_sections import SECTIONS

    app.profile_directory.prepare()
    for program in SECTIONS:
        write_config_file(app.profile_directory.path, program)


def _show(app: BaseParallelApplication) -> None:
    """Print what files and command line have set."""
    from engineroom.settings.showing import as_json, as_text  # few ask

    print(as_json(app.config) if app.show_config_json else "\n".join(as_text(app.config, app.option_files())))


def _say_what_has_no_effect(app: BaseParallelApplication) -> None:
    for section in {type(app).__name__, "BaseParallelApplication"}.intersection(app.cli_config):
        for name in app.no_effect.keys() & app.cli_config[section].keys():
            log.warning("%s has no effect with `%s`: %s", name, app.command(), app.no_effect[name])


def _meant(app: BaseParallelApplication, argument: str) -> str:
    """Return "; did you mean ...?" where a number stands without its option."""
    owners = {flag for flags in app.aliases for flag in flags}
    return f" (did you mean -n {argument}?)" if argument.isdigit() and "n" in owners else ""


def read_config_files(
    paths: Iterable[Path], classes: Iterable[type[Configurable]] = (), *, over: Config | None = None
) -> Config:
    """Return the options in those of `paths` that exist, by their names of today, later ones first in rank.

    What is old or unknown in them is logged. `classes`: those whose options are most likely there. `over`: options
    that count more, and may name a launcher whose own options are in the files.
    """
    return merged(config for _, config in read_each(paths, classes, over))


@contextmanager
def naming_files(files: Sequence[tuple[Path, Config]], *, over: Config) -> Iterator[None]:
    """A context in which an OptionError about a value names the one of `files` that sets it, unless `over` does."""
    try:
        yield
    except OptionError as error:
        for path, config in reversed(files):
            if _sets(config, error.option) and not _sets(over, error.option):
                raise OptionError(f"{path}: {error}") from error
        raise


def _sets(config: Config, option: str) -> bool:
    """Whether `config` sets `option`, for its class or for a parent of that."""
    name = option.rpartition(".")[2]
    return bool(name) and any(each.endswith(f".{name}") for each in names_in(config))


def read_each(
    paths: Iterable[Path], classes: Iterable[type[Configurable]] = (), over: Config | None = None
) -> list[tuple[Path, Config]]:
    """Return those of `paths` that exist, each with its options: see `read_config_files`."""
    return [(path, _read(path, list(classes), over or Config())) for path in paths if path.exists()]


def merged(configs: Iterable[Config]) -> Config:
    """Return the options of all `configs`, later ones first in rank."""
    result = Config()
    for config in configs:
        result.merge(config)
    return result


def _read(path: Path, classes: list[type[Configurable]], over: Config) -> Config:
    try:
        with importable(places_for(path.parent)):
            file = JSONOptionFile(path) if path.suffix == ".json" else OptionFile(path)
            config = file.load_config()
    except UnsafeFile as error:
        raise OptionError(str(error)) from None
    except (Exception, SystemExit) as error:
        said = ": ".join(filter(None, [type(error).__name__, str(error)]))
        raise OptionError(f"{path}: {said}{_hint(error)}{_line(error, path)}") from error
    bare = [f"write c.{name}; it is also accepted without the c." for name in file.bare]
    for remark in [*bare, *renew(config, classes), *_leave_out_unknown(config, classes, over, path.parent)]:
        log.warning("%s: %s", path, remark)
    return config


def _line(error: BaseException, path: Path) -> str:
    """Return, as a SyntaxError says it, the line of `path` that `error` comes from."""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f" ({path.name}, line {lines[-1]})" if lines else ""


def _hint(error: BaseException) -> str:
    """Return what to write instead, where something was named as classes with options are, or text has no quotes."""
    name = error.name if isinstance(error, NameError) else None
    if not name:
        return ""
    if name.lower() in {each.lower() for each in KINDS}:
        return f". Write text in quotes: {name!r}"
    if name in _CONSTANTS:
        return f"; did you mean {_CONSTANTS[name]}?"
    if not name[:1].isupper():
        return ""
    from engineroom.settings.catalogue import CLASSES  # many classes, and few need them

    known = {section: f"c.{section}" for section in sections_of(CLASSES)}
    return nearest(name, known) or f". Options have a c before them: write c.{name}"


def _leave_out_unknown(config: Config, classes: list[type[Configurable]], over: Config, place: Path) -> list[str]:
    """Take out of `config` what no class has, of which traitlets would speak as well; return in words what that is."""
    if set(names_in(config)) <= set(spellings_of(classes)):
        return []
    from engineroom.settings.catalogue import CLASSES  # many classes, and few need them

    if not unknown_names(config, CLASSES):
        return []
    from engineroom.settings.launcher_classes import own_launchers  # as above

    more = [*classes_in(config), *own_launchers([config, over], places_for(place))]
    remarks = list(unknown_options(config, [*CLASSES, *more]))
    for name in unknown_names(config, [*CLASSES, *more]):
        section, option = name.split(".")
        del config[section][option]
    return remarks
