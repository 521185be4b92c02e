"""What a controller logs when it starts listening."""

from __future__ import annotations

import logging
import os

from engineroom.controller.shell import Controller
from engineroom.machine.ssh_names import bracketed

log = logging.getLogger(__name__)


def introduce(controller: Controller) -> None:
    """Log the addresses, the files and the main settings."""
    identity, config = controller.identity, controller.config
    on = ",".join(f"tcp://{bracketed(host)}:{controller.port}" for host in identity.bind_hosts())
    listens = {"on": on, "port": controller.port, "pid": os.getpid()}
    log.info("controller listens", extra=listens | ({"socket": controller.unix_path} if controller.unix_path else {}))
    for role, file, ssh in (
        ("clients", identity.client_file, config.ssh),
        ("engines", identity.engine_file, config.engine_ssh),
    ):
        log.info("wrote connection info", extra={"of": role, "file": file} | ({"ssh": ssh} if ssh else {}))
    log.info("scheduling policy: %s", config.policy)
    log.info("heartbeat timeout: %g s", config.silent)
