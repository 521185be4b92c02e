"""Dispatches the messages of each kind of peer to the shell."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from engineroom.controller.answers import Questions, answer
from engineroom.controller.links import Link
from engineroom.core.events import HostSays
from engineroom.errors import ProtocolError
from engineroom.protocol.closing import Closing, Why
from engineroom.protocol.history import HistoryQuestion
from engineroom.protocol.messages import (
    Ask,
    Coming,
    EngineExited,
    Finished,
    Function,
    HoldsPublished,
    Keep,
    NamesListed,
    NeedFunction,
    Released,
    Restart,
    Shutdown,
    Signal,
    Submit,
    Sync,
)
from engineroom.protocol.questions import AskNames
from engineroom.transport.turns import rest

if TYPE_CHECKING:
    from engineroom.controller.shell import Controller

log = logging.getLogger(__name__)

_FEW = 3
"""Up to so many messages in a record are nobody's burst: what comes of them is written at once, if they come alone."""

_MANY = 100
"""From so many messages in a record on, others have their turn before this peer is read again."""


class _Receiver:
    """What one peer says. A mistake of ours that it finds ends its connection, and nobody else's."""

    def __init__(self, controller: Controller, link: Link) -> None:
        self._controller, self._link = controller, link

    def on_messages(self, messages: list[Any]) -> None:
        try:
            self._begin(messages)
        except ProtocolError:
            raise  # the peer's mistake: the connection sends it away
        except Exception as error:  # noqa: BLE001 (logged there)
            self._controller.faults.in_shell(self._link, messages, error)

    def on_closed(self, closing: Closing) -> None:
        link = self._link
        if closing.why is Why.REFUSED and link.peer in self._controller.links.by_peer:
            self._controller.refusals.note(link, closing.words)
        self._closed(closing)
        self._controller.recorder.take()

    def _begin(self, messages: list[Any]) -> None:
        self._take(messages)
        self._controller.recorder.take()

    def _take(self, messages: list[Any]) -> None:
        raise NotImplementedError

    def _closed(self, closing: Closing) -> None:
        raise NotImplementedError


class _PromptReceiver(_Receiver):
    """Writes what comes of few messages at once, and what comes of several records in one tick together."""

    def _begin(self, messages: list[Any]) -> None:
        controller = self._controller
        if len(messages) > _FEW or not controller.begin_promptly():
            self._take(messages)
            controller.recorder.take()
            if len(messages) >= _MANY:
                rest(self._link.connection)
            return
        try:
            self._take(messages)
        finally:
            controller.end_promptly()
        controller.recorder.take()


class ClientReceiver(_PromptReceiver):
    """What a client says."""

    def __init__(self, controller: Controller, link: Link) -> None:
        super().__init__(controller, link)
        answered = partial(
            answer,
            state=controller.state,
            config=controller.config,
            links=controller.links,
            trouble=controller.recorder.why,
        )
        self._questions = Questions(link.connection, answered)
        self._unnamed = dict.fromkeys(controller.bodies.functions.values.of(link.identity))
        """What it has published over earlier connections and has not named over this one."""

    def _take(self, messages: list[Any]) -> None:
        controller, link = self._controller, self._link
        for message in messages:
            match message:
                case Submit():
                    controller.bodies.take_submit(link, message)
                case Function() | Keep() | Released():
                    controller.bodies.take_for_later(link, message)
                case Signal() | Shutdown() | Restart():
                    self._about_processes(message)
                case Ask():
                    self._answer(message)
                case HoldsPublished():
                    self._needs(message)
                case Sync(whole=True):
                    self._let_go_unnamed()
                    controller.feed(link.peer, message)
                case _:
                    controller.feed(link.peer, message)

    def _about_processes(self, message: Signal | Shutdown | Restart) -> None:
        controller, link = self._controller, self._link
        match message:
            case Signal():
                controller.signals.take(link, message)
            case Shutdown():
                controller.endings.shutdown(link, message)
            case Restart():
                controller.restarts.take(link, message)

    def _needs(self, message: HoldsPublished) -> None:
        """The client, which has connected again, may name these values in calls: they are not over."""
        for digest in message.hashes:
            self._unnamed.pop(digest, None)
            self._controller.bodies.functions.published(digest, self._link.identity)

    def _let_go_unnamed(self) -> None:
        """It has named all values that it needs: it has released the others, though it may have said so in vain."""
        unnamed, self._unnamed = self._unnamed, {}
        for digest in unnamed:
            self._controller.bodies.release(digest, self._link.identity)

    def _answer(self, ask: Ask) -> None:
        if isinstance(ask.question, AskNames):
            self._controller.names.ask(self._link, ask, ask.question)
            return
        if isinstance(ask.question, HistoryQuestion):
            self._controller.recorder.history.take(self._link, ask, ask.question)
            return
        self._controller.look_at_the_clock()
        self._questions.take(ask)

    def _closed(self, closing: Closing) -> None:
        log.info("client disconnected", extra={"reason": closing.words, "why": closing.why.value})
        self._controller.presence.client_gone(self._link)


class EngineReceiver(_PromptReceiver):
    """What an engine says."""

    def _take(self, messages: list[Any]) -> None:
        controller, link = self._controller, self._link
        for message in messages:
            if type(message) is Finished:
                controller.bodies.take_finished(link, message)
            elif type(message) is NeedFunction:
                controller.bodies.need_function(link, message)
            elif type(message) is HoldsPublished:
                controller.bodies.take_published(link, message.hashes, known=link.epoch == controller.epoch)
            elif type(message) is NamesListed:
                controller.names.answered(link, message)
            else:
                controller.feed(link.peer, message)

    def _closed(self, closing: Closing) -> None:
        self._controller.presence.engine_closed(self._link, closing)


class HostReceiver(_Receiver):
    """What a host says."""

    def _take(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, EngineExited):
                self._controller.feed(self._link.peer, message)
            elif isinstance(message, Coming):
                self._controller.feed(self._link.peer, HostSays(self._link.identity, message))
            elif isinstance(message, Signal):
                self._controller.signals.take(self._link, message)
            elif isinstance(message, Shutdown):
                self._controller.endings.dismiss(self._link, message)

    def _closed(self, closing: Closing) -> None:
        log.info("ipcluster disconnected", extra={"reason": closing.words, "why": closing.why.value})
        self._controller.presence.host_gone(self._link, closing)
