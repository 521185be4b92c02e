"""Texts for people, short enough for a message: whoever makes one cuts it."""

from __future__ import annotations

MOST_WORDS = 4096
"""Bytes that a reason, a cause or an error in a message may have, encoded."""


LAST_OUTPUT = "Its last output:"
"""So begins what is said of what an engine wrote before it died."""


def last_output(said: str) -> str:
    """Return what an engine wrote last as lines for people."""
    return "\n    ".join((LAST_OUTPUT, *said.splitlines()))


def brief(text: str, most: int = MOST_WORDS) -> str:
    """Return `text`, without what can't be encoded, cut in the middle if it has more than `most` bytes.

    Words in its middle then say how much is missing.
    """
    if len(text) <= most // 4 and text.isascii():
        return text
    encoded = text.encode("utf-8", "backslashreplace")
    if len(encoded) <= most:
        return encoded.decode()
    kept = max(0, most - len(_CUT.format(len(encoded)))) // 2
    head = encoded[:kept].decode("utf-8", "ignore")
    tail = encoded[len(encoded) - kept :].decode("utf-8", "ignore")
    return f"{head}{_CUT.format(len(encoded) - len(head.encode()) - len(tail.encode()))}{tail}"


_CUT = " [... {} bytes were cut here ...] "
