"""`ipcluster`: start, stop and look after clusters."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import engineroom
from engineroom.cli.outermost import in_words, plain_ctrl_c
from engineroom.machine.ending import end
from engineroom.machine.garbage import look_seldom

COMMANDS = {
    "start": "start a controller and engines",
    "engines": "start engines for a controller that is running, or will be",
    "stop": "stop a cluster",
    "list": "list clusters",
    "clean": "remove what ended clusters left behind",
    "logs": "show the logs of a cluster",
    "tasks": "list recorded tasks, or show one",
    "audit": "check that the records of all tasks add up",
    "console": "open a console on one engine",
    "why": "explain why a cluster does not start or lacks engines",
    "config": "show every option, its value and where it was set",
    "profile": "create a profile with commented configuration files",
}

_USAGE = """Usage: ipcluster COMMAND [options]

{}

Example:
  ipcluster start -n 4

Options of a command: ipcluster COMMAND -h"""


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the arguments say; return the exit code."""
    if argv is None:
        plain_ctrl_c()
        look_seldom()
    arguments = list(sys.argv[1:] if argv is None else argv)
    code = in_words("ipcluster", lambda: _command(arguments))
    if argv is None:
        end(code)
    return code


def _command(arguments: Sequence[str]) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "--help-all", "help"}:
        print(_usage())
        return 0 if arguments else 2
    command, *rest = arguments
    if command in {"--version", "-V"}:
        print(engineroom.__version__)
        return 0
    if command not in COMMANDS:
        from engineroom.settings.option import nearest  # most people type what there is

        print(
            f"ipcluster: unknown command {command!r}{nearest(command, COMMANDS.keys())}\n\n{_usage()}",
            file=sys.stderr,
        )
        return 2
    # Each command imports what it needs and no more: a start is a matter of tenths of a second.
    return int(import_module(f"engineroom.cli.ipcluster_{command}").main(rest))


def _usage() -> str:
    return _USAGE.format("\n".join(f"  {name:8} {words}" for name, words in COMMANDS.items()))


if __name__ == "__main__":
    sys.exit(main())
