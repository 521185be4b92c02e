"""Conversations that nobody thought of: good and bad messages of the table, in any order, by any role.

What was found once is in corpus/, and told again each time. A conversation that fails is written to .hypothesis/found/.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import FromClient, FromEngine, FromHost, Shutdown, Signal
from tests.fuzz.honest import Honest, Stage
from tests.fuzz.lies import heard_out
from tests.fuzz.of_the_table import bad_messages, good_messages, types_of

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.json"))
FOUND = Path(__file__).parents[2] / ".hypothesis" / "found"

ROLES = {"client": FromClient, "engine": FromEngine, "host": FromHost}
_NOT_LIES = (Signal, Shutdown)
"""A client may end engines, and signal them: that is no lie, and the honest ones would be gone."""

_EXAMPLES = 8 if settings().derandomize else 60
_BURST = 6
_BURSTS = 4


def _messages(role: str) -> st.SearchStrategy[list[Any]]:
    kinds = [kind for kind in types_of(ROLES[role]) if role != "client" or kind not in _NOT_LIES]
    good, bad = st.sampled_from(kinds).flatmap(good_messages), st.sampled_from(kinds).flatmap(bad_messages)
    good = good.map(_as_its_content_is)
    return st.one_of(good, good, good, good, good, good, bad)


def _as_its_content_is(message: list[Any]) -> list[Any]:
    """Have a short function called by its content: under another name it would end the conversation."""
    match message:
        case ["function", _, bytes(body), *rest]:
            parts = rest[0] if rest else ()
            return ["function", content_hash([body], parts), body, *rest]
    return message


def _records(role: str) -> st.SearchStrategy[list[bytes]]:
    burst = st.lists(_messages(role), min_size=1, max_size=_BURST).map(msgspec.msgpack.encode)
    spoilt = st.builds(_spoil, burst, st.integers(0, 2**16), st.integers(0, 255))
    return st.lists(st.one_of(burst, burst, burst, spoilt), min_size=1, max_size=_BURSTS)


def _spoil(record: bytes, place: int, value: int) -> bytes:
    """Return `record` with one byte changed."""
    place %= len(record)
    return record[:place] + bytes([value]) + record[place + 1 :]


def tell(honest: Honest, role: str, records: list[bytes]) -> None:
    """Have a liar of this role say `records`; keep the conversation if the honest ones notice."""

    async def conversation(stage: Stage) -> None:
        liar = await stage.join(role)
        for record in records:
            if liar.is_in:
                named = record.replace(b"@session@-------", stage.session)
                liar.say_record(named.replace(b"@instance@------", stage.instance))
                await heard_out(stage, liar)

    try:
        honest.beside(conversation)
    except BaseException:
        _keep(role, records)
        raise


def _keep(role: str, records: list[bytes]) -> None:
    text = json.dumps({"role": role, "records": [base64.b64encode(record).decode() for record in records]})
    FOUND.mkdir(parents=True, exist_ok=True)
    (FOUND / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.json").write_text(text + "\n")


@pytest.mark.parametrize("role", ROLES)
@settings(max_examples=_EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_nobody_notices_a_random_conversation(honest: Honest, role: str, data: st.DataObject) -> None:
    tell(honest, role, data.draw(_records(role)))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_nobody_notices_what_was_found_once(honest: Honest, path: Path) -> None:
    told = json.loads(path.read_text())
    tell(honest, told["role"], [base64.b64decode(record) for record in told["records"]])
