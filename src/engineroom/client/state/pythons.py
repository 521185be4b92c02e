"""Engines of another Python: compiled code stays away from them, as each minor version has its own.

They take everything else: values, and functions and classes that they can import, also those of the user's own modules,
which travel as source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import msgspec

from engineroom.client.state.engine_table import PYTHON, Engine
from engineroom.errors import PackError
from engineroom.protocol.messages import Options
from engineroom.serialize.frames import pickle_in

if TYPE_CHECKING:
    from engineroom.protocol.streams import Packed
    from engineroom.serialize.functions.packing import PackedFunction

_CODE = b"_make_code"
"""In a pickle that has compiled code in it."""


def options_for(
    function: PackedFunction | None,
    body: Packed,
    to: tuple[Engine, ...] | None,
    options: Options,
    engines: Callable[[], Iterable[Engine]],
) -> Options:
    """Return `options` so that the call runs where its code can; `engines()`: all that there are, which few calls need.

    PackError: it cannot run on an engine that it is for, or on any.
    """
    if function is not None and _CODE in function.body:
        what = f"the function {function.name!r}"
    elif _CODE in bytes(pickle_in(body)):
        what = f"an argument of {function.name!r}" if function is not None and function.name else "a value"
    else:
        return options
    if to is not None:
        _check(what, [engine for engine in to if engine.other_python])
        return options
    every = [each for each in engines() if options.engines is None or each.id in options.engines]
    able = tuple(each.id for each in every if not each.other_python)
    if not able:
        _check(what, every)
    return msgspec.structs.replace(options, engines=able)


def _check(what: str, others: list[Engine]) -> None:
    if not others:
        return
    named = ", ".join(f"engine {each.id} (Python {each.info.python})" for each in others[:5])
    more = f" and {len(others) - 5} others" if len(others) > 5 else ""
    raise PackError(
        f"{what} cannot be sent to {named}{more}: it contains code compiled by Python {PYTHON}. Put its definition "
        "into a module, a file beside your script: modules are sent as source. Or use engines of the same version"
    )
