"""What tasks ask of engines beside their ids: resources and tags.

An engine runs one task at a time, so that what it has is never shared: a task runs where there is enough of all that it
asks for. Nothing is counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engineroom.core.bounds import size_in_words
from engineroom.protocol.messages import EngineInfo, Options

_BYTES = frozenset({"memory", "disk"})
"""Resources that people count in bytes."""


class Asks(NamedTuple):
    """At least so much of each of `resources`, and all of `tags`."""

    resources: tuple[tuple[str, float], ...]
    tags: tuple[str, ...]


def asks_of(options: Options) -> tuple[object, object] | None:
    """Return what a task with these options asks for, equal to its `Asks`; None for nothing."""
    terms = options.terms
    return None if terms is None or not (terms.resources or terms.tags) else (terms.resources, terms.tags)


def has(info: EngineInfo, asks: Asks) -> bool:
    """Whether an engine has all that is asked for."""
    amounts = dict(info.resources)
    return all(amounts.get(name, 0.0) >= amount for name, amount in asks.resources) and set(asks.tags) <= set(info.tags)


def in_words(asks: Asks) -> str:
    """Return what is asked for: "gpu >= 1, memory >= 4 GiB and the tag 'bigmem'"."""
    found = [f"{name} >= {_amount(name, amount)}" for name, amount in asks.resources]
    found += [f"the tag {tag!r}" for tag in asks.tags]
    return " and ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else found[0]


def nobody_has(asks: Asks, engines: Iterable[EngineInfo]) -> str:
    """Return why no engine may run a task that asks for this, what the engines have, and what to do."""
    there = list(engines)
    most = {
        name: max((dict(info.resources).get(name, 0.0) for info in there), default=0.0) for name, _ in asks.resources
    }
    short = [f"{name} {_amount(name, most[name])}" for name, amount in asks.resources if most[name] < amount]
    they_have = f" (the most that one has: {', '.join(short)})" if short else ""
    return f"no engine has {in_words(asks)}{they_have}: start engines with `ipcluster engines -n 1 {_flags(asks)}`"


def _flags(asks: Asks) -> str:
    resources = ",".join(f"{name}={_amount(name, amount).replace(' ', '')}" for name, amount in asks.resources)
    found = [f"--resources {resources}"] if resources else []
    return " ".join([*found, *([f"--tags {','.join(asks.tags)}"] if asks.tags else [])])


def _amount(name: str, amount: float) -> str:
    return size_in_words(int(amount)) if name in _BYTES and amount >= 1024 else f"{amount:.12g}"
