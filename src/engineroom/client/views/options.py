"""How a view's tasks may be treated, checked when the call is made: later nobody could be told."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from engineroom.protocol.messages import DEFAULT_OPTIONS, Options, Terms
from engineroom.protocol.ranges import MOST_LISTED, MOST_PRIORITY, MOST_TRIES, WORD

_decode = msgspec.msgpack.Decoder(Options).decode


@lru_cache(maxsize=128)
def options_of(
    label: str,
    engines: tuple[int, ...] | None = None,
    retries: int = 0,
    priority: int = 0,
    *,
    rerun_lost: bool = True,
    terms: Terms | None = None,
) -> Options:
    """Return the options; TypeError or ValueError says what is wrong with a flag."""
    options = Options(engines, retries, rerun_lost, priority=priority, label=label, terms=terms)
    if options == DEFAULT_OPTIONS:
        return DEFAULT_OPTIONS
    _check_label(label)
    if engines is not None and len(engines) > MOST_LISTED:
        raise ValueError(
            f"this view names {len(engines)} engines, and the limit is {MOST_LISTED}; use a view of all engines "
            "(`rc.load_balanced_view()`), or several views"
        )
    if not 0 <= retries <= MOST_TRIES:
        raise ValueError(f"retries must be between 0 and {MOST_TRIES}, not {retries}")
    if abs(priority) > MOST_PRIORITY:
        raise ValueError(f"priority must be between -{MOST_PRIORITY} and {MOST_PRIORITY}, not {priority}")
    _decode(msgspec.msgpack.encode(options))  # whatever else the table of ranges says
    return options


def _check_label(label: object) -> None:
    if not isinstance(label, str):
        raise TypeError(f"label must be a str, not {type(label).__name__}")
    if len(label) > WORD:
        raise ValueError(f"this label has {len(label)} characters, and the limit is {WORD}; use a shorter label")
    try:
        label.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"this label is not valid Unicode: {error}; use another label") from None
