"""What is left of an engine's last output for people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engineroom.engine import fault_dumps
from engineroom.engine.fault_dumps import digest

DUMP = f"""terminate called after throwing an instance of 'std::runtime_error'
  what():  no licenceFatal Python error: Aborted

Thread 0x00007f (most recent call first):
  File "/usr/lib/python3.12/threading.py", line 355 in wait

Current thread 0x00007e (most recent call first):
  File "/home/me/engineroom/model.py", line 7 in fit
  File "<cell 3>", line 2 in <module>
  File "{fault_dumps.__file__}", line 54 in call
  File "/usr/lib/python3.12/site-packages/IPython/core/interactiveshell.py", line 3 in run_code
  File "<frozen runpy>", line 88 in _run_code

Extension modules: numpy.core._multiarray_umath (total: 1)
"""


def test_of_a_dump_the_users_frames_are_left_and_what_was_said_before() -> None:
    assert digest(DUMP).splitlines() == [
        "terminate called after throwing an instance of 'std::runtime_error'",
        "  what():  no licence",
        "Fatal Python error: Aborted",
        '  File "/home/me/engineroom/model.py", line 7 in fit',
        '  File "<cell 3>", line 2 in <module>',
    ]


def test_of_much_the_last_lines_are_left() -> None:
    assert digest("\n".join(map(str, range(100)))) == "\n".join(map(str, range(92, 100)))
    assert digest("") == digest("\n \n") == ""


@given(st.text())
def test_whatever_was_written_it_is_short(text: str) -> None:
    assert len(digest(text)) < 4000
    assert len(digest(f"Fatal Python error: x\nCurrent thread 1:\n{text}")) < 4000
