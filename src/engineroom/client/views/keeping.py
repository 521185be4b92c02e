"""Keeping calls for engines that come later: `push(..., keep=True)`, `@view.keep`, `rc.kept`, `rc.forget`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident
from typing import TYPE_CHECKING, Any

from engineroom.client.state.kept import Kept
from engineroom.errors import CompositeError, EngineError, PackError, RemoteError
from engineroom.protocol.messages import DEFAULT_OPTIONS, Call, Forget, Stream
from engineroom.serialize.futures import names_results, noted, take_noted

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session
    from engineroom.client.engines.targets import Targets
    from engineroom.client.state.engine_table import Engine
    from engineroom.protocol.streams import Packed
    from engineroom.serialize.functions.packing import PackedFunction

_SHOWN = 100
"""Characters of code that name a call."""


@dataclass(frozen=True)
class KeptCall:
    """A call that runs first of all on each engine that starts.

    `engines`: the ids of these engines; None: all, also those that come later. `bytes`: what it takes in the
    controller. `states`: by the id of each connected engine, "done", "failed" or "waiting"; `errors`: what it raised
    there. To keep it no longer: `rc.forget(call.id)`.
    """

    id: int
    what: str
    engines: tuple[int, ...] | None
    bytes: int
    states: dict[int, str]
    errors: dict[int, str]

    def __repr__(self) -> str:
        where = "all engines" if self.engines is None else f"engines {', '.join(map(str, self.engines))}"
        failed = "".join(f"; failed on engine {engine}: {error}" for engine, error in self.errors.items())
        return f"<KeptCall {self.id}: {self.what!r} on {where}, {self.bytes:,} bytes{failed}>"


def keep(
    session: Session,
    kind: int,
    body: Packed,
    *,
    key: object,
    what: str,
    engines: tuple[int, ...] | None,
    has: tuple[Engine, ...],
    function: PackedFunction | None = None,
) -> Kept:
    """Have the controller keep a call; return once it does. `has`: the engines on which the caller runs it.

    A call with the same `key` that is kept for the same `engines` is replaced. EngineroomError: it is too large. A
    controller that is away keeps it when it is back; a warning says so if it is too large then.
    PackError: an argument is the result of a call that has not ended.
    """
    _refuse_unfinished(body, what)
    segments = None if isinstance(body, bytes) else body
    size = len(body) if isinstance(body, bytes) else sum(segment.nbytes for segment in body)
    call = Call(kind, b"" if function is None else function.hash, Stream(0, size) if segments is not None else body)  # type: ignore[arg-type]
    kept = Kept(call, None, DEFAULT_OPTIONS, segments, size, function, 0, 0)
    kept.id, kept.key, kept.engines = session.kept.next_id(), (key, engines), engines
    kept.what = what if len(what) <= _SHOWN else f"{what[:_SHOWN]}..."
    kept.has = b"".join(engine.instance for engine in has)
    kept.ends = {engine.id: (engine.instance, "") for engine in has}

    def make(question: int) -> Kept:
        kept.question = question
        session.kept.add(kept)
        return kept

    try:
        session.tell(make)
    except BaseException:
        forget_one(session, kept)
        raise
    for earlier in session.kept.all():
        if earlier.key == kept.key and earlier is not kept:
            forget_one(session, earlier)
    return kept


def _refuse_unfinished(body: Packed, what: str) -> None:
    """PackError: `body` needs results that only its own call could wait for, and not an engine that starts later."""
    pieces = [body] if isinstance(body, bytes) else body
    futures = noted.get(get_ident()) or ()
    if any(part.stays for future in futures for part in future.modules):
        take_noted()
        raise PackError(
            f"the call {what!r} cannot be kept: it takes published data, which may be released before an engine "
            "is started that needs them. Pass the value itself"
        )
    if futures and any(map(names_results, pieces)):
        for future in take_noted():
            future.let_go()
        raise PackError(
            f"the call {what!r} cannot be kept: it takes the result of a call that has not ended. Wait for it, and "
            "pass its value: `ar.get()`"
        )


def forget_one(session: Session, kept: Kept) -> None:
    """Keep a call no longer."""
    session.kept.drop(kept.id)
    if not session.closed:
        session.send(Forget(kept.id))


def forget(session: Session, calls: Any = None) -> None:
    """Keep these calls no longer: an id, a KeptCall, or several; None: all. KeyError: an id is not that of one."""
    if calls is None:
        found = session.kept.all()
    else:
        several = isinstance(calls, Iterable) and not isinstance(calls, str | bytes)
        found = [_found(session, each) for each in (calls if several else [calls])]
    for kept in found:
        forget_one(session, kept)


def _found(session: Session, call: Any) -> Kept:
    id_ = call.id if isinstance(call, KeptCall) else call
    if isinstance(id_, bool) or not isinstance(id_, int):
        raise TypeError(f"expected the id of a kept call, or an item of rc.kept, got {call!r}")
    kept = session.kept.get(id_)
    if kept is None:
        known = ", ".join(str(each.id) for each in session.kept.all()) or "none"
        raise KeyError(f"there is no kept call {id_}; the kept calls are: {known}")
    return kept


def listed_calls(session: Session) -> list[KeptCall]:
    """Return the calls that are kept, the first one first."""
    return [_shown(session, kept) for kept in session.kept.all()]


def _shown(session: Session, kept: Kept) -> KeptCall:
    ids = [engine for engine in session.engines.ids if kept.is_for(engine)]
    states = {id_: session.kept.state_on(kept, id_, session.engines.instance(id_)) for id_ in ids}
    size = kept.size + (0 if kept.function is None else len(kept.function.body))
    errors = {id_: error for id_, (_, error) in states.items() if error}
    return KeptCall(kept.id, kept.what, kept.engines, size, {id_: name for id_, (name, _) in states.items()}, errors)


def is_for_all(targets: Targets) -> bool:
    """Whether a call to `targets` is kept for engines that have not come yet, too."""
    return targets is None or (isinstance(targets, str) and targets == "all")


def is_of_the_call(error: BaseException) -> bool:
    """Whether a call has failed by itself, and not because engines or the controller are gone."""
    if isinstance(error, CompositeError):
        return any(is_of_the_call(each) for each in error.exceptions)
    return isinstance(error, RemoteError) and not isinstance(error, EngineError)


@contextmanager
def forget_again_if_it_failed(session: Session) -> Iterator[None]:
    """If the call that is kept in this block fails by itself, keep it no longer."""
    before = {kept.id for kept in session.kept.all()}
    try:
        yield
    except Exception as error:
        if is_of_the_call(error):
            for kept in session.kept.all():
                if kept.id not in before:
                    forget_one(session, kept)
        raise
