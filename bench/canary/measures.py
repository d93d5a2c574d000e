"""Estimates with their confidence intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

Z = 1.959964  # 95 %
RESAMPLES = 1000


@dataclass(frozen=True)
class Estimate:
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{_short(self.value)} ({_short(self.low)} to {_short(self.high)})"

    @property
    def percent(self) -> str:
        return f"{_short(100 * self.value)} % ({_short(100 * self.low)} to {_short(100 * self.high)})"


def part(found: int, of: int) -> Estimate:
    """A part, with Wilson's 95 % interval (JASA 22, 1927)."""
    if of == 0:
        return Estimate(0.0, 0.0, 1.0)
    p, n = found / of, of
    middle, spread = p + Z**2 / (2 * n), Z * sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    low, high = ((middle + sign * spread) / (1 + Z**2 / n) for sign in (-1, 1))
    return Estimate(p, 0.0 if found == 0 else low, 1.0 if found == of else high)


def mean(values: NDArray[np.float64], seed: int) -> Estimate:
    """A mean, with the 95 % bootstrap percentile interval."""
    if len(values) == 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    draw = np.random.default_rng(seed)
    means = values[draw.integers(0, len(values), (RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(values.mean()), float(low), float(high))


def geometric(values: Sequence[float]) -> float:
    """The geometric mean."""
    return exp(sum(log(each) for each in values) / len(values))


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
