"""How long payloads get to and from each peer, in words."""

from __future__ import annotations

from engineroom.controller.links import Link, Links

_SHARED = "shared memory"


def way_of_data(link: Link) -> str:
    """Return how large data get to this peer, and why not faster."""
    connection = link.connection
    if connection.sharing is not None:
        trouble = connection.sharing.trouble or connection.sharing.far_trouble
        return f"{_SHARED}; not all of it: {trouble}" if trouble else _SHARED
    if connection.kind != "unix":
        return "the connection, which is not one within this machine"
    return "the connection: shared memory is off (IPController.max_shared_bytes) or can't be used by both ends"


def troubles(links: Links) -> list[str]:
    """Return a sentence for each peer some of whose large data go over its connection that need not."""
    found = []
    for link in links.by_peer.values():
        sharing = link.connection.sharing
        if sharing is not None and (trouble := sharing.trouble or sharing.far_trouble):
            who = f"engine {link.engine_id}" if link.role == "engine" else f"client {link.identity.hex()[:8]}"
            found.append(f"some data of {who} are sent over the socket: {trouble} (IPController.max_shared_bytes)")
    return found
