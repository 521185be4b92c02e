"""`ipcontroller`."""

from __future__ import annotations

from engineroom.cli.ipcontroller import main
from ipyparallel.apps.profile_files import ProgramOfProfile


class IPControllerApp(ProgramOfProfile):
    """Stands for `ipcontroller`."""

    program = "ipcontroller"
    main = staticmethod(main)


launch_new_instance = IPControllerApp.launch_instance

if __name__ == "__main__":
    launch_new_instance()
