"""`security/cluster-ID.json`: what runs, and how to reach its host; other processes find a cluster by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from engineroom.cluster.records.pid_records import NO_CLUSTER, holder
from engineroom.errors import LaunchError
from engineroom.machine.own_files import UnsafeFile, read_own
from engineroom.machine.private_files import write_private
from engineroom.machine.processes import ProcessRecord
from engineroom.settings.profiles import Profile
from engineroom.trail.advice import for_cluster

CLASS = "engineroom.cluster.Cluster"


class NoCluster(LaunchError, FileNotFoundError):
    """There is no such cluster."""

    code = NO_CLUSTER


class Engine(Protocol):
    """What the file says of an engine."""

    pid: int
    ready: bool
    log_file: str

    @property
    def label(self) -> int:
        """The number that people know it by."""


class HostAddress(msgspec.Struct, frozen=True):
    """Which process a cluster's host is, and the socket at which it can be asked.

    `directory`: where it was started; `since`: when, in seconds since 1970.
    """

    process: ProcessRecord
    socket: str
    directory: str = ""
    since: float = 0.0


def describe(
    *,
    options: Mapping[str, Any],
    profile_dir: str,
    cluster_id: str,
    host: HostAddress,
    controller: Mapping[str, Any],
    sets: Mapping[str, Sequence[Engine]],
    handles: Mapping[str, Any],
    launchers: tuple[str, str] = ("local", "local"),
) -> dict[str, Any]:
    """Return what the file says, as JSON values.

    `handles`: by set, what a launcher started. `launchers`: what started the controller, and the engines.
    """
    return {
        "cluster": {**options, "cluster_id": cluster_id, "profile_dir": profile_dir, "class": CLASS},
        "host": msgspec.to_builtins(host),
        "controller": {"class": launchers[0], "state": dict(controller)},
        "engines": {
            "class": launchers[1],
            "sets": {name: _set(sets.get(name, ()), handles.get(name)) for name in dict.fromkeys([*sets, *handles])},
        },
    }


def _set(engines: Sequence[Engine], handle: Any) -> dict[str, Any]:
    values = {"n": len(engines), "engines": {str(engine.label): _state(engine) for engine in engines}}
    return values if handle is None else {**values, "handle": handle}


def _state(engine: Engine) -> dict[str, Any]:
    return {"pid": engine.pid, "ready": engine.ready, "output_file": engine.log_file}


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Replace `path`, readable by its owner only; LaunchError: it can't be done, and nothing is left of the attempt."""
    try:
        # A power cut ends the cluster as well.
        write_private(path, json.dumps(values, indent=2).encode(), durable=False)
    except OSError as error:
        raise LaunchError(f"the cluster file {path} can't be written: {error.strerror}") from error


def read(path: Path) -> dict[str, Any]:
    """Return what `path` says; NoCluster if it is missing or says nothing."""
    try:
        values = json.loads(read_own(path))
        address_in(values)
    except FileNotFoundError:
        options = Profile(path.absolute().parent.parent).options(path.stem.removeprefix("cluster-"))
        words = f"there is no cluster file {path}. Start a cluster with `ipcluster start`"
        raise NoCluster(for_cluster(words, options)) from None
    except UnsafeFile as error:
        raise NoCluster(str(error)) from None
    except (ValueError, LookupError, TypeError) as error:
        raise NoCluster(f"{path} is not a cluster file of engineroom: {error}") from error
    assert isinstance(values, dict)
    return values


def address_in(values: Mapping[str, Any]) -> HostAddress:
    return msgspec.convert(values["host"], HostAddress)


def stop_timeout_in(values: Mapping[str, Any]) -> float:
    """Return how many seconds the host gives all that it started to end."""
    return float(values["cluster"].get("stop_timeout", 0.0))


def runs(values: Mapping[str, Any]) -> bool:
    """Whether the cluster's host runs, as far as this machine can tell."""
    return holder(address_in(values).process).may_run


def engine_states(values: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield the state of each engine."""
    for each in values.get("engines", {}).get("sets", {}).values():
        yield from each.get("engines", {}).values()
