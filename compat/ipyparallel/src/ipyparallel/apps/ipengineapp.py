"""`ipengine`."""

from __future__ import annotations

from engineroom.cli.ipengine import main
from ipyparallel.apps.profile_files import ProgramOfProfile


class IPEngineApp(ProgramOfProfile):
    """Stands for `ipengine`."""

    program = "ipengine"
    main = staticmethod(main)


launch_new_instance = IPEngineApp.launch_instance

if __name__ == "__main__":
    launch_new_instance()
