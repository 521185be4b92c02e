"""The flags of the magics, in groups that several magics share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from IPython.core import magic_arguments

from engineroom.machine.signals import signal_number

Magic = Callable[..., Any]

argument: Any = magic_arguments.argument  # all of IPython is untyped
_decorator: Any = magic_arguments.magic_arguments
parsed: Any = magic_arguments.parse_argstring

NO_SIGNAL = ""
"""Ctrl-C sends nothing to the engines."""


def takes_flags(name: str) -> Callable[[Magic], Magic]:
    """Return a decorator for the magic `name`: its flags are those of the decorators below."""
    decorator: Callable[[Magic], Magic] = _decorator(name)
    return decorator


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value != value:  # not a number
        raise argparse.ArgumentTypeError(f"expected a number of seconds, got {text!r}")
    return value


def _limit(text: str) -> float:
    if (value := _seconds(text)) <= 0:
        raise argparse.ArgumentTypeError(f"expected a positive number of seconds, got {text!r}")
    return value


def _signal(text: str) -> str:
    if text.strip().lower() in {"0", "none", ""}:
        return NO_SIGNAL
    try:
        signal_number(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _name(text: str) -> str:
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} cannot be the name of a variable")
    return text


def _group(*flags: Any) -> Callable[[Magic], Magic]:
    def decorate(magic: Magic) -> Magic:
        for flag in reversed(flags):
            magic = flag(magic)
        return magic

    return decorate


def _switch(*names: str, dest: str, value: bool, words: str) -> Any:
    return argument(*names, action="store_const", const=value, default=None, dest=dest, help=words)


execution = _group(
    _switch("-b", "--block", dest="block", value=True, words="wait for the engines, and show their output"),
    _switch("-a", "--noblock", dest="block", value=False, words="return an AsyncResult at once"),
    argument(
        "-t",
        "--targets",
        type=str,
        help="engines to run on: all, an id (3), several (0,2 or 0-3), or a slice of the ids (::2)",
    ),
    _switch("--stream", dest="stream", value=True, words="show output while the engines run (the default)"),
    _switch("--no-stream", dest="stream", value=False, words="show output once all engines have ended"),
    _switch("--fold", dest="fold", value=True, words="show identical outputs of several engines once (the default)"),
    _switch("--no-fold", dest="fold", value=False, words="show the output of each engine by itself"),
    _switch("--verbose", dest="verbose", value=True, words="say which engines the cell runs on"),
    _switch("--no-verbose", dest="verbose", value=False, words="do not say it (the default)"),
    argument(
        "--progress-after",
        dest="progress_after",
        metavar="SECONDS",
        type=_seconds,
        help="seconds after which progress is shown: 0 at once, -1 never (default: 2)",
    ),
    argument(
        "--signal-on-interrupt",
        dest="signal_on_interrupt",
        metavar="SIGNAL",
        type=_signal,
        help="signal that Ctrl-C sends to the engines; 0: none, they go on (default: SIGINT)",
    ),
)

attaching = _group(
    argument(
        "--attach",
        nargs="?",
        const="last",
        metavar="ID",
        help="a message id of the call, or last: the last call of another client",
    )
)

running = _group(
    argument(
        "--time-limit",
        dest="time_limit",
        metavar="SECONDS",
        type=_limit,
        help="interrupt the cell on engines that take longer than this",
    ),
    argument("--keep", action="store_true", help="also run the cell on every engine that is started later"),
    argument("--local", action="store_true", help="also run the cell here"),
)

output = _group(
    argument(
        "-r",
        action="store_const",
        const="order",
        dest="groupby",
        default="type",
        help="the same as --group-outputs=order",
    ),
    argument(
        "-e",
        action="store_const",
        const="engine",
        dest="groupby",
        default="type",
        help="the same as --group-outputs=engine",
    ),
    argument(
        "--group-outputs",
        dest="groupby",
        choices=["engine", "order", "type"],
        default="type",
        help="order of what is shown at the end: by type (all stdout first), or engine by engine",
    ),
    argument(
        "-o",
        "--out",
        dest="save_name",
        metavar="NAME",
        type=_name,
        help="also store the AsyncResult in this variable",
    ),
)
