"""A host on another machine, at the end of an ssh connection: engines, or a controller, that belong to somebody there.

`python -m engineroom.cluster.ssh.far.process engines|controller|resume`: a plan comes as a line on stdin, and requests
after it; reports go to stdout. The connection file comes with the plan, so that no key is in an argument or in the
environment, and no file system need be shared.
"""

from __future__ import annotations

import os
import sys

from engineroom.cluster.line.children import CONTROLLER, SPAWNER, let_go, start


def main() -> int:
    """Be such a host; return the exit code."""
    what = sys.argv[1]
    # What anybody prints by mistake must not be taken for a report, nor is what comes on stdin meant for children.
    read, write = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    child = None if what == "resume" else start(CONTROLLER if what == "controller" else SPAWNER)
    from engineroom.cluster.ssh.far.running import greet, read_line, serve

    greet(write)
    said, heard = read_line(read)
    if not said:
        let_go(child)
        return 0
    return serve(said, heard, read, write, child)


if __name__ == "__main__":
    sys.exit(main())
