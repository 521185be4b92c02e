"""What C code and subprocesses write to file descriptors 1 and 2.

A task may close them, or put something else in their place: the next one finds them as they were.

The descriptors are files in memory that are appended to, never pipes: C code that writes while it holds the
interpreter lock would wait for ever for somebody to read a full pipe. New bytes are read while a task runs and at its
end, and belong to that task.
"""

from __future__ import annotations

import codecs
import os
import sys
import threading

from engineroom.engine.attempts import Attempt
from engineroom.engine.capture import STDERR, STDOUT, Sink
from engineroom.engine.last_words import FILE_BEGINS, LastWords, new_file
from engineroom.engine.overflow import punch

_HOLE = 1024 * 1024
_HALF = 2 * 1024 * 1024


class _MemoryFile:
    """One descriptor that is a file in memory, and how much of it has been read."""

    def __init__(self, stream: int, sink: Sink, *, held: bool) -> None:
        """`held`: the descriptor is such a file already."""
        self._stream, self._sink = stream, sink
        self.file = os.dup(stream) if held else new_file(str(stream))
        self.position = self._freed = FILE_BEGINS
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        if not held:
            os.dup2(self.file, stream)

    def is_settled(self) -> bool:
        """Whether the descriptor is our file, as far as can be told, and nothing in it is new."""
        try:
            return os.lseek(self._stream, 0, os.SEEK_END) == self.position
        except OSError:
            return False  # closed, or not a file

    def take_back(self) -> None:
        """Have the descriptor be our file, whatever has become of it."""
        try:
            ours = os.path.sameopenfile(self._stream, self.file)
        except OSError:
            ours = False
        if not ours:
            os.dup2(self.file, self._stream)

    def read(self, attempt: Attempt | None) -> None:
        end = os.lseek(self.file, 0, os.SEEK_END)
        if end < self.position:
            self.position = self._freed = 0  # somebody truncated it
        if end - self.position > 2 * _HALF:
            self._read(self.position + _HALF, attempt)
            cut = end - _HALF - self.position
            self._sink.write(attempt, self._stream, f"\n[... {cut} bytes of output were cut here ...]\n")
            self.position = end - _HALF
        self._read(end, attempt)
        if self.position - self._freed >= _HOLE:
            punch(self.file, self._freed, self.position - self._freed)
            self._freed = self.position

    def _read(self, end: int, attempt: Attempt | None) -> None:
        data = os.pread(self.file, end - self.position, self.position)
        self.position += len(data)
        if text := self._decoder.decode(data):
            self._sink.write(attempt, self._stream, text)


class Descriptors:
    """Descriptors 0, 1 and 2 of this process, as far as the platform lets us have them."""

    def __init__(self, words: LastWords | None = None) -> None:
        """`words`: what is written is kept there, by a process that outlives this one."""
        self._words = words
        self._files: list[_MemoryFile] = []
        self._lock = threading.Lock()

    def capture(self, sink: Sink) -> None:
        """Take the descriptors over, where there are files in memory; from now on nothing is read from 0."""
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, 0)
        os.close(nowhere)
        if sys.platform == "linux":
            held = self._words is not None
            if self._words is not None:
                self._words.become_streams()
            self._files = [_MemoryFile(STDOUT, sink, held=held), _MemoryFile(STDERR, sink, held=held)]
            _buffer_lines()

    def read(self, attempt: Attempt | None) -> None:
        """Take what is new as output of `attempt`; quick when nothing is."""
        for file in self._files:
            if os.lseek(file.file, 0, os.SEEK_END) != file.position:
                with self._lock:
                    file.read(attempt)
                    self._note_read()

    def _note_read(self) -> None:
        if self._words is not None:
            self._words.note_read(*(file.position for file in self._files))

    def settle(self, attempt: Attempt | None) -> None:
        """At the end of `attempt`: take what is new as its output, and the descriptors back; quick when all is well."""
        for file in self._files:
            if not file.is_settled():
                with self._lock:
                    file.take_back()
                    file.read(attempt)
                    self._note_read()
        if self._words is not None and attempt is not None and attempt.output is not None:
            self._words.begin(*(file.position for file in self._files))


def _buffer_lines() -> None:
    """Have C's own stdout write at each line: it would keep 4 KiB back, as it does for every file."""
    import ctypes  # only here

    libc = ctypes.CDLL(None)
    libc.setvbuf(ctypes.c_void_p.in_dll(libc, "stdout"), None, 1, 0)
