"""`ipcluster console`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from engineroom.cli.console.running import Cells
    from engineroom.client.client import Client

_HISTORY = "console_history"


def main(argv: Sequence[str]) -> int:
    """Run what is typed, or piped in, on the engine that is named; without one, list the engines."""
    from engineroom.cli.console.choosing import WrongArgument, engine_number, listed
    from engineroom.cli.expected import client_for
    from engineroom.settings.cluster import IPClusterConsole
    from engineroom.settings.reading import read_application

    app = read_application(IPClusterConsole, argv)
    if len(app.arguments) > 1:
        raise WrongArgument(f"expected one engine, got {len(app.arguments)}: {' '.join(app.arguments)}")
    number = engine_number(app.arguments[0]) if app.arguments else None
    with client_for(app, sshserver=app.sshserver) as client:
        if number is None:
            print(listed(client))
            return 0
        return _console(client, number, app.profile_directory.path / _HISTORY)


def _console(client: Client, number: int, history: Path) -> int:
    from engineroom.cli.console.choosing import chosen
    from engineroom.cli.console.leaving import without_exit
    from engineroom.cli.console.running import Cells

    engine = chosen(client, number)
    cells = Cells(client, number)
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # from now on it interrupts cells
    if not sys.stdin.isatty():
        code, _ = without_exit(sys.stdin.read())
        return 0 if not code.strip() or cells.run(code) else 1
    info = engine.info
    print(
        f"Engine {number} on {info.host} (process {info.pid}, Python {info.python}). Cells run in its namespace.\n"
        "Ctrl-C interrupts a cell; exit or Ctrl-D closes this console, and the engine goes on."
    )
    _converse(cells, history)
    return 0


def _converse(cells: Cells, history: Path) -> None:
    from engineroom.cli.console.keyboard import Keyboard
    from engineroom.cli.console.leaving import without_exit

    keyboard = Keyboard(f"engine {cells.engine}", cells.matches, history)
    leaves = False
    while not leaves:
        try:
            code, leaves = without_exit(keyboard.read())
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if code.strip():
            cells.run(code)
