"""Options that a launcher has because its parents have them, and that do nothing with it: told once, at start."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from engineroom.cluster.launchers.templates import find_template
from engineroom.errors import LaunchError
from engineroom.settings.cluster import Cluster
from engineroom.settings.launcher_kinds import ENGINE, loaded
from engineroom.settings.launchers import BaseLauncher, BatchSystemLauncher
from engineroom.settings.option import names_in

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
        yield from _set_in_vain(type(options), said)
        yield from _of_subclass(type(options))
        if options.launcher_kind.remarks:
            yield from loaded(options.launcher_kind.remarks)(options, profile_dir)
        if ENGINE in options.launcher_roles:
            yield from _of_cluster(cluster, options)


def _set_in_vain(cls: type[BaseLauncher], said: Sequence[str]) -> Iterator[str]:
    """Yield the options without effect that are set for the class which says so, or for one derived from it."""
    parents = cls.mro()
    for declared in parents:
        sections = [each.__name__ for each in parents if declared in each.mro()]
        for name, words in vars(declared).get("launcher_no_effect", {}).items():
            yield from (f"{each}.{name} has no effect: {words}" for each in sections if f"{each}.{name}" in said)


def _of_subclass(cls: type[BaseLauncher]) -> Iterator[str]:
    for base in cls.mro():
        for name in _ATTRIBUTES.keys() & vars(base).keys():
            yield f"{base.__name__}.{name} has no effect: set {_ATTRIBUTES[name]}"


def not_in_template(options: BatchSystemLauncher, profile_dir: Path) -> Iterator[str]:
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


def _of_cluster(cluster: Cluster, options: BaseLauncher) -> Iterator[str]:
    kind = options.launcher_kind
    forked = ENGINE in kind.by_host and not any(getattr(options, name) for name in kind.by_host[ENGINE])
    wanted = cluster.restart_dead_engines and "Cluster.restart_dead_engines" in names_in(cluster.config)
    if wanted and not (forked or kind.restarts):
        yield (
            "Cluster.restart_dead_engines has no effect: only engines that ipcluster forks on this machine, or has "
            "started by ssh, are started again"
        )
    if cluster.split is not None and "split" not in options.trait_names(config=True):
        yield "Cluster.split has no effect: only engines in jobs of a batch system can be split"
