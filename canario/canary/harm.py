"""The evidence of harm pays nothing above what is enough either (payout.py), though its null has two limits.

*harmful* multiplies bet j by the smaller of what the ratio and what the tolerated rate give; F(x, y) is what all bets
together are worth after a window with x failures of the canary and y of the baseline, and G what they were before it.
Under the null one of two things is true of a window, and which one may change:

- p_c ≤ p_b. Given m = x + y, X is hypergeometric at p_c = p_b, whatever the failures have to do with one another, and
  stochastically smaller below. F(x, m − x) rises with x, being the smaller of two that do: their charges are m's.
- p_c ≤ τ. Given y, X is binomial at p_c = τ, and stochastically smaller below. The largest F(x′, y) of all x′ ≤ x is
  taken for F(x, y): it rises with x, and is no less.

So with c₁(m) for the first and c₂(y) for the second, min(c₁(x + y), c₂(y))·F(x, y), cut off at the cap, is at most
min(c₁·F, cap) and at most min(c₂·F, cap): whichever limit binds, its mean is at most G. Both factors are known given
the bets, m and y; so they are reckoned for the m and the y that came, and for no others. Where F is less than either
limit would allow, as in windows of few failures near τ, they take some of that back too.

Sums are cut short where many requests fail: a few numbers of failures are taken together, at the largest one's worth.
"""

from collections.abc import Iterable, Iterator, Sequence
from math import exp, expm1, inf, log, log1p

from canario.canary.bets import STEEPER, Sample
from canario.canary.moment import log_moments
from canario.canary.payout import failed, largest_factor, routed

MOST_FAILURES = 5000  # of both nodes in a window, up to which it is done
FARTHEST = 600.0  # the log of what is enough above the largest bet: too far to be reached, or to be reckoned with
LIKELY = 0.01
GROUPS = 6  # numbers of failures taken together: a sixth of a standard deviation
LOGS = tuple(log(f) for f in STEEPER)


def raised(bets: Sequence[float], sample: Sample, rate: float, cap: float) -> float:
    """log min(c₁, c₂), at least 0. `bets`: the weighted bets' logs before the window; `cap`: log of what is enough."""
    n, m, y = sample.canary.requests, sample.failed, sample.baseline.errors
    if not 0 < m <= MOST_FAILURES or n * rate > MOST_FAILURES or cap > max(bets) + FARTHEST:
        return 0.0
    stakes = Stakes(bets, sample, rate)
    routings = _grouped(*routed(n, m, stakes.total))
    if not stakes.reaches(cap, routings[-1][0], m) and not stakes.limits_meet(m, routings):
        return 0.0
    factor = stakes.factor(cap, [(p, stakes.worth(x, m)) for x, p in routings])
    if factor > 1 and rate:
        factor = min(factor, stakes.factor(cap, stakes.rising(y, _grouped(*failed(n, rate)))))
    return log(max(1.0, factor))


def _grouped(low: int, chances: Sequence[float]) -> list[tuple[int, float]]:
    """Numbers of failures, each with the chance of it and of those just below."""
    width = max(1, len(chances) // (16 * GROUPS))
    return [
        (min(low + at + width, low + len(chances)) - 1, sum(chances[at : at + width]))
        for at in range(0, len(chances), width)
    ]


class Stakes:
    """What the bets are worth for any number of failures; all but logs as parts of the largest bet."""

    def __init__(self, bets: Sequence[float], sample: Sample, rate: float) -> None:
        self.n, self.total = sample.canary.requests, sample.canary.requests + sample.baseline.requests
        self.top = max(bets)
        self.bets = [each - self.top for each in bets]
        self.log_k = [log_f - log1p(sample.share * (f - 1)) for f, log_f in zip(STEEPER, LOGS, strict=True)]
        self.costs = [self.n * log1p(rate * expm1(each)) if rate else -inf for each in self.log_k]
        self._charges: dict[int, list[float]] = {}

    def worth(self, x: int, m: int) -> float:
        """F, of x failures of the canary and m of both nodes."""
        terms = zip(self.bets, LOGS, self._charged(m), self.log_k, self.costs, strict=True)
        return sum([exp(had + min(x * f - charge, x * k - cost)) for had, f, charge, k, cost in terms])

    def rising(self, y: int, points: Sequence[tuple[int, float]]) -> Iterator[tuple[float, float]]:
        """The chances, and the largest F so far, given y failures of the baseline."""
        most = 0.0
        for x, chance in points:
            most = max(most, self.worth(x, x + y))
            yield chance, most

    def factor(self, cap: float, points: Iterable[tuple[float, float]]) -> float:
        return largest_factor(points, sum(exp(each) for each in self.bets), exp(cap - self.top))

    def reaches(self, cap: float, x: int, m: int) -> bool:
        """What is enough can be reached in this window."""
        return self.worth(x, m) >= exp(cap - self.top)

    def limits_meet(self, m: int, points: Sequence[tuple[int, float]]) -> bool:
        """Which of the two limits gives less depends, for some bet, on how many of the failures are the canary's."""
        likely = [x for x, chance in points if chance > LIKELY]
        if self.costs[0] == -inf or not likely:
            return False
        terms = zip(LOGS, self._charged(m), self.log_k, self.costs, strict=True)
        meet = [(charge - cost) / (f - k) for f, charge, k, cost in terms]  # the failures at which they give the same
        return any(likely[0] < each <= likely[-1] for each in meet)

    def _charged(self, m: int) -> list[float]:
        if m not in self._charges:
            self._charges[m] = log_moments(STEEPER, self.n, m, self.total)
        return self._charges[m]
