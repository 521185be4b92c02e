"""Engines that are stopped and started again, by those who started them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from engineroom.client.engines.targets import spell
from engineroom.errors import EngineError
from engineroom.protocol.messages import Restart
from engineroom.protocol.task_ranges import listed

if TYPE_CHECKING:
    from engineroom.client.connection.session import Session

_LONGEST = 90.0
"""Seconds that engines may take to end and to start again: their own time limits are shorter."""


def restart(session: Session, ids: tuple[int, ...], *, block: bool) -> None:
    """Have these engines end and start again, under their ids; `block`: wait until they are back.

    EngineroomError: some can't be restarted, so that none are. EngineError: some have not come back.
    """
    table = session.engines
    before = {id_: table.instance(id_) for id_ in ids}
    for piece in listed(ids):
        session.request(partial(Restart, piece), "whether engines are restarted")

    def away() -> tuple[int, ...]:
        return tuple(id_ for id_ in ids if table.get(id_) is None or table.instance(id_) == before[id_])

    if block and not session.wait_until(lambda: not away(), _LONGEST) and (missing := away()):
        session.check()
        raise EngineError(
            table.advise(
                f"engines {spell(missing)} did not come back within {_LONGEST:g} s. See what happened with "
                "`ipcluster why`"
            )
        )
