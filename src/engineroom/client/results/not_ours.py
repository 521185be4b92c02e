"""Results of calls that only another client can withdraw."""

from __future__ import annotations

from typing import NoReturn


class NotOurs:
    """What is different in an AsyncResult of a call of another client."""

    __slots__ = ()

    def cancel(self, *, force: bool = False) -> bool:
        """Return False: only the client that made a call can cancel it. `force` has no effect."""
        del force
        return False

    def abort(self, *, force: bool = False) -> NoReturn:
        """Raise RuntimeError: only the client that made a call can withdraw it."""
        del force
        raise RuntimeError(
            "this call belongs to another client, and only that one can withdraw it. To interrupt what its engines "
            "run, use rc.send_signal('SIGINT', targets)"
        )
