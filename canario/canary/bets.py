"""The arithmetic of betting: the ratios that are bet on, when bets begin, what one window adds to them.

**The ratios.** A bet on r finds a ratio of r soonest. When the evidence is there, what is known of log r is known to
about a third of it (log E is about (log r)² / 2σ², so σ is log r / √(2·log(1/α))), whatever r is; so bets that are
even in log log r cost every r the same. Five are enough. There is a little more weight on the large ratios, where two
or three failures of the canary decide, so that whole numbers cost more.

**The starts.** Σ_s u_s·exp(Σ_{k ≥ s} ℓ_k) is the recursion A ← (A + u)·exp(ℓ), so any number of starts costs one
number a bet. The u_s are set before the first window and add up to at most 1, so the sum is worth no more than what
was staked: what is not staked yet counts as it is.
"""

from collections.abc import Iterable, Sequence
from math import exp, log, log1p
from typing import NamedTuple

from canario.canary.observation import Tally

STEEPER = (1.4, 2.2, 4.0, 10.0, 40.0)  # × the limit that should not be passed
WEIGHTS = (0.15, 0.17, 0.20, 0.24, 0.24)
LOG_WEIGHTS = tuple(log(weight) for weight in WEIGHTS)
FIRST = 0.9  # of the stake on the first window


class Sample(NamedTuple):
    """One series in one window."""

    canary: Tally
    baseline: Tally

    @property
    def failed(self) -> int:
        """m: both nodes' failures."""
        return self.canary.errors + self.baseline.errors

    @property
    def share(self) -> float:
        """π: the share of the requests that really went to the canary."""
        return self.canary.requests / (self.canary.requests + self.baseline.requests)


def log_sum(*terms: tuple[float, float]) -> float:
    """log Σ w·exp(x) of the pairs (w, x), without overflow; of the weights one at least is above zero."""
    top = max(x for w, x in terms if w > 0)
    return top + log(sum(w * exp(x - top) for w, x in terms if w > 0))


def log_total(logs: Sequence[float]) -> float:
    """The log of their sum, of which one at least is above nothing."""
    top = max(logs)
    return top + log(sum([exp(each - top) for each in logs]))


def stake(later: int, horizon: int) -> float:
    """u of the start before a window: `later` windows that counted after the first, of at most `horizon`.

    Half of what the first window leaves is spread evenly over the horizon, half is 1/(t(t + 1)) of it: a canary may go
    bad at any time, and most do soon.
    """
    if later == 0:
        return FIRST
    evenly = 1 / horizon if later <= horizon else 0.0
    return (1 - FIRST) / 2 * (evenly + 1 / (later * (later + 1)))


def reserve(later: int, horizon: int) -> float:
    """1 − Σ u of the starts so far."""
    return (1 - FIRST) / 2 * (1 - min(1.0, later / horizon) + 1 / (later + 1))


def bet(bets: Sequence[float], staked: float, gains: Iterable[float]) -> tuple[float, ...]:
    """A ← (A + u)·exp(ℓ) for every bet, in logs; u above zero."""
    begun = log(staked)
    return tuple([_log_add(each, begun) + gain for each, gain in zip(bets, gains, strict=True)])


def worth(bets: Sequence[float], rest: float) -> float:
    """The log of the bets' weighted mean; `rest` is what is not staked yet."""
    top = max(*bets, 0.0)
    return top + log(rest * exp(-top) + sum([w * exp(each - top) for w, each in zip(WEIGHTS, bets, strict=True)]))


def log_rate(failed: float, served: float, rate: float, null: float) -> float:
    """ℓ(rate; null) of `served` requests of which `failed` failed; both rates within (0, 1)."""
    return failed * log(rate / null) + (served - failed) * (log1p(-rate) - log1p(-null))


def _log_add(a: float, b: float) -> float:
    return a + log1p(exp(b - a)) if a > b else b + log1p(exp(a - b))
