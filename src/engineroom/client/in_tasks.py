"""`get_client()`: how a task submits tasks of its own."""

from __future__ import annotations

import threading
from typing import Any, NoReturn

from engineroom.client.client import Client
from engineroom.client.connection.task_session import TaskSession
from engineroom.transport.within import Within, here

_TIMEOUT = 10.0


class TaskClient(Client):
    """The client of the tasks of one engine. It stays connected as long as the engine runs."""

    def close(self, linger: float | None = None) -> None:
        """Do nothing: later tasks use the same connection. What a task has submitted ends with the task."""
        del linger

    def shutdown(self, *args: Any, **options: Any) -> NoReturn:
        """Raise: tasks do not end engines."""
        del args, options
        raise RuntimeError("a task cannot end engines or the controller: call shutdown() from your own client")

    def send_signal(self, *args: Any, **options: Any) -> NoReturn:
        """Raise: tasks do not signal engines."""
        del args, options
        raise RuntimeError("a task cannot send signals to engines: call send_signal() from your own client")

    def __repr__(self) -> str:
        return f"<Client: {len(self)} engines, for the tasks of an engine>"


class _Clients:
    """The client of this process, once a task has asked for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._client: TaskClient | None = None

    def get(self, engine: Within) -> TaskClient:
        with self._lock:
            if self._client is None or self._client._session.closed:
                session = TaskSession(engine)
                session.start(_TIMEOUT)
                client = object.__new__(TaskClient)
                client._use(session)
                self._client = client
            return self._client


_clients = _Clients()


def get_client() -> Client:
    """Return a client for the task that runs here: it submits tasks to the cluster that the task is part of.

    While a task waits for its own tasks, its engine runs these, and what they submit. What a task has submitted ends
    with it: results that it has not waited for are lost. RuntimeError: this is no task on an engine, or it has ended.
    """
    engine = here.engine
    if engine is None:
        raise RuntimeError(
            "get_client() works in a task that runs on an engine, and this process is no engine. To connect to a "
            "cluster, write `engineroom.Client()`"
        )
    engine.task()
    return _clients.get(engine)
