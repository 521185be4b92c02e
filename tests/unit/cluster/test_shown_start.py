"""What people see while a cluster starts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from engineroom.cluster.line.messages import Progress
from engineroom.cluster.owner.pictured import Pictured
from engineroom.cluster.owner.shown import shown_until
from tests.patience import SECONDS


class Start:
    """A start that ends when it has been shown that two engines are ready."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.ready, self.shown, self._capsys = Progress(0, 3), "", capsys
        self.cancelled = False

    async def run(self, until: str) -> str:
        try:
            async with asyncio.timeout(SECONDS):
                while until not in self.shown:
                    await asyncio.sleep(0)
                    self.look()
                    if self.shown:
                        self.ready = Progress(2, 3)
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "started"

    def look(self) -> str:
        self.shown += self._capsys.readouterr().err
        return self.shown


def test_a_start_shows_how_many_engines_are_ready_and_what_the_others_wait_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    steps = tmp_path / "steps.jsonl"
    steps.write_text(
        json.dumps({"at": 1.0, "who": "engine set 1", "step": "queued", "words": "Slurm: Resources"}) + "\n"
    )
    start = Start(capsys)
    work = shown_until(start.run("2 of 3 engines"), lambda: start.ready, steps, progress=True)
    assert asyncio.run(work) == "started"
    first, *_, last = start.look().splitlines()
    assert first.startswith("starting: 0 of 3 engines after ")
    assert first.endswith("s: engine set 1: queued (Slurm: Resources)")
    assert last.startswith("starting: 2 of 3 engines after ")


@pytest.mark.parametrize("progress", [None, False])
def test_where_nobody_looks_or_wants_to_nothing_is_shown(
    progress: bool | None, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async def work() -> int:
        return 3

    assert asyncio.run(shown_until(work(), lambda: Progress(0, 3), tmp_path, progress=progress)) == 3
    assert capsys.readouterr().err == ""


def test_a_start_that_is_given_up_is_not_left_behind(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    async def give_up() -> bool:
        start = Start(capsys)
        work = asyncio.ensure_future(
            shown_until(start.run("never"), lambda: start.ready, tmp_path / "none", progress=True)
        )
        while "0 of 3" not in start.shown:  # noqa: ASYNC110 (nothing tells of what is written)
            await asyncio.sleep(0)
        work.cancel()
        await asyncio.wait({work})
        for _ in range(5):
            await asyncio.sleep(0)
        return start.cancelled

    assert asyncio.run(give_up())


def test_an_error_of_the_start_is_raised(tmp_path: Path) -> None:
    async def fails() -> None:
        raise OSError("no port")

    with pytest.raises(OSError, match="no port"):
        asyncio.run(shown_until(fails(), lambda: Progress(0, 3), tmp_path, progress=True))


def test_a_cluster_that_does_not_run_can_be_looked_at() -> None:
    class Cluster(Pictured):
        n, cluster_id, profile, profile_dir, running = 3, "<x>", "default", "", False

    assert repr(Cluster()) == "<Cluster(cluster_id='<x>', profile='default', n=3, controller=None)>"
    assert "&lt;x&gt;" in Cluster()._repr_html_()
    assert "not running" in Cluster()._repr_html_()
