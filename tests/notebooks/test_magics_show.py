"""%px in a real kernel: its output comes as it is made, and the notebook's interrupt reaches the engines."""

from __future__ import annotations

from tests.notebooks.kernels import Kernel


def both_say(text: str, words: str) -> bool:
    """Whether both engines have said it, at one time or one after the other."""
    return f"[stdout:0-1] {words}" in text or all(f"[stdout:{engine}] {words}" in text for engine in (0, 1))


def test_the_interrupt_of_a_notebook_ends_the_cell_on_the_engines(kernel: Kernel) -> None:
    shown = kernel.cell("%%px\nimport time\nprint('begun')\ntime.sleep(100)", errors=True, interrupt="begun")
    assert both_say(shown.stream("stdout"), "begun")
    assert "Interrupted: sending SIGINT to engines 0-1 ..." in shown.stream("stderr")
    assert "KeyboardInterrupt" in shown.error
    caught = (
        "try:\n    print('begun again')\n    time.sleep(100)\nexcept KeyboardInterrupt:\n    print('caught')\n'value'"
    )
    shown = kernel.cell(f"%%px\n{caught}", interrupt="begun again")
    assert both_say(shown.text, "caught")
    assert "'value'" in shown.text


def test_cells_with_await_run_on_engines_but_not_also_here(kernel: Kernel) -> None:
    assert "5" in kernel.cell("%%px\nimport asyncio\nawait asyncio.sleep(0)\n5").text
    shown = kernel.cell("%%px --local\nimport asyncio\nawait asyncio.sleep(0)\n5", errors=True)
    assert "--local cannot run top-level `await` in a notebook" in shown.text
    kernel.cell("%autopx")
    assert "7" in kernel.cell("await asyncio.sleep(0)\n7").text
    kernel.cell("%autopx")


PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2]);"


def test_figures_of_cells_are_shown_once_without_being_asked_for(kernel: Kernel) -> None:
    for more in ("", "\nplt.show()", "\nfig = plt.gcf()"):
        shown = kernel.cell(f"%%px -t 0\n{PLOT}{more}")
        assert [picture[:4] for picture in shown.pictures()] == [b"\x89PNG"]
    assert kernel.cell("%%px -t 0\nlen(plt.get_fignums())").pictures() == []
    shown = kernel.cell(f"%%px -t 0\n{PLOT}\nplt.figure()\nplt.plot([2, 1]);")
    assert len(set(shown.pictures())) == 2


def test_figures_of_tasks_are_shown_with_what_they_print(kernel: Kernel) -> None:
    task = (
        "def draw():\n    import matplotlib.pyplot as plt\n    print('drawing')\n    plt.plot([1, 2])\n"
        "rc.show_output = True\n"
    )
    first = kernel.cell(f"{task}rc[1].apply_sync(draw)")  # which has run no cell
    again = kernel.cell("rc[1].apply_sync(draw)")
    kernel.cell("rc.show_output = None; ar = rc[1].apply_async(draw); ar.get()")
    later = kernel.cell("ar.display_outputs()")
    for shown in (first, again, later):
        assert "drawing" in shown.text
        assert len(shown.pictures()) == 1


def test_figures_are_of_the_kind_that_a_cell_chooses(kernel: Kernel) -> None:
    kernel.cell("%%px -t 0\n%config InlineBackend.figure_formats = ['svg']")
    shown = kernel.cell(f"%%px -t 0\n{PLOT}")
    assert (shown.pictures(), len(shown.data("image/svg+xml"))) == ([], 1)
    kernel.cell("%%px -t 0\nimport matplotlib; matplotlib.use('agg')")
    shown = kernel.cell(f"%%px -t 0\n{PLOT}\nprint(len(plt.get_fignums()))\nplt.close('all')")
    assert (shown.data("image/svg+xml"), shown.text) == ([], "[stdout:0] 1\n")


def test_text_that_has_an_id_is_replaced(kernel: Kernel) -> None:
    code = "from IPython.display import display\nshown = display('0 of 3', display_id=True)\nshown.update('3 of 3')"
    shown = kernel.cell(f"%%px -t 0\n{code}")
    assert "3 of 3" in str(shown.outputs)
    assert "0 of 3" not in str(shown.outputs)


def test_a_cell_that_is_no_python_is_an_error_of_the_notebook(kernel: Kernel) -> None:
    shown = kernel.cell("%px if x", errors=True)
    assert "\n".join(shown.outputs[0].traceback).count("SyntaxError: expected ':'") == 1
