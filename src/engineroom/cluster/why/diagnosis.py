"""Why a cluster does not run, or lacks engines: from the steps of its start and the facts of now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from engineroom.cluster.records.pid_records import Holder
from engineroom.cluster.why.facts import Facts, Seen
from engineroom.trail.first_failure import Failure, clock, failures, wait_in_words, waiting
from engineroom.trail.fixes import NOT_RECORDED, fix_for
from engineroom.trail.steps import CONTROLLER, ENDED, HOST, REGISTERED, SPAWNER, SUBMITTED, Step, is_one_engine

_TRAIL = 40
"""Steps that are shown; of more, those of single engines to which nothing happened are left out."""

_TELLING = 20
"""Characters from which on a text that is in another one makes that say the same."""

_BY_HAND = ("engine pid ", "an engine ")
"""Who failed where nobody but its own terminal looks after it."""


class Answer(msgspec.Struct, kw_only=True, frozen=True):
    """`well`: nothing is wrong; `words`: the answer in a line; `fix`: what to do, "" if nothing; `also`: what else is
    wrong; `trail`: the steps of the last start."""

    well: bool
    words: str
    fix: str = ""
    also: list[str] = []
    trail: list[Step] = []


def explain(steps: Sequence[Step], facts: Facts) -> Answer:
    """Return the answer to "why": the first step that failed, or what is seen to be wrong, or that all is well."""
    found = failures(steps)
    if _made_good(steps, facts, found):
        words = "; ".join([_all_well(steps, facts), *(f"before that, {_ended(failure, facts)}" for failure in found)])
        return Answer(well=True, words=words, trail=list(steps))
    first, fix = _first(steps, facts, found)
    # What ended because of it repeats its words.
    told = found[0].words if found and str(found[0]) == first else first
    also = [_with_fix(failure) for failure in found if failure.words not in first and told not in failure.words]
    if first:
        return Answer(well=False, words=first, fix=fix, also=also, trail=list(steps))
    return Answer(well=True, words=_all_well(steps, facts), trail=list(steps))


def _first(steps: Sequence[Step], facts: Facts, found: list[Failure]) -> tuple[str, str]:
    """Return what is wrong and what to do; "" if nothing is."""
    if facts.profile_problem:
        return facts.profile_problem, fix_for(facts.profile_problem)
    if _somebody_is_silent(facts):
        return _silent(facts)
    runs = facts.host if facts.host.may_run else facts.controller
    if found and not (_told_by_hand(steps, found) and not runs.may_run):
        return _failed(steps, facts, found[0])
    host_is_gone = facts.host.holder is Holder.ENDED and facts.engines is None
    if not runs.may_run or host_is_gone:
        return _not_running(steps, facts)
    if facts.file_problem:
        return _no_file(steps, facts, runs)
    if facts.contact_problem:
        return _no_answer(facts, runs)
    if facts.startup_problems:
        engine, problem = next(iter(facts.startup_problems.items()))
        return f"engine {engine}: {problem}", fix_for(problem)
    return _too_few(steps, facts) if not facts.bounds else _bound(facts)


def _bound(facts: Facts) -> tuple[str, str]:
    """Return which limits hold somebody back, or what else is in the way of some: everybody else goes on."""
    words = "; ".join(facts.bounds)
    if words.startswith(NOT_RECORDED):
        return words, fix_for(words)
    return words, "fetch the results, or set a higher limit in the profile"


def _failed(steps: Sequence[Step], facts: Facts, failure: Failure) -> tuple[str, str]:
    if failure.step != ENDED or facts.engines is None:
        return str(failure), failure.fix
    # The cluster goes on without those that have ended, perhaps for long.
    there, wanted = len(facts.engines), wanted_engines(steps)
    if there >= wanted:
        return f"{_ended(failure, facts)}; {there} engines run", failure.fix
    more = f"`{_command(f'ipcluster engines -n {wanted - there}', facts)}` starts replacements"
    return f"{_ended(failure, facts)}; {there} of {wanted} engines run", f"{failure.fix}; {more}".removeprefix("; ")


def _told_by_hand(steps: Sequence[Step], found: Sequence[Failure]) -> bool:
    """Whether all that failed are engines that were started by hand, and their controller was stopped after that."""
    ends = [step.at for step in steps if step.who == CONTROLLER and step.step == ENDED and step.ok]
    if not ends or any(step.who == HOST for step in steps):
        return False
    return all(failure.at < ends[-1] and failure.who[0].startswith(_BY_HAND) for failure in found)


def _ended(failure: Failure, facts: Facts) -> str:
    return f"{failure} (at {clock(failure.at)}, {_duration(facts.now - failure.at)} ago)"


def _made_good(steps: Sequence[Step], facts: Facts, found: Sequence[Failure]) -> bool:
    """Whether all that failed are engines that ended, and somebody has started others since."""
    if not found or facts.engines is None or facts.profile_problem or facts.controller_stopped:
        return False
    if any(failure.step != ENDED for failure in found) or facts.startup_problems or waiting(steps):
        return False
    if _somebody_is_silent(facts):
        return False
    last = max(step.at for step in steps if step.step == ENDED and not step.ok)
    return any(step.step == SUBMITTED and step.ok and step.at > last for step in steps)


def _not_running(steps: Sequence[Step], facts: Facts) -> tuple[str, str]:
    start = f"start it with `{_command('ipcluster start', facts)}`"
    if not steps:
        others = f". {facts.others}" if facts.others else ""
        return f"no such cluster has been started in {facts.profile_dir}{others}", start
    end = next((step for step in reversed(steps) if step.who in (HOST, CONTROLLER) and step.step == ENDED), None)
    if end is not None:
        return f"the cluster was stopped at {clock(end.at)}: {end.words}", start
    if not any(step.who in (HOST, CONTROLLER) for step in steps):
        last = steps[-1]
        return (
            f"only engines were started here; the last step, at {clock(last.at)}: {last.who}: {last.step}",
            "run `ipcluster why` there, on the machine of their controller",
        )
    pid = facts.host.pid or facts.controller.pid
    process = f"the cluster's process{f' {pid}' if pid else ''}"
    return (
        f"{process} ended without a message: it was killed, or the machine went down{_said(facts)}",
        f"find out why (out of memory? a limit of the login node?), then {start}",
    )


def _no_file(steps: Sequence[Step], facts: Facts, runs: Seen) -> tuple[str, str]:
    for step in waiting(steps):
        if "controller" in step.who:
            return wait_in_words(step), step.fix or "wait: nothing has failed"
    if "protocol" in facts.file_problem:
        return facts.file_problem, fix_for(facts.file_problem)
    age = facts.now - runs.since
    return (
        f"the controller does not listen yet ({_duration(age)} after the start): {facts.file_problem}",
        f"wait a moment; if nothing changes, see `{_command('ipcluster logs', facts)}`",
    )


def _no_answer(facts: Facts, runs: Seen) -> tuple[str, str]:
    words = f"the controller does not answer: {facts.contact_problem}"
    if runs.holder is Holder.ELSEWHERE:
        return words, fix_for(facts.contact_problem) or f"look at it on {runs.machine}, where it runs"
    if "nothing for" in facts.contact_problem or "no answer in" in facts.contact_problem:
        pid = facts.controller.pid or runs.pid
        return words, f"see what process {pid} does (is it stopped?): `ps -o pid,stat,wchan,cmd {pid}`"
    return words, fix_for(facts.contact_problem)


def _somebody_is_silent(facts: Facts) -> bool:
    return bool(facts.controller_stopped or facts.stopped or facts.host_stopped or facts.silent or facts.silent_hosts)


def _silent(facts: Facts) -> tuple[str, str]:
    if facts.controller_stopped:
        pid = facts.controller.pid
        return f"the controller (process {pid}) is stopped, by SIGSTOP or Ctrl-Z", f"kill -CONT {pid}"
    if facts.stopped:
        engines, pids = ", ".join(map(str, facts.stopped)), " ".join(map(str, facts.stopped.values()))
        one = len(facts.stopped) == 1
        which = f"engine {engines} (process {pids}) is" if one else f"engines {engines} (processes {pids}) are"
        return f"{which} stopped, by SIGSTOP or Ctrl-Z", f"kill -CONT {pids}"
    if facts.host_stopped:
        pid = facts.host.pid
        words = f"the ipcluster process {pid} is stopped, by SIGSTOP or Ctrl-Z: engines are not restarted or signalled"
        return words, f"kill -CONT {pid}"
    if facts.silent:
        words, _, fix = facts.silent.partition(". ")
        return words, fix
    return "; ".join(facts.silent_hosts), "see what that process does (is it stopped?): `ps -o pid,stat,wchan,cmd PID`"


def _too_few(steps: Sequence[Step], facts: Facts) -> tuple[str, str]:
    wanted, there = wanted_engines(steps), len(facts.engines or ())
    queued = waiting(steps)
    if there >= wanted or not queued:
        return "", ""
    each = "; ".join(map(wait_in_words, queued))
    since = _duration(facts.now - min(step.at for step in queued))
    said = f". The last line of {facts.engine_words}" if facts.engine_words else ""
    fix = next((step.fix for step in queued if step.fix), "wait: nothing has failed")
    return f"{there} of {wanted} engines are there; {each}, for {since}{said}", fix


def wanted_engines(steps: Sequence[Step]) -> int:
    """Return how many engines the sets that were started are to have."""
    sets: dict[str, int] = {}
    for step in steps:
        if step.step == SUBMITTED and step.n:
            sets[step.who] = step.n
        elif step.step == ENDED and step.ok:
            sets.pop(step.who, None)
    return sum(sets.values())


def _all_well(steps: Sequence[Step], facts: Facts) -> str:
    n = len(facts.engines or ())
    registered = [step.at for step in steps if step.step == REGISTERED]
    since = max(registered, default=facts.host.since or facts.controller.since)
    well = f"all is well: {n} engine{'' if n == 1 else 's'}, since {clock(since)} ({_duration(facts.now - since)} ago)"
    return "; ".join([well, *_restarted(steps)])


def _restarted(steps: Sequence[Step]) -> Iterator[str]:
    """Yield what has died of what the cluster can't do without, and was started again."""
    for who in (CONTROLLER, SPAWNER):
        ends = [step for step in steps if step.who == who and step.step == ENDED and not step.ok]
        if ends:
            times = "once" if len(ends) == 1 else f"{len(ends)} times"
            yield f"the {who} was restarted {times}, last at {clock(ends[-1].at)}: {ends[-1].words}"


def lines(answer: Answer) -> list[str]:
    """Return the answer as text: the answer, what to do, what else is wrong, and the steps with their times."""
    found = [answer.words]
    if answer.fix:
        found.append(f"fix: {answer.fix}")
    if answer.also:
        found += ["also:", *(f"  {words}" for words in answer.also)]
    said = [answer.words, *answer.also]
    if answer.trail and not answer.well:
        found += ["steps:", *(f"  {line}" for line in _step_lines(_shortened(answer.trail), said))]
    return found


def _step_lines(trail: Iterable[Step], said: Sequence[str]) -> Iterator[str]:
    """Yield the steps as lines; what `said` has, or a line above, is not said again."""
    told = list(said)
    for step in trail:
        state = step.step if step.ok else f"{step.step} FAILED"
        again = not step.ok and any(_same(step.words, words) for words in told)
        words = ": as above" if again else f": {_first_line(step.words)}" if step.words else ""
        yield f"{clock(step.at)}  {step.who}: {state}{words}"
        if not step.ok:
            told.append(step.words)


def _same(one: str, other: str) -> bool:
    """Whether one of two texts holds the other; of short ones that says nothing."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) >= _TELLING and shorter in longer


def _first_line(words: str) -> str:
    first, _, more = words.partition("\n")
    return f"{first} ..." if more else first


def _shortened(trail: list[Step]) -> list[Step]:
    if len(trail) <= _TRAIL:
        return trail
    bad = {step.who for step in trail if not step.ok}
    kept = [step for step in trail if step.who in bad or not is_one_engine(step.who)]
    return kept[: _TRAIL // 2] + kept[-_TRAIL // 2 :] if len(kept) > _TRAIL else kept


def _with_fix(failure: Failure) -> str:
    return f"{failure}{f' (fix: {failure.fix})' if failure.fix else ''}"


def _said(facts: Facts) -> str:
    return f". The last line of its log: {facts.last_words}" if facts.last_words else ""


def _command(command: str, facts: Facts) -> str:
    return f"{command} {facts.options}".rstrip()


def _duration(seconds: float) -> str:
    seconds = max(0, round(seconds))
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
