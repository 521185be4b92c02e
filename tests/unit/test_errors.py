"""The errors: the tree that the module's docstring draws, and errors of engines."""

import builtins
import copy
import io
import re
import subprocess
import sys
import traceback

import pytest

from engineroom import errors
from engineroom.errors import (
    AlreadyDisplayedError,
    CompositeError,
    EngineroomError,
    RemoteError,
    collect_exceptions,
    remote_error,
    unwrap_exception,
    wrap_exception,
)
from tests.patience import SECONDS
from tests.unit.serialize.conftest import pickled_and_back

INFO = {"engine_id": 2, "engine_uuid": "ab", "method": "apply"}


def remote(name="ValueError", engine=2):
    return RemoteError(name, "bad", f"Traceback\n{name}: bad", {**INFO, "engine_id": engine})


def test_the_docstring_draws_the_tree_as_it_is():
    parents = {0: "EngineroomError"}
    drawn = {"EngineroomError"}
    for line in errors.__doc__.splitlines():
        if match := re.match(r"    ([ │]*)[├└]── (\w+)", line):
            depth, name = len(match[1]) // 4 + 1, match[2]
            assert getattr(errors, name).__mro__[1].__name__ == parents[depth - 1], name
            parents[depth] = name
            drawn.add(name)
    assert drawn == {
        kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EngineroomError)
    }


def test_a_remote_error(capsys):
    error = remote()
    assert str(error) == "[2:apply] ValueError: bad"
    assert repr(error) == "<Remote[2]:ValueError(bad)>"
    assert error.render_traceback() == ["Traceback", "ValueError: bad"]
    assert error._render_traceback_() == ["[2:apply]:", "Traceback", "ValueError: bad"]
    error.print_traceback()
    assert capsys.readouterr().out == "Traceback\nValueError: bad\n"
    assert (error.original, error.engine_info) == (None, INFO)
    assert str(RemoteError("A", "b")) == "[Engine Exception] A: b"
    assert RemoteError("A", "b").render_traceback() == ["No traceback available"]


@pytest.mark.parametrize(
    "error", [remote(), CompositeError("all failed", [remote(), remote()])], ids=["one", "several"]
)
def test_a_traceback_is_printed_where_not_all_of_it_can_be_spelled(error, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "cp1252"))
    for each in getattr(error, "exceptions", [error]):
        each.traceback = "Traceback\nValueError: \u2192 \xfc"
    error.print_traceback()
    sys.stdout.flush()
    assert b"ValueError: \\u2192 \xfc" in written.getvalue()


def every_error():
    for kind in vars(builtins).values():
        if isinstance(kind, type) and issubclass(kind, Exception) and "Stop" not in kind.__name__:
            try:
                yield kind("m")
            except TypeError:
                yield from () if "Unicode" in kind.__name__ else [kind("m", [ValueError(1)])]


class OutOfCards(MemoryError):
    def __init__(self, *, cards):
        self.cards = cards


class Two(ValueError, MemoryError):
    """Of two types of Python's own."""


@pytest.mark.parametrize("original", [*every_error(), OutOfCards(cards=3), Two(1)], ids=repr)
def test_every_type_of_error_is_caught_by_it(original):
    error = remote_error((type(original).__name__, "m", "", INFO), original)
    for again in (error, pickled_and_back(error), CompositeError("one failed", [error])):
        if not (isinstance(again, CompositeError) and isinstance(original, ExceptionGroup)):
            assert isinstance(again, type(original))
            assert str(again.args) == str(original.args)


def test_a_composite_error(capsys):
    error = CompositeError("two failed", [remote(engine=0), ("KeyError", "'k'", "", INFO)])
    assert str(error) == "two failed\n[0:apply] ValueError: bad\n[2:apply] KeyError: 'k'"
    assert repr(error) == "CompositeError(2)"
    assert error.elist == [
        ("ValueError", "bad", "Traceback\nValueError: bad", {**INFO, "engine_id": 0}),
        ("KeyError", "'k'", "", INFO),
    ]
    assert error.render_traceback(1) == ["[2:apply] KeyError: 'k'"]
    error.print_traceback(0)
    assert capsys.readouterr().out == "[0:apply]:\nTraceback\nValueError: bad\n"
    with pytest.raises(RemoteError, match="ValueError"):
        error.raise_exception()
    with pytest.raises(IndexError, match="no exception with index 7"):
        error.raise_exception(7)


def test_a_composite_error_gives_a_group_and_is_none():
    error = CompositeError("failed", [remote(), remote("KeyError")])
    assert not isinstance(error, BaseExceptionGroup)
    caught = []
    try:
        raise error.as_group()
    except* RemoteError as group:
        caught.extend(group.exceptions)
    assert caught == list(error.exceptions)


class Odd(Exception):
    def __init__(self, *, code):
        super().__init__("odd")
        self.code = code


@pytest.mark.parametrize("original", [ZeroDivisionError("x"), FileNotFoundError(2, "No", "a"), Odd(code=3)])
def test_a_composite_error_of_one_type_is_caught_by_it(original):
    members = [remote_error((type(original).__name__, "x", "", INFO), original) for _ in range(2)]
    error = CompositeError("two failed", members)
    for again in (error, pickled_and_back(error), copy.copy(error), copy.deepcopy(error)):
        assert isinstance(again, CompositeError)
        assert isinstance(again, type(original))
        assert again.args == original.args
        assert getattr(again, "code", None) == getattr(original, "code", None)
        assert getattr(again, "errno", None) == getattr(original, "errno", None)
        assert (str(again), len(again.exceptions)) == (str(error), 2)
    assert str(error).startswith("two failed\n[2:apply] ")


def test_a_composite_error_of_several_types_is_caught_by_none_of_them():
    members = [remote_error((kind.__name__, "x", "", INFO), kind("x")) for kind in (KeyError, ValueError)]
    assert type(CompositeError("two failed", members)) is CompositeError
    assert type(CompositeError("words alone", [remote(), remote()])) is CompositeError
    group = ExceptionGroup("several", [ValueError("x")])
    assert type(CompositeError("groups", [remote_error(("ExceptionGroup", "x", "", INFO), group)])) is CompositeError


def test_the_same_error_of_many_engines_is_shown_once():
    error = CompositeError("all failed", [remote(engine=n) for n in [*range(9), 12]])
    assert str(error) == "all failed\n[0-8, 12:apply] ValueError: bad"
    assert error.render_traceback() == [
        "[0-8, 12:apply]: the same error, 10 times",
        "Traceback",
        "ValueError: bad",
    ]
    assert error.traceback == str(error.__cause__) == "\n".join(error.render_traceback())


def test_errors_of_one_place_with_messages_of_their_own_share_a_section():
    words = [
        ("ValueError", f"bad {n}", f"Traceback\n  line 3, in f\nValueError: bad {n}", {**INFO, "engine_id": n})
        for n in range(8)
    ]
    assert CompositeError("all failed", words).render_traceback() == [
        "[0-7:apply]: errors of the same kind, 8 times",
        "Traceback",
        "  line 3, in f",
        "ValueError: bad 0",
        "[1:apply] ValueError: bad 1",
        "[2:apply] ValueError: bad 2",
        "... and 5 more with other messages ...",
    ]


def test_the_message_of_several_errors_gives_each_of_their_messages():
    errors = [RemoteError("KeyError", f"{n % 2}", "", {"engine_id": n, "method": "apply"}) for n in range(4)]
    assert str(CompositeError("it failed", errors)).splitlines() == [
        "it failed",
        "[0, 2:apply] KeyError: 0",
        "[1, 3:apply] KeyError: 1",
    ]


def test_a_call_that_no_engine_has_run_names_none():
    assert str(remote(engine=-1)) == "[apply] ValueError: bad"
    alike = CompositeError("failed", [remote(engine=-1), remote(engine=-1)])
    assert "\n[apply] ValueError: bad" in str(alike)
    assert "-1" not in "".join(alike.render_traceback())
    assert "[0:apply]" in str(CompositeError("failed", [remote(engine=-1), remote(engine=0)]))


def test_errors_without_tracebacks_are_listed_by_their_messages():
    words = [("EngineError", f"engine {n} died", "", {**INFO, "engine_id": n}) for n in range(6)]
    error = CompositeError("all failed", words)
    assert error.render_traceback() == [
        *(f"[{n}:apply] EngineError: engine {n} died" for n in range(4)),
        "... and 2 more with other messages ...",
    ]


@pytest.mark.parametrize("message", ["the same", "of engine {}"])
def test_32_engines_that_fail_alike_take_25_lines(message):
    frames = "".join(f'  File "a.py", line {n}, in f\n    g()\n    ~^^\n' for n in range(30))
    words = [
        (
            "ValueError",
            message.format(n),
            f"Traceback\n{frames}ValueError: {message.format(n)}",
            {**INFO, "engine_id": n},
        )
        for n in range(32)
    ]

    with pytest.raises(CompositeError) as caught:
        raise CompositeError("one or more exceptions raised in: apply:f", words)
    text = "".join(traceback.format_exception(caught.value))
    assert len(text.splitlines()) <= 25, text


@pytest.mark.parametrize(("frames", "shown"), [(4, 12), (6, 8)])
def test_the_traceback_of_one_error_of_many_engines_is_whole_where_25_lines_have_room(frames, shown):
    lines = [line for n in range(frames) for line in (f'  File "a.py", line {n}, in f', "    g()", "    ~^^")]
    text = "\n".join(["Traceback", *lines, "ValueError: bad"])
    words = [("ValueError", "bad", text, {**INFO, "engine_id": n}) for n in range(32)]
    with pytest.raises(CompositeError) as caught:
        raise CompositeError("one or more exceptions raised in: apply:f", words)
    error = caught.value
    assert sum(line in lines for line in error.render_traceback()) == shown
    assert ("print_traceback" in error.traceback) == (shown < 3 * frames)
    assert len("".join(traceback.format_exception(error)).splitlines()) <= 25


def test_items_of_a_map_are_named():
    errors = [remote(engine=index % 2).of_item(index, f"x={index}") for index in (3, 7, 8, 9)]
    assert str(errors[0]) == "[1:apply] item 3 (x=3): ValueError: bad"
    assert errors[0]._render_traceback_()[0] == "[1:apply] item 3 (x=3):"
    assert CompositeError("map", errors).render_traceback()[0] == "[0-1:apply] items 3, 7-9: the same error, 4 times"
    assert str(CompositeError("map", errors[:1])) == "map\n[1:apply] item 3 (x=3): ValueError: bad"


def test_composite_errors_flatten():
    inner = CompositeError("inner", [remote(engine=0), remote(engine=1)])
    outer = CompositeError("outer", [inner, remote(engine=2)])
    assert [member.engine_info["engine_id"] for member in outer.exceptions] == [0, 1, 2]


def test_only_the_first_errors_are_shown():
    error = CompositeError("many", [remote(f"Error{n}", engine=n) for n in range(10)])
    assert str(error).endswith("[3:apply] Error3: bad\n... 6 more exceptions ...")
    assert error.render_traceback()[-1] == "... 6 more exceptions ..."
    assert "[4:apply]:" not in error.render_traceback()


def test_long_tracebacks_are_shortened_where_there_are_several():
    long = "\n".join(["Traceback", *(f"  frame {n}" for n in range(40)), "KeyError: 'k'"])
    words = ("KeyError", "'k'", long, INFO)
    assert len(CompositeError("one", [words]).render_traceback()) == 43
    assert len(CompositeError("the same", [words] * 32).render_traceback()) == 12
    error = CompositeError("two", [words, remote()])
    lines = error.render_traceback()
    cut = "  ... 32 lines; print_traceback(number) shows all ..."
    assert lines[:5] == ["[2:apply]:", "Traceback", "  frame 0", "  frame 1", cut]
    assert len(error.render_traceback(0)) == 43
    assert lines[10:] == ["  frame 39", "KeyError: 'k'", "", "[2:apply]:", "Traceback", "ValueError: bad"]


def test_an_error_without_a_traceback_is_shown_by_its_message():
    lost = RemoteError("EngineError", "engine 2 died", "", INFO)
    assert lost._render_traceback_() == ["[2:apply] EngineError: engine 2 died"]
    assert CompositeError("two", [lost, remote()]).render_traceback()[:2] == [
        "[2:apply] EngineError: engine 2 died",
        "",
    ]


def test_the_line_of_a_syntax_error_is_shown_once():
    text = '  File "<cell 2>", line 1\n    a = = 1\n        ^\nSyntaxError: invalid syntax'
    original = SyntaxError("invalid syntax", ("<cell 2>", 1, 5, "a = = 1", 1, 6))
    errors = [
        remote_error(("SyntaxError", "invalid syntax", text, {**INFO, "engine_id": n}), original) for n in range(3)
    ]
    shown = "".join(traceback.format_exception(errors[0]))
    assert shown.count("a = = 1") == 1
    shown = "".join(traceback.format_exception(CompositeError("all failed", errors)))
    assert shown.count("a = = 1") == 1
    assert shown.endswith("CompositeError[SyntaxError]: [0-2:apply] SyntaxError: invalid syntax\n")
    assert str(pickled_and_back(CompositeError("all failed", errors))).startswith("all failed\n[0-2")


def test_an_error_that_was_shown_before_is_only_counted():
    several = CompositeError("two failed", [remote(), remote("KeyError")])
    assert AlreadyDisplayedError(several)._render_traceback_() == ["2 errors"]
    again = pickled_and_back(AlreadyDisplayedError(remote()))
    assert (again.render_traceback(), repr(again)) == (["1 error"], repr(remote()))


def test_errors_among_results_are_collected():
    assert collect_exceptions([1, "two"]) == [1, "two"]
    with pytest.raises(CompositeError, match="raised in: apply") as caught:
        collect_exceptions({0: 1, 1: remote(), 2: CompositeError("", [remote("KeyError")])}, "apply")
    assert [error.ename for error in caught.value.exceptions] == ["ValueError", "KeyError"]


def test_an_exception_there_and_back_as_a_dict():
    try:
        raise KeyError("k")
    except KeyError:
        content = wrap_exception(INFO)
    error = unwrap_exception(content)
    assert (content["status"], error.ename, error.evalue, error.engine_info) == ("error", "KeyError", "'k'", INFO)
    assert error.render_traceback() == content["traceback"]
    assert error.render_traceback()[-1] == "KeyError: 'k'"


def test_the_module_is_light():
    code = "import sys; import engineroom.errors; print({'IPython', 'numpy', 'asyncio', 'pickle'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS)
    assert run.stdout.strip() == "set()"
