"""What is submitted to Grid Engine, LSF and HTCondor, as text."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.cluster.launchers.jobs.script import script_of
from engineroom.cluster.launchers.launcher import CONTROLLER, ENGINE, Command
from engineroom.cluster.launchers.systems.registry import system_of
from engineroom.settings.launchers import LAUNCHERS, BatchSystemLauncher

_PLACES: dict[str, Any] = {"work_dir": "/home/me/my work", "profile_dir": "/p", "environment": {"A": "1", "B": "x 'y'"}}
ENGINES = Command(
    role=ENGINE, name="e", argv=["/usr/bin/python", "-m", "x", "--a=b c"], n=3, log_file="/p/log/e-1.log", **_PLACES
)
THE_CONTROLLER = Command(
    role=CONTROLLER, name="c", argv=["/opt/ipcontroller", "--ip=*"], log_file="/p/log/c.log", **_PLACES
)
ALL = {"queue": "q", "account": "a", "timelimit": 90, "output_file": "/o"}

SGE_ENGINES = """\
#!/bin/sh
#$ -N ipengine
#$ -S /bin/sh
#$ -V
#$ -j y
#$ -o /p/log/e-1.log.$TASK_ID
#$ -t 1-3
export A=1
export B='x '"'"'y'"'"''
cd '/home/me/my work'
exec /usr/bin/python -m x '--a=b c'
"""
SGE_CONTROLLER = """\
#!/bin/sh
#$ -N ipcontroller
#$ -S /bin/sh
#$ -V
#$ -j y
#$ -o /o
#$ -q q
#$ -P a
#$ -l h_rt=1:30:00
#$ -l mem_free=4G
export A=1
export B='x '"'"'y'"'"''
cd '/home/me/my work'
exec /opt/ipcontroller '--ip=*'
"""
LSF_ENGINES = """\
#!/bin/sh
#BSUB -o /p/log/e-1.log.%I
#BSUB -J ipengine[1-3]
export A=1
export B='x '"'"'y'"'"''
cd '/home/me/my work'
exec /usr/bin/python -m x '--a=b c'
"""
LSF_CONTROLLER = """\
#!/bin/sh
#BSUB -o /o
#BSUB -q q
#BSUB -P a
#BSUB -W 1:30
#BSUB -M 4GB
#BSUB -J ipcontroller
export A=1
export B='x '"'"'y'"'"''
cd '/home/me/my work'
exec /opt/ipcontroller '--ip=*'
"""
HTCONDOR_ENGINES = """\
getenv = False
environment = "A=1 'B=x ''y'''"
initialdir = /home/me/my work
output = /p/log/e-1.log.$(Process).out
error = /p/log/e-1.log.$(Process)
log = /p/log/e-1.log.$(Process).events
universe = vanilla
executable = /usr/bin/python
arguments = "-m x '--a=b c'"
transfer_executable = False
queue 3
"""
HTCONDOR_CONTROLLER = """\
getenv = False
environment = "A=1 'B=x ''y'''"
initialdir = /home/me/my work
output = /o.out
error = /o
log = /o.events
accounting_group = a
periodic_remove = JobStatus == 2 && time() - EnteredCurrentStatus > 5400
request_memory = 4GB
universe = vanilla
executable = /opt/ipcontroller
arguments = "--ip=*"
transfer_executable = False
queue 1
"""


def script(name: str, command: Command, n: int = 1, **options: Any) -> str:
    """Return the script of a job with `n` processes of `command`."""
    controllers, engines = LAUNCHERS[name]
    made = (controllers if command.role == CONTROLLER else engines)(**options)
    assert isinstance(made, BatchSystemLauncher)
    return script_of(system_of(made), made, command, n=n)


@pytest.mark.parametrize(("name", "text"), [("SGE", SGE_ENGINES), ("LSF", LSF_ENGINES), ("HTCondor", HTCONDOR_ENGINES)])
def test_three_engines_in_one_job(name: str, text: str) -> None:
    assert script(name, ENGINES, 3) == text


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("SGE", "-l mem_free=4G", SGE_CONTROLLER),
        ("LSF", "-M 4GB", LSF_CONTROLLER),
        ("HTCondor", "request_memory = 4GB", HTCONDOR_CONTROLLER),
    ],
)
def test_a_controller_with_all_options(name: str, options: str, text: str) -> None:
    assert script(name, THE_CONTROLLER, options=options, **ALL) == text


@pytest.mark.parametrize(
    ("name", "there", "not_there"),
    [
        ("SGE", "#$ -o /p/log/e-1.log\n", "#$ -t"),
        ("LSF", "#BSUB -o /p/log/e-1.log\n#BSUB -J ipengine\n", "[1-"),
        ("HTCondor", "queue 1\n", "$(Process)"),
    ],
)
def test_an_engine_that_is_a_job_of_its_own(name: str, there: str, not_there: str) -> None:
    text = script(name, ENGINES, 1)
    assert there in text
    assert not_there not in text


SGE_TEMPLATE = """\
#$ -V
#$ -S /bin/sh
#$ -pe mpi {n}
#$ -q {queue}
mpiexec -n {n} ipengine --profile-dir={profile_dir}
"""
SGE_OWN = """\
#!/bin/sh
#$ -V
#$ -S /bin/sh
#$ -pe mpi 3
#$ -q q
export A=1
export B='x '"'"'y'"'"''
mpiexec -n 3 ipengine --profile-dir=/p
"""
LSF_TEMPLATE = """\
#!/bin/bash
#BSUB -J mine[1-{n}]
#BSUB -q {queue}
{program_and_args}
"""
LSF_OWN = """\
#!/bin/bash
#BSUB -J mine[1-3]
#BSUB -q q
export A=1
export B='x '"'"'y'"'"''
/usr/bin/python -m x '--a=b c'
"""
HTCONDOR_TEMPLATE = """\
universe = vanilla
executable = ipengine
arguments = "--profile-dir={profile_dir}"
queue {n}
"""
HTCONDOR_OWN = """\
getenv = False
environment = "A=1 'B=x ''y'''"
universe = vanilla
executable = ipengine
arguments = "--profile-dir=/p"
queue 3
"""


@pytest.mark.parametrize(
    ("name", "template", "text"),
    [("SGE", SGE_TEMPLATE, SGE_OWN), ("LSF", LSF_TEMPLATE, LSF_OWN), ("HTCondor", HTCONDOR_TEMPLATE, HTCONDOR_OWN)],
)
def test_a_template_of_the_users_own(name: str, template: str, text: str) -> None:
    assert script(name, ENGINES, 3, batch_template=template, queue="q") == text
