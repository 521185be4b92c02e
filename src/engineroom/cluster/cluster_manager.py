"""ClusterManager: several clusters by name, as front ends list them."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

from engineroom.cluster import registry
from engineroom.cluster.cleaning import clean
from engineroom.cluster.cluster import Cluster
from engineroom.cluster.pid_records import Holder
from engineroom.settings.profiles import Profile, profiles

_log = logging.getLogger(__name__)


class ClusterManager:
    """The clusters that were found or made, by key."""

    def __init__(self) -> None:
        self.clusters: dict[str, Cluster] = {}

    def load_clusters(
        self,
        *,
        profile_dirs: Sequence[str | os.PathLike[str]] | None = None,
        profile_dir: str | os.PathLike[str] | None = None,
        names: Sequence[str] | None = None,
        profile: str | None = None,
    ) -> dict[str, Cluster]:
        """Add the clusters that run in these profiles, by default in all; return all clusters."""
        directories = [*(profile_dirs or ()), *([profile_dir] if profile_dir else [])]
        places = [Profile.find(profile_dir=directory) for directory in directories]
        places += [Profile.find(name) for name in (*(names or ()), *([profile] if profile else []))]
        for found in registry.find(places or profiles()):
            if found.values and found.holder is Holder.RUNNING:
                self._add(Cluster.from_dict(found.values))
        return self.clusters

    def new_cluster(self, **options: Any) -> tuple[str, Cluster]:
        """Return the key of a new cluster, not started yet, and the cluster."""
        cluster = Cluster(**options)
        return self._add(cluster), cluster

    def get_cluster(self, key: str) -> Cluster:
        """Return a cluster by its key; KeyError if there is none."""
        return self.clusters[key]

    def remove_cluster(self, key: str) -> None:
        """Forget a cluster; it goes on."""
        del self.clusters[key]

    def _add(self, cluster: Cluster) -> str:
        key = f"{cluster.profile or cluster.profile_dir}:{cluster.cluster_id}"
        self.clusters[key] = cluster
        return key


def clean_cluster_files(
    profile_dirs: Sequence[str | os.PathLike[str]] | None = None,
    log: logging.Logger | None = None,
    force: bool = False,  # noqa: FBT001, FBT002 (as users write it)
) -> list[str]:
    """Remove what ended clusters left in these profiles, by default in all; return, in words, what was done.

    `force`: stop clusters that run first. `log`: a logger for what is done.
    """
    places = [Profile.find(profile_dir=directory) for directory in profile_dirs or ()] or profiles()
    done = list(clean(places, force=force))
    for words in done:
        (log or _log).info("%s", words)
    return done
