"""The client of a command, and how long it waits: whether a controller runs, or is about to."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from engineroom.cluster.records.pid_records import holder, read
from engineroom.errors import ConnectionFileError
from engineroom.machine.homes import expanded
from engineroom.protocol.connection_files import read_connection_file
from engineroom.settings.cluster import Asking
from engineroom.settings.option import names_in

if TYPE_CHECKING:
    from engineroom.client.client import Client


def client_for(app: Asking, *, sshserver: str = "") -> Client:
    """Return a client of the cluster that the options name."""
    from engineroom.client.client import Client  # much to import, for those who come so far

    logging.getLogger("engineroom").setLevel(logging.WARNING)
    file = app.url_file or None
    return Client(
        file,
        profile_dir=None if file else app.profile_directory.path,
        cluster_id=None if file else app.cluster_id,
        sshserver=sshserver or None,
        timeout=seconds_for(app),
        patience=None,
    )


def seconds_for(app: Asking) -> float:
    """Return how long to wait for the controller that the options name: if none is to come, only if that was asked."""
    asked = any(f"{kind.__name__}.timeout" in names_in(app.config) for kind in type(app).__mro__)
    expected = _is_there(app) if app.url_file else may_run(app) or _starts(app)
    return app.timeout if asked or expected else 0.0


def _is_there(app: Asking) -> bool:
    """Whether there is the connection file that was named, here or in the profile."""
    named = expanded(app.url_file)
    return named.exists() or (app.profile_directory.security_dir / named).exists()


def may_run(app: Asking) -> bool:
    """Whether there is a controller, or one that its host is about to start again."""
    path = app.profile_directory.connection_file("client", app.cluster_id)
    try:
        info = read_connection_file(path)
    except ConnectionFileError:
        return path.exists()
    return not info.stale or (info.owner is not None and not info.owner.ended)


def _starts(app: Asking) -> bool:
    """Whether something runs, or may, that writes a connection file before long."""
    files = (app.profile_directory.pid_file(program, app.cluster_id) for program in ("ipcluster", "ipcontroller"))
    return any(holder(read(path)).may_run for path in files)
