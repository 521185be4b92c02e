"""Progress, tables and timelines in a notebook, as its file has them."""

from __future__ import annotations

import pytest

from tests.notebooks.conftest import ENGINES
from tests.notebooks.kernels import Kernel

WORK = "lbv = rc.load_balanced_view(); ar = lbv.map_async(time.sleep, [0.05] * 8, chunksize=1, {})"


def test_a_bar_is_one_display_whose_last_state_stays(kernel: Kernel) -> None:
    [shown] = kernel.run([WORK.format("progress=True") + "; ar.wait()"])
    [page], [text] = shown.data("text/html"), shown.data("text/plain")[:1]
    assert "8/8 items" in page
    assert "width:100.0%" in page
    assert text.startswith("map:sleep: 8 of 8 items done after ")


def test_waits_that_last_share_a_display_below_their_cell(kernel: Kernel) -> None:
    [shown] = kernel.run(
        ["with er.Client(patience=0.05) as impatient:\n for _ in range(3): impatient[:].apply_sync(time.sleep, 0.3)"]
    )
    assert len(shown.data("text/html")) == 1
    assert shown.stream("stderr") == ""


def test_a_client_a_result_and_a_timeline_show_themselves(kernel: Kernel) -> None:
    shown = kernel.run(["rc", "view", WORK.format("") + "; ar.wait(); ar", "ar.timeline()"])
    client, view, result, timeline = (each.data("text/html")[-1] for each in shown)
    assert client.count("<tr>") == view.count("<tr>") == 1 + ENGINES
    assert "MiB" in client
    assert "finished in" in result
    assert "<svg " in timeline
    assert timeline.count("<title>") == 8


@pytest.mark.parametrize("wait", ["ar.get(progress=True)", "ar.wait_interactive()", "rc.wait(progress=True)"])
def test_nothing_is_shown_if_the_environment_says_so(kernel: Kernel, wait: str) -> None:
    [shown] = kernel.run(
        [f"os.environ['IPP_NONINTERACTIVE'] = '1'\n{WORK.format('')}\n{wait};\ndel os.environ['IPP_NONINTERACTIVE']"]
    )
    assert shown.outputs == []


def test_text_can_be_had_in_a_notebook_too(kernel: Kernel) -> None:
    [shown] = kernel.run([WORK.format("") + "; ar.wait_interactive(widget=False);"])
    assert shown.data("text/html") == []
    assert "map:sleep: 8 of 8 items done after" in shown.stream("stderr")


def test_tqdm_counts_the_results(kernel: Kernel) -> None:
    [shown] = kernel.run(["from tqdm import tqdm\n" + WORK.format("") + "; done = list(tqdm(ar))"])
    assert "8/8" in shown.stream("stderr")
