"""Options of a Client that have no meaning here, and that scripts for ipyparallel give all the same."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Any, TypedDict

log = logging.getLogger(__name__)

_START = (
    "a Client connects to a cluster that runs; to start one, write `engineroom.Cluster(n=4).start_and_connect_sync()`"
)
_FILE = "pass the path of the controller's ipcontroller-client.json: `Client(path)`"

_ELSEWHERE = {
    **dict.fromkeys(("n", "n_workers", "num_cpus", "processes", "threads_per_worker", "engines"), _START),
    **dict.fromkeys(("address", "host", "port", "scheduler_file", "url"), _FILE),
}
"""Options that other systems have, and what to write instead."""

_NO_MEANING_HERE = frozenset({"context", "debug", "paramiko", "packer", "unpacker", "session", "username", "key"})


class Ignored(TypedDict, total=False):
    """Options of ipyparallel's Client that have no meaning here, and old names of `connection_info`."""

    url_file: str | os.PathLike[str]
    url_or_file: str | os.PathLike[str]
    context: object
    debug: bool
    paramiko: bool | None
    packer: object
    unpacker: object
    session: object
    username: str
    key: object


def say_ignored(options: dict[str, Any], known: Iterable[str]) -> None:
    """Log which of these options have no effect; TypeError: one is none of them. `known`: those with a meaning."""
    unknown = sorted(options.keys() - _NO_MEANING_HERE)
    if unknown:
        from difflib import get_close_matches  # only now needed

        close = get_close_matches(unknown[0], list(known), 1)
        instead = _ELSEWHERE.get(unknown[0]) or (f"did you mean {close[0]}?" if close else "")
        hint = f": {instead}" if instead else ""
        raise TypeError(f"Client() has no option {', '.join(unknown)}{hint}")
    meant = sorted(name for name, value in options.items() if value)
    if meant:
        log.warning("ignoring Client options that have no effect in engineroom: %s", ", ".join(meant))
