"""How long payloads get to and from each peer, in words."""

from __future__ import annotations

from engineroom.controller.links import Link, Links

_SHARED = "shared memory"


def way_of_data(link: Link, allowed: int) -> str:
    """Return how large data get to this peer, and why not faster. `allowed`: bytes that it may share."""
    connection = link.connection
    if connection.sharing is not None:
        trouble = connection.sharing.trouble or connection.sharing.far_trouble
        return f"{_SHARED}; not all of it: {trouble}" if trouble else _SHARED
    if connection.kind != "unix":
        return "the connection: shared memory needs a Unix socket, between processes of one user on one machine"
    if not allowed:
        return "the connection: shared memory is off (IPController.max_shared_bytes = 0)"
    return "the connection: one end can't open the memory of the other (it has other rights, or another PID namespace)"


def troubles(links: Links) -> list[str]:
    """Return a sentence for each peer some of whose large data go over its socket, though it shares memory."""
    found = []
    for link in links.by_peer.values():
        sharing = link.connection.sharing
        if sharing is not None and (trouble := sharing.trouble or sharing.far_trouble):
            who = f"engine {link.engine_id}" if link.role == "engine" else f"client {link.identity.hex()[:8]}"
            found.append(f"some data of {who} are sent over the socket: {trouble}")
    return found
