"""What a client does with engines, and with the controller, as a whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import ref

from engineroom.client.arguments.hinted import Hinted
from engineroom.client.arguments.switches import checks_switches, switch
from engineroom.client.engines.queue_status import queue_status
from engineroom.client.engines.targets import Targets, is_single, resolve, resolve_lasting
from engineroom.client.engines.versions import versions_here
from engineroom.errors import EngineroomError
from engineroom.errors.local import called_by_users
from engineroom.machine.signals import signal_number
from engineroom.protocol.messages import Signal
from engineroom.protocol.task_ranges import listed

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.views.direct import DirectView


_ANSWER_SECONDS = 2.0
"""How long an engine may take to tell its versions while somebody waits for an error."""


def asks_versions(client: ref[Controls]) -> Callable[[int, tuple[str, ...]], dict[str, str | None] | None]:
    """Return what asks an engine for its versions of packages; it returns None if there is no answer soon."""

    def ask(engine: int, names: tuple[str, ...]) -> dict[str, str | None] | None:
        there = client()
        if there is None:
            return None
        try:
            result = there.direct_view(engine).apply_async(versions_here, names)
            if result.wait(_ANSWER_SECONDS):
                found: dict[str, str | None] = result.get()
                return found
            result.abort()
        except (EngineroomError, IndexError):  # it has gone
            pass
        return None

    return ask


@called_by_users("activate", "queue_status", "send_signal", "shutdown", "clear")
@checks_switches()
class Controls(Hinted):
    """The part of a Client that looks after engines."""

    _block: bool
    _session: Session

    if TYPE_CHECKING:

        @property
        def direct_view(self) -> Callable[..., Any]: ...

    @property
    def block(self) -> bool:
        """Whether calls wait and return results, in views that are made from now on. You can set it."""
        return self._block

    @block.setter
    def block(self, block: bool) -> None:
        self._block = switch("block", block)

    def activate(self, targets: Targets = "all", suffix: str = "") -> DirectView[Any]:
        """Have `%px` run cells on the engines `targets`, and return a view of them, with `block` set.

        `suffix`: the end of the magics' names; "0" gives %px0, %pxconfig0 and so on. Outside of IPython: a warning.
        IndexError: there is no such engine.
        """
        view: DirectView[Any] = self.direct_view("all" if targets is None else targets, block=True)
        view.activate(suffix)
        return view

    def clear(self, targets: Targets = None, block: bool | None = None) -> Any:  # noqa: FBT001 (as users write it)
        """Empty the namespaces of these engines, and run their start-up code again; see `DirectView.clear`."""
        return self.direct_view("all" if targets is None else targets).clear(block=block)

    def queue_status(self, targets: Targets = "all", verbose: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 (as users write it)
        """Return `{engine: {"queue": n, "tasks": n, "completed": n}, "unassigned": n}`; for one engine, only its dict.

        `targets`: engine ids; for a single id, only that engine's dict is returned. "queue": calls of direct views;
        "tasks": calls of load-balanced views; "unassigned": calls that wait for an engine. `verbose`: lists of at most
        1000 message ids instead of these numbers; "completed" stays a number. An engine that does not answer also has
        "unresponsive", in seconds; "unresponsive_hosts" names each `ipcluster` process that does not.
        """
        ids = resolve(targets, self._session.engines) if self._session.engines.ids else ()
        return queue_status(self._session, ids, verbose=verbose, single=is_single(targets))

    def send_signal(self, sig: int | str, targets: Targets = None, block: bool | None = None) -> None:  # noqa: FBT001 (as users write it)
        """Send a signal to the processes of engines, and wait until it has been sent.

        `sig`: its number, its name ("SIGINT" or "int"), or `signal.SIGINT`. `targets`: engine ids; None: all engines.
        `block` has no effect. SIGINT also interrupts calls that were submitted earlier but have not started.
        ValueError: there is no such signal. EngineroomError: the signal did not reach all engines; the message says
        why.
        """
        del block
        number = signal_number(sig)
        engines = resolve(targets, self._session.engines)
        for piece in listed(engines):
            self._session.request(partial(Signal, piece, number), "whether the signal was sent")

    def shutdown(
        self,
        targets: Targets = "all",
        restart: bool = False,  # noqa: FBT001, FBT002 (as users write it)
        hub: bool = False,  # noqa: FBT001, FBT002
        block: bool | None = None,  # noqa: FBT001
    ) -> None:
        """Stop engines and, with `hub`, all engines and the controller.

        `targets`: engine ids; "all": all engines. `block`: wait until these engines are gone; None: as `rc.block` says.
        `restart`: start the engines again, under their ids, with empty namespaces; `block` then waits until they are
        back. EngineroomError: `ipcluster` cannot restart one of them, so none are; the message says why. EngineError:
        one did not come back. NoEnginesRegistered: there is none to restart. ValueError: `restart` and `hub` together.
        """
        session = self._session
        wait = self.block if block is None else block
        if restart:
            if hub:
                raise ValueError("a controller cannot be restarted: leave out `hub` to restart the engines")
            from engineroom.client.engines.restarting import restart as restart_engines  # few restart engines

            restart_engines(session, resolve_lasting(targets, session.engines), block=wait)
            return
        ids = resolve(targets, session.engines) if session.engines.ids else ()
        session.send(*session.leaving.shut_down(ids, controller=hub))
        if wait:
            session.wait_until(lambda: not set(ids) & set(session.engines.ids), None)
