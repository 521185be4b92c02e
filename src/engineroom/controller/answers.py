"""Answers to questions about the state, as JSON."""

from __future__ import annotations

import json

from engineroom.controller.config import ControllerConfig
from engineroom.controller.steps import known_steps
from engineroom.core import explain
from engineroom.core.state import ControllerState
from engineroom.protocol.messages import Answer, Ask


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
            return Answer(ask.number, error=f"this controller does not support the request {ask.what!r}")
    return Answer(ask.number, data=json.dumps(data, default=str))
