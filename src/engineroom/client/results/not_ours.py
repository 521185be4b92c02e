"""Why a call of another client cannot be withdrawn."""

from __future__ import annotations


def not_ours() -> RuntimeError:
    """Return why this client can't withdraw a call."""
    return RuntimeError(
        "this call belongs to another client, and only that one can withdraw it. To interrupt what its engines run, "
        "use rc.send_signal('SIGINT', targets)"
    )
