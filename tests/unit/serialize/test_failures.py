"""Exceptions come back as themselves, and as remote errors."""

import asyncio
import copy
import dataclasses
import subprocess
import sys
import textwrap
import threading

import pytest

from engineroom.errors import CompositeError, RemoteError, RemoteTraceback
from engineroom.serialize.failures.packing import pack_failure, unpack_failure
from tests.patience import SECONDS
from tests.unit.serialize.conftest import joined, pickled_and_back


def travelled(error, method="apply"):
    try:
        raise error
    except BaseException as raised:  # noqa: BLE001 -- as an engine does
        _, body = pack_failure(raised, engine_id=3, instance=b"\x01" * 16, method=method)
    return unpack_failure(joined(body))


class Odd(Exception):
    def __init__(self, code, *, detail):
        super().__init__(f"{code} {detail}")
        self.code, self.detail = code, detail


class Slotted(ValueError):
    __slots__ = ("place",)

    def __init__(self, place):
        self.place = place


class Made(LookupError):
    def __new__(cls, *, key):
        made = super().__new__(cls, "made", key)
        made.key = key
        return made

    def __init__(self, *, key):
        pass


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    x: int


class Clash(Exception):
    ename = property(lambda self: "mine")

    def __init__(self):
        self.traceback, self.evalue, self.engine_info = "mine", "mine", 3

    def __str__(self):
        return "clash"


class Reduced(Exception):
    def __init__(self, a, b):
        self.a, self.b = a, b

    def __reduce__(self):
        return Reduced, (self.a, self.b)


class NoSubclasses(Exception):
    def __init_subclass__(cls, **options):
        raise TypeError("not for you")


class Unreadable(Exception):
    def __str__(self):
        raise ZeroDivisionError

    __repr__ = __str__


class Comes(Exception):
    def __reduce__(self):
        return explode, ()


def explode():
    raise RuntimeError("no")


SYNTAX = SyntaxError("bad", ("file.py", 3, 5, "x = = 1", 3, 6))
UNICODE = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad", 3),
        KeyError("k"),
        FileNotFoundError(2, "No such file", "a.txt"),
        OSError("only words"),
        BlockingIOError(11, "again", 5),
        UNICODE,
        SYNTAX,
        ModuleNotFoundError("no module", name="foo", path="/x"),
        AttributeError("no attribute", name="x", obj=3),
        RecursionError("deep"),
        subprocess.CalledProcessError(3, ["ls"], b"out", b"err"),
        Odd(3, detail="x"),
        Slotted("here"),
        Made(key=5),
        Reduced(1, 2),
        TimeoutError(),
        ExceptionGroup("several", [ValueError(1), TypeError(2)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_both_habits_catch_it(error):
    back = travelled(error)
    assert isinstance(back, RemoteError)
    assert isinstance(back, type(error))
    assert type(back.original) is type(error)
    assert (back.ename, back.evalue) == (type(error).__name__, str(error))
    assert str(back) == f"[3:apply] {type(error).__name__}" + (f": {error}" if str(error) else "")
    assert str(back.original) == str(error)
    for name in (
        "errno",
        "strerror",
        "filename",
        "code",
        "detail",
        "place",
        "key",
        "start",
        "object",
        "lineno",
        "text",
    ):
        assert getattr(back, name, None) == getattr(error, name, None)
    for name in ("name", "path", "returncode", "stderr", "a", "b", "characters_written", "message"):
        assert getattr(back, name, None) == getattr(error, name, None)
    if not isinstance(error, ExceptionGroup):
        assert back.args == error.args
    assert type(travelled(type(error)(*error.args)) if type(error) is ValueError else back) is type(back)


def test_members_of_a_group():
    back = travelled(ExceptionGroup("several", [ValueError(1), ExceptionGroup("more", [TypeError(2)])]))
    with pytest.raises(ExceptionGroup) as caught:
        raise back
    values, others = caught.value.split(ValueError)
    assert [str(error) for error in values.exceptions] == ["1"]
    assert others is not None
    assert "TypeError: 2" in back.traceback


def test_the_names_of_remote_errors_win():
    back = travelled(Clash())
    assert isinstance(back, Clash)
    assert (back.ename, back.evalue, str(back)) == ("Clash", "clash", "[3:apply] Clash: clash")
    uuid = "01010101-0101-0101-0101-010101010101"
    assert back.engine_info == {"engine_id": 3, "engine_uuid": uuid, "method": "apply"}
    assert back.original.evalue == "mine"


@pytest.mark.parametrize(
    "error",
    [
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        StopIteration(5),
        StopAsyncIteration(),
        asyncio.CancelledError(),
        NoSubclasses("x"),
        BaseExceptionGroup("several", [KeyboardInterrupt()]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_these_are_remote_errors_alone(error):
    back = travelled(error)
    assert type(back) is RemoteError
    assert back.ename == type(error).__name__
    assert type(back.original) is type(error)
    assert type(error).__name__ in back.traceback


def test_a_frozen_dataclass():
    back = travelled(Frozen(3))
    assert isinstance(back, Frozen)
    assert (back.x, back.ename) == (3, "Frozen")


class Response(Exception):
    def __init__(self, response):
        super().__init__("bad response", response.status)
        self.response, self.status = response, response.status


class Open:
    status = 404

    def __init__(self):
        self.lock = threading.Lock()


@pytest.mark.parametrize("error", [ValueError("locked", threading.Lock()), ValueError("locked", (n for n in ()))])
def test_an_argument_that_cannot_travel_comes_as_its_repr(error):
    back = travelled(error)
    assert isinstance(back, RemoteError)
    assert isinstance(back, ValueError)
    assert back.args == ("locked", repr(error.args[1]))


def test_an_attribute_that_cannot_travel_stays_behind_and_the_others_come():
    back = travelled(Response(Open()))
    assert isinstance(back, Response)
    assert (back.args, back.status, hasattr(back, "response")) == (("bad response", 404), 404, False)


def test_members_of_a_group_that_cannot_travel_whole():
    back = travelled(ExceptionGroup("several", [Response(Open()), ExceptionGroup("more", [ValueError(Open())])]))
    responses, others = back.split(Response)
    assert responses.exceptions[0].status == 404
    assert others.exceptions[0].exceptions[0].args[0].startswith("<tests.unit.serialize.test_failures.Open object")


def test_what_cannot_be_unpacked_comes_as_words():
    back = travelled(Comes())
    assert type(back) is RemoteError
    assert back.original is None
    assert back.ename == "Comes"
    assert "Traceback (most recent call last)" in back.traceback


def test_what_cannot_even_be_printed():
    back = travelled(Unreadable())
    assert back.evalue == "<Unreadable that can't be printed>"
    assert "in travelled" in back.traceback


def without_lines(code):
    """Return `code` with no line for any instruction: an interrupt may come at one that has none."""
    units = len(code.co_code) // 2
    lengths = [min(8, units - start) for start in range(0, units, 8)]
    return code.replace(co_linetable=bytes(0x80 | 15 << 3 | length - 1 for length in lengths))


def test_what_was_raised_where_there_is_no_line():
    def divide():
        return 1 / 0

    divide.__code__ = without_lines(divide.__code__)
    raised = None
    try:
        divide()
    except ZeroDivisionError as error:
        raised = error
    lines = [raised.__traceback__.tb_lineno, raised.__traceback__.tb_next.tb_lineno]
    back = travelled(raised)
    raised.__traceback__ = None  # pytest cannot show it
    assert lines[1] is None
    assert isinstance(back, ZeroDivisionError)
    assert "in divide" in back.traceback


def test_a_class_that_is_unknown_here(engine, tmp_path):
    (tmp_path / "only_there.py").write_text("class Away(Exception): pass\n")
    engine.execute(f"import sys; sys.path.insert(0, {str(tmp_path)!r})")
    with pytest.raises(RemoteError) as caught:
        engine.execute("import only_there\nraise only_there.Away('far')")
    assert type(caught.value) is RemoteError
    assert str(caught.value) == "[3:execute] Away: far"
    engine.execute("sys.path.pop(0)")


def test_a_class_of_the_engines_namespace(engine):
    with pytest.raises(ValueError, match="Local: here") as caught:
        engine.execute("class Local(ValueError): pass\nraise Local('here')")
    assert type(caught.value.original).__name__ == "Local"


def test_the_traceback_starts_with_the_users_frame_and_shows_causes_and_notes(engine, notebook):
    notebook.run(
        """
def inner():
    raise KeyError("k")
def f():
    try:
        inner()
    except KeyError as error:
        late = ValueError("late")
        late.add_note("a note")
        raise late from error
"""
    )
    with pytest.raises(ValueError, match="late") as caught:
        engine.call(notebook["f"])
    text = caught.value.traceback
    assert text.startswith("Traceback (most recent call last):\n")
    assert "KeyError: 'k'" in text
    assert "direct cause" in text
    assert text.endswith("ValueError: late\na note")
    assert "site-packages" not in text
    assert "engineroom/" not in text
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert caught.value.__notes__ == ["a note"]
    assert engine.summary == "ValueError: late"


def test_cells_have_the_names_that_their_client_gave_them():
    for code in ("1 / 0", "1 ="):
        with pytest.raises((ZeroDivisionError, SyntaxError)) as caught:
            exec(compile(code, "<cell 3 (2)>", "exec"))
        _, body = pack_failure(caught.value, engine_id=0, instance=bytes(16), method="execute")
        error = unpack_failure(joined(body))
        assert 'File "<cell 3>", line 1' in error.traceback
        assert "(2)" not in f"{error.traceback} {error} {getattr(error, 'filename', '')}"


def test_a_plain_python_traceback_shows_the_remote_one(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            from engineroom.serialize.failures.packing import pack_failure, unpack_failure
            def user_function(): return 1 / 0
            try:
                user_function()
            except ZeroDivisionError as error:
                _, body = pack_failure(error, engine_id=2, instance=b"", method="apply")
            raise unpack_failure(body)
            """
        )
    )
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=SECONDS)
    assert "in user_function" in run.stderr
    assert run.stderr.endswith(
        "engineroom.errors.RemoteError[ZeroDivisionError]: [2:apply] ZeroDivisionError: division by zero\n"
    )


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled_and_back])
@pytest.mark.parametrize("error", [ValueError("x"), FileNotFoundError(2, "No", "a"), SystemExit(1)])
def test_a_remote_error_can_be_pickled_and_copied(again, error):
    first = travelled(error)
    back = again(first)
    assert type(back) is type(first)
    assert (str(back), back.traceback, back.engine_info, str(back.__cause__)) == (
        str(first),
        first.traceback,
        first.engine_info,
        str(first.__cause__),
    )
    assert type(back.original) is type(error)


@pytest.mark.parametrize("error", [ValueError("x"), Frozen(3), SystemExit(1)])
def test_an_error_keeps_the_item_of_a_map_that_raised_it(error):
    first = travelled(error)
    assert first.item is None
    assert first.of_item(3, "x=0").item == (3, "x=0")
    assert pickled_and_back(first).item == copy.copy(first).item == (3, "x=0")


def test_a_remote_error_that_travels_on():
    back = travelled(travelled(ValueError("x")))
    assert isinstance(back, RemoteError)
    assert isinstance(back, ValueError)
    assert isinstance(back.original, ValueError)
    assert (back.ename, str(back)) == ("ValueError", "[3:apply] ValueError: x")
    assert "ValueError: x" in back.traceback
    several = travelled(CompositeError("several", [travelled(ValueError("x"))]))
    assert isinstance(several, RemoteError)
    assert isinstance(several, CompositeError)
    assert isinstance(several, ValueError)
    assert [str(error) for error in several.exceptions] == ["[3:apply] ValueError: x"]


def test_the_summary_is_bounded():
    summary, _ = pack_failure(ValueError("x" * 10_000), engine_id=0, instance=b"", method="apply")
    assert 990 <= len(summary) <= 1000
    assert summary.startswith("ValueError: xx")
