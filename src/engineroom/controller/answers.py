"""Answers to questions about the state, as JSON."""

from __future__ import annotations

import json

from engineroom.controller.config import ControllerConfig
from engineroom.controller.steps import known_steps
from engineroom.core import explain
from engineroom.core.state import ControllerState
from engineroom.protocol.messages import Answer, Ask
from engineroom.protocol.texts import brief

_LONGEST = 2**20 - 1024
"""Characters of an answer, all of them ASCII, so that it fits a record."""


def answer(ask: Ask, state: ControllerState, config: ControllerConfig) -> Answer:
    """Return the answer: the data, or an error in words."""
    match ask.what:
        case "queue_status":
            data: object = (explain.queue_ids if ask.about == "verbose" else explain.queue_status)(state)
        case "explain":
            data = explain.explain(state, ask.about)
        case "steps":
            data = known_steps(config)
        case _:
            return Answer(ask.number, error=f"this controller does not support the request {brief(ask.what, 200)!r}")
    text = json.dumps(data, default=str)
    if len(text) > _LONGEST:
        return Answer(
            ask.number,
            error=f"the answer has {len(text)} characters, and the limit is {_LONGEST}; ask about one task or engine",
        )
    return Answer(ask.number, data=text)
