"""Chance: what both nodes do in one minute, for many rollouts at once, each at its own share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.canary.scenarios import Scenario

Numbers = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Minute:
    """What was read of one minute; all of one shape. `known`: whether there is data at all.

    `extra`: how many more requests failed (or were slow) than had the baseline served them, on average: the truth,
    which no rule sees.
    """

    canary: Counts
    canary_errors: Counts
    baseline: Counts
    baseline_errors: Counts
    known: NDArray[np.bool_]
    extra: Numbers
    canary_slow: Counts | None = None
    baseline_slow: Counts | None = None
    pods: tuple[tuple[Counts, Counts], tuple[Counts, Counts]] | None = None  # canary's, baseline's requests and errors


class World:
    """One scenario's chance. The same seed and the same shares give the same minutes."""

    def __init__(self, scenario: Scenario, seed: np.random.SeedSequence) -> None:
        self.scenario = scenario
        self._draw = np.random.default_rng(seed)

    def minute(self, number: int, share: Numbers, replaced: NDArray[np.bool_] | None = None) -> Minute:
        """The `number`-th minute; `share` is the canary's in each rollout. `replaced`: whose bad pod is gone."""
        scenario, draw = self.scenario, self._draw
        requests = draw.poisson(scenario.traffic(number), share.shape)
        canary = draw.binomial(requests, share)
        baseline = requests - canary
        shared = self._noise(scenario.shared_noise, share.shape)
        p_canary, p_baseline = (rate * shared for rate in scenario.rates(number))
        canary_errors, extra, canary_pods = self._node(canary, p_canary, replaced)
        baseline_errors, _, baseline_pods = self._node(baseline, p_baseline, None)
        extra = extra - canary * p_baseline if canary_pods else canary * np.maximum(p_canary - p_baseline, 0.0)
        if scenario.slow:
            extra = extra + canary * max(scenario.slow[0] - scenario.slow[1], 0.0)
        counts = [canary, canary_errors, baseline, baseline_errors, *self._slow(canary, baseline)]
        if scenario.late:
            counts = self._half(counts, np.where(draw.random(share.shape) < scenario.late, 0.5, 1.0))
        known = draw.random(share.shape) >= scenario.missing
        pods = (canary_pods, baseline_pods) if canary_pods and baseline_pods else None
        return Minute(*counts[:4], known, np.maximum(extra, 0.0), *counts[4:], pods=pods)

    def extra_a_minute(self, number: int) -> float:
        """What a canary with all traffic fails more than the baseline would, on average. A host's fault is none."""
        canary, baseline = self.scenario.rates(number)
        slow = self.scenario.slow or (0.0, 0.0)
        return self.scenario.traffic(number) * (max(canary - baseline, 0.0) + max(slow[0] - slow[1], 0.0))

    def _node(
        self, requests: Counts, rate: Numbers, replaced: NDArray[np.bool_] | None
    ) -> tuple[Counts, Numbers, tuple[Counts, Counts] | None]:
        """What failed of one node's requests, what would on average, and both pod by pod where pods are counted."""
        scenario = self.scenario
        if not scenario.pods:
            rates = np.minimum(rate * self._noise(scenario.node_noise, requests.shape), 1.0)
            return self._failed(requests, rates), requests * rates, None
        shape = (*requests.shape, scenario.pods)
        each = self._draw.multinomial(requests, [1 / scenario.pods] * scenario.pods)
        rates = np.minimum(rate[..., None] * self._noise(scenario.node_noise * scenario.pods, shape), 1.0)
        if scenario.bad_pod and replaced is not None:
            rates[..., 0] = np.where(replaced, rates[..., 0], scenario.bad_pod)
        errors = self._failed(each, rates)
        return errors.sum(axis=-1), (each * rates).sum(axis=-1), (each, errors)

    def _noise(self, variance: float, shape: tuple[int, ...]) -> Numbers:
        return self._draw.gamma(1 / variance, variance, shape) if variance else np.ones(shape)

    def _failed(self, requests: Counts, rate: Numbers) -> Counts:
        size = self.scenario.cluster
        if size == 1:
            return self._draw.binomial(requests, rate)
        return np.minimum(size * self._draw.binomial(-(-requests // size), rate), requests)

    def _slow(self, canary: Counts, baseline: Counts) -> tuple[Counts, ...]:
        if self.scenario.slow is None:
            return ()
        return self._draw.binomial(canary, self.scenario.slow[0]), self._draw.binomial(baseline, self.scenario.slow[1])

    def _half(self, counts: list[Counts], part: Numbers) -> list[Counts]:
        """Requests that arrived by then, and the errors and slow ones among them."""
        halved: list[Counts] = []
        for n, each in enumerate(counts):
            kept = self._draw.binomial(each, part)
            halved.append(kept if n in (0, 2) else np.minimum(kept, halved[0 if n in (1, 4) else 2]))
        return halved
