"""While tasks run, what they print alike is shown once, nothing is lost, and nothing waits for long."""

from __future__ import annotations

import random
from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.showing.folding import Section
from engineroom.client.showing.live_folding import ENDED, HOLD, LONGEST, SCREEN, Item, LiveFolding


def short(sections: list[Section[Item]]) -> list[tuple[tuple[int, ...], object]]:
    return [(section.engines, section.output.content) for section in sections]


class Story:
    """Tasks 0, 1, 2 ... on engines of the same numbers."""

    def __init__(self, tasks: int, *, fold: bool = True) -> None:
        self.folding = LiveFolding(range(tasks), fold=fold)
        self.now = 0.0

    def prints(self, task: int, text: str) -> None:
        self.folding.text(task, task, "stdout", text, self.now)

    def shows(self, task: int, content: str, key: str | None = "same") -> None:
        self.folding.item(task, task, "display_data", content, key, self.now)

    def ends(self, *tasks: int) -> None:
        for task in tasks:
            self.folding.end(task, self.now)

    def shown(self) -> list[tuple[tuple[int, ...], object]]:
        return short(list(self.folding.take(self.now)))


def test_what_all_print_is_shown_at_once_when_the_last_has_printed_it() -> None:
    one = Story(3)
    for task in range(2):
        one.prints(task, "hello\n")
        assert one.shown() == []
    one.prints(2, "hello\n")
    assert one.shown() == [((0, 1, 2), "hello\n")]


def test_lines_wait_for_others_for_a_short_time_only() -> None:
    one = Story(3)
    one.prints(0, "hello\n")
    one.prints(2, "hello\n")
    assert (one.shown(), one.folding.due) == ([], HOLD)
    one.now = HOLD
    assert one.shown() == [((0, 2), "hello\n")]
    assert one.folding.due is None


def test_lines_of_a_task_that_has_ended_wait_a_little_longer() -> None:
    one = Story(2)
    one.prints(0, "hello\n")
    one.ends(0)
    assert one.folding.due == ENDED
    one.now = ENDED - 0.1
    assert one.shown() == []
    one.prints(1, "hello\n")
    assert one.shown() == [((0, 1), "hello\n")]


def test_much_text_waits_longer_than_a_line_but_not_for_ever() -> None:
    one = Story(2)
    one.prints(0, f"{'x' * 99}\n" * 1000)
    assert one.folding.due == HOLD * (1 + 100_000 // SCREEN)
    one.prints(0, f"{'x' * 99}\n" * 10_000)
    assert one.folding.due == LONGEST
    one.now = LONGEST
    assert [engines for engines, _ in one.shown()] == [(0,)]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.integers(1, 20), st.randoms(use_true_random=False))
def test_large_equal_outputs_are_shown_once_though_some_begin_a_second_later(
    begins: list[float], pieces: int, dice: random.Random
) -> None:
    one = Story(len(begins))
    piece = f"{'x' * 127}\n" * 1024
    events = sorted((begin + number * 0.02, task) for task, begin in enumerate(begins) for number in range(pieces))
    left = dict.fromkeys(range(len(begins)), pieces)
    shown = []
    for when, task in events:
        one.now = when
        one.prints(task, piece)
        left[task] -= 1
        if not left[task]:
            one.ends(task)
        if dice.random() < 0.5:
            shown += one.shown()
    shown += one.shown()
    assert {tuple(sorted(engines)) for engines, _ in shown} == {tuple(range(len(begins)))}
    assert "".join(str(content) for _, content in shown) == piece * pieces


def test_a_single_task_waits_for_nobody() -> None:
    one = Story(1)
    one.prints(0, "a\n")
    assert one.shown() == [((0,), "a\n")]
    one.prints(0, "b\n")
    assert one.shown() == [((0,), "b\n")]


def test_the_odd_one_stands_apart() -> None:
    one = Story(4)
    for task in range(4):
        one.prints(task, "odd\n" if task == 2 else "even\n")
    assert one.shown() == [((0, 1, 3), "even\n"), ((2,), "odd\n")]


def test_what_begins_alike_is_shown_together_as_far_as_it_goes() -> None:
    one = Story(2)
    one.prints(0, "a\nb\nc\n")
    one.prints(1, "a\nb\nd\n")
    assert one.shown() == [((0, 1), "a\nb\n"), ((0,), "c\n"), ((1,), "d\n")]


def test_one_that_lags_behind_still_prints_with_the_others() -> None:
    one = Story(2)
    one.prints(0, "a\nb\n")
    one.now = 0.1
    one.prints(1, "a\n")
    assert one.shown() == [((0, 1), "a\n")]
    one.now = HOLD + 0.05
    assert one.shown() == []
    one.prints(1, "b\n")
    assert one.shown() == [((0, 1), "b\n")]


def test_nobody_waits_for_tasks_that_have_ended_or_print_something_else() -> None:
    one = Story(3)
    one.prints(0, "a\n")
    one.ends(1)
    assert one.shown() == []
    one.prints(2, "b\n")
    assert one.shown() == [((0,), "a\n"), ((2,), "b\n")]


def test_once_all_have_ended_equal_outputs_are_shown_whole() -> None:
    one = Story(3)
    one.prints(0, "a\nb\n")
    one.prints(1, "a\nc\n")
    one.prints(2, "a\nb\n")
    one.ends(0, 1, 2)
    assert one.shown() == [((0, 2), "a\nb\n"), ((1,), "a\nc\n")]


def test_a_line_without_an_end_waits_for_it_or_for_the_end_of_the_task() -> None:
    one = Story(2)
    one.prints(0, "10%")
    one.prints(0, "\r20%")
    one.now = 10.0
    assert (one.shown(), one.folding.due, one.folding.unfinished) == ([], None, (0, "20%"))
    one.prints(0, "\r99%\n")
    one.prints(1, "begun")
    one.ends(0, 1)
    assert one.shown() == [((0,), "99%\n"), ((1,), "begun\n")]
    assert one.folding.unfinished is None


def test_displays_keep_their_place_and_are_shown_once_if_they_are_alike() -> None:
    one = Story(2)
    for task in range(2):
        one.prints(task, "before")
        one.shows(task, f"figure of {task}")
        one.prints(task, "after\n")
    assert one.shown() == [((0, 1), "before\n"), ((0, 1), "figure of 0"), ((0, 1), "after\n")]


def test_a_display_with_a_life_of_its_own_is_like_no_other() -> None:
    one = Story(2)
    one.shows(0, "a", None)
    one.shows(1, "b", None)
    assert one.shown() == [((0,), "a"), ((1,), "b")]


def test_without_folding_everything_is_shown_at_once() -> None:
    one = Story(2, fold=False)
    one.prints(0, "a\n")
    assert one.shown() == [((0,), "a\n")]
    one.prints(1, "a\n")
    assert one.shown() == [((1,), "a\n")]


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["a\n", "b\n", "a\nb\n", "c", "\rd", "show", "end", "wait"])),
    max_size=40,
)


class Diary:
    """A story, what its tasks wrote, and what was shown of it."""

    def __init__(self, *, fold: bool) -> None:
        self.story = Story(4, fold=fold)
        self.ended: set[int] = set()
        self.wrote: dict[int, str] = defaultdict(str)
        self.shown: dict[int, str] = defaultdict(str)

    def go_on(self, task: int, step: str) -> None:
        if step == "wait":
            self.story.now += 0.05
        elif step == "end":
            self.story.ends(task)
            self.ended.add(task)
        elif task not in self.ended:
            self._write(task, step)
        self.take()

    def take(self) -> None:
        for engines, content in self.story.shown():
            for engine in engines:
                self.shown[engine] += str(content)

    def _write(self, task: int, step: str) -> None:
        if step == "show":
            self.story.shows(task, "<>")
            ends = self.wrote[task].endswith(("c", "d"))
            self.wrote[task] += "\n<>" if ends else "<>"
        else:
            self.story.prints(task, step)
            self.wrote[task] += step


@given(STEPS, st.booleans())
def test_nothing_is_lost_or_reordered_and_nothing_waits_longer(steps: list[tuple[int, str]], fold: bool) -> None:
    diary = Diary(fold=fold)
    one = diary.story
    for task, step in steps:
        diary.go_on(task, step)
        assert one.folding.due is None or one.now < one.folding.due <= one.now + ENDED
    one.ends(*range(4))
    diary.take()
    assert one.folding.due is None
    for task in range(4):
        assert diary.shown[task] == _as_terminal(diary.wrote[task])


def _as_terminal(text: str) -> str:
    """Return what is left of lines that were written over, each with its end."""
    lines = []
    for line in text.replace("<>", "<>\x00").replace("\x00", "\n\x00").split("\n"):
        state = ""
        for part in line.removeprefix("\x00").split("\r"):
            state = part + state[len(part) :]
        lines.append(state)
    joined = "".join(f"{line}\n" for line in lines)
    joined = joined.removesuffix("\n") if text.endswith(("\n", "<>")) or not text else joined
    return joined.replace("<>\n", "<>")
