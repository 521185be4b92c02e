"""Exceptions inside others, and among values: they arrive as what they were, at any depth."""

import dataclasses
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.serialize.failures.exceptions import may_hold_exceptions
from engineroom.serialize.failures.packing import pack_failure, unpack_failure
from engineroom.serialize.payloads import pack, pickled, unpack
from tests.unit.serialize.conftest import joined
from tests.unit.serialize.test_failures import Frozen, Made, Odd, Reduced, Slotted


class Changes(Exception):
    """Plain pickle makes "failed with failed with 3" of it, without an error."""

    def __init__(self, code):
        super().__init__(f"failed with {code}")
        self.code = code


class OddGroup(ExceptionGroup):
    def __new__(cls, *, members):
        made = super().__new__(cls, "odd", members)
        made.count = len(members)
        return made

    def __init__(self, *, members):
        pass

    def derive(self, excs):
        return OddGroup(members=excs)


class NumberedGroup(ExceptionGroup):
    """Its `args` are what it was called with, which is not what Python's own class needs."""

    def __new__(cls, number, members, *more):
        made = super().__new__(cls, f"number {number}", members)
        made.number = number
        return made

    def derive(self, excs):
        return NumberedGroup(self.number, excs)


@dataclasses.dataclass
class Outcome:
    error: BaseException
    more: object = None


LEAVES = (
    lambda: ValueError("bad", 3),
    lambda: Odd(3, detail="x"),
    lambda: Slotted("here"),
    lambda: Made(key=5),
    lambda: Frozen(3),
    lambda: Reduced(1, 2),
    lambda: Changes(3),
    lambda: FileNotFoundError(2, "No such file", "a.txt"),
    lambda: KeyboardInterrupt("stop"),
    lambda: SystemExit(3),
    lambda: StopIteration(5),
    lambda: SyntaxError("bad", ("file.py", 3, 5, "x = = 1", 3, 6)),
    lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
)


def noted(error, note):
    if not isinstance(error, Frozen | Reduced):  # forbids it; and has its own way
        error.add_note(note)
    return error


def chained(error, cause, context):
    if type(error).__name__ not in {"Reduced", "Frozen"}:  # own ways; and forbids it
        error.__cause__, error.__context__ = cause, context
    return error


def attributed(error, value):
    if not isinstance(error, Reduced):
        error.__dict__["extra"] = value
    return error


def grouped(members):
    return BaseExceptionGroup("several", members)


def oddly_grouped(errors):
    return OddGroup(members=[Changes(1), *(error for error in errors if isinstance(error, Exception))])


def numbered(errors):
    return NumberedGroup(7, errors, "more")


def compound(inner):
    containers = st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=3), inner, max_size=2),
        st.builds(Outcome, inner, inner),
        inner.map(type),
    )
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(grouped),
        st.lists(inner, max_size=2).map(oddly_grouped),
        st.lists(fresh.filter(lambda error: isinstance(error, Exception)), min_size=1, max_size=3).map(numbered),
        st.builds(ValueError, st.text(max_size=3), inner),
        st.builds(noted, fresh, st.text(max_size=5)),
        st.builds(chained, fresh, inner, inner),
        st.builds(attributed, fresh, containers),
    )


fresh = st.sampled_from(LEAVES).map(lambda make: make())
errors = st.recursive(fresh, compound, max_leaves=8)


def same(one, two):
    """Whether two exceptions, or containers of such, are alike in all that can be seen."""
    if isinstance(one, BaseException):
        return (
            type(one) is type(two)
            and str(one) == str(two)
            and same(one.args, two.args)
            and same(one.__dict__, two.__dict__)
            and same([one.__cause__, one.__context__], [two.__cause__, two.__context__])
            and same(list(getattr(one, "exceptions", ())), list(getattr(two, "exceptions", ())))
            and getattr(one, "place", None) == getattr(two, "place", None)
        )
    if type(one) is not type(two):
        return False
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, Outcome):
        return same(one.error, two.error) and same(one.more, two.more)
    return one == two


def back(value):
    return unpack(joined(pack(value)))


@given(errors)
def test_exceptions_inside_others_arrive_as_they_were(error):
    assert same(back(error), error)
    assert same(back({"results": [1, (error, 2)]}), {"results": [1, (error, 2)]})
    assert same(back(Outcome(error, more=[error])), Outcome(error, more=[error]))


@given(errors)
def test_exceptions_inside_what_was_raised_arrive_as_they_were(error):
    _, body = pack_failure(error, engine_id=3, instance=b"", method="apply")
    assert same(unpack_failure(joined(body)).original, error)


def test_a_member_with_an_init_of_its_own_is_caught_by_except_star():
    _, body = pack_failure(grouped([Odd(3, detail="x")]), engine_id=3, instance=b"", method="apply")
    caught = []
    try:
        raise unpack_failure(joined(body))
    except* Odd as group:
        caught = [(error.code, error.detail) for error in group.exceptions]
    assert caught == [(3, "x")]


def test_a_group_with_a_new_of_its_own_is_caught_by_its_type():
    """Also where a member has to be left behind."""
    for member in (Odd(3, detail="x"), ValueError(lambda: 0, threading.Lock())):
        error = NumberedGroup(7, [member])
        _, body = pack_failure(error, engine_id=3, instance=b"", method="apply")
        arrived = unpack_failure(joined(body))
        assert isinstance(arrived, NumberedGroup)
        assert (arrived.number, arrived.message, len(arrived.exceptions)) == (7, "number 7", 1)
        assert type(arrived.exceptions[0]) is type(member)


def test_an_exception_that_refers_to_itself():
    error = Odd(3, detail="x")
    error.myself = [error]
    error.__context__ = other = ValueError("y")
    other.error = error
    arrived = back(error)
    assert arrived.myself[0] is arrived
    assert arrived.__context__.error is arrived


def test_a_cause_that_cannot_travel_stays_behind():
    error = Odd(3, detail="x")
    error.__cause__ = ValueError(n for n in ())
    arrived = back([error])[0]
    assert (arrived.code, arrived.__cause__) == (3, None)


def test_a_long_chain_of_contexts_is_no_obstacle():
    error = first = Odd(0, detail="x")
    for number in range(5000):
        error.__context__ = error = ValueError(number)
    assert back([first])[0].detail == "x"


@pytest.mark.parametrize(
    "value",
    [
        {"Odd": Odd(3, detail="x")},
        {Odd.__module__: "m", "Odd": [Odd(3, detail="x")]},
        [Slotted, "Odd", Odd.__module__, Odd(3, detail="x")],
        [*range(300), "Odd", "tests.unit.serialize.test_failures", Odd(3, detail="x")],
    ],
)
def test_names_that_are_in_the_pickle_before_hide_no_exception(value):
    found = back(value)
    assert same(found, value)


def test_bytes_that_look_like_the_name_of_a_class_arrive_as_they_are():
    assert back(b"\x94\x93" * 3) == b"\x94\x93" * 3


@pytest.mark.parametrize("value", [None, [1.5] * 1000, "\u0094\u0093", {"a": (1, 2)}])
def test_values_without_exceptions_are_pickled_once(value, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "engineroom.serialize.by_value.pickler", None)
    assert back(value) == value
    pickled([dataclasses.field, Outcome])
    assert not may_hold_exceptions(pickle.dumps([dataclasses.field, Outcome], 5))


def test_classes_of_exceptions_stay_classes():
    assert back([Odd, ValueError, {"kind": OddGroup}]) == [Odd, ValueError, {"kind": OddGroup}]
