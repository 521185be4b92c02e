"""The commands that messages advise, with the options by which they act on the cluster at hand and on no other."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST = 8
"""Clusters that a message names."""

_COMMAND = re.compile(
    r"`(?P<command>ipcluster (?:start|engines|stop|logs|why|clean|config|tasks|audit)|ipcontroller)"
    r"(?P<rest>(?: [^`]*)?)`"
)
_CHOOSES = re.compile(r"--(?:profile|profile-dir|cluster-id)\b")


def for_cluster(words: str, options: str) -> str:
    """Return `words` with `options` in each command, such as `ipcluster logs`, that stands there between backticks.

    `options`: as `Profile.options` returns them. A command that chooses a cluster already stays as it is.
    """
    if not options:
        return words

    def whole(found: re.Match[str]) -> str:
        if _CHOOSES.search(found["rest"]):
            return found[0]
        before, dashes, after = found["rest"].partition(" -- ")
        return f"`{found['command']}{before} {options}{dashes}{after}`"

    return _COMMAND.sub(whole, words)


def named(commands: Iterable[str]) -> str:
    """Return a sentence that names the clusters that run, by the commands that choose each; "" if there are none."""
    found = list(commands)
    if not found:
        return ""
    shown = ", ".join(f"`{command}`" for command in found[:_MOST])
    more = f", and {len(found) - _MOST} more (`ipcluster list` shows all)" if len(found) > _MOST else ""
    return f"These clusters are running: {shown}{more}" if len(found) > 1 else f"This cluster is running: {shown}"
