"""What cells of a notebook show when they ask engines for something."""

from __future__ import annotations

from tests.notebooks.conftest import Notebook
from tests.notebooks.kernels import Kernel


def test_values_and_printed_text(notebook: Notebook) -> None:
    printed, value = notebook(["print('here')", "view.apply_sync(lambda: 6 * 7)"])
    assert printed.text == "here\n"
    assert value.value == "[42, 42]"


def test_an_error_of_engines_ends_the_cell(kernel: Kernel) -> None:
    [failed] = kernel.run(["view.apply_sync(lambda: 1 / 0)"], errors=True)
    assert "ZeroDivisionError" in failed.error


def test_a_cell_that_waits_is_interrupted(kernel: Kernel) -> None:
    failed = kernel.cell("print('waits'); view.apply_sync(time.sleep, 3600)", errors=True, interrupt="waits")
    assert "KeyboardInterrupt" in failed.error
    [value] = kernel.run(["rc.abort(); view.apply_sync(lambda: 1)"])
    assert value.value == "[1, 1]"
