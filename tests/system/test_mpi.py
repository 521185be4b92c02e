"""What an engine says of MPI where there is none to be had; worlds are in tests/real."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from engineroom import Client
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command, until

Start = Callable[..., Command]


def test_pytrilinos_that_is_not_installed_own_code_and_ranks_by_hand(command: Start, profile: Profile) -> None:
    controller = command("ipcontroller").says("controller listens")
    profile.path.mkdir(exist_ok=True)
    config = profile.path / "ipengine_config.py"
    config.write_text("c.MPI.use = 'pytrilinos'\n")
    first = command("ipengine")
    with Client(timeout=SECONDS) as rc:
        rc.wait_for_engines(1, timeout=SECONDS)
        first.says("MPI: pytrilinos is not installed for ")
        config.write_text("c.MPI.use = 'pytrilinos'\nc.MPI.init_script = 'from_script = 1'\n")
        environment = {"OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"}
        command("ipengine", env={**os.environ, **environment})
        until(lambda: rc.ids == [0, 3])
        assert rc[3].pull("from_script", block=True) == 1
        third = command("ipengine", env={**os.environ, **environment})
        assert third.ends() == 255
        assert "engine id 3 is already used by a running engine" in third.output
        command("ipengine", "--id=2", env={**os.environ, **environment})
        until(lambda: rc.ids == [0, 3, 5])
    controller.signal(signal.SIGTERM).ends()
