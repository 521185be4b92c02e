"""What is answered to "why", from steps and facts."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.cluster.records.pid_records import Holder
from engineroom.cluster.why.diagnosis import explain, lines, wanted_engines
from engineroom.cluster.why.facts import Facts, Seen
from engineroom.trail import steps
from engineroom.trail.steps import Step

RUNS = Seen(Holder.RUNNING, pid=77, machine="here", since=100.0)
GONE = Seen(Holder.ENDED, pid=77, machine="here", since=100.0)

STARTED = (
    Step(at=100, who="host", step=steps.PROFILE),
    Step(at=101, who="controller", step=steps.LISTENS, words="port 4000"),
    Step(at=102, who="engine set 1", step=steps.SUBMITTED, words="4 on this machine", n=4),
)
READY = (*STARTED, Step(at=103, who="engine set 1", step=steps.REGISTERED, words="all 4"))


def facts(**known: Any) -> Facts:
    return Facts(**{"now": 120.0, "host": RUNS, "controller": RUNS, "profile_dir": "/p", **known})


def test_all_is_well_in_one_line() -> None:
    answer = explain(READY, facts(engines=[0, 1, 2, 3]))
    assert answer.well
    (only,) = lines(answer)
    assert only.startswith("all is well: 4 engines, since ")
    assert only.endswith("(17 s ago)")


def test_the_answer_comes_first_then_the_fix_then_the_steps() -> None:
    failed = Step(at=104, who="engine set 1", step=steps.REACHED, ok=False, words="no such host", fix="correct it")
    said = lines(explain((*STARTED, failed), facts(engines=[])))
    assert said[:3] == ["engine set 1: no such host", "fix: correct it", "steps:"]
    assert "engine set 1: reached FAILED: no such host" in said[-1]


def test_a_long_message_is_said_once() -> None:
    long = f"node9: there is no machine of that name (ssh: {'could not resolve it, ' * 20}at all)"
    trail = (
        Step(at=101, who="host", step=steps.PROFILE, words="/home/me/.ipython/profile_default"),
        Step(at=102, who="engines on node9", step=steps.REACHED, ok=False, words=long),
        Step(at=103, who="engines on node9", step=steps.SUBMITTED),
        Step(at=104, who="engines on node9", step=steps.REACHED, ok=False, words=long),
        Step(
            at=105, who="host", step=steps.ENDED, ok=False, words=f"2 engines did not start on {long}. Check its name"
        ),
    )
    text = "\n".join(lines(explain(trail, facts(host=Seen(), controller=Seen()))))
    assert text.count("there is no machine of that name") == 1
    assert text.startswith("engines on node9: there is no machine")
    assert text.count("FAILED: as above") == 3


def test_a_failure_that_names_the_profile_is_not_said_by_the_profile() -> None:
    directory = "/home/me/.ipython/profile_default"
    trail = (
        Step(at=101, who="host", step=steps.PROFILE, words=directory),
        Step(at=102, who="controller", step=steps.LISTENS, ok=False, words="Address already in use"),
        Step(at=103, who="host", step=steps.ENDED, ok=False, words=f"{directory}/log is full"),
    )
    text = "\n".join(lines(explain(trail, facts(host=Seen(), controller=Seen()))))
    assert (
        f"host: ended FAILED: {directory}/log is full" in text or f"{directory}/log is full" in text.split("steps:")[0]
    )


def test_a_full_disk_comes_before_all_that_follows_from_it() -> None:
    failed = Step(at=104, who="controller", step=steps.LISTENS, ok=False, words="it said nothing")
    answer = explain((*STARTED, failed), facts(profile_problem="/p/log can't be written to: No space left on device"))
    assert answer.words.startswith("/p/log can't be written to")
    assert "make room" in answer.fix
    assert answer.also == ["controller: it said nothing"]


@pytest.mark.parametrize(
    ("known", "words", "fix"),
    [
        ({"host": GONE, "controller": Seen()}, "process 77 ended without a message", "start it with `ipcluster start`"),
        ({"file_problem": "there is no connection file"}, "does not listen yet (20 s after", "ipcluster logs"),
        ({"contact_problem": "1.2.3.4:5: Connection refused"}, "does not answer: 1.2.3.4:5", "controller runs"),
        ({"contact_problem": "it said nothing for 2 s"}, "does not answer", "process 77"),
        ({"file_problem": "speaks protocol 9.0"}, "speaks protocol 9.0", "same version"),
        ({"engines": [0], "startup_problems": {0: "startup_command: NameError: x"}}, "engine 0: startup", "start-up"),
    ],
)
def test_what_is_seen_now_is_said_where_no_step_failed(known: dict[str, Any], words: str, fix: str) -> None:
    answer = explain(STARTED, facts(**known))
    assert not answer.well
    assert words in answer.words
    assert fix in answer.fix


DIED = Step(at=110, who="engine 0", step=steps.ENDED, ok=False, words="killed by SIGKILL")


def test_an_engine_that_died_is_told_with_when_and_how_many_are_left() -> None:
    answer = explain((*READY, DIED), facts(engines=[1, 2, 3]))
    assert not answer.well
    assert answer.words.startswith("engine 0: killed by SIGKILL (at ")
    assert answer.words.endswith(", 10 s ago); 3 of 4 engines run")
    assert answer.fix.endswith("; `ipcluster engines -n 1` starts replacements")


def test_once_others_have_been_started_all_is_well_again() -> None:
    more = (
        Step(at=112, who="engine set 2", step=steps.SUBMITTED, words="1 on this machine", n=1),
        Step(at=113, who="engine set 2", step=steps.REGISTERED, words="all 1"),
    )
    answer = explain((*READY, DIED, *more), facts(engines=[1, 2, 3, 4]))
    assert answer.well
    assert answer.words.startswith("all is well: 4 engines, since ")
    assert "; before that, engine 0: killed by SIGKILL (at " in answer.words
    assert not explain((*READY, DIED, more[0]), facts(engines=[1, 2, 3])).well


def test_engines_by_hand_that_failed_are_of_the_past_once_their_controller_was_stopped() -> None:
    listens = Step(at=101, who="controller", step=steps.LISTENS)
    failed = Step(at=104, who="engine pid 9 on n", step=steps.HANDSHAKE, ok=False, words="wrong key")
    ended = Step(at=110, who="controller", step=steps.ENDED, words="received SIGINT")
    gone = facts(host=Seen(), controller=Seen())
    assert explain((listens, failed), facts(host=Seen(), engines=[0])).words == "engine pid 9 on n: wrong key"
    answer = explain((listens, failed, ended), gone)
    assert answer.words.endswith(": received SIGINT")
    assert answer.also[0].startswith("engine pid 9 on n: wrong key")
    assert explain((*STARTED, failed, ended), gone).words == "engine pid 9 on n: wrong key"


def test_a_controller_that_is_stopped_is_told_before_what_follows_from_it() -> None:
    failed = Step(at=104, who="engine pid 9 on n", step=steps.ADDRESS, ok=False, words="said nothing for 10 s")
    answer = explain((*STARTED, failed), facts(controller_stopped=True))
    assert answer.words == "the controller (process 77) is stopped, by SIGSTOP or Ctrl-Z"
    assert answer.fix == "kill -CONT 77"
    assert answer.also == ["engine pid 9 on n: said nothing for 10 s"]


def test_engines_that_are_stopped_are_told_of_with_how_to_continue_them() -> None:
    answer = explain(STARTED, facts(engines=[0, 1, 2], stopped={1: 71, 2: 72}, silent="engines 1, 2 have not answered"))
    assert answer.words == "engines 1, 2 (processes 71 72) are stopped, by SIGSTOP or Ctrl-Z"
    assert answer.fix == "kill -CONT 71 72"
    assert explain(STARTED, facts(engines=[0], stopped={0: 70})).words.startswith("engine 0 (process 70) is stopped")


def test_engines_that_do_not_answer_are_told_of_with_what_to_do() -> None:
    silent = "engine 1 has not answered for 12 s (busy?): calls wait for it. If it is stopped, continue it"
    answer = explain(STARTED, facts(engines=[0, 1], silent=silent))
    assert not answer.well
    assert answer.words == "engine 1 has not answered for 12 s (busy?): calls wait for it"
    assert answer.fix == "If it is stopped, continue it"


def test_a_host_that_is_stopped_or_does_not_answer_is_told_of() -> None:
    words = "the ipcluster process 70 that started engines 0, 1 has not answered for 12 s: engines run on"
    stopped = explain(STARTED, facts(engines=[0, 1], silent_hosts=[words], host_stopped=True))
    assert stopped.words.startswith("the ipcluster process")
    assert "is stopped, by SIGSTOP or Ctrl-Z" in stopped.words
    assert stopped.fix.startswith("kill -CONT ")
    silent = explain(STARTED, facts(engines=[0, 1], silent_hosts=[words]))
    assert not silent.well
    assert silent.words == words
    assert "is it stopped?" in silent.fix


def test_engines_that_wait_in_a_queue_are_waited_for() -> None:
    queued = Step(at=105, who="engine set 1", step=steps.QUEUED, words="Slurm: Resources")
    answer = explain((*STARTED, queued), facts(engines=[]))
    assert answer.words == "0 of 4 engines are there; engine set 1: queued (Slurm: Resources), for 15 s"
    assert "nothing has failed" in answer.fix


def test_engines_that_have_not_registered_yet_are_heard_by_their_log() -> None:
    answer = explain(STARTED, facts(engines=[0], engine_words="ipengine-1.log: waiting for the controller"))
    assert answer.words.startswith("1 of 4 engines are there; engine set 1: submitted (4 on this machine), for 18 s. ")
    assert answer.words.endswith("The last line of ipengine-1.log: waiting for the controller")


def test_a_cluster_that_was_stopped_says_when_and_by_what() -> None:
    stopped = Step(at=110, who="host", step=steps.ENDED, words="ipcluster stop")
    answer = explain((*READY, stopped), facts(host=Seen(), controller=Seen()))
    assert "was stopped at" in answer.words
    assert answer.words.endswith("ipcluster stop")


def test_a_cluster_that_never_was_names_the_others() -> None:
    answer = explain((), facts(host=Seen(), controller=Seen(), others="This cluster is running: a1"))
    assert answer.words == "no such cluster has been started in /p. This cluster is running: a1"
    assert answer.fix == "start it with `ipcluster start`"


def test_where_there_are_only_engines_the_controller_has_not_been_killed() -> None:
    registered = Step(at=100, who="engine pid 7 on node1", step=steps.REGISTERED)
    answer = explain((registered,), facts(host=Seen(), controller=Seen(), file_problem="there is no file"))
    assert answer.words.startswith("only engines were started here; ")
    assert answer.words.endswith("engine pid 7 on node1: registered")
    assert "there" in answer.fix


def test_what_ended_because_of_the_first_failure_is_not_told_twice() -> None:
    first = Step(at=101, who="controller", step=steps.LISTENS, ok=False, words="Address already in use")
    then = Step(at=102, who="host", step=steps.ENDED, ok=False, words="it did not start: Address already in use. Sorry")
    assert explain((first, then), facts(host=GONE)).also == []


def test_of_many_steps_those_of_engines_without_trouble_are_left_out() -> None:
    many = [Step(at=103, who=f"engine pid {pid} on n", step=steps.REGISTERED) for pid in range(100)]
    failed = Step(at=104, who="engine pid 200 on n", step=steps.HANDSHAKE, ok=False, words="wrong key")
    said = lines(explain((*STARTED, *many, failed), facts(engines=[])))
    assert len(said) < 20
    assert "wrong key" in said[-1]


def test_engines_that_were_stopped_are_not_wanted_any_more() -> None:
    more = Step(at=105, who="engine set 2", step=steps.SUBMITTED, n=3)
    assert wanted_engines((*READY, more)) == 7
    assert wanted_engines((*READY, more, Step(at=106, who="engine set 2", step=steps.ENDED))) == 4


def killed(at: float, who: str) -> Step:
    return Step(at=at, who=who, step=steps.ENDED, ok=False, words=f"the {who} (pid 7) ended: killed by SIGKILL")


def test_a_controller_and_a_spawner_that_were_restarted_are_mentioned_where_all_is_well() -> None:
    trail = (
        *READY,
        killed(104, "controller"),
        Step(at=105, who="controller", step=steps.LISTENS, words="port 4000, restarted"),
        killed(106, "spawner"),
        Step(at=107, who="spawner", step=steps.REGISTERED, words="restarted"),
        killed(108, "controller"),
        Step(at=109, who="controller", step=steps.LISTENS, words="port 4000, restarted"),
    )
    answer = explain(trail, facts(engines=[0, 1, 2, 3]))
    assert answer.well
    assert "; the controller was restarted 2 times, last at " in answer.words
    assert "; the spawner was restarted once, last at " in answer.words
    assert answer.words.endswith("the spawner (pid 7) ended: killed by SIGKILL")


def test_a_controller_that_is_being_restarted_is_the_answer() -> None:
    answer = explain((*READY, killed(104, "controller")), facts(controller=GONE))
    assert not answer.well
    assert answer.words == "controller: the controller (pid 7) ended: killed by SIGKILL"
