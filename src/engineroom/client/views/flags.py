"""The flags of views and the options of maps: their names and types, and errors for other names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from engineroom.client.engines.targets import Targets
from engineroom.client.maps.submitting import OnError
from engineroom.client.views.terms import OnTimeLimit


def missing(view: object, name: str) -> AttributeError:
    """Return the error for an attribute that `view` does not have, with what to write instead."""
    from engineroom.client.arguments import hints  # long, and few need it

    return hints.missing(view, name)


class _Common(TypedDict, total=False):
    label: str | None
    track: bool
    time_limit: float | None
    on_time_limit: OnTimeLimit


class CallFlags(_Common, total=False):
    """The flags of all views, but for the engines."""

    block: bool | None


class OtherFlags(_Common, total=False):
    """The flags of all views, but for `block`."""

    targets: Targets


class Flags(CallFlags, OtherFlags, total=False):
    """The flags of all views."""


class _Broadcast(TypedDict, total=False):
    is_coalescing: bool


class BroadcastOtherFlags(OtherFlags, _Broadcast, total=False):
    """The flags of broadcast views, but for `block`."""


class BroadcastFlags(Flags, _Broadcast, total=False):
    """The flags of broadcast views."""


class _Balanced(TypedDict, total=False):
    after: Any
    follow: Any
    timeout: Any
    retries: int
    rerun_lost: bool
    priority: int
    resources: Mapping[str, float | str] | None
    gpu: float | None
    memory: float | str | None
    tag: str | Sequence[str] | None


class BalancedCallFlags(CallFlags, _Balanced, total=False):
    """The flags of load-balanced views, but for the engines."""


class BalancedOtherFlags(OtherFlags, _Balanced, total=False):
    """The flags of load-balanced views, but for `block`."""


class BalancedFlags(BalancedCallFlags, BalancedOtherFlags, total=False):
    """The flags of load-balanced views."""


class _MapOptions(TypedDict, total=False):
    return_exceptions: bool
    on_error: OnError
    label: str | None
    progress: bool | None


class DirectMapOptions(_MapOptions, total=False):
    """The options of maps in direct views."""

    track: bool | None


class BalancedMapOptions(_MapOptions, total=False):
    """The options of maps in load-balanced views."""

    chunksize: int | None
    ordered: bool


class ImapOptions(TypedDict, total=False):
    """The options of `imap`."""

    ordered: bool
    max_outstanding: int | Literal["auto"] | None
    return_exceptions: bool
    progress: bool | None
