"""The moment of a hypergeometric number: what the evidence charges for a bet on whose failures they are.

X ~ Hypergeometric(N, m, n): of N = n_c + n_b requests m fail, and n = n_c of the N went to the canary; if routing
alone decides whose failures they are, X is the canary's. Then r^X / E[r^X] has a mean of 1, whatever m.

**Few failures**: exactly. E[r^X] = Σ_j (r − 1)^j E[C(X, j)] and E[C(X, j)] = C(m, j)·(n)_j / (N)_j, so with s = r − 1

    E[r^X] = 1 + s·c_0·(1 + s·c_1·(1 + …)),        c_j = (m − j)(n − j) / ((j + 1)(N − j)),

all terms above zero for r > 1, so nothing cancels.

**Many failures**: a bound from above, in closed form; a charge that is too large keeps the evidence valid. The
generating function of X has real roots only, so X is distributed as a sum of k = min(m, n) independent coins with
chances p_i (Vatutin, Mikhailov 1982). E[r^X] = Π(1 + s·p_i), and the p_i have the known mean μ = E[X]/k and the known
mean square ν = μ − Var[X]/k. log(1 + s·p) has a third derivative above zero, so by the principle of Markov and Krein
the mean of it over all distributions on [0, 1] with these two moments is largest for the one that sits on 1 and on one
other point a:

    log E[r^X] ≤ k·[(1 − b)·log(1 + s·a) + b·log r],      a = (μ − ν)/(1 − μ),   b = (μ − a)/(1 − a)

It agrees with the moment to the second order in s, and is below the binomial's (Hoeffding 1963), which knows the mean
alone. The mean is smallest for the distribution that sits on 0 and on one other point; for r < 1 the two change places.
"""

from collections.abc import Sequence
from math import log, log1p

EXACT = 12  # failures, or requests of the smaller side, up to which the sum is exact


def log_moments(ratios: Sequence[float], n: int, m: int, total: int) -> list[float]:
    """log E[r^X], or a bound from above, for each ratio; 0 ≤ n, m ≤ total."""
    least = min(n, m)
    if least == 0:
        return [0.0] * len(ratios)
    if least > EXACT:
        return [_bound(r, n, m, total, above=r >= 1) for r in ratios]
    return _exact(ratios, n, m, total)


def log_moment_from_below(ratio: float, n: int, m: int, total: int) -> float:
    """log E[r^X], or a bound from below."""
    least = min(n, m)
    if least > EXACT:
        return _bound(ratio, n, m, total, above=ratio < 1)
    return _exact((ratio,), n, m, total)[0]


def _exact(ratios: Sequence[float], n: int, m: int, total: int) -> list[float]:
    factors = [(m - j) * (n - j) / ((j + 1) * (total - j)) for j in range(min(n, m) - 1, -1, -1)]
    found = []
    for ratio in ratios:
        s, value = ratio - 1, 1.0
        for factor in factors:
            value = 1 + s * factor * value
        found.append(log(value))
    return found


def _bound(ratio: float, n: int, m: int, total: int, *, above: bool) -> float:
    """The mean of log(1 + s·p) over two points with the known moments: 1 and a, or 0 and a."""
    if m == total or n == total:
        return min(n, m) * log(ratio)
    k, most = min(n, m), max(n, m)
    μ = most / total  # k coins: of the smaller side each, with the part of the larger as its chance
    spread = μ * (1 - μ) * (total - k) / (total - 1)  # Var[X] / k
    s = ratio - 1
    if above:
        a = spread / (1 - μ)
        b = min(max((μ - a) / (1 - a), 0.0), 1.0)
        return k * ((1 - b) * log1p(s * a) + b * log(ratio))
    a = min(1.0, 1 - spread / μ)
    return k * μ / a * log1p(s * a) if a > 0 else k * μ * s
