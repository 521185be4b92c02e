"""Hands questions about names to the engines that have them, and the answers back."""

from __future__ import annotations

from collections import OrderedDict
from itertools import count
from typing import NamedTuple

from engineroom.controller.links import Link, Links
from engineroom.protocol.messages import Answer, Ask, ListNames, NamesListed
from engineroom.protocol.questions import AskNames, NamesThere

MOST_OPEN = 1000
"""So many questions are open, of all clients together. Those that have waited longest are given up first."""


class _Open(NamedTuple):
    client: Link
    number: int
    engine: Link


class NameQuestions:
    """The questions that engines have not answered."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._open: OrderedDict[int, _Open] = OrderedDict()
        self._numbers = count(1)

    def ask(self, client: Link, ask: Ask, question: AskNames) -> None:
        """Hand on a question; answer at once if the engine is not connected."""
        engine = self._links.engines.get(question.engine)
        if engine is None:
            client.connection.send(Answer(ask.number, error=f"engine {question.engine} is not connected"))
            return
        number = next(self._numbers)
        self._open[number] = _Open(client, ask.number, engine)
        engine.connection.send(ListNames(number, question.text))
        if len(self._open) > MOST_OPEN:
            self._give_up(self._open.popitem(last=False)[1], "too many questions are open")

    def answered(self, engine: Link, message: NamesListed) -> None:
        """Hand an answer back; one that nobody waits for is dropped."""
        found = self._open.get(message.number)
        if found is not None and found.engine is engine:
            del self._open[message.number]
            found.client.connection.send(Answer(found.number, NamesThere(message.names, message.memory)))

    def gone(self, link: Link) -> None:
        """Forget what a client that has left has asked; answer what an engine that has left will not."""
        for number, each in list(self._open.items()):
            if link in {each.client, each.engine}:
                del self._open[number]
                if each.engine is link:
                    self._give_up(each, f"engine {link.engine_id} has left")

    def _give_up(self, question: _Open, words: str) -> None:
        if not question.client.connection.closed:
            question.client.connection.send(Answer(question.number, error=words))
