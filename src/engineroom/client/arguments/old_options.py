"""Options of a Client that have no meaning here, and that scripts for ipyparallel give all the same."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import Any, TypedDict

log = logging.getLogger(__name__)

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
        hint = f": did you mean {close[0]}?" if close else ""
        raise TypeError(f"Client() has no option {', '.join(unknown)}{hint}")
    meant = sorted(name for name, value in options.items() if value)
    if meant:
        log.warning("ignoring Client options that have no effect in engineroom: %s", ", ".join(meant))
