"""A kernel ends while its cell runs on the engines; another kernel shows all of it: text, a figure, what follows."""

from __future__ import annotations

from pathlib import Path

from tests.notebooks.kernels import Kernel

CELL = """%%px --noblock
import os, time
import matplotlib.pyplot as plt
print("before")
plt.plot([1, 2]);
plt.show()
while not os.path.exists({flag!r}):
    time.sleep(0.02)
print("after")
'value'
"""


def test_a_new_kernel_goes_on_with_the_cell_of_one_that_has_ended(
    kernel: Kernel, jupyter: Path, tmp_path: Path
) -> None:
    flag = tmp_path / "flag"
    walker = Kernel(jupyter, {})
    walker.start()
    try:
        walker.run(["import engineroom as er", "rc = er.Client(); rc.wait_for_engines(2)", "%px %matplotlib inline"])
        walker.cell(CELL.format(flag=str(flag)))
    finally:
        walker.stop()

    table = kernel.cell("rc.sessions()")
    assert "rc.attach(last)" in str(table.data("text/html"))
    shown = kernel.cell("%px --attach last -o found", errors=True, interrupt="before")
    assert "KeyboardInterrupt" in shown.error
    flag.touch()
    shown = kernel.cell("%px --attach last")

    assert "before" in shown.text
    assert "after" in shown.text
    assert [picture[:4] for picture in shown.pictures()][:1] == [b"\x89PNG"]
    assert "'value'" in shown.text
    assert kernel.cell("found.get(); print(found.stdout[0])").text.split() == ["before", "after"]


def test_what_is_not_there_is_told_in_words(kernel: Kernel) -> None:
    shown = kernel.cell(f"%px --attach {'ab' * 16}_1", errors=True)
    assert "belongs to another cluster or profile" in shown.error
    shown = kernel.cell("%px --attach=yesterday", errors=True)
    assert "is not a message id" in shown.error
