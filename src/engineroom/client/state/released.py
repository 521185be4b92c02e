"""The published values that a client released last: that may have been on its way as the connection broke."""

from __future__ import annotations

from engineroom.protocol.messages import Released

_MOST = 256


class ReleasedValues:
    """To be said again to a controller that this client connects to again, unless they were published anew meanwhile.

    Nobody acknowledges a release, and hearing of it twice does no harm. Only the latest `most` are known: all that may
    be on its way at a time. From any thread.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._digests: dict[bytes, None] = {}

    def released(self, digest: bytes) -> None:
        self._digests.pop(digest, None)
        self._digests[digest] = None
        for oldest in list(self._digests)[: -self._most]:
            self._digests.pop(oldest, None)

    def sent(self, digest: bytes) -> None:
        """The value is sent to the controller, once more perhaps: it is needed."""
        self._digests.pop(digest, None)

    def again(self) -> list[Released]:
        """Return what is to be said after a connection was lost."""
        return [Released(digest) for digest in list(self._digests)]
