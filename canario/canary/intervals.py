"""Confidence sequences of a failure rate: intervals that may be looked at after every window.

For x failures among n requests and a Beta(a, b) mixture over the rate, the beta-binomial process against the rate p

    M(p) = B(a + x, b + n − x) / B(a, b)  ÷  p^x (1 − p)^(n − x)

starts at 1 and is a martingale while the rate is p, so { p : M(p) < 1/α } holds the rate in all windows at once with a
chance of at least 1 − α (Ville). It assumes requests that fail independently at one rate that does not move: for a
rate that moves it shows the average, without the guarantee.

Source: Robbins, Ann. Math. Statist. 41, 1970; Howard, Ramdas, McAuliffe, Sekhon, Ann. Statist. 49, 2021
(arXiv 1810.08240), sections 3.1 and 4; a = b = 1/2.
"""

from math import lgamma, log, log1p

from canario.canary.fields import counted, number
from canario.errors import InvalidInput

PRIOR = 0.5  # Jeffreys: sharp also where failures are rare
HALVINGS = 60


def rate_interval(requests: int, errors: int, alpha: float = 0.05) -> tuple[float, float]:
    """The lowest and the highest failure rate not rejected at α; (0, 1) without requests. Raises InvalidInput."""
    counted("errors", errors, counted("requests", requests))
    if not 0 < number("alpha", alpha, "a number above 0 and below 1") < 1:
        raise InvalidInput("alpha", alpha, "a number above 0 and below 1")
    if requests == 0:
        return 0.0, 1.0
    seen, limit = errors / requests, log(1 / alpha)
    low = 0.0 if errors == 0 else _edge(requests, errors, limit, 0.0, seen)
    high = 1.0 if errors == requests else _edge(requests, errors, limit, 1.0, seen)
    return low, high


def evidence_against_rate(requests: int, errors: int, rate: float) -> float:
    """log M(rate), with 0 < rate < 1."""
    a, b = PRIOR + errors, PRIOR + requests - errors
    mixed = lgamma(a) + lgamma(b) - lgamma(a + b) - (2 * lgamma(PRIOR) - lgamma(2 * PRIOR))
    return mixed - errors * log(rate) - (requests - errors) * log1p(-rate)


def _edge(requests: int, errors: int, limit: float, outside: float, inside: float) -> float:
    """Where log M crosses the limit between a rate outside the interval and one inside: −log likelihood is convex."""
    inside = min(max(inside, 1e-300), 1 - 2**-53)
    for _ in range(HALVINGS):
        middle = (outside + inside) / 2
        if evidence_against_rate(requests, errors, middle) >= limit:
            outside = middle
        else:
            inside = middle
    return outside
