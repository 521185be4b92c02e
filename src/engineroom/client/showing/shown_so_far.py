"""What a notebook's cell shows, by engine, so that an engine that clears its output takes away its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engineroom.client.showing.folding import Section
from engineroom.client.showing.live_folding import Item
from engineroom.client.state.watchers import Kind
from engineroom.protocol.outputs import updated

LIMIT = 2 * 1024 * 1024
"""Characters that are kept to be shown again."""


class ShownSoFar:
    """The sections that a cell shows. `engines`: all that may show something; it may grow."""

    def __init__(self, engines: set[int], limit: int = LIMIT) -> None:
        self._engines, self._limit = engines, limit
        self._clearing: set[int] = set()
        """Those that have cleared their output: it goes when something else of theirs comes."""
        self._start()

    def _start(self) -> None:
        self._sections: list[Section[Item]] = []
        self._size = 0

    @property
    def is_too_much(self) -> bool:
        """Whether it was too much to be kept: then nothing can be taken away, unless all engines clear."""
        return self._size > self._limit

    def add(self, section: Section[Item]) -> None:
        """Note that a section is shown."""
        if section.output.kind == Kind.UPDATE:
            self._update(section.output.content)
        elif not self.is_too_much:
            self._size += _size(section.output)
            self._sections.append(section)
            if self.is_too_much:
                self._sections = []

    def clear(self, engines: Iterable[int]) -> None:
        """Note that these engines have cleared their output."""
        self._clearing.update(engines)
        if self._clearing >= self._engines:
            self._start()

    def is_cleared(self, engines: Iterable[int]) -> bool:
        """Whether something is to be taken away before something of these engines is shown."""
        return not self.is_too_much and not self._clearing.isdisjoint(engines)

    def take_away(self) -> list[Section[Item]]:
        """Take away what engines have shown that have cleared it; return all that is left."""
        gone, self._clearing = self._clearing, set()
        before, self._sections, self._size = self._sections, [], 0
        for engines, output in before:
            rest = tuple(engine for engine in engines if engine not in gone)
            if rest:
                self.add(Section(rest, output))
        return list(self._sections)

    def _update(self, content: Any) -> None:
        for place, (engines, output) in enumerate(self._sections):
            shown: Any = output.content
            if isinstance(shown, dict) and (new := updated(shown, content)) is not None:
                self._sections[place] = Section(engines, output._replace(content=new))


def _size(item: Item) -> int:
    content: Any = item.content
    parts = [content] if isinstance(content, str) else content.get("data", content).values()
    return 100 + sum(len(part) if isinstance(part, str) else 100 for part in parts)
