"""What only scripts written for ipyparallel call."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.client.client import Client


def test_requests_are_calls_through_views(rc: Client) -> None:
    told: list[Any] = []
    with pytest.warns(DeprecationWarning, match="use the method `apply_async` of a view"):
        result = rc.send_apply_request(None, divmod, (7, 2), message_future_hook=told.append)
    assert result.get() == (3, 1)
    assert told == [result]
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert rc.send_apply_request(rc[:], int, ("11",), {"base": 2}).get() == [3, 3]
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert rc.send_apply_request(rc[:], abs, [-1], ident=1).get() == 1
    with pytest.warns(DeprecationWarning, match="execute"):
        assert rc.send_execute_request(object(), "1 + 1").get()[0]["code"] == "1 + 1"
    with pytest.warns(DeprecationWarning, match="deprecated"), pytest.raises(IndexError, match="there is no engine 7"):
        rc.send_execute_request(None, "1 + 1", ident=7)


def test_futures_by_their_message_id(rc: Client) -> None:
    result = rc[0].apply_async(abs, -1)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        assert [each.get() for each in rc.create_message_futures(result.msg_id)] == [1]
