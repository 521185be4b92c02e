"""Results that unfinished calls take, and that are here: another controller may know nobody who has them.

So it is sent, under the number of each of their tasks, a call that makes the result once more, of the bytes that are
here. Like every call that is submitted again, it is not run if an engine has the result; then none of its bytes travel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.client.state.tasks import Request
from engineroom.errors import PackError
from engineroom.protocol.messages import DEFAULT_OPTIONS, Call, Kind, Stream
from engineroom.protocol.streams import Packed, Payload
from engineroom.serialize.functions.packing import PackedFunction, pack_call
from engineroom.serialize.futures import AsPacked, in_a_pickle

if TYPE_CHECKING:
    from engineroom.client.state.state import State
    from engineroom.serialize.frames import Buffer


def calls_again(state: State, known_up_to: int) -> list[Request]:
    """Return what to send, behind all calls, to a controller that had this client's tasks up to `known_up_to` as it
    came. The condition is held."""
    tasks, made_again = state.tasks, state.pins.made_again
    takers = [task for task in list(tasks.values()) if task.inputs and task.request is not None]
    needed = {number: task.request for task in takers for number in task.inputs}
    calls = []
    for number, taker in needed.items():
        if number <= known_up_to or number in tasks or taker is None:
            continue
        call = made_again.get(number) or _call(state, number)
        if call is not None:
            call.within = taker.within
            made_again[number] = call
            calls.append(call)
    return calls


def making(state: State, packed: Buffer, *, copy: bool) -> tuple[PackedFunction, Packed]:
    """Return a function and its packed arguments, of which it makes `packed`, a result, once more. `copy`: of that.

    PackError: there is no memory for it.
    """
    return state.packer.pack(AsPacked), pack_call((in_a_pickle(packed),), {}, copy=copy)


def _call(state: State, number: int) -> Request | None:
    """Return the call that makes a result once more; None: the bytes are not here any more as they came."""
    payload = state.pins.payload_of(number)
    packed = _whole(payload) if isinstance(payload, Payload) else payload
    if packed is None:
        return None
    handed_over = isinstance(payload, Payload) and payload.handed_over
    try:
        function, body = making(state, packed, copy=handed_over)
    except PackError:
        return None
    if isinstance(payload, Payload):
        payload.is_passed_on = not handed_over
    if isinstance(body, bytes):
        size, segments, its = len(body), None, Call(Kind.APPLY, function.hash, body)
    else:
        size, segments = sum(segment.nbytes for segment in body), body
        its = Call(Kind.APPLY, function.hash, Stream(0, size))
    return Request(its, None, DEFAULT_OPTIONS, segments, size, function, 0, 1, number)


def _whole(payload: Payload) -> Buffer | None:
    return None if payload.error is not None else payload.unchanged()
