"""TLS as a pair of functions over bytes, so that a connection needs no second transport between it and its socket."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Sequence

from engineroom.protocol.streams import Buffer

ALPN = "engineroom/1"

_ENCRYPTED_BUFFER = 256 * 1024

_SOONER_COPIED = 16 * 1024
"""Bytes, as many as TLS encrypts at once: each time costs both sides more than it does to put so many in one place."""


class Secrecy:
    """The TLS state of one connection. Not for two threads at once."""

    def __init__(self, context: ssl.SSLContext, *, server_side: bool) -> None:
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._arrived, self._leaving, server_side=server_side)
        self.established = False

    def take(self, data: memoryview) -> None:
        """Take bytes that came from the far end."""
        self._arrived.write(data)

    def shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is over. ssl.SSLError: it has failed."""
        if not self.established:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                return False
            if self._object.selected_alpn_protocol() != ALPN:
                raise ssl.SSLError(f"the other side does not speak {ALPN}")
            self.established = True
        return True

    def read(self, target: memoryview) -> int:
        """Decrypt into `target`; return how many bytes, 0 when there is nothing more now."""
        read = 0
        try:
            # Asked first, because the exception for "nothing there" costs more than decrypting a message. What has
            # been read in part, because `target` was full, is read before anything else.
            while read < len(target) and (self._arrived.pending or (not read and self._object.pending())):
                rest = target[read:] if read else target
                # With a buffer it returns a count, whatever the type stubs say.
                count: int = self._object.read(len(rest), rest)  # type: ignore[assignment]
                if not count:
                    break
                read += count
        except ssl.SSLWantReadError:
            pass  # the rest of a TLS record is still on its way
        return read

    def close(self) -> None:
        """Encrypt nothing any more, and give back at once the much memory that this takes."""
        self.established = False
        self._arrived = self._leaving = ssl.MemoryBIO()
        del self._object

    @property
    def has_to_say(self) -> bool:
        """Whether TLS itself has something to send."""
        return self._leaving.pending > 0

    def encrypt(self, parts: Sequence[Buffer]) -> bytes:
        """Return `parts` encrypted, after what TLS itself has to say; without a handshake, that alone."""
        if self.established:
            if len(parts) > 1 and sum(map(len, parts)) <= _SOONER_COPIED:
                parts = (b"".join(parts),)
            for part in parts:
                if part:
                    self._object.write(part)
        return self._leaving.read()

    def certificate(self) -> bytes | None:
        """Return the far end's certificate (DER)."""
        return self._object.getpeercert(binary_form=True)


_buffers = threading.local()


def encrypted_buffer() -> memoryview:
    """Return this thread's buffer for encrypted bytes: they are decrypted before anybody else reads."""
    buffer: memoryview | None = getattr(_buffers, "encrypted", None)
    if buffer is None:
        buffer = _buffers.encrypted = memoryview(bytearray(_ENCRYPTED_BUFFER))
    return buffer
