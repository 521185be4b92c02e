"""The answer to "why" for one cluster: looked up, decided, and put into words or JSON."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from engineroom.cluster.why.diagnosis import Answer, explain, lines
from engineroom.cluster.why.facts import look
from engineroom.settings.profiles import Profile
from engineroom.trail.advice import for_cluster
from engineroom.trail.steps import read_steps


def why(profile: Profile, cluster_id: str) -> Answer:
    """Return why the cluster does not run, or lacks engines; or that all is well."""
    # The facts first: what is noted meanwhile is newer than they are, and must not be older.
    facts = look(profile, cluster_id)
    answer = explain(tuple(read_steps(profile.steps_file(cluster_id))), facts)
    return msgspec.structs.replace(
        answer,
        words=for_cluster(answer.words, facts.options),
        fix=for_cluster(answer.fix, facts.options),
        also=[for_cluster(words, facts.options) for words in answer.also],
    )


def as_text(answer: Answer) -> str:
    return "\n".join(lines(answer))


def as_json(answer: Answer) -> str:
    values: Any = msgspec.to_builtins(answer)
    return json.dumps(values, indent=2)
