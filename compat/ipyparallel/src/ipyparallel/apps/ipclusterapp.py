"""`ipcluster`."""

from __future__ import annotations

from engineroom.cli.ipcluster import main
from ipyparallel.apps.profile_files import ProgramOfProfile


class IPClusterStart(ProgramOfProfile):
    """Stands for `ipcluster`, whose options are in one file for all its commands."""

    program = "ipcluster"
    main = staticmethod(main)


launch_new_instance = IPClusterStart.launch_instance

if __name__ == "__main__":
    launch_new_instance()
