"""What a client hears of a controller: of the pretended one of the unit tests, and of a real one with real engines.

Each conversation is held with both, so that the pretended one keeps the rules of the real one. It does not pretend
cells (`execute`), `clear`, signals, and what happens when engines or the controller are lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engineroom import Cluster
from engineroom.ids import number_of
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.messages import PROTOCOL, Abort, Delivered, Kind, NeedFunction, Result, Status
from engineroom.protocol.questions import AskQueues, AskSteps, KnownSteps, Queues
from engineroom.protocol.task_ranges import task_pieces
from engineroom.serialize.functions.packing import pack_call
from engineroom.serialize.payloads import pack, pack_names
from tests.patience import SECONDS
from tests.system.conversations import ENGINES, Conversation, Pretended, Real

LARGE = 3 * 1024 * 1024
OK, ERROR, ABORTED = Status.OK, Status.ERROR, Status.ABORTED


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """Yield a cluster's controller once its engines are there."""
    place = tmp_path_factory.mktemp("contract")
    cluster = Cluster(n=ENGINES, profile_dir=place / "profile_contract")
    cluster.start_cluster_sync()
    try:
        with cluster.connect_client_sync() as rc:
            rc.wait_for_engines(ENGINES, timeout=SECONDS)
            yield Real(read_connection_file(Path(cluster.client_connection_file)), rc, place)
    finally:
        cluster.stop_cluster_sync()


Story = Callable[[Conversation], Awaitable[None]]
Hold = Callable[[Story], None]


@pytest.fixture(params=["pretended", "real"])
def hold(request: pytest.FixtureRequest, real: Real) -> Hold:
    """Return what holds a conversation with one of the two."""

    def held(story: Story) -> None:
        async def whole() -> None:
            conversation = Conversation(real if request.param == "real" else Pretended())
            await conversation.connect()
            try:
                await story(conversation)
            finally:
                conversation.controller.free_engines()
                await conversation.peer.leaves()

        asyncio.run(whole())

    return held


def _twice(x: int) -> int:
    return 2 * x


def _fails(x: int) -> int:
    raise ValueError(f"not {x}")


def _zeros(size: int) -> bytes:
    return bytes(size)


def test_a_client_is_welcomed_and_told_of_all_engines(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        welcome = client.peer.welcome
        assert (welcome.protocol, welcome.known_up_to, welcome.engine_id) == (PROTOCOL, 0, -1)
        assert welcome.window > 0
        assert sorted(client.engines) == list(range(ENGINES))
        assert len(set(client.engines.values())) == ENGINES

    hold(story)


def test_a_call_ends_with_its_result_on_one_of_the_engines(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        function = client.packed(_twice)
        client.bring(function)
        client.call(1, function, 21)
        assert await client.ends(1) == [(OK, 42)]
        engine, outcome = client.outcomes[1]
        assert engine in client.engines
        assert outcome.started > 0
        assert outcome.seconds >= 0
        assert outcome.error == ""

    hold(story)


def test_who_has_not_sent_the_function_is_asked_for_it(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        def twice(x: int) -> int:
            return 2 * x

        function = client.packed(twice)
        client.call(1, function, 4)
        needed = await client.peer.hears(NeedFunction)
        assert needed.hash == function.hash
        assert client.outcomes == {}
        client.bring(function)
        assert await client.ends(1) == [(OK, 8)]

    hold(story)


def test_a_call_that_raises_ends_with_its_error(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        function = client.packed(_fails)
        client.bring(function)
        client.call(1, function, 7, to=(1,))
        assert await client.ends(1) == [(ERROR, ("ValueError", "not 7"))]
        engine, outcome = client.outcomes[1]
        assert engine == 1
        assert outcome.error == "ValueError: not 7"

    hold(story)


def test_a_call_on_several_engines_is_as_many_tasks_numbered_in_their_order(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        function = client.packed(_twice)
        client.bring(function)
        client.call(1, function, 1, to=(1, 0))
        client.call(3, function, 2, to=(0,))
        assert await client.ends(1, 2, 3) == [(OK, 2), (OK, 2), (OK, 4)]
        assert [client.outcomes[number][0] for number in (1, 2, 3)] == [1, 0, 0]

    hold(story)


def test_engines_keep_what_is_pushed_each_its_own(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        client.submit(1, Kind.PUSH, pack_names({"contract_a": 1, "contract_b": [2]}), to=(0,))
        client.submit(2, Kind.PUSH, pack_names({"contract_a": 3}), to=(1,))
        assert await client.ends(1, 2) == [(OK, None), (OK, None)]
        client.submit(3, Kind.PULL, pack("contract_a"), to=(0, 1))
        client.submit(5, Kind.PULL, pack(["contract_b", "contract_a"]), to=(0,))
        assert await client.ends(3, 4, 5) == [(OK, 1), (OK, 3), (OK, [[2], 1])]

    hold(story)


@pytest.mark.parametrize("names", ["contract_none", ["contract_none"]])
def test_a_name_that_an_engine_does_not_have_is_an_error(hold: Hold, names: Any) -> None:
    async def story(client: Conversation) -> None:
        client.submit(1, Kind.PULL, pack(names), to=(0,))
        [(status, error)] = await client.ends(1)
        assert status == ERROR
        assert error[0] == "NameError"
        assert "contract_none" in error[1]

    hold(story)


def test_large_arguments_and_results_travel_as_streams(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        size, zeros = client.packed(len), client.packed(_zeros)
        client.bring(size)
        client.bring(zeros)
        body = pack_call((b"x" * LARGE,), {})
        assert not isinstance(body, bytes)
        client.submit(1, Kind.APPLY, body, size.hash)
        client.call(2, zeros, LARGE)
        assert await client.ends(1, 2) == [(OK, LARGE), (OK, bytes(LARGE))]
        [large] = [each for each in client.heard if isinstance(each, Result) and number_of(each.task) == 2]
        assert not isinstance(large.body, bytes)

    hold(story)


def test_calls_that_have_not_started_can_be_withdrawn_and_never_run(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        function, engines = client.packed(_twice), client.controller
        client.bring(function)
        await engines.keep_engines_busy()
        client.call(1, function, 1, to=(0,))
        client.call(2, function, 2, to=(0, 1))
        client.call(4, function, 4)
        client.peer.say(*(Abort(piece) for piece in task_pieces(client.session, [2, 3, 4])))
        assert await client.ends(2, 3, 4) == [(ABORTED, None)] * 3
        assert 1 not in client.outcomes
        engines.free_engines()
        assert await client.ends(1) == [(OK, 2)]
        assert client.results == 4

    hold(story)


def test_withdrawing_what_has_ended_or_never_was_changes_nothing(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        function = client.packed(_twice)
        client.bring(function)
        client.call(1, function, 1)
        await client.ends(1)
        client.peer.say(*(Abort(piece) for piece in task_pieces(client.session, [1, 2, 1000])))
        client.call(2, function, 5)
        assert await client.ends(1, 2) == [(OK, 2), (OK, 10)]
        assert client.results == 2

    hold(story)


def test_what_arrives_twice_runs_once(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        function = client.packed(_twice)
        client.bring(function)
        for number in (1, 1, 2, 1, 3):
            client.call(number, function, number, to=(0,))
        assert await client.ends(1, 2, 3) == [(OK, 2), (OK, 4), (OK, 6)]
        await client.asks(1, AskQueues())
        assert client.results == 3

    hold(story)


def test_after_a_cut_the_client_is_told_what_has_arrived_and_sent_what_it_has_not_acknowledged(hold: Hold) -> None:
    async def story(client: Conversation) -> None:
        function = client.packed(_twice)
        client.bring(function)
        for number in (1, 2, 3):
            client.call(number, function, number)
        await client.ends(1, 2, 3)
        client.peer.say(Delivered(1, ((3, 3),)))
        await client.asks(1, AskQueues())
        client.outcomes.clear()
        client.peer.vanishes()
        await client.connect()
        assert client.peer.welcome.known_up_to == 3
        assert await client.ends(2) == [(OK, 4)]
        assert list(client.outcomes) == [2]
        client.call(4, function, 4)
        assert await client.ends(4) == [(OK, 8)]

    hold(story)


@pytest.mark.parametrize(("question", "kind"), [(AskQueues(), Queues), (AskSteps(), KnownSteps)])
def test_a_question_gets_the_answer_with_its_number(hold: Hold, question: Any, kind: type) -> None:
    async def story(client: Conversation) -> None:
        for number in (5, 6):
            answer = await client.asks(number, question)
            assert (answer.error, type(answer.reply)) == ("", kind)

    hold(story)
