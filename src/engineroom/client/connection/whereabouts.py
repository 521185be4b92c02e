"""Finding the cluster of a connection file, and other running clusters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engineroom.errors import ConnectionFileError, LaunchError
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.settings.profiles import Profile, profiles
from engineroom.trail.advice import for_cluster, named


class Advice:
    """Makes the commands in a message act on the cluster of a connection file; on any, if that is a copy elsewhere."""

    def __init__(self, connection_file: Path | None) -> None:
        self._file = connection_file

    def __call__(self, words: str) -> str:
        place = None if self._file is None else profile_of(self._file)
        if self._file is None or place is None:
            return words
        info = _read(self._file)
        return for_cluster(words, place.options("" if info is None else info.cluster_id))


def profile_of(connection_file: Path) -> Profile | None:
    """Return the profile that a connection file lies in, None if it is a copy elsewhere."""
    path = connection_file.absolute()
    profile = Profile(path.parent.parent)
    return profile if profile.security_dir == path.parent else None


def running_clusters(place: Profile) -> str:
    """Return a sentence that names the clusters which run, of `place` and of all profiles; "" if there are none."""
    try:
        others = profiles()
    except LaunchError:  # there is no home, for one: who names a place needs none
        others = []
    return named(_running([place, *(each for each in others if each != place)]))


def _running(places: list[Profile]) -> Iterator[str]:
    for profile in places:
        for path in sorted(profile.security_dir.glob("ipcontroller*-client.json")):
            info = _read(path)
            if info is not None and not info.stale:
                yield f"Client({profile.arguments(info.cluster_id)})"


def _read(path: Path) -> ConnectionFile | None:
    try:
        return read_connection_file(path)
    except ConnectionFileError:
        return None
