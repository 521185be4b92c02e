"""A cluster described: as a dict of JSON values while it is not running, and for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from engineroom.cluster.records.cluster_file import CLASS
from engineroom.settings.cluster import Cluster as ClusterOptions

_OPTIONS = ("n", "controller_ip", "controller_location", "controller_args", "delay", "cluster_id", "profile_dir")


class Described(Protocol):
    """What is told of a `Cluster`."""

    n: int | None
    cluster_id: str

    @property
    def profile(self) -> str: ...
    @property
    def profile_dir(self) -> str: ...


def not_running(cluster: Described) -> dict[str, Any]:
    """Return what there is to say of a cluster of which nothing runs, in the shape of a cluster file."""
    values = {name: getattr(cluster, name) for name in _OPTIONS}
    values["controller_args"] = list(values["controller_args"])
    return {"cluster": {**values, "class": CLASS}, "controller": {}, "engines": {}}


def in_brief(cluster: Described, values: Mapping[str, Any] | None) -> str:
    """Return a cluster in a line; `values`: its description if it runs."""
    where = f"profile={cluster.profile!r}" if cluster.profile else f"profile_dir={cluster.profile_dir!r}"
    parts = [f"cluster_id={cluster.cluster_id!r}", where, f"n={cluster.n}"]
    if values is None:
        parts.append("controller=None")
    else:
        parts.append(f"controller=<{'running' if values['controller'].get('state') else 'running elsewhere'}>")
        parts.append(f"engine_sets={list(values['engines'].get('sets', {}))}")
    return f"<Cluster({', '.join(parts)})>"


def as_options(cluster: ClusterOptions) -> ClusterOptions:
    """Return the options of a `Cluster` as commands have them, launchers by their names."""
    launchers = (type(cluster).engine_launcher_class, type(cluster).controller_launcher_class)
    values: dict[str, Any] = {str(trait.name): trait.name_for(cluster) for trait in launchers}
    others = set(ClusterOptions.class_trait_names(config=True)) - values.keys()
    values.update({name: getattr(cluster, name) for name in others})
    return ClusterOptions(config=cluster.config, **values)
