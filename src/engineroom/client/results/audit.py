"""What an audit of all records found, for people."""

from __future__ import annotations

from typing import Any

from engineroom.client.results.attempts_told import attempts_told

_LINES = 20
"""So many of each kind are shown."""


class Audit(dict[str, Any]):
    """The account of all tasks that a controller has recorded.

    Keys: how many tasks were `submitted`, `delivered` (to their clients), `unfetched` (done, and not with their clients
    yet), `expired` (done, and not fetched in time), `pending`, `failed`, `aborted`; of how many there is no record
    because it was `purged`, `retired` (beyond a limit of the database), `missed` (the database was in trouble) or
    `unwritten` (delivered, as their clients say, but the controller was killed before it had written the record).
    `run_again`: how many tasks had several attempts, `again`: which and why.
    `missing`, `twice`, `damaged`: what is wrong.
    """

    @property
    def well(self) -> bool:
        """Whether everything adds up."""
        return not (self["missing"] or self["twice"] or self["damaged"] or self["missed"])

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__

    def lines(self) -> list[str]:
        """Return the account, line by line."""
        counts = " + ".join(
            f"{self[kind]:,} {words}"
            for kind, words in (
                ("delivered", "delivered"),
                ("unfetched", "done and not received yet"),
                ("expired", "done and not fetched in time"),
                ("pending", "pending"),
                ("failed", "failed"),
                ("aborted", "aborted"),
            )
            if self[kind] or kind in {"delivered", "pending", "failed"}
        )
        found = [f"{_count(self['submitted'], 'task')} recorded in {self['store']} = {counts}"]
        for kind, what, words in (
            ("purged", "record", "purged"),
            ("retired", "record", "dropped at a limit of the database"),
            ("missed", "task", "not recorded: the database was in trouble"),
            ("unwritten", "task", "delivered but not recorded: the controller was killed at that moment"),
        ):
            if self[kind]:
                found.append(f"{_were(self[kind], what)} {words}")
        if self["run_again"]:
            found.append(f"{_count(self['run_again'], 'task')} ran more than once:")
            found += _some([_attempts(each) for each in self["again"]], self["run_again"])
        if self["trouble"]:
            found.append(self["trouble"])
        return found + self._problems()

    def _problems(self) -> list[str]:
        found = []
        if self["missing"]:
            found.append(f"WRONG: {_count(self['missing_count'], 'record')} missing:")
            found += _some([_missing(each) for each in self["missing"]], len(self["missing"]))
        if self["twice"]:
            found.append(f"WRONG: {_were(len(self['twice']), 'task')} recorded twice:")
            found += _some([f"  {each['session']}_{each['number']}" for each in self["twice"]], len(self["twice"]))
        if self["damaged"]:
            found.append(f"WRONG: {_were(self['damaged_count'], 'record')} changed:")
            found += _some([f"  {each['msg_id']}: {each['why']}" for each in self["damaged"]], self["damaged_count"])
        return found or ["no record is missing, none was changed, and no task was delivered twice"]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _were(number: int, what: str) -> str:
    return f"{_count(number, what)} {'was' if number == 1 else 'were'}"


def _some(lines: list[str], count: int) -> list[str]:
    more = count - min(len(lines), _LINES)
    return lines[:_LINES] + ([f"  ... and {more:,} more"] if more > 0 else [])


def _missing(each: dict[str, Any]) -> str:
    first, last = each["first"], each["last"]
    return f"  {each['session']}_{first}" + (f" to _{last}" if last > first else "")


def _attempts(each: dict[str, Any]) -> str:
    return f"  {each['msg_id']} ({each['state']}): {'; '.join(attempts_told(each['attempts']))}"
