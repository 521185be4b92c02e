"""One engine process, from its config to its exit code."""

from __future__ import annotations

import atexit
import builtins
import logging
import os
import signal
import sys
import threading
import time

import msgspec

from engineroom.engine import figures, mpi, shell_on_demand
from engineroom.engine.attempts import Attempt
from engineroom.engine.between import Between, place
from engineroom.engine.budget import Budget
from engineroom.engine.capture import Sink
from engineroom.engine.comms import Comms
from engineroom.engine.config import EngineConfig
from engineroom.engine.descriptors import Descriptors
from engineroom.engine.failures import FailurePacker
from engineroom.engine.idling import Idling
from engineroom.engine.import_watch import watch_imports
from engineroom.engine.inputs import Inputs
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.keeper import keep_words
from engineroom.engine.last_words import LastWords
from engineroom.engine.link import GaveUp, Link
from engineroom.engine.logs import open_log
from engineroom.engine.namespace import Namespace, fresh_main
from engineroom.engine.nested import Nested
from engineroom.engine.now_running import NowRunning
from engineroom.engine.outbox import Outbox
from engineroom.engine.queue import TaskQueue
from engineroom.engine.runner import Runner
from engineroom.engine.shell import Shell
from engineroom.engine.startup import describe_engine, prepare_surroundings, run_code, run_startup_code
from engineroom.engine.streams import Streams, routed_output
from engineroom.machine.left_behind import mark_children
from engineroom.machine.processes import die_with_parent
from engineroom.machine.titles import engine_title, set_title
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import EngineInfo, Welcome
from engineroom.serialize.functions.table import FunctionTable
from engineroom.transport.loops import new_loop
from engineroom.transport.reading import POSSIBLE
from engineroom.transport.within import here

log = logging.getLogger(__name__)

_SWITCH_INTERVAL = 0.001
"""Seconds for which a busy main thread may keep the I/O thread waiting for the interpreter lock."""

_CTRL_C_AGAIN = 2.0
"""Seconds within which a second Ctrl-C means it."""

_OUT_OF_MEMORY, _MOMENT = 77, 0.05
"""What an engine exits with that took too much memory, and the seconds in which its last message may leave."""

_IO_SECONDS = 5.0
"""Seconds that the I/O thread may take to end."""


def run_engine(config: EngineConfig, runs: NowRunning | None = None, words: LastWords | None = None) -> int:
    """Run an engine until the controller ends it; return the exit code. Call it in the main thread.

    `runs`, `words`: where a parent wants to find what runs, and what was written last.
    """
    if config.parent and not die_with_parent(signal.SIGKILL, config.parent):
        return 1
    if words is None and config.words >= 0:
        words = LastWords.inherited(config.words)
    alone = words is None
    words = words or keep_words(config.log_file, config.mark)
    marked = mark_children(config.mark)  # kept to the end of this process
    crash = None if words is None else os.dup(words.files[1])
    engine_log = open_log(config.log_file, config.log_level, crash=crash, for_people=alone)
    problem = prepare_surroundings(config)
    idling = Idling() if POSSIBLE else None
    queue = TaskQueue(idling)
    sink = Sink(
        limit=config.max_output_bytes,
        displays=config.max_display_bytes,
        log=engine_log.write,
        running=lambda: queue.running or queue.runs_between,
        note=None if words is None else words.note,
    )
    with routed_output(sink) as streams:
        engine = Engine(config, queue, sink, streams, runs or NowRunning(), Descriptors(words), idling)
        code = engine.run([problem] if problem else [])
        if words is not None:
            words.forget()
        del marked
        return code


class Engine:
    """The parts of an engine, put together."""

    def __init__(
        self,
        config: EngineConfig,
        queue: TaskQueue,
        sink: Sink,
        streams: Streams,
        runs: NowRunning,
        descriptors: Descriptors,
        idling: Idling | None = None,
    ) -> None:
        self._config, self._queue, self._sink, self._streams = config, queue, sink, streams
        self._instance, self._runs = config.own_instance(), runs
        self._names = fresh_main()
        comms = Comms(sink.show)
        self._functions = FunctionTable(config.function_cache, config.max_function_bytes)
        self._interrupts = Interrupts(
            self._queue, guarded=Runner.enter.__code__, around=Runner.start.__code__, when_idle=self._interrupted_idle
        )
        self._namespace = Namespace(
            self._names,
            self._functions,
            self._interrupts,
            start_anew=lambda: run_startup_code(config, self._namespace),
            ipython=config.ipython,
            leave=self._leave,
            show=sink.show,
            most_display=config.max_display_bytes // 2,
            comms=comms,
        )
        self._loop = new_loop()
        self._descriptors = descriptors
        self._failures = FailurePacker(self._instance)
        self._outbox = Outbox(self._wake)
        self._budget = Budget(config.unacknowledged_bytes, hold=self._queue.hold, tell=self._wake)
        inputs = Inputs(self._queue)
        self._runner = Runner(
            self._queue,
            self._outbox,
            self._namespace,
            interrupts=self._interrupts,
            pack_failure=self._failures,
            descriptors=self._descriptors,
            streams=self._streams,
            budget=self._budget,
            max_result_bytes=config.max_result_bytes,
            runs=runs,
            inputs=inputs,
        )
        watch_imports(
            comms.watched()
            | {"engineroom.engine.datapub": lambda module: module.publish_to(sink.publish)}
            | figures.watched(self._runner.at_ends, lambda: queue.waiting)
            | shell_on_demand.watched(self._namespace.get_ipython)
        )
        here.engine = Nested(
            self._queue,
            self._outbox,
            self._interrupts,
            run=self._runner.start,
            link=lambda: self._link,
            descriptors=self._descriptors,
            streams=streams,
            runs=runs,
        )
        place.between = Between(self._queue, self._runner, self._interrupts, self._namespace)
        self._shell = Shell(
            self._queue,
            self._outbox,
            self._functions,
            self._interrupts,
            self._descriptors,
            self._budget,
            inputs=inputs,
            idling=idling,
            memory_limit=config.memory_limit,
            give_up=self._give_up,
            on_lost=self._lost,
            on_end=self._end,
        )
        self._link: Link | None = None
        self._io: threading.Thread | None = None
        self._exit_code = 0
        self._last_interrupt = 0.0
        self._let_in = False
        self._main_ends = self._leaving = False

    def run(self, problems: list[str]) -> int:
        atexit.register(self._end_io)  # first, so that it is called last: until then, `_stop` keeps its watch
        self._interrupts.install()
        sys.setswitchinterval(_SWITCH_INTERVAL)
        rank = self._begin_mpi(problems)
        self._descriptors.capture(self._sink)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_child_alone)
        # Below all that users have: in cells it is IPython's own, and before the first one it loads IPython.
        vars(builtins)["get_ipython"] = self._namespace.get_ipython
        problems = problems + run_startup_code(self._config, self._namespace)
        info = describe_engine(self._config, problems, rank)
        self._io = threading.Thread(target=self._run_io, args=(info,), name="engineroom-io", daemon=True)
        self._io.start()
        self._runner.run()
        self._main_ends = True
        if self._leaving:
            self._loop.call_soon_threadsafe(self._end, "exit")
        mpi.end(self._exit_code)
        return self._exit_code

    def _begin_mpi(self, problems: list[str]) -> mpi.Rank | None:
        """Initialise MPI if configured, add errors to `problems`, and return this engine's rank."""
        config = self._config
        if not config.mpi and not config.init_mpi:
            return None
        problem = mpi.begin(config.mpi, config.init_mpi, lambda code: run_code(code, "<init_mpi>", self._namespace))
        if problem:
            log.error("%s", problem)
            problems.append(problem)
        rank = None if config.parent else mpi.known_rank()  # what a spawner forked is alone, wherever that was started
        if rank is not None and (config.wanted_id is not None or not config.launch):
            # Where a launcher started the whole world, the controller finds ids for all of it.
            config.wanted_id = (config.wanted_id or 0) + rank.rank
        return rank

    def _run_io(self, info: EngineInfo) -> None:
        self._link = Link(self._config, self._shell, instance=self._instance, info=info, on_welcome=self._welcomed)
        self._loop.create_task(self._stay_connected(self._link))
        # Not only while tasks run: while the main thread ends the process, the watchdog of `_stop` must still work.
        self._loop.run_forever()

    def _end_io(self) -> None:
        """End the I/O thread: one that is busy while the interpreter is taken apart would crash the process."""
        if self._io is not None and self._io.is_alive():  # not in a child that user code forked
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._io.join(_IO_SECONDS)

    async def _stay_connected(self, link: Link) -> None:
        try:
            await link.run()
        except GaveUp as error:
            log.error("%s", error)  # noqa: TRY400 (words for people: a traceback would bury them)
            self._stop(error.code)
        except Exception:
            log.exception("the I/O thread failed")
            self._stop(1)

    def _leave_child_alone(self) -> None:
        """In a process that user code forked: it is no engine, and must not keep our connection open."""
        self._runner.forked()
        self._shell.let_go()
        if self._link is not None:
            self._link.leave_to_parent()
        self._streams.to_descriptors()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._shell.take)

    def _welcomed(self, welcome: Welcome, file: ConnectionFile) -> None:
        self._let_in = True
        self._failures.engine_id = welcome.engine_id
        set_title(engine_title(welcome.engine_id, file.cluster_id))

    def _lost(self, reason: str) -> None:
        assert self._link is not None
        self._link.lost(reason)

    def _end(self, reason: str) -> None:
        log.info("ending", extra={"reason": reason or "asked to"})
        if self._link is not None:
            self._link.leave()
        self._stop(0)
        self._shell.close(reason or "shut down")

    def _give_up(self, attempt: Attempt, error: MemoryError) -> None:
        """End this process before it takes more, and `attempt` with `error`."""
        log.error("ending: %s", error)
        self._exit_code = _OUT_OF_MEMORY
        self._queue.close()
        words, body = self._failures(error, attempt.run.call)
        said = self._shell.fail_now(self._runner.failure(attempt, words, body))
        self._loop.call_later(0.0 if said else _MOMENT, os._exit, _OUT_OF_MEMORY)

    def _leave(self) -> None:
        """End, as a cell has said that runs now, once its result is on its way."""
        self._leaving = True
        self._runs.leave()
        self._queue.close()

    def _interrupted_idle(self) -> None:
        """At a terminal, two Ctrl-C in a row end the engine; one may have been meant for a task that has just ended.

        An engine that has not registered yet has no tasks, so one Ctrl-C is enough.
        """
        if not self._config.terminal:
            return
        before, self._last_interrupt = self._last_interrupt, time.monotonic()
        if self._let_in and self._last_interrupt - before > _CTRL_C_AGAIN:
            log.warning("press Ctrl-C again to stop this engine")
        else:
            self._loop.call_soon_threadsafe(self._end, "Ctrl-C")

    def _stop(self, code: int) -> None:
        """Let the main thread return `code`; interrupt what it runs, and end the process if that does not help."""
        self._exit_code = code
        self._runs.leave()
        self._queue.close()
        running = self._queue.running or self._queue.runs_between
        if running is not None:
            self._interrupts.request(running.key)
        self._loop.call_later(self._config.grace, self._end_process, code)

    def _end_process(self, code: int) -> None:
        """End a main thread that does not; one in MPI_Finalize waits for other engines, which may take longer."""
        if not (self._main_ends and mpi.began()):
            os._exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run the engine whose config comes as JSON on stdin (`--config-json-on-stdin`), or of one connection file."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments == ["--config-json-on-stdin"]:
        config = msgspec.json.decode(sys.stdin.buffer.read(), type=EngineConfig)
    elif len(arguments) == 1 and not arguments[0].startswith("-"):
        config = EngineConfig(connection_file=arguments[0])
    else:
        print("usage: python -m engineroom.engine CONNECTION_FILE | --config-json-on-stdin", file=sys.stderr)
        return 2
    return run_engine(config)
