"""The moment of a hypergeometric number: exact where it can be, never below what it is."""

import math

import pytest

from canario.canary.moment import EXACT, log_moment_from_below, log_moments

RATIOS = (0.5, 0.8, 1.22, 2.0, 7.0, 100.0)


def counted_out(r: float, n: int, m: int, total: int) -> float:
    """log E[r^X], by counting the ways exactly."""
    ways = range(max(0, n + m - total), min(n, m) + 1)
    logs = [math.log(math.comb(n, x) * math.comb(total - n, m - x)) + x * math.log(r) for x in ways]
    return max(logs) + math.log(math.fsum(math.exp(each - max(logs)) for each in logs)) - math.log(math.comb(total, m))


@pytest.mark.parametrize(
    ("n", "m", "total"), [(10, 3, 100), (3, 90, 100), (7, 12, 19), (5, 5, 5), (0, 4, 9), (4, 0, 9)]
)
def test_few_failures(n: int, m: int, total: int) -> None:
    """With few failures, or few requests on one side, the moment is exact from both sides."""
    assert min(n, m) <= EXACT
    for r, found in zip(RATIOS, log_moments(RATIOS, n, m, total), strict=True):
        expected = counted_out(r, n, m, total)
        assert pytest.approx(expected, abs=1e-9) == found == log_moment_from_below(r, n, m, total)


@pytest.mark.parametrize(
    ("n", "m", "total"),
    [(40, 30, 200), (60, 150, 200), (100, 100, 200), (180, 170, 200), (13, 199, 200), (200, 50, 200)],
)
def test_many_failures(n: int, m: int, total: int) -> None:
    """With many the bounds hold, agree near a ratio of 1, and are closer than the binomial's."""
    for r, above in zip(RATIOS, log_moments(RATIOS, n, m, total), strict=True):
        expected, below = counted_out(r, n, m, total), log_moment_from_below(r, n, m, total)
        binomial = min(m * math.log1p(n / total * (r - 1)), n * math.log1p(m / total * (r - 1)))
        assert below - 1e-9 <= expected <= above + 1e-9
        assert above <= binomial + 1e-9
        if 0.8 <= r <= 1.22:
            assert above - below < 0.03


def test_counts_of_a_large_service() -> None:
    """A billion requests cost no more time than a hundred, and nothing overflows."""
    found = log_moments(RATIOS, 10**8, 10**8, 10**9)

    assert all(math.isfinite(each) for each in found)
    assert found == sorted(found)
