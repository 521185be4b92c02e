"""Connections are cut while tasks write: whoever comes back has all that they wrote, once."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS
from tests.system.conftest import Command, until
from tests.system.proxy import Proxy, through

TASKS, CUTS = (int(os.environ.get(name, default)) for name, default in (("CUT_TASKS", "200"), ("CUTS", "12")))


def talk(number: int) -> int:
    import sys
    import threading

    from engineroom import publish_data

    for line in range(3):
        publish_data({"number": number, f"line {line}": "old"})
        publish_data({f"line {line}": line})
        print(f"{number}: line {line}")
        print(f"{number}: error {line}", file=sys.stderr)
        threading.Event().wait(0.002 if number % 20 else 0.15)
    return number


def said(number: int, word: str) -> str:
    return "".join(f"{number}: {word} {line}\n" for line in range(3))


def published(number: int) -> dict[str, int]:
    return {"number": number, **{f"line {line}": line for line in range(3)}}


def cut_meanwhile(proxy: Proxy, enough: threading.Event) -> int:
    """Cut and heal again and again; return how often."""
    for cut in range(CUTS):
        carried = proxy.carried
        until(lambda carried=carried: proxy.carried > carried or enough.is_set())
        if enough.wait(0.05 + 0.01 * (cut % 7)):
            return cut
        proxy.cut()
        enough.wait(0.02 * (cut % 4))
        proxy.heal()
    return CUTS


def wrong_outputs(rc: Client, proxy: Proxy) -> int:
    """Return how many of many tasks have not exactly the output that they wrote, and the data that they published."""
    enough = threading.Event()
    cutter = threading.Thread(target=cut_meanwhile, args=(proxy, enough))
    view = rc.load_balanced_view()
    results = []
    cutter.start()
    try:
        for start in range(0, TASKS, 200):
            results += [view.apply_async(talk, number) for number in range(start, min(start + 200, TASKS))]
            assert [result.get(timeout=SECONDS) for result in results[start:]] == list(range(start, len(results)))
    finally:
        enough.set()
        cutter.join()
        proxy.heal()
    wrong = [
        number
        for number, result in enumerate(results)
        if (result.stdout, result.stderr, result.data)
        != (said(number, "line"), said(number, "error"), published(number))
    ]
    return len(wrong)


def test_no_output_is_lost_while_the_client_is_cut_off(cluster: Cluster, rc: Client, tmp_path: Path) -> None:
    with Proxy(read_connection_file(cluster.client_connection_file).port) as proxy:
        file = through(proxy, cluster.client_connection_file, tmp_path / "client.json")
        with Client(file, timeout=SECONDS) as far:
            assert wrong_outputs(far, proxy) == 0
    assert rc.wait(timeout=SECONDS)


def test_no_output_is_lost_while_engines_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    far = Cluster(profile_dir=tmp_path / "profile_far")
    far.start_controller_sync()
    try:
        file = far.client_connection_file
        with Proxy(read_connection_file(file).port) as proxy:
            engine_file = through(proxy, file.replace("-client", "-engine"), tmp_path / "engine.json")
            engine = Command("ipengine", f"--file={engine_file}", f"--IPEngine.reconnect_timeout={2 * SECONDS:g}")
            try:
                with Client(file, timeout=SECONDS) as rc:
                    rc.wait_for_engines(1, timeout=SECONDS)
                    assert wrong_outputs(rc, proxy) == 0
            finally:
                engine.signal(signal.SIGTERM).close()
    finally:
        far.stop_cluster_sync()
