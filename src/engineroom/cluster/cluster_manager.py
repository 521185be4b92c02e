"""ClusterManager: several clusters by name, as front ends list them."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from typing import Any

from engineroom.client.arguments.switches import checks_switches
from engineroom.cluster.cluster import Cluster
from engineroom.cluster.commands.cleaning import clean
from engineroom.cluster.finding import registry
from engineroom.cluster.records.cluster_file import NoCluster
from engineroom.cluster.records.pid_records import Holder
from engineroom.settings.profiles import Profile
from engineroom.settings.profiles import profiles as all_profiles

_log = logging.getLogger(__name__)


@checks_switches()
class ClusterManager:
    """A collection of clusters, found or created, by key."""

    def __init__(self) -> None:
        self.clusters: dict[str, Cluster] = {}

    def load_clusters(
        self,
        *,
        profile_dirs: Sequence[str | os.PathLike[str]] | None = None,
        profile_dir: str | os.PathLike[str] | None = None,
        profiles: Sequence[str] | None = None,
        profile: str | None = None,
        init_default_clusters: bool = False,
    ) -> dict[str, Cluster]:
        """Find the running clusters of these profiles, forget clusters that have ended, and return all clusters by key.

        `profile_dirs`, `profile_dir`: directories of profiles. `profiles`, `profile`: their names. Default: all
        profiles. `init_default_clusters`: also add a cluster without an id for each profile; these are not started.

        A key is "profile:cluster_id", with the profile's directory if it has no name.
        ProfileError (also LaunchError and OSError): the directory of a profile cannot be read.
        """
        self._forget_ended()
        places = [
            Profile.find(profile_dir=each) for each in (*(profile_dirs or ()), *([profile_dir] if profile_dir else []))
        ]
        places += [Profile.find(each) for each in (*(profiles or ()), *([profile] if profile else []))]
        places = places or all_profiles()
        for found in registry.find(places):
            if (
                found.values
                and found.holder is Holder.RUNNING
                and _key(found.profile, found.cluster_id) not in self.clusters
            ):
                with contextlib.suppress(NoCluster):  # it has ended meanwhile
                    self._add(Cluster.from_dict(found.values))
        if init_default_clusters:
            for place in places:
                if _key(place, "") not in self.clusters:
                    self._add(Cluster(profile_dir=place.path, cluster_id=""))
        return self.clusters

    def new_cluster(
        self,
        *,
        cluster_id: str | None = None,
        profile: str | None = None,
        profile_dir: str | os.PathLike[str] | None = None,
        n: int | None = None,
        engines: str | type | None = None,
        controller: str | type | None = None,
        **options: Any,
    ) -> tuple[str, Cluster]:
        """Create a cluster without starting it; return its key and the cluster. For the arguments, see `Cluster`.

        KeyError: a cluster with this profile and id already exists. OptionError: as for `Cluster`.
        """
        cluster = Cluster(
            cluster_id=cluster_id,
            profile=profile,
            profile_dir=profile_dir,
            n=n,
            engines=engines,
            controller=controller,
            **options,
        )
        self._forget_ended()
        if (key := _key_of(cluster)) in self.clusters:
            raise KeyError(f"there is a cluster {key!r} already; give the new one another cluster_id")
        return self._add(cluster), cluster

    def get_cluster(self, cluster_id: str) -> Cluster:
        """Return the cluster with the key `cluster_id`, as `new_cluster` returned it; KeyError if there is none."""
        key = cluster_id
        if key not in self.clusters:
            raise KeyError(f"there is no cluster {key!r}; the clusters are: {', '.join(self.clusters) or 'none'}")
        return self.clusters[key]

    def remove_cluster(self, cluster_id: str) -> None:
        """Forget the cluster with the key `cluster_id` without stopping it; KeyError if there is none."""
        self.get_cluster(cluster_id)
        del self.clusters[cluster_id]

    def _add(self, cluster: Cluster) -> str:
        key = _key_of(cluster)
        self.clusters[key] = cluster
        return key

    def _forget_ended(self) -> None:
        for key, cluster in list(self.clusters.items()):
            if cluster.ended:
                del self.clusters[key]


def _key_of(cluster: Cluster) -> str:
    return f"{cluster.profile or cluster.profile_dir}:{cluster.cluster_id}"


def _key(profile: Profile | None, cluster_id: str) -> str:
    assert profile is not None  # it was found by its files
    return f"{profile.name or profile.path}:{cluster_id}"


def clean_cluster_files(
    profile_dirs: Sequence[str | os.PathLike[str]] | None = None,
    log: logging.Logger | None = None,
    force: bool = False,  # noqa: FBT001, FBT002 (as users write it)
) -> list[str]:
    """Remove what ended clusters left; return, in words, what was done.

    `profile_dirs`: the directories of the profiles to look in; None: all. `force`: stop clusters that run first.
    `log`: a logger for what is done.
    """
    places = [Profile.find(profile_dir=directory) for directory in profile_dirs or ()] or all_profiles()
    done = list(clean(places, force=force))
    for words in done:
        (log or _log).info("%s", words)
    return done
