"""Signals as people write them: by number, by name, or as members of `signal.Signals`."""

from __future__ import annotations

import re
import signal
from operator import index

_REAL_TIME = re.compile(r"SIGRT(?P<end>MIN|MAX)(?P<offset>[+-]\d{1,2})?")


def signal_number(wanted: object) -> int:
    """Return the number of the signal that `wanted` names: 2, "SIGINT", "int", `signal.SIGINT`, "SIGRTMIN+1".

    ValueError: there is no such signal on this machine. TypeError: `wanted` is neither a number nor a name.
    """
    if isinstance(wanted, str):
        number = _by_name(wanted)
    else:
        try:
            number = None if isinstance(wanted, bool) else index(wanted)  # type: ignore[arg-type]
        except TypeError:
            number = None
        if number is None:
            raise TypeError(f"expected a signal's number or name, got {wanted!r}. {_advice()}")
    if number not in signal.valid_signals():
        raise ValueError(f"{wanted!r} is not a signal. {_advice()}")
    return int(number)


def signal_name(number: int) -> str:
    """Return the name of a signal, "SIGINT"; for one without, as most real-time ones: "signal 40"."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _by_name(name: str) -> int | None:
    """Return the number of the signal with this name, upper or lower case, with or without SIG; None for none."""
    text = name.strip().upper()
    if text.isascii() and text.isdigit():
        return int(text[:9])
    text = text if text.startswith("SIG") else f"SIG{text}"
    found = _REAL_TIME.fullmatch(text)
    if found is not None and hasattr(signal, "SIGRTMIN"):
        number = int(getattr(signal, f"SIGRT{found['end']}")) + int(found["offset"] or 0)
        return number if signal.SIGRTMIN <= number <= signal.SIGRTMAX else None
    member = signal.Signals.__members__.get(text)
    return None if member is None else int(member)


def _advice() -> str:
    return f"Use a name such as 'SIGINT', or a number from 1 to {max(signal.valid_signals())}"
