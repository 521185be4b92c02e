"""Why a connection ended: a class that decisions are based on, and text for people."""

from __future__ import annotations

import errno
from enum import Enum
from typing import NamedTuple


class Why(Enum):
    """Why a connection ended."""

    GOODBYE = "goodbye"
    """One of the two sides said Goodbye."""
    CLOSED = "closed"
    """The far end closed it without a Goodbye, as the kernel does for a process that has died."""
    RESET = "reset"
    """The far end, or something between, broke it off."""
    SILENT = "silent"
    """The kernel found no sign of life at the far end."""
    UNREACHABLE = "unreachable"
    """There is no way to the far machine any more."""
    REFUSED = "refused"
    """This side broke it off: it was sent invalid data, or the peer may not or need not stay."""
    FAILED = "failed"
    """Any other error of this machine's network or memory."""


class Closing(NamedTuple):
    """The end of a connection. `words`: for people; no decision depends on them."""

    why: Why
    words: str

    @property
    def clean(self) -> bool:
        """Whether it ended with a Goodbye."""
        return self.why is Why.GOODBYE

    @property
    def cut(self) -> bool:
        """Whether the network between two machines is cut, with both of them alive perhaps."""
        return self.why in {Why.SILENT, Why.UNREACHABLE}


def why_of(error: BaseException | None) -> Why:
    """Return why a connection ended that was lost with `error`; None: the far end closed it."""
    if error is None or isinstance(error, EOFError):
        return Why.CLOSED
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, TimeoutError) or number == errno.ETIMEDOUT:
        return Why.SILENT
    if number in _UNREACHABLE:
        return Why.UNREACHABLE
    if isinstance(error, ConnectionError) or number in _RESET:
        return Why.RESET
    return Why.FAILED


_UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
_RESET = frozenset({errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN, errno.ENETRESET})
