"""What `Cluster(...)` makes of its arguments: its own options, those of other systems, and the profile's files."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from traitlets.config import Config

from engineroom.errors import LaunchError
from engineroom.settings.application import with_json
from engineroom.settings.cluster import IPClusterStart
from engineroom.settings.old_names import renew
from engineroom.settings.option import OptionError, nearest
from engineroom.settings.profiles import Profile
from engineroom.settings.reading import read_config_files
from engineroom.trail.advice import named

_INSTEAD = {
    "n_workers": "n={}",
    "workers": "n={}",
    "num_workers": "n={}",
    "max_workers": "n={}",
    "n_jobs": "n={}",
    "n_engines": "n={}",
    "num_engines": "n={}",
    "num_cpus": "n={}",
    "processes": "n={}",
    "nprocs": "n={}",
    "jobs": "n={}",
    "name": "cluster_id={!r}",
    "id": "cluster_id={!r}",
    "host": "controller_ip={!r}",
    "ip": "controller_ip={!r}",
    "scheduler_port": "config with c.IPController.ports = {}",
    "port": "config with c.IPController.ports = {}",
    "ports": "config with c.IPController.ports = {!r}",
    "timeout": "engine_timeout={}",
    "env": "engine_environment={!r}",
    "environment": "engine_environment={!r}",
    "launcher": "engines={!r}",
    "queue": "config with the launcher's option, such as c.SlurmLauncher.queue = {!r}",
    "memory_limit": "engine_memory_limit={!r}",
    "threads_per_worker": "n with one engine per task: an engine runs one task at a time",
}


_NO_MEANING = frozenset({"send_engines_connection_env"})
"""What ipyparallel's Cluster takes, and has no meaning here."""

log = logging.getLogger(__name__)


def refuse_unknown(options: dict[str, Any], known: Iterable[str]) -> None:
    """Raise OptionError for an option that `Cluster` does not have, with what to write instead.

    What has no meaning here is taken out of `options`.
    """
    known = set(known)
    for name in _NO_MEANING.intersection(options):
        del options[name]
    for name, value in options.items():
        if name not in known:
            instead = f"; use {_INSTEAD[name].format(value)}" if name in _INSTEAD else nearest(name, known)
            raise OptionError(f"Cluster has no option {name!r}{instead}")


def merged_config(given: Config, values: Mapping[str, Any], place: Profile | None) -> Config:
    """Return the options in the files of `place` with those in `given` over them; `values` may name a launcher."""
    classes = [IPClusterStart, *IPClusterStart.option_classes]
    for remark in renew(given, classes):
        log.warning("%s", remark)
    said = deepcopy(given)
    said.merge(Config({"Cluster": dict(values)}))
    paths = [] if place is None else with_json(place.path / "ipcluster_config.py")
    merged = read_config_files(paths, classes, over=said)
    merged.merge(given)
    return merged


def running_elsewhere(place: Profile) -> str:
    """Return the clusters that run, in a sentence, for those who mean one of them."""
    from engineroom.cluster.finding.registry import running  # reads every cluster file

    profiles = ((found.profile, found.cluster_id) for found in running(place))
    words = named(f"Cluster.from_file({profile.arguments(each)})" for profile, each in profiles if profile is not None)
    return f". {words}" if words else ""


def check_started(options: Mapping[str, Any], connection_file: str, *, running: bool) -> None:
    """Raise LaunchError for a cluster that nobody has started, unless the caller says how long to wait for it."""
    if not running and "timeout" not in options and not os.path.exists(connection_file):
        raise LaunchError(
            "the cluster is not running: start it with `cluster.start_cluster_sync()`, or write `with cluster as rc:`"
        )
