"""How large a result may be."""

from __future__ import annotations

from engineroom.protocol.streams import Packed


class ResultTooLarge(ValueError):
    """The packed result is larger than `max_result_bytes`; the engine keeps nothing of it."""

    def __init__(self, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(
            f"the result has {size:,} bytes, but this engine sends at most {limit:,} (max_result_bytes): return "
            "less, or write it to a file"
        )


def check_size(body: Packed, limit: int) -> int:
    """Return the size of `body` in bytes; ResultTooLarge if it is over `limit`."""
    size = len(body) if isinstance(body, bytes) else sum(segment.nbytes for segment in body)
    if size > limit:
        raise ResultTooLarge(size, limit)
    return size
