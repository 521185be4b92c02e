"""The addresses of this machine, for the connection files of a controller that listens on all of them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

from engineroom.machine.processes import host_name

_PROBES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses that no machine has."""


def addresses_of_this_machine() -> list[str]:
    """Return its addresses, those that others most likely reach first; then its name, then loopback."""
    found = list(dict.fromkeys([*_routed(), *_of_interfaces()]))
    outside = [text for text in found if not ipaddress.ip_address(text).is_loopback]
    loopback = [text for text in found if ipaddress.ip_address(text).is_loopback] or ["127.0.0.1"]
    name = [] if host_name().partition(".")[0] in {"", "localhost"} else [host_name()]
    return [*outside, *name, *loopback]


def _routed() -> Iterator[str]:
    """Yield the addresses from which this machine would speak to the world (no packet is sent)."""
    for family, far in _PROBES:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                yield str(probe.getsockname()[0])
        except OSError:
            continue


def _of_interfaces() -> Iterator[str]:
    """Yield the addresses of all interfaces but those that mean something on their own cable only."""
    import psutil  # imported by controllers that listen on all addresses, not by all

    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            text = str(each.address).partition("%")[0]
            if each.family in (socket.AF_INET, socket.AF_INET6) and not ipaddress.ip_address(text).is_link_local:
                yield text
