"""The host as a process of its own: what `Cluster()` and `ipcluster start --daemonize` start.

`python -m engineroom.cluster.host.process FD start|engines`: the plan comes as one line over the inherited socket FD,
requests follow, reports go back. The end of the socket is the end of the owner.
"""

from __future__ import annotations

import socket
import sys
from typing import NoReturn

from engineroom.cluster.line.children import CONTROLLER, SPAWNER, start
from engineroom.machine.ending import end
from engineroom.machine.garbage import look_seldom


def main() -> NoReturn:
    """Be a host."""
    look_seldom()
    descriptor, what = int(sys.argv[1]), sys.argv[2]
    # First of all: they take as long to be ready as we do.
    spawner = start(SPAWNER)
    controller = start(CONTROLLER) if what == "start" else None
    from engineroom.cluster.host.running import serve

    with socket.socket(fileno=descriptor) as owner:
        code = serve(owner, spawner=spawner, controller=controller)
    end(code)


if __name__ == "__main__":
    main()
