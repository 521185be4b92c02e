"""What the user of JupyterLab sees of engines, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from engineroom import Cluster
from tests.real.jupyterlab import Lab, Screen, browse


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Yield a JupyterLab whose kernels find a cluster of two engines."""
    home = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        with Cluster(n=2, cluster_id=""):
            made = Lab(home, {})
            made.start()
            yield made
            made.stop()


@pytest.fixture
def lab(started: Lab) -> Iterator[Lab]:
    """Yield the same JupyterLab for each test; no kernel outlives the test."""
    yield started
    started.end_kernels()


START = "import engineroom as er, time; rc = er.Client(); rc.wait_for_engines(2); view = rc[:]; len(rc)"

# A bar that goes on when the test says so; what it shows is not left to the time that passes.
STEPS = """
%%px --targets 0
import os, time
from tqdm.notebook import tqdm
for step in tqdm(range(4), mininterval=0):
    while not os.path.exists({steps!r} + str(step)):
        time.sleep(0.02)
""".strip()


def test_cells_on_engines_are_seen_while_they_run(lab: Lab, tmp_path: Path) -> None:
    cells = [
        START,
        "%%px\nimport time\nprint('early')\ntime.sleep(3600)",
        (
            "%%px --targets 0\n%matplotlib inline\n"
            "import matplotlib.pyplot as plt\nplt.plot([1, 4, 2])\nplt.title('of an engine');"
        ),
        STEPS.format(steps=str(tmp_path / "step")),
    ]

    def look(page: Page) -> None:
        screen = Screen(page, tmp_path)
        screen.open(lab.address("cells", cells))
        screen.run(0)

        screen.begin(1)
        screen.wait(lambda: "early" in screen.text(1))
        assert screen.prompt(1) == "[*]:"
        screen.interrupt()
        screen.ends(1)
        assert "KeyboardInterrupt" in screen.text(1)

        screen.run(2)
        figure = screen.cell(2).locator("img")
        screen.wait(lambda: figure.evaluate_all("found => found.map(each => each.naturalWidth > 100)") == [True])

        screen.begin(3)
        for step in range(4):
            screen.wait(lambda shown=f"{step}/4": shown in screen.text(3))
            screen.picture(f"step-{step}")
            (tmp_path / f"step{step}").touch()
        screen.ends(3)
        screen.wait(lambda: "4/4" in screen.text(3))

    browse(look)


def test_a_notebook_runs_cells_on_engines_and_goes_on_while_its_page_is_loaded_again(lab: Lab, tmp_path: Path) -> None:
    goes_on = tmp_path / "goes-on"
    waits = f"while not os.path.exists({str(goes_on)!r}): time.sleep(0.05)"
    cells = [
        START,
        "view.apply_sync(lambda: 6 * 7)",
        f"%%px\nimport os, time\nprint('early')\n{waits}\nprint('late')",
        "%pxresult",
    ]

    def look(page: Page) -> None:
        screen = Screen(page, tmp_path)
        screen.open(lab.address("reloaded", cells))
        assert screen.run(0) == "2"
        assert screen.run(1) == "[42, 42]"
        screen.begin(2)
        screen.wait(lambda: "early" in screen.text(2))
        screen.reload()
        goes_on.touch()
        assert screen.run(3).split() == ["[stdout:0-1]", "early", "late"]

    browse(look)


def test_a_dialog_is_told_of_at_once(lab: Lab, tmp_path: Path) -> None:
    def look(page: Page) -> None:
        screen = Screen(page, tmp_path)
        page.set_content("<dialog open class=jp-Dialog>Select Kernel</dialog>")
        with pytest.raises(AssertionError, match="asks by a dialog: 'Select Kernel'"):
            screen.interrupt()

    browse(look)
