"""What a controller writes down for the one that is started in its place: its life's number, and its engines.

One JSON line for each change, each written at once: a process that is killed leaves all that it wrote. What is written
while an engine joins or ends costs no task anything. A start writes the file anew.
"""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import msgspec

from engineroom.core.events import MOST_LIVES, EngineUp, KnownEngine, Restored
from engineroom.machine.own_files import UnsafeFile, read_secret
from engineroom.machine.private_files import write_private
from engineroom.machine.processes import boot_id, host_name

log = logging.getLogger(__name__)


class Began(msgspec.Struct, frozen=True, tag="began"):
    """A controller has begun its life: `life` counts them, from 0. Ids below `next_id`, and `used_ids`, were used."""

    life: int
    next_id: int = 0
    used_ids: tuple[int, ...] = ()


class Joined(msgspec.Struct, frozen=True, tag="joined"):
    """An engine has joined, for the first time or again."""

    engine: int
    up: EngineUp


class Left(msgspec.Struct, frozen=True, tag="left"):
    """An engine counts as dead."""

    engine: int


_Line = Began | Joined | Left
_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


class KnownEngines:
    """The file of one cluster id: `begin`, then a line for each change, then perhaps `remove`."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._open: int | None = None
        self._noted: dict[int, EngineUp] = {}

    def begin(self, *, restore: bool) -> Restored:
        """Return what the last controller knew, if this one is to go on from there; begin a file of our own.

        OSError: it can't be written. A file that can't be read counts as lost.
        """
        known = self._read() if restore else Restored(0)
        lines = [Began(known.life, known.next_id, known.used_ids)]
        self._noted = {engine.id: engine.up for engine in known.engines}
        text = _text([*lines, *(Joined(id_, up) for id_, up in self._noted.items())])
        write_private(self.file, text, durable=False)  # as is all that follows
        self._open = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        return known

    def joined(self, engine: int, up: EngineUp) -> None:
        """Write down that `engine` is here, unless that is known."""
        if self._noted.get(engine) != up:
            self._noted[engine] = up
            self._write(Joined(engine, up))

    def left(self, engine: int) -> None:
        """Write down that `engine` is gone for good."""
        if self._noted.pop(engine, None) is not None:
            self._write(Left(engine))

    def none_left(self) -> None:
        """All engines have been told to end, and the cluster ends with them: of this life, only the number is kept."""
        life = self._read().life
        self._close()
        try:
            write_private(self.file, _text([Began(life)]), durable=False)
        except OSError as error:
            log.warning("cannot write %s: %s", self.file, error)

    def remove(self) -> None:
        self._close()
        self.file.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._open is not None:
            os.close(self._open)
            self._open = None

    def _write(self, line: _Line) -> None:
        if self._open is None:
            return
        try:
            os.write(self._open, _text([line]))
        except OSError as error:  # tasks go on; said once
            log.warning("cannot write %s: %s. A restarted controller will not know its engines", self.file, error)
            self._close()

    def _read(self) -> Restored:
        """Return what the file says. Without one, this life has a number that no life before it can have had."""
        try:
            text = read_secret(self.file)
        except FileNotFoundError:
            return Restored(_new_life())
        except (OSError, UnsafeFile) as error:
            log.warning("cannot read %s, so engines may not keep their ids: %s", self.file, error)
            return Restored(_new_life())
        return _restored(text)


def _new_life() -> int:
    """Return a number that grows with the years, and is higher than any count of lives."""
    return min(int(time.time()), MOST_LIVES)


def _text(lines: list[_Line]) -> bytes:
    return b"".join(_encoder.encode(line) + b"\n" for line in lines)


def _restored(text: bytes) -> Restored:
    life, next_id, used, engines = -1, 0, set[int](), dict[int, EngineUp]()
    for line in text.splitlines():
        try:
            change: _Line = _decoder.decode(line)
        except msgspec.MsgspecError:
            continue  # the last one, not whole: its writer was killed, or the disk was full
        match change:
            case Began():
                life, next_id = change.life, change.next_id
                used.update(change.used_ids)
            case Joined(engine=engine, up=up):
                engines[engine] = up
                used.add(engine)
            case Left(engine=engine):
                engines.pop(engine, None)
    while next_id in used:
        next_id += 1
    used = {id_ for id_ in used if id_ > next_id}
    known = tuple(KnownEngine(id_, up) for id_, up in sorted(engines.items()) if not _machine_was_restarted(up))
    return Restored(min(life + 1, MOST_LIVES) if life >= 0 else _new_life(), known, next_id, tuple(sorted(used)))


def _machine_was_restarted(up: EngineUp) -> bool:
    """Whether an engine has ended for certain: it was of this machine, before that was started the last time."""
    return bool(up.info.boot_id) and up.info.host == host_name() and up.info.boot_id != boot_id()
