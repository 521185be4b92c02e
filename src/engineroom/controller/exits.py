"""What hosts reported about ended processes, kept until their engines are declared lost."""

from __future__ import annotations

from engineroom.controller.links import Link
from engineroom.core.events import EngineLost
from engineroom.ids import Instance
from engineroom.protocol.messages import EngineExited

_KEEP = 1000


class Exits:
    """The last of them, by instance."""

    def __init__(self) -> None:
        self._said: dict[Instance, EngineExited] = {}

    def note(self, message: EngineExited) -> None:
        self._said[message.instance] = message
        if len(self._said) > _KEEP:
            del self._said[next(iter(self._said))]

    def loss(self, link: Link, cause: str) -> EngineLost:
        """Return what the core is to know of an engine that is lost because of `cause`.

        Whoever was told to end did not do it by himself.
        """
        said = self._said.pop(Instance(link.identity), None)
        if said is None:
            return EngineLost(cause)
        return EngineLost(cause, said.own and not link.dismissed, said.running, said.words)
