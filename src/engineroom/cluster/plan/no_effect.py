"""Options that a launcher has because its parents have them, and that do nothing with it: told once, at start."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from engineroom.cluster.launchers.templates import find_template
from engineroom.errors import LaunchError
from engineroom.settings.cluster import Cluster
from engineroom.settings.launchers import (
    BaseLauncher,
    BatchSystemLauncher,
    EngineLauncher,
    HTCondorLauncher,
    LocalEngineSetLauncher,
    LocalProcessLauncher,
    SSHControllerLauncher,
    SSHEngineSetLauncher,
    SSHLauncher,
    SSHProxyEngineSetLauncher,
    WindowsHPCLauncher,
)
from engineroom.settings.option import names_in

_FETCHED = "only files of a controller are fetched: have engines return what you need"

_NO_EFFECT: tuple[tuple[type[BaseLauncher], tuple[str, ...], str], ...] = (
    (LocalProcessLauncher, ("poll_seconds",), "the end of a process is known at once"),
    (SSHLauncher, ("scp_cmd", "scp_args"), "files travel over the ssh connection itself: see to_send and to_fetch"),
    (SSHLauncher, ("output_limit",), "the logs of other machines are copied to here: see `ipcluster logs`"),
    (SSHLauncher, ("stop_timeout",), "what runs there is killed if it does not end"),
    (SSHControllerLauncher, ("stop_seconds_until_kill",), "a controller that does not end in 4 s is killed"),
    (SSHEngineSetLauncher, ("to_fetch",), _FETCHED),
    (SSHEngineSetLauncher, ("hostname", "location"), "the machines are those in its `engines`"),
    (SSHProxyEngineSetLauncher, ("to_fetch",), _FETCHED),
    (WindowsHPCLauncher, ("output_limit",), "what tasks print is in the profile's log directory"),
    (HTCondorLauncher, ("queue",), "HTCondor has no queues: say what machines have to have by `options`"),
)
"""Launchers, options of theirs, and why these do nothing, or what to use instead."""

_ATTRIBUTES = {
    "default_template": "batch_template",
    "job_array_regexp": "batch_template, with its own line for a job array",
    "job_array_template": "batch_template, with its own line for a job array",
    "queue_regexp": "queue, and {queue} in batch_template",
    "queue_template": "queue, and {queue} in batch_template",
}
"""What subclasses of ipyparallel's launchers could set, and what to set instead."""

_FIELDS = ("queue", "account", "qos", "timelimit", "options", "output_file")
"""Options that are nothing but fields of a template."""


def remarks(cluster: Cluster, launchers: Sequence[BaseLauncher], profile_dir: Path) -> Iterator[str]:
    """Yield, in words, each option in the config of `cluster` that does nothing with the `launchers` it has."""
    said = names_in(cluster.config)
    for options in launchers:
        for declared, names, words in _NO_EFFECT:
            for name in names:
                sections = [cls.__name__ for cls in type(options).mro() if issubclass(cls, declared)]
                found = [f"{section}.{name}" for section in sections if f"{section}.{name}" in said]
                yield from (f"{option} has no effect: {words}" for option in found)
        yield from _of_subclass(type(options))
        if isinstance(options, BatchSystemLauncher):
            yield from _not_in_template(options, profile_dir)
        if isinstance(options, EngineLauncher):
            yield from _of_cluster(cluster, options)


def _of_subclass(cls: type[BaseLauncher]) -> Iterator[str]:
    for base in cls.mro():
        for name in _ATTRIBUTES.keys() & vars(base).keys():
            yield f"{base.__name__}.{name} has no effect: set {_ATTRIBUTES[name]}"


def _not_in_template(options: BatchSystemLauncher, profile_dir: Path) -> Iterator[str]:
    """Yield what the user's own template does not ask for."""
    template, where = options.batch_template, "batch_template"
    if not template and options.batch_template_file:
        with contextlib.suppress(LaunchError, OSError):  # whoever is to use it will say so
            path = find_template(options.batch_template_file, [Path.cwd(), profile_dir])
            template, where = path.read_text(encoding="utf-8"), str(path)
    if not template:
        return
    for name in _FIELDS:
        if getattr(options, name, "") and not re.search(rf"\{{[^}}]*\b{name}\b", template):
            words = f"has no effect: there is no {{{name}}} in {where}, and nothing is added to a script of yours"
            yield f"{type(options).__name__}.{name} {words}"


def _of_cluster(cluster: Cluster, options: EngineLauncher) -> Iterator[str]:
    forked = isinstance(options, LocalEngineSetLauncher) and not (options.engine_cmd or options.engine_args)
    if cluster.restart_dead_engines and not (forked or isinstance(options, SSHLauncher)):
        yield (
            "Cluster.restart_dead_engines has no effect: only engines that ipcluster forks on this machine, or has "
            "started by ssh, are started again"
        )
    if cluster.split is not None and not hasattr(options, "split"):
        yield "Cluster.split has no effect: only engines in jobs of a batch system can be split"
