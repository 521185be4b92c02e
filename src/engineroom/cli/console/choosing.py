"""Which engine a console is for: the one that is named, or else a list of those that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.client.engines.targets import spell
from engineroom.errors import EngineroomError
from engineroom.machine.columns import in_columns

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.state.engine_table import Engine

_COLUMNS = ("ENGINE", "HOST", "PID", "PYTHON", "WAITING", "DIRECTORY")


class WrongArgument(EngineroomError):
    """The argument names no engine."""

    code = 2


def engine_number(argument: str) -> int:
    """Return the engine that is named. WrongArgument: it is no number."""
    if not (argument.isascii() and argument.isdigit()):
        raise WrongArgument(f"expected the id of an engine, such as `ipcluster console 0`, got {argument!r}")
    return int(argument)


def chosen(client: Client, number: int) -> Engine:
    """Return an engine by its id. EngineroomError: there is none."""
    engines = client._session.engines
    engine = engines.get(number)
    if engine is not None:
        return engine
    if not engines.ids:
        raise engines.nobody()
    which = f"engine {engines.ids[0]}" if len(engines.ids) == 1 else f"the engines are {spell(engines.ids)}"
    only = "the only one is " if len(engines.ids) == 1 else ""
    raise EngineroomError(f"there is no engine {number}: {only}{which}")


def listed(client: Client) -> str:
    """Return a list of the engines, and what to type. EngineroomError: there are none."""
    engines = client._session.engines
    if not engines.ids:
        raise engines.nobody()
    status = client.queue_status(list(engines.ids))
    rows = [_COLUMNS]
    for engine in sorted(engines.all(), key=lambda engine: engine.id):
        queued = status.get(engine.id, {})
        waiting = str(queued.get("queue", 0) + queued.get("tasks", 0))
        info = engine.info
        rows.append((str(engine.id), info.host, str(info.pid), info.python, waiting, info.work_dir))
    command = engines.advise(f"`ipcluster console {engines.ids[0]}`").strip("`")
    return "\n".join([*in_columns(rows), "", f"To open a console on engine {engines.ids[0]}:", f"  {command}"])
