"""What an engine wrote before it died, held by a process that outlives it.

Descriptors 1 and 2 of the engine are files in memory that the other process has as well. What is printed goes through
the engine's own memory, so the end of it is copied to a page that both map. Both are forgotten when a task ends: what
is found is what the last task wrote.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct

_BEGIN = struct.Struct("=QQ")
_READ_AT = _BEGIN.size
"""Where on the page it says how far the engine has read its files."""

_RING = 64
"""Where on the page the ring of what was printed begins; a zero byte in it is where the next print goes."""

_SIZE = mmap.PAGESIZE
_EMPTY = bytes(_SIZE - _RING)
_MOST_PRINTED = 900
"""Characters that are noted of one print: with up to four bytes each, more than one print fits the ring."""

FILE_BEGINS = 4099
"""The files begin with a hole of so many bytes, so that no other file is likely to end where one of them does."""

_MOST = 16 * 1024
"""Bytes of each file that are looked at."""


def new_file(name: str) -> int:
    """Return the descriptor of a new file in memory to which everything is appended."""
    import fcntl  # not on every platform

    file = os.memfd_create(f"engineroom-{name}")
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    os.ftruncate(file, FILE_BEGINS)
    return file


class LastWords:
    """Created by the process that starts an engine; the engine writes, the other reads. Nothing is on disk.

    `files`: the descriptors that are to be the engine's 1 and 2. `page_file`: the page, for one that is not a fork; -1
    for forks, which have it anyway. A mapping of a file has a descriptor of its own, which it closes in the end: a fork
    that has closed all descriptors would then close somebody else's.
    """

    def __init__(self, files: tuple[int, int], page_file: int) -> None:
        self.files, self.page_file = files, page_file
        self._page = mmap.mmap(page_file, _SIZE)
        self._at, self._open = _RING, b""

    @classmethod
    def new(cls, *, forked: bool) -> LastWords | None:
        """Return new ones; None: this platform has no files in memory, or there are no descriptors left."""
        opened: list[int] = []
        try:
            opened.extend(map(new_file, ("stdout", "stderr")))
            if forked:
                return cls((opened[0], opened[1]), -1)
            opened.append(new_file("page"))
            os.ftruncate(opened[2], _SIZE)
            return cls((opened[0], opened[1]), opened[2])
        except (AttributeError, ImportError, OSError):
            for file in opened:
                os.close(file)
            return None

    @classmethod
    def inherited(cls, page_file: int) -> LastWords:
        """Return, in an engine that is no fork, those that its parent has made for it."""
        words = cls((1, 2), page_file)
        os.close(page_file)
        return words

    def become_streams(self) -> None:
        """In the engine: have descriptors 1 and 2 be the files, if they are not yet."""
        for file, stream in zip(self.files, (1, 2), strict=True):
            if file != stream:
                os.dup2(file, stream)
                os.close(file)
        self.files = (1, 2)

    def note(self, text: str) -> None:
        """Note what a task prints. Called for each print: as short as can be."""
        if text == "\n":  # the end of a line is noted with the next one: `print` writes twice
            self._open = b"\n"
            return
        if len(text) > _MOST_PRINTED:
            text = text[-_MOST_PRINTED:]
        data = self._open + text.encode("utf-8", "backslashreplace") + b"\0"
        at = self._at
        end = at + len(data)
        if end > _SIZE:
            self._page[at:_SIZE] = bytes(_SIZE - at)
            at, end = _RING, _RING + len(data)
        self._page[at:end] = data
        self._at, self._open = end - 1, b""

    def begin(self, stdout: int, stderr: int) -> None:
        """Forget what was printed, and what is in the files before these positions."""
        _BEGIN.pack_into(self._page, 0, stdout, stderr)
        if self._at != _RING:
            self._page[_RING:_SIZE] = _EMPTY
            self._at, self._open = _RING, b""

    def note_read(self, stdout: int, stderr: int) -> None:
        """Note how far the engine has read."""
        _BEGIN.pack_into(self._page, _READ_AT, stdout, stderr)

    def read_up_to(self) -> tuple[int, int]:
        """Return how far the engine has read."""
        stdout, stderr = _BEGIN.unpack_from(self._page, _READ_AT)
        return max(stdout, FILE_BEGINS), max(stderr, FILE_BEGINS)

    def forget(self) -> None:
        """Forget all that was written so far: the engine ends in good order."""
        self.begin(*(os.fstat(stream).st_size for stream in (1, 2)))

    def read(self) -> str:
        """Return what was printed, then the ends of the two files."""
        begins = _BEGIN.unpack_from(self._page)
        parts = [self._printed(), *map(_end_of, self.files, begins)]
        return b"".join(part if part.endswith(b"\n") or not part else part + b"\n" for part in parts).decode(
            "utf-8", "replace"
        )

    def close(self) -> None:
        self._page.close()
        for file in (*self.files, self.page_file):
            with contextlib.suppress(OSError):
                os.close(file)

    def _printed(self) -> bytes:
        ring = self._page[_RING:_SIZE]
        at = ring.find(b"\0")
        return (ring[at:] + ring[:at]).replace(b"\0", b"") if at >= 0 else ring


def _end_of(file: int, begin: int) -> bytes:
    size = os.fstat(file).st_size
    start = max(begin, FILE_BEGINS, size - _MOST)
    return os.pread(file, size - start, start).replace(b"\0", b"") if size > start else b""
