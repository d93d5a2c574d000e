"""How long `decide` takes and how large its state is: plans side by side, after few windows and after ten thousand.

    python -m bench.decide [--windows 10000] [--rounds 200] [--seed 1]

Prints a table. A ratio is against the first row, measured in turns with it, so that it holds on a busy machine. The
limits are those of the issue: 1 ms with five guards and ten thousand windows behind, 32 KiB of JSON.
"""

import argparse
import json
import random
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter

from canario.canary import Counts, Guard, Observation, Plan, Rollout, Step, Tally, decide, start

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHARE, REQUESTS, RATE = 0.1, 6000, 0.002
LIMIT_MILLISECONDS, LIMIT_BYTES = 1.0, 32 * 1024
EDGES = (50.0, 100.0, 250.0, 400.0, 1000.0)
SLOWER = (0.5, 0.25, 0.1, 0.05, 0.01)  # the part of the requests beyond each edge
FIVE = (
    Guard("errors", "errors"),
    Guard("latency", "latency", edges=EDGES),
    Guard("error-limit", "limit", most=0.05),
    Guard("p99", "limit", edges=(400.0,), most=0.1),
    Guard("faults", "faults"),
)


@dataclass(frozen=True)
class Case:
    name: str
    guards: tuple[Guard, ...]
    pods: int


CASES = (
    Case("errors alone", (), 0),
    Case("five guards", FIVE, 0),
    Case("five guards, 8 pods a node", FIVE, 8),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--windows", type=int, default=10_000, help="windows behind the rollout")
    parser.add_argument("--rounds", type=int, default=200, help="decisions timed, in turns")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    generator = random.Random(given.seed)
    behind = [(case, count) for count in (10, given.windows) for case in CASES]
    ready = [(case, count, *_after(case, count, generator)) for case, count in behind]
    times: list[list[float]] = [[] for _ in ready]
    for _ in range(given.rounds):
        for found, (_, _, rollout, window) in zip(times, ready, strict=True):
            began = perf_counter()
            decide(rollout, window)
            found.append(1000 * (perf_counter() - began))
    return _print(ready, times)


def _after(case: Case, windows: int, generator: random.Random) -> tuple[Rollout, Observation]:
    """A rollout with so many windows behind it, and the next window."""
    plan = Plan(alpha=1e-12, beta=1e-12, deadline_windows=10**6, guards=case.guards, steps=(Step(SHARE, 900_000),))
    rollout = start(plan)
    for number in range(windows):
        rollout, _ = decide(rollout, _window(plan, case, number, generator))
    if rollout.outcome is not None:
        raise RuntimeError(f"{case.name}: ended {rollout.outcome} after {rollout.windows} windows")
    return rollout, _window(plan, case, windows, generator)


def _window(plan: Plan, case: Case, number: int, generator: random.Random) -> Observation:
    share = SHARE if number else 0.0
    served = round(REQUESTS * share)
    canary = _counts(plan, case, served, generator) if served else None
    at = NOON + number * MINUTE
    return Observation(at, at + MINUTE, share, canary, _counts(plan, case, REQUESTS - served, generator))


def _counts(plan: Plan, case: Case, requests: int, generator: random.Random) -> Counts:
    errors = _chance(requests, RATE, generator)
    slower = sorted((_chance(requests, part, generator) for part in SLOWER), reverse=True) if plan.edges else []
    pods = {f"pod-{n}": Tally(requests // case.pods, errors // case.pods) for n in range(case.pods)}
    return Counts(requests, errors, tuple(slower), Tally(requests // 20, errors // 20), None, pods)


def _chance(requests: int, rate: float, generator: random.Random) -> int:
    """About binomial: a normal number, rounded."""
    mean = requests * rate
    return min(requests, max(0, round(generator.gauss(mean, (mean * (1 - rate)) ** 0.5))))


def _print(ready: list[tuple[Case, int, Rollout, Observation]], times: list[list[float]]) -> int:
    print(f"{'plan':<28}{'windows':>9}{'median ms':>11}{'p99 ms':>9}{'ratio':>8}{'JSON bytes':>12}")
    within = True
    for (case, count, rollout, _), found in zip(ready, times, strict=True):
        size = len(rollout.to_json().encode())
        Rollout.from_dict(json.loads(rollout.to_json()))
        ratio = median(here / first for here, first in zip(found, times[0], strict=True))
        p99 = sorted(found)[int(0.99 * len(found))]
        print(f"{case.name:<28}{count:>9,}{median(found):>11.3f}{p99:>9.3f}{ratio:>8.2f}{size:>12,}")
        within = within and median(found) <= LIMIT_MILLISECONDS and size <= LIMIT_BYTES
    print(f"within {LIMIT_MILLISECONDS:g} ms and {LIMIT_BYTES:,} bytes: {'yes' if within else 'NO'}")
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
