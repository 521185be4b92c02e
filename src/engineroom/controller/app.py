"""The controller's process, from its configuration to its end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial

from engineroom.controller.config import ControllerConfig
from engineroom.controller.faults import EXIT_CODE
from engineroom.controller.identity import Identity
from engineroom.controller.introduction import introduce
from engineroom.controller.open_files import allow_many
from engineroom.controller.shell import Controller
from engineroom.errors import EngineroomError
from engineroom.machine.garbage import look_seldom
from engineroom.transport.loops import new_loop
from engineroom.transport.tls import make_certificate_aside

log = logging.getLogger(__name__)


def run_controller(
    config: ControllerConfig,
    *,
    on_ready: Callable[[Controller], None] = lambda _: None,
    on_failure: Callable[[str], None] = lambda _: None,
) -> int:
    """Run a controller until it is stopped; return its exit code.

    `on_ready` is called once it listens, `on_failure`, with words, if it can't start.
    """
    allow_many()
    gc.freeze()
    look_seldom()
    identity = Identity(config)
    try:
        make_certificate_aside(identity.certificate_file, identity.key_file)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(_run(config, on_ready, on_failure))
    except KeyboardInterrupt:
        return 130


async def _run(
    config: ControllerConfig, on_ready: Callable[[Controller], None], on_failure: Callable[[str], None]
) -> int:
    controller = Controller(config)
    try:
        await controller.start()
    except (EngineroomError, OSError) as error:
        # Some errors of a file system name no file: then it is where the keys and connection files are to be.
        where = f"{config.security_dir}: " if isinstance(error, OSError) and not error.filename else ""
        words = f"{where if not isinstance(error, EngineroomError) else ''}{error}"
        log.error("the controller can't start: %s", words)  # noqa: TRY400 (the words are all a user needs)
        print(f"ipcontroller: {words}", file=sys.stderr)
        on_failure(words)
        return 1
    _stop_on_signals(controller)
    introduce(controller)
    on_ready(controller)
    await controller.run_until_stopped()
    log.info("stopping: %s", controller.stop_reason)
    await controller.stop()
    if controller.faults.fatal:
        print(f"ipcontroller: {controller.faults.fatal}", file=sys.stderr)
        return EXIT_CODE
    return 0


def _stop_on_signals(controller: Controller) -> None:
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        name = signal.Signals(signum).name
        # With --reuse people start it again, with everybody still there.
        stop = partial(controller.request_stop, f"received {name}", comes_back=controller.config.reuse)
        loop.add_signal_handler(signum, stop)
