"""How long the product takes to find a bad canary at a constant share, beside what no test can beat on average.

A test of power one that is wrong with a chance of at most α takes at least log(1/α) / I(w) requests on average, with
I(w) = w·d(p₁‖p̄) + (1 − w)·d(p₀‖p̄), p̄ = w·p₁ + (1 − w)·p₀, d the Bernoulli divergence (Wald 1945; CANARY section 7);
and one window more, since counts come by the window.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log

import numpy as np

from bench.canary.measures import Estimate, mean
from bench.canary.product import Canario
from bench.canary.rule import ROLLED_BACK, simulate
from bench.canary.scenarios import Scenario, Service

SHARE, ALPHA = 0.1, 0.01
RATES = (0.001, 0.01)
RATIOS = (1.5, 2.0, 3.0, 5.0, 10.0, 50.0)
WINDOWS = 12  # that the bound should take: what is found in one window says nothing of a test
LONGEST = 20  # times the bound, until a run is given up


def divergence(p: float, q: float) -> float:
    """d(p‖q) of two Bernoulli distributions; 0 < q < 1."""
    return (p * log(p / q) if p else 0.0) + ((1 - p) * log((1 - p) / (1 - q)) if p < 1 else 0.0)


def fewest_requests(baseline: float, canary: float, share: float, alpha: float) -> float:
    """log(1/α) / I(w), both nodes' requests together."""
    mixed = share * canary + (1 - share) * baseline
    information = share * divergence(canary, mixed) + (1 - share) * divergence(baseline, mixed)
    return log(1 / alpha) / information


@dataclass(frozen=True)
class Found:
    """One case. `windows`: with a share, until the rollback; `bound`: with its one window more."""

    rate: float
    ratio: float
    tolerated: float
    requests: int
    bound: float
    windows: Estimate
    never: int

    @property
    def times(self) -> float:
        return self.windows.value / self.bound


def measure(repetitions: int, seed: int) -> Iterator[Found]:
    """Every rate and ratio, without and (where the canary is above it) with the default tolerated rate."""
    for case, (rate, ratio, tolerated) in enumerate(_cases()):
        yield _measure(rate, ratio, tolerated, repetitions, np.random.SeedSequence([seed, 7, case]))


def _cases() -> Iterator[tuple[float, float, float]]:
    for rate in RATES:
        for ratio in RATIOS:
            yield rate, ratio, 0.0
            if rate > 0.001:
                yield rate, ratio, 0.001


def _measure(rate: float, ratio: float, tolerated: float, repetitions: int, seed: np.random.SeedSequence) -> Found:
    fewest = fewest_requests(rate, rate * ratio, SHARE, ALPHA)
    requests = max(10, round(fewest / WINDOWS))
    bound = fewest / requests + 1
    longest = ceil(LONGEST * bound)
    scenario = Scenario(Service(requests, rate), f"ratio {ratio:g}", "bad", ratio=lambda _: ratio)
    steps = [{"share": SHARE, "windows": longest}]
    plan = {"alpha": ALPHA, "tolerated_rate": tolerated, "steps": steps, "deadline_windows": longest + 1}
    runs = simulate(Canario(longest + 1, {"default": plan}, scenario), scenario, longest + 1, repetitions, seed)
    found = runs.outcome[0] == ROLLED_BACK
    windows = mean(np.where(found, runs.minutes[0] - 1, longest), seed=1)  # the first window only watched
    return Found(rate, ratio, tolerated, requests, bound, windows, int((~found).sum()))
