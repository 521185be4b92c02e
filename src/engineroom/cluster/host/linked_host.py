"""What every host of engines is: it stands between its engines and the controller, and hands on what each says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from engineroom.cluster.host.controller_link import HostLink
from engineroom.cluster.host.stoppable import Stoppable
from engineroom.cluster.sets.engine_sets import EngineSets
from engineroom.ids import Instance
from engineroom.protocol.identities import identity_of
from engineroom.protocol.messages import EngineExited
from engineroom.trail.steps import HANDSHAKE


class LinkedHost(Stoppable, ABC):
    """An `EnginesHost` for its `_engines`, and the listener of its `_link`."""

    _link: HostLink
    _engines: EngineSets

    def __init__(self, secret: bytes) -> None:
        super().__init__()
        self.secret, self.instance = secret, Instance(identity_of(secret))

    @abstractmethod
    def note(self, step: str, *, ok: bool = True, words: str = "") -> None:
        """Note a step of the start, for `why`."""

    def engines_changed(self) -> None:
        """Engines have come or gone, or are about to."""
        self._link.say_coming(self._engines.coming())

    def engine_exited(self, exited: EngineExited) -> None:
        """The process of an engine has ended."""
        self._link.engine_exited(exited)

    def process_exited(self, pid: int, cause: str, *, own: bool) -> None:
        """A process of this machine that a launcher started has ended."""
        self._link.process_exited(pid, cause, own=own)

    def relay_signal(self, engine_ids: Sequence[int], signum: int) -> bool:
        """Have the controller send a signal, in order with what engines are sent; False: it is not there."""
        return self._link.relay_signal(engine_ids, signum)

    def dismiss_engines(self, engine_ids: Sequence[int]) -> None:
        """Have the controller, if it is there, tell engines to end."""
        self._link.dismiss(engine_ids, "stopped by its host")

    def engine_joined(self, instance: Instance, engine_id: int, launch: str, problem: str) -> None:
        """The controller says that an engine has registered. `problem`: what its start-up code ended of, or ""."""
        del problem  # who has somebody to tell of it does
        self._engines.joined(instance, engine_id, launch)

    def engine_left(self, instance: Instance, cause: str) -> None:
        """The controller says that an engine of a launcher's is gone."""
        self._engines.left(instance, cause)

    def signal_engine(self, instance: Instance, signum: int) -> None:
        """The controller asks for a signal to an engine."""
        self._engines.signal_instance(instance, signum)

    def restart_engines(self, instances: Sequence[Instance]) -> None:
        """The controller asks for engines to end and to start again."""
        self._engines.restart_instances(instances)

    def controller_says_stop(self, reason: str) -> None:
        """The controller ends, and we with it."""
        self.stop(reason or "the controller was stopped")

    def waiting_for_controller(self, words: str, step: str) -> None:
        """There is no controller yet, or no more."""
        self.note(step, ok=False, words=words)

    def not_let_in(self, words: str) -> None:
        """The controller does not let us in, and never will."""
        self.note(HANDSHAKE, ok=False, words=words)

    def controller_found(self) -> None:
        """The controller has let us in."""
        self.note(HANDSHAKE)
