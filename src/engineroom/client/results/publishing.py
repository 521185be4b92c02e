"""`rc.publish`: values that are sent once, and stay until they are released."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self

from engineroom.client.kinds import T
from engineroom.errors.local import called_by_users
from engineroom.serialize.loading import loaded

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.serialize.published import PublishedPart


@called_by_users("publish")
class Publishing:
    """The part of a Client that is about published values."""

    _session: Session

    def publish(self, value: T) -> Published[T]:
        """Return a reference to a snapshot of `value`, for large data that many calls take as an argument.

        Give the reference to any calls of this client, anywhere in their arguments, or use it in their functions: there
        it is the value. The data are sent with the first call, once to each engine; engines of one machine share one
        copy. Arrays in it cannot be written to: copy them first. Use it in a `with` block, or call `release()`: then
        the data are gone as soon as no unfinished task needs them. PackError: `value` cannot be sent.
        """
        return Published(self._session, value)


class Published(Generic[T]):
    """Stands for a published value in the arguments of calls; see `Client.publish`.

    `size`: in bytes.
    """

    def __init__(self, session: Session, value: T) -> None:
        self._session = session
        self._what = type(value).__name__
        part: PublishedPart = loaded("engineroom.serialize.published").published(value)
        known = _alive.setdefault(session, weakref.WeakValueDictionary())
        self._part: PublishedPart | None = known.setdefault(part.hash, part)
        self.size = part.size
        if self._part is part:
            # Calls that have not ended have the part, too: it is gone once all of them let go of it.
            weakref.finalize(part, _release, weakref.ref(session), part.hash).atexit = False

    @property
    def released(self) -> bool:
        """Whether it was released, so that no further call can take it."""
        return self._part is None

    def release(self) -> None:
        """Let the data go: at once, or when the last task has ended that takes them. Calling it again does nothing."""
        self._part = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<Published {self._what}: {'released' if self.released else f'{self.size:,} bytes'}>"

    def __reduce__(self) -> tuple[Any, ...]:
        reduced: tuple[Any, ...] = loaded("engineroom.client.state.as_arguments").reduce_published(self)
        return reduced


_alive: weakref.WeakKeyDictionary[Session, weakref.WeakValueDictionary[bytes, PublishedPart]] = (
    weakref.WeakKeyDictionary()
)
"""What has been published and is needed still: the same content, published twice, is one part."""


def _release(session: weakref.ref[Session], digest: bytes) -> None:
    there = session()
    if there is not None:
        there.release_part(digest)
