"""What is said of the engines that died while they ran a task: where each was, how it ended, what it wrote last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from engineroom.core.engines import Engine
from engineroom.protocol.messages import Output
from engineroom.protocol.texts import LAST_OUTPUT, brief, last_output

if TYPE_CHECKING:  # tasks have these
    from engineroom.core.tasks import Task

_LINES = 6
_CHARACTERS = 1000
"""Of what a task wrote last, so many lines and characters are quoted at most."""

_WORDS = 2600
"""Bytes that the last words of all engines together may have."""
_MOST = 3
"""Of so many engines, the last ones, these are told."""


class Death(msgspec.Struct, frozen=True, gc=False):
    """An engine that died while it ran an attempt of a task, or may have run it; `words`: see `Loss`."""

    engine: int
    host: str
    cause: str
    words: str
    attempt: int

    @property
    def where(self) -> str:
        return where(self.engine, self.host)

    @property
    def in_short(self) -> str:
        return f"{self.where} ({self.cause})"


def where(engine: int, host: str) -> str:
    """Return an engine and its host, if that is known, in words."""
    return f"engine {engine} on {host}" if host else f"engine {engine}"


def death_of(engine: Engine, task: Task, cause: str, words: str) -> Death:
    """Return what is known of the end of `engine`, which had `task`."""
    return Death(engine.id, engine.info.host, cause, words, task.attempt)


def last_words(task: Task, words: str) -> str:
    """Return what the host of an engine said that it wrote last; else what `task` was heard to write there last."""
    if words.startswith(LAST_OUTPUT):
        return words
    kept = task.session.outputs.get(task.number)
    if kept is None or kept.attempt != task.attempt:
        return words
    text = ""
    for piece in reversed((*kept.head, *kept.tail)):
        if isinstance(piece, Output):
            text = piece.text + text
        if len(text) >= _CHARACTERS:
            break
    lines = text[-_CHARACTERS:].rstrip().splitlines()[-_LINES:]
    return "\n".join(filter(None, (last_output("\n".join(lines)) if lines else "", words)))


def with_last_words(sentence: str, deaths: Sequence[Death]) -> str:
    """Return `sentence`, which names the engines of `deaths`, and below it what these wrote last, as far as it fits."""
    known = [death for death in deaths if death.words][-_MOST:]
    if not known:
        return sentence
    if len(deaths) == 1:
        return f"{sentence}. {brief(known[0].words, _WORDS)}"
    each = _WORDS // len(known)
    parts = (f"Engine {death.engine}: {_uncapitalized(brief(death.words, each))}" for death in known)
    return "\n".join((f"{sentence}.", *dict.fromkeys(parts)))


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]
