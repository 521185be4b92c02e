"""BroadcastView: a DirectView by the name and with the flag that scripts written for ipyparallel know."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack

from engineroom.client.arguments.keywords import same_but_takes
from engineroom.client.kinds import Function, Many
from engineroom.client.views.direct import DirectView
from engineroom.client.views.flags import BroadcastFlags, BroadcastOtherFlags

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.views.caller import Caller
    from engineroom.client.views.parallel import ParallelFunction
    from engineroom.client.views.remote import RemoteFunction


class BroadcastView(DirectView[Many]):
    """Runs each call on every engine in `targets`, and returns a list of results, in the order of `targets`.

    It is a DirectView: every view sends what a call needs to the controller once, whatever the number of engines.
    Further flag: `is_coalescing`: in ipyparallel, whether engines' results arrive as one. Here they always travel
    together as far as they are ready together, so that the flag has no effect: metadata, labels, `history` and
    the order of results are the same with and without it.
    """

    _flag_names: ClassVar[frozenset[str]] = DirectView._flag_names | {"is_coalescing"}

    def __init__(self, client: Caller, session: Session, **flags: Unpack[BroadcastFlags]) -> None:
        self.is_coalescing = False
        super().__init__(client, session)
        self.set_flags(**flags)

    if TYPE_CHECKING:  # the same methods, with one more flag

        def set_flags(self, **flags: Unpack[BroadcastFlags]) -> Self: ...
        def temp_flags(self, **flags: Unpack[BroadcastFlags]) -> AbstractContextManager[Self]: ...
        def with_flags(self, **flags: Unpack[BroadcastFlags]) -> Self: ...
        def remote(
            self, block: bool | None = None, **flags: Unpack[BroadcastOtherFlags]
        ) -> Callable[[Function[Any]], RemoteFunction]: ...
        def parallel(
            self,
            dist: str = "b",
            block: bool | None = None,
            *,
            chunksize: int | None = None,
            ordered: bool = True,
            return_exceptions: bool = False,
            **flags: Unpack[BroadcastOtherFlags],
        ) -> Callable[[Function[Any]], ParallelFunction]: ...

    else:
        set_flags, temp_flags, with_flags, remote, parallel = (
            same_but_takes(BroadcastFlags, getattr(DirectView, name))
            for name in ("set_flags", "temp_flags", "with_flags", "remote", "parallel")
        )
