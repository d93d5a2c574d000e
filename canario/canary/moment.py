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
alone.
"""

from collections.abc import Sequence
from math import log, log1p

EXACT = 12  # failures, or requests of the smaller side, up to which the sum is exact


def log_moments(ratios: Sequence[float], n: int, m: int, total: int) -> list[float]:
    """log E[r^X], or a bound from above, for each ratio of 1 or more; 0 ≤ n, m ≤ total."""
    least = min(n, m)
    if least == 0:
        return [0.0] * len(ratios)
    if least > EXACT:
        return _bounds(ratios, n, m, total)
    factors = [(m - j) * (n - j) / ((j + 1) * (total - j)) for j in range(least - 1, -1, -1)]
    found = []
    for ratio in ratios:
        s, value = ratio - 1, 1.0
        for factor in factors:
            value = 1 + s * factor * value
        found.append(log(value))
    return found


def _bounds(ratios: Sequence[float], n: int, m: int, total: int) -> list[float]:
    if m == total or n == total:
        return [min(n, m) * log(r) for r in ratios]
    k = min(n, m)
    μ = n * m / total / k
    spread = μ * (1 - n / total) * (total - m) / (total - 1)  # Var[X] / k
    if m > n:
        spread = μ * (1 - m / total) * (total - n) / (total - 1)
    a = spread / (1 - μ)
    b = min(max((μ - a) / (1 - a), 0.0), 1.0)
    return [k * ((1 - b) * log1p((r - 1) * a) + b * log(r)) for r in ratios]
