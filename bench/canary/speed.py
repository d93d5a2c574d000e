"""How long `decide` takes, and how large its state is, after many windows with five guards."""

import statistics
import time
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bench.canary.product import BEGAN
from canario.canary import Counts, Observation, Plan, decide, start

GUARDS = [
    {"name": "errors", "kind": "errors"},
    {"name": "latency", "kind": "latency", "edges": [100, 250]},
    {"name": "tail", "kind": "latency", "edges": [1000]},
    {"name": "never", "kind": "limit", "most": 0.05},
    {"name": "faults", "kind": "faults"},
]
SHARE, REQUESTS, SLOWER = 0.1, 6000, (0.2, 0.05, 0.002)


@dataclass(frozen=True)
class Speed:
    windows: int
    milliseconds: float  # median
    slowest: float  # the 99th percentile
    state_bytes: int


def measure(windows: int, seed: int) -> Speed:
    """A healthy canary at a constant share, window after window; the last thousand are timed."""
    steps = [{"share": SHARE, "windows": windows}]
    plan = Plan.from_dict({"guards": GUARDS, "steps": steps, "deadline_windows": windows + 1})
    rollout, draw, times = start(plan), np.random.default_rng(seed), []
    for number in range(windows):
        at = BEGAN + number * timedelta(minutes=1)
        share = SHARE if number else 0.0
        n = int(REQUESTS * share)
        window = Observation(at, at + timedelta(minutes=1), share, _counts(n, draw), _counts(REQUESTS - n, draw))
        began = time.perf_counter()
        rollout, _ = decide(rollout, window)
        times.append(1000 * (time.perf_counter() - began))
        if rollout.outcome:
            break
    last = sorted(times[-1000:])
    return Speed(len(times), statistics.median(last), last[int(0.99 * len(last))], len(rollout.to_json().encode()))


def _counts(requests: int, draw: np.random.Generator) -> Counts:
    slower = tuple(int(requests * part) for part in SLOWER)
    return Counts(requests, int(draw.binomial(requests, 0.002)), slower)
