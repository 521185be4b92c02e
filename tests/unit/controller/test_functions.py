"""The functions that a controller holds."""

import msgspec

from engineroom.controller.functions import FunctionShelf
from engineroom.ids import Peer
from engineroom.protocol.messages import Function, Stream
from engineroom.protocol.streams import Payload

ENGINE = Peer(1)


def long(name: bytes, size: int) -> tuple[Function, Payload]:
    return Function(name, Stream(1, size)), Payload.of([bytes(size)])


def test_long_ones_are_bounded_by_their_bytes() -> None:
    shelf = FunctionShelf(max_bytes=250)
    short = Function(b"short", b"body")
    shelf.put(short, None)
    for name in (b"a", b"b"):
        shelf.put(*long(name, 100))
    assert shelf.to_send(ENGINE, b"a") is not None  # so that b is the one that was not sent for longest
    shelf.put(*long(b"c", 100))
    held = [name for name in (b"a", b"b", b"c", b"short") if shelf.to_send(Peer(2), name) is not None]
    assert held == [b"a", b"c", b"short"]
    assert shelf.to_send(ENGINE, b"b") is None


def test_one_that_is_too_long_by_itself_is_held() -> None:
    shelf = FunctionShelf(max_bytes=10)
    shelf.put(*long(b"a", 100))
    assert shelf.to_send(ENGINE, b"a") is not None
    shelf.put(*long(b"b", 100))
    assert shelf.to_send(ENGINE, b"b") is not None
    assert shelf.to_send(Peer(2), b"a") is None


def test_one_that_comes_again_counts_once() -> None:
    shelf = FunctionShelf(max_bytes=250)
    for _ in range(5):
        shelf.put(*long(b"a", 100))
        shelf.put(*long(b"b", 100))
    assert shelf.to_send(ENGINE, b"a") is not None
    shelf.drop(b"a")
    shelf.drop(b"b")
    shelf.put(*long(b"c", 240))
    shelf.put(Function(b"d", b"body"), None)
    assert shelf.to_send(ENGINE, b"c") is not None


def test_parts_that_no_function_has_are_few() -> None:
    shelf = FunctionShelf()
    for number in range(1000):
        shelf.put(Function(b"%d" % number, b"part", None), None)
    assert sum(b"%d" % number in shelf for number in range(1000)) <= 256
    assert b"999" in shelf


def test_parts_stay_with_the_function_that_they_belong_to() -> None:
    shelf = FunctionShelf()
    shelf.put(Function(b"early", b"part", None), None)
    shelf.put(Function(b"function", b"body", (b"early", b"late")), None)
    shelf.put(Function(b"late", b"part", None), None)
    for number in range(1000):
        shelf.put(Function(b"%d" % number, b"part", None), None)
    assert b"early" in shelf
    assert b"late" in shelf
    shelf.drop(b"function")
    assert b"early" not in shelf
    assert b"late" not in shelf


def test_the_parts_of_a_function_go_with_it_though_there_was_no_room_for_it() -> None:
    shelf = FunctionShelf(max_bytes=150)
    shelf.put(Function(b"part", b"part", None), None)
    function, body = long(b"function", 100)
    shelf.put(msgspec.structs.replace(function, parts=(b"part",)), body)
    shelf.put(*long(b"other", 100))
    assert b"function" not in shelf
    shelf.drop(b"function")
    assert b"part" not in shelf


def test_a_published_part_outlives_functions_until_all_have_released_it() -> None:
    shelf = FunctionShelf()
    part, body = long(b"p", 100)
    shelf.put(msgspec.structs.replace(part, parts=None, stays=True), body)
    shelf.published(b"p", b"one")
    shelf.published(b"p", b"two")
    shelf.put(Function(b"f", b"body", (b"p",)), None)
    assert shelf.size_of(b"f") == 4  # it does not count as a part of the function
    for name in (b"p", b"f"):
        assert shelf.to_send(ENGINE, name) is not None
    shelf.drop(b"f")
    assert b"p" in shelf
    assert not shelf.released(b"p", b"three")
    assert not shelf.released(b"p", b"one")
    assert (shelf.values.of(b"one"), shelf.values.of(b"two")) == ([], [b"p"])
    assert b"p" in shelf
    assert shelf.released(b"p", b"two")
    assert b"p" not in shelf
    assert shelf.released(b"p", b"two")  # an engine may have it from an earlier controller
    assert shelf.to_send(ENGINE, b"p") is None


def test_published_parts_are_bounded() -> None:
    shelf = FunctionShelf(max_bytes=1000)
    for number in range(300):
        name = b"%d" % number
        shelf.put(Function(name, b"p", None, stays=True), None)
        shelf.published(name, b"one")
    assert sum(b"%d" % number in shelf for number in range(300)) == 256
    for number in range(20):
        part, body = long(b"p%d" % number, 100)
        shelf.put(msgspec.structs.replace(part, parts=None, stays=True), body)
    assert sum(b"p%d" % number in shelf for number in range(20)) == 10
