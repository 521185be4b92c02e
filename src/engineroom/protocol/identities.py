"""Who a peer is: a name that everybody may know, and a secret that proves it and goes to the controller alone.

Sessions and instances are told to many: a task's id holds its client's session, engines know the instance of their
host. So a name is the hash of a secret. Whoever connects says both, and nobody can connect under another's name.
"""

from __future__ import annotations

import hashlib
import os

from engineroom.ids import SESSION_BYTES

_SECRET_BYTES = 32


def new_secret() -> bytes:
    return os.urandom(_SECRET_BYTES)


def identity_of(secret: bytes) -> bytes:
    """Return the session or instance of whoever has this secret."""
    return hashlib.sha256(b"engineroom identity " + secret).digest()[:SESSION_BYTES]
