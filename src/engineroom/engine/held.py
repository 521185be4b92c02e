"""What the engine tells of the attempts that it holds when it connects, in pieces that fit a message."""

from __future__ import annotations

from collections.abc import Iterable

from engineroom.engine.task_output import Key
from engineroom.protocol.messages import Held
from engineroom.protocol.task_ranges import MOST_RANGES, AttemptRange, attempt_pieces


def held_pieces(
    running: Iterable[Key], queued: Iterable[Key], finished: Iterable[Key], most: int = MOST_RANGES
) -> list[Held]:
    """Return the messages, seldom more than one, that say what is held; the last of them says that it is the last."""
    now = [*attempt_pieces(running, most)]
    waiting, over = [*attempt_pieces(queued, most)], [*attempt_pieces(finished, most)]
    if len(waiting) < 2 and len(over) < 2:
        return [Held(_only(now), _only(waiting), _only(over))]
    told = [Held(running=piece, last=False) for piece in now]
    told += [Held(queued=piece, last=False) for piece in waiting]
    told += [Held(finished=piece, last=False) for piece in over]
    return [*told, Held()]


def _only(pieces: list[tuple[AttemptRange, ...]]) -> tuple[AttemptRange, ...]:
    return pieces[0] if pieces else ()
