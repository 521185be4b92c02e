"""What every option of a cluster is in the end, and where it was set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from traitlets.config import Config, Configurable

from engineroom.machine.own_modules import places_for
from engineroom.settings.application import BaseParallelApplication, with_json
from engineroom.settings.catalogue import FILES
from engineroom.settings.cluster import Cluster, IPClusterStart
from engineroom.settings.config_files import config_file
from engineroom.settings.controller import IPController
from engineroom.settings.engine_places import may_be_elsewhere
from engineroom.settings.launcher_classes import launcher_class
from engineroom.settings.launchers import BaseLauncher
from engineroom.settings.option import configured, names_in, own_options
from engineroom.settings.reading import read_arguments, read_config_files

DEFAULT = "default"
COMMAND_LINE = "command line"


class Effective(NamedTuple):
    """One option. `source`: a file, the command line, another option, or "default"."""

    name: str
    value: Any
    source: str


class _Layer(NamedTuple):
    source: str
    config: Config


def effective_options(app: IPClusterStart) -> list[Effective]:
    """Return the options that `ipcluster start` has with the arguments that `app` has read; they count most."""
    said = app.cli_config
    shared = [_Layer(str(path), read_config_files([path], app.all_classes(), over=said)) for path in app.option_files()]
    shared.append(_Layer(COMMAND_LINE, app.cli_config))
    found = [*_of_class(Cluster, shared), *_of_class(IPClusterStart, shared)]
    for cls in _launchers(app, shared):
        found += _of_class(cls, shared)
    elsewhere = _because_engines_are_elsewhere(app, shared)
    for program, less, more in (("ipcontroller", elsewhere, _for_controller(app, shared)), ("ipengine", [], [])):
        path, classes = config_file(app.profile_directory.path, program), FILES[program]
        own = [_Layer(str(each), read_config_files([each], classes)) for each in with_json(path)]
        layers = [*less, *own, *shared, *more]
        for cls in classes:
            found += _of_class(cls, layers)
    return found


def table(options: Sequence[Effective]) -> Iterator[str]:
    """Yield a line for each option: name, value, source."""
    names = max(len(option.name) for option in options)
    values = max(len(repr(option.value)) for option in options)
    for option in options:
        yield f"{option.name:{names}}  {option.value!r:{values}}  {option.source}"


def _launchers(app: IPClusterStart, shared: Sequence[_Layer]) -> Iterator[type[Configurable]]:
    """Yield the classes with the options of the launchers that are chosen; OptionError: one can't be had."""
    options, places = configured(Cluster, _merged(shared)), _places(app)
    yield launcher_class(options.controller_launcher_class, controller=True, places=places)
    cls = launcher_class(options.engine_launcher_class, controller=False, places=places)
    yield cls
    yield from cls.further_sections()


def _places(app: IPClusterStart) -> list[str]:
    return places_for(app.profile_directory.path)


def _because_engines_are_elsewhere(app: IPClusterStart, shared: Sequence[_Layer]) -> list[_Layer]:
    """Return what a controller does unless it is told otherwise."""
    config = _merged(shared)
    if not may_be_elsewhere(configured(Cluster, config).engine_launcher_class, config, places=_places(app)):
        return []
    return [_Layer("Cluster.engine_launcher_class", Config({"IPController": {"ip": "*"}}))]


def _for_controller(app: IPClusterStart, shared: Sequence[_Layer]) -> Iterator[_Layer]:
    """Yield what a cluster's options say to its controller."""
    options = configured(Cluster, _merged(shared))
    if options.controller_ip:
        yield _Layer("Cluster.controller_ip", Config({"IPController": {"ip": options.controller_ip}}))
    if options.controller_location:
        yield _Layer("Cluster.controller_location", Config({"IPController": {"location": options.controller_location}}))
    cls = launcher_class(options.controller_launcher_class, controller=True, places=_places(app))
    launcher = configured(cls, _merged(shared))
    for source, arguments in (
        (f"{cls.__name__}.controller_args", getattr(launcher, "controller_args", [])),
        ("Cluster.controller_args", options.controller_args),
        (COMMAND_LINE, app.after_dashes),
    ):
        if arguments:
            reader = IPController()
            read_arguments(reader, arguments)
            yield _Layer(source, reader.cli_config)


def _of_class(cls: type[Configurable], layers: Sequence[_Layer]) -> Iterator[Effective]:
    """Yield the options of `cls`; what all applications have in common only once, or where somebody sets it."""
    holder = configured(cls, _merged(layers))
    common = {name for name, _, _ in own_options(BaseParallelApplication)}
    for name in sorted(cls.class_trait_names(config=True)):
        source = _source(cls, name, layers)
        # Launchers of the user's own have traits that say nothing of this.
        ours = cls.class_traits()[name].metadata.get("in_files", issubclass(cls, BaseLauncher))
        ours = ours and not str(cls.class_traits()[name].help).startswith("Ignored")
        if ours and (source != DEFAULT or name not in common or cls is IPClusterStart):
            value = getattr(holder, name)
            yield Effective(f"{cls.__name__}.{name}", getattr(value, "pattern", value), source)


def _merged(layers: Sequence[_Layer]) -> Config:
    config = Config()
    for layer in layers:
        config.merge(layer.config)
    return config


def _source(cls: type[Configurable], name: str, layers: Sequence[_Layer]) -> str:
    """Return the last of `layers` that sets the option; what is said of a class counts more than of its parents."""
    for section in (each.__name__ for each in cls.mro()):
        for layer in reversed(layers):
            if f"{section}.{name}" in names_in(layer.config):
                return layer.source
    return DEFAULT
