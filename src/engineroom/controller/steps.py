"""The steps of the cluster's start: the controller's own, and all of them for clients on other machines."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from engineroom.controller.config import ControllerConfig
from engineroom.controller.open_files import FULL_FIX, full_words
from engineroom.protocol.questions import KnownStep, KnownSteps
from engineroom.protocol.texts import brief
from engineroom.settings.profiles import Profile
from engineroom.trail.steps import CONTROLLER, HANDSHAKE, LISTENS, Steps, read_steps

log = logging.getLogger(__name__)

_LATEST = 1000
"""So many steps are told."""

_MOST = 100
"""So many notes are made: anybody can have himself refused, or come in crowds."""


class Door:
    """Notes refused engines and hosts (without a shared directory, only the controller can), and a full controller."""

    def __init__(self, config: ControllerConfig) -> None:
        self._steps = Steps(_file(config), "")
        self._refused: set[str] = set()
        self._left = _MOST
        self._kept = os.open(os.devnull, os.O_RDONLY)  # so that a note can be written when no more files may be open

    def refused(self, role: str, where: str, reason: str) -> None:
        if role in {"engine", "host"} and self._left > 0:
            self._left -= 1
            self._refused.add(_who(role, where))
            self._steps.note(HANDSHAKE, ok=False, words=reason, who=_who(role, where))

    def let_in(self, role: str, where: str) -> None:
        """Note it of those that were refused before: they have been corrected."""
        if (who := _who(role, where)) in self._refused:
            self._refused.discard(who)
            self._steps.note(HANDSHAKE, who=who)

    def full(self) -> None:
        """There is no room for another connection."""
        if self._left <= 0:
            return
        self._left -= 1
        words = full_words()
        log.error("%s. To fix this, %s", words, FULL_FIX)
        os.close(self._kept)
        self._steps.note(LISTENS, ok=False, words=words, fix=FULL_FIX, who=CONTROLLER)
        self._kept = os.open(os.devnull, os.O_RDONLY)

    def has_room(self) -> None:
        """There is room again."""
        if self._left <= 0:
            return
        self._left -= 1
        log.warning("the controller can accept connections again")
        self._steps.note(LISTENS, words="accepts connections again", who=CONTROLLER)

    def close(self) -> None:
        os.close(self._kept)


def _who(role: str, where: str) -> str:
    what = "an engine" if role == "engine" else "an ipcluster"
    return f"{what} at {where}" if where else f"{what} on the controller's machine"


def _file(config: ControllerConfig) -> Path:
    return Profile(Path(config.security_dir).parent).steps_file(config.cluster_id)


def known_steps(config: ControllerConfig) -> KnownSteps:
    """Return the latest steps that are noted on this machine."""
    latest = list(read_steps(_file(config)))[-_LATEST:]
    return KnownSteps(
        tuple(KnownStep(s.at, brief(s.who, 200), s.step, s.ok, brief(s.words), brief(s.fix), s.n) for s in latest)
    )
