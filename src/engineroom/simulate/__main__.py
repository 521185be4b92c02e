"""`python -m engineroom.simulate`: 1,000 pretend engines and 100,000 tasks, compared with 10 engines."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engineroom.core.policies import POLICIES
from engineroom.simulate.report import microseconds, report
from engineroom.simulate.simulation import Plan, Simulation

_FEW = 10
_WORST_RATIO = 2.0


def parse(arguments: list[str]) -> Plan:
    """Return the plan that the command line describes."""
    plan = Plan()
    parser = argparse.ArgumentParser(prog="python -m engineroom.simulate", description=__doc__)
    parser.add_argument("--engines", type=int, default=plan.engines)
    parser.add_argument("--tasks", type=int, default=plan.tasks)
    parser.add_argument("--clients", type=int, default=plan.clients)
    parser.add_argument("--seconds", type=float, default=plan.seconds, help="run time of a task on average")
    parser.add_argument(
        "--spread", type=float, default=plan.spread, help="sigma of the lognormal run times; 0: all equal"
    )
    parser.add_argument("--latency", type=float, default=plan.latency, help="seconds that a message takes")
    parser.add_argument("--losses", type=int, default=plan.losses, help="engines that die, at random times")
    parser.add_argument("--cuts", type=int, default=plan.cuts, help="how often the connection of an engine is cut")
    parser.add_argument("--stops", type=int, default=plan.stops, help="how often an engine stops for a while")
    parser.add_argument("--pause", type=float, default=plan.pause, help="for how long")
    parser.add_argument("--hosts", type=int, default=plan.hosts, help="hosts that have started the engines")
    parser.add_argument("--host-losses", type=int, default=plan.host_losses, help="hosts that are killed")
    parser.add_argument("--host-cuts", type=int, default=plan.host_cuts, help="how often a host is cut off")
    parser.add_argument(
        "--launched", action="store_true", help="engines run in batch jobs, which outlive their hosts for a lease"
    )
    parser.add_argument("--client-cuts", type=int, default=plan.client_cuts, help="how often a client is cut off")
    parser.add_argument("--large", type=float, default=plan.large, help="share of tasks with large arguments, 0 to 1")
    parser.add_argument("--large-bytes", type=int, default=plan.large_bytes, help="bytes of large arguments")
    parser.add_argument("--lies", type=int, default=plan.lies, help="how often a peer says what is not so")
    parser.add_argument(
        "--unresponsive-timeout", type=float, default=plan.unresponsive_timeout, help="0: stopped engines are kept"
    )
    parser.add_argument("--policy", choices=sorted(POLICIES), default=plan.policy)
    parser.add_argument("--seed", type=int, default=plan.seed)
    return msgspec.convert(vars(parser.parse_args(arguments)), Plan)


def main(arguments: list[str]) -> int:
    """Run the plan, and the same with 10 engines; 1 if a decision costs more than twice as much."""
    plan = parse(arguments)
    few = Simulation(msgspec.structs.replace(plan, engines=_FEW, losses=min(plan.losses, _FEW - 1)))
    many = Simulation(plan)
    for simulation in (few, many):
        simulation.start()
    going = [few, many]
    while going:  # in turn, so that both meet the same noise of the machine
        going = [simulation for simulation in going if simulation.advance()]
    for simulation in (few, many):
        print(report(simulation))
    ratio = microseconds(many) / microseconds(few)
    print(f"a decision among {plan.engines:,} engines costs {ratio:.2f} x one among {_FEW} (at most {_WORST_RATIO:g})")
    return int(ratio > _WORST_RATIO)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
