"""`ipcluster profile`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from engineroom.settings.option import OptionError

_HINT = """To do the same with `ipython profile create --parallel`, install engineroom's stand-in for ipyparallel:
pip install "engineroom[ipyparallel]\""""


def main(argv: Sequence[str]) -> int:
    """Make the profile that is named, with a file of commented options for each program."""
    from engineroom.settings.catalogue import FILES
    from engineroom.settings.cluster import IPClusterProfile
    from engineroom.settings.config_files import config_file, write_config_file
    from engineroom.settings.reading import read_application

    app = read_application(IPClusterProfile, argv)
    command, *names = app.arguments or [""]
    if command != "create" or len(names) > 1:
        raise OptionError("usage: ipcluster profile create [NAME]")
    if names:
        app.profile = names[0]
    profile = app.profile_directory
    profile.prepare()
    for program in FILES:
        written = write_config_file(profile.path, program, overwrite=app.reset)
        print(f"{'wrote' if written else 'unchanged:'} {config_file(profile.path, program)}")
    if find_spec("ipyparallel") is None:
        print(_HINT)
    return 0
