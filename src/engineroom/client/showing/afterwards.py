"""Showing what tasks have printed and displayed, once they have ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from engineroom.client.showing.folding import folded, spelled
from engineroom.client.showing.items import key_of_object, labelled, show_item
from engineroom.client.showing.screens import Screen, screen_here
from engineroom.client.showing.terminal_text import cleaned
from engineroom.client.state.watchers import Kind

if TYPE_CHECKING:
    from engineroom.client.state.tasks import Task

_WAYS = ("type", "engine", "order")
_TEXT = ("stdout", "stderr")
_KINDS = (*_TEXT, Kind.SHOW.value, Kind.RESULT.value)
"""What is shown; errors are raised."""


class _Shown(NamedTuple):
    """One thing to be shown: a text, or something displayed."""

    kind: str
    content: Any

    @property
    def key(self) -> object:
        """What is the same for things that are alike."""
        return self.kind, self.content if self.kind in _TEXT else key_of_object(self.content)


def check_groupby(groupby: str) -> None:
    """Raise ValueError if it is not a way to group outputs."""
    if groupby not in _WAYS:
        raise ValueError(f"groupby must be 'type', 'engine' or 'order', not {groupby!r}")


def show_outputs(
    tasks: Sequence[Task],
    groupby: str,
    *,
    result_only: bool = False,
    fold: bool = True,
    screen: Screen | None = None,
    distinct: Callable[[Task, Any], Any] = lambda task, content: content,
) -> None:
    """Show what `tasks` printed and displayed, and the values of cells; see `AsyncResult.display_outputs`.

    `distinct`: returns what a task displayed with ids that no other engine has.
    """
    check_groupby(groupby)
    kinds = (Kind.RESULT.value,) if result_only else _KINDS
    wrote = [(task.engine, list(_outputs(task, kinds, distinct))) for task in tasks if task.output is not None]
    _Showing(screen or screen_here(), {task.engine for task in tasks}, fold=fold).show(wrote, groupby)


class _Showing:
    """Shows lists of outputs on a screen, labelled with their engines. `among`: all engines that were asked."""

    def __init__(self, screen: Screen, among: set[int], *, fold: bool) -> None:
        self._screen, self._among, self._fold = screen, among, fold
        self._counts: dict[int, set[int]] = {}
        """The numbers of the cells that had a value, by engine."""

    def show(self, wrote: list[tuple[int, list[_Shown]]], groupby: str) -> None:
        for engine, outputs in wrote:
            counts = (output.content["execution_count"] for output in outputs if output.kind == Kind.RESULT)
            self._counts.setdefault(engine, set()).update(counts)
        if groupby == "type":
            for kind in _KINDS:
                self._show_alike((engine, _of_kind(kind, outputs)) for engine, outputs in wrote)
        elif groupby == "engine":
            self._show_alike(wrote)
        else:
            for row in zip_longest(*[outputs for _, outputs in wrote]):
                pairs = zip(wrote, row, strict=True)
                self._show_alike((engine, [output]) for (engine, _), output in pairs if output is not None)

    def _show_alike(self, wrote: Iterable[tuple[int, list[_Shown]]]) -> None:
        """Show each list of outputs; those that are equal once."""
        keyed = (
            (engine, (engine, outputs), tuple(output.key for output in outputs)) for engine, outputs in wrote if outputs
        )
        for engines, (_, outputs) in folded(keyed, fold=self._fold):
            for output in outputs:
                self._show_one(engines, output)

    def _show_one(self, engines: tuple[int, ...], output: _Shown) -> None:
        if output.kind in _TEXT:
            self._screen.write(output.kind, labelled(output.kind, engines, self._among, output.content))
        else:
            counts = set[int]().union(*[self._counts[engine] for engine in engines])
            show_item(self._screen, spelled(engines, self._among), output.kind, output.content, counts)


def _outputs(task: Task, kinds: Sequence[str], distinct: Callable[[Task, Any], Any]) -> Iterator[_Shown]:
    """Yield what a task has written, in order; text as a terminal has it in the end."""
    assert task.output is not None
    for each in task.output.in_order():
        kind = each.get("name", each["output_type"])
        if kind not in kinds:
            continue
        content = cleaned(each["text"]) if kind in _TEXT else distinct(task, each)
        if content:
            yield _Shown(kind, content)


def _of_kind(kind: str, outputs: list[_Shown]) -> list[_Shown]:
    found = [output for output in outputs if output.kind == kind]
    if kind in _TEXT and len(found) > 1:
        return [_Shown(kind, "".join([output.content for output in found]))]
    return found
