"""Confidence sequences of a rate."""

from math import comb, exp, log

import pytest

from canario.canary.intervals import evidence_against_rate, rate_interval
from canario.errors import InvalidInput

LIMIT = log(1 / 0.05)


def test_ends_are_where_the_evidence_is_enough() -> None:
    """At both ends the evidence against the rate is 1/α, within them less."""
    low, high = rate_interval(6000, 12, 0.05)

    assert 0 < low < 0.002 < high
    for end in (low, high):
        assert evidence_against_rate(6000, 12, end) == pytest.approx(LIMIT, abs=1e-6)
    assert evidence_against_rate(6000, 12, 0.002) < 0


def test_the_mixture_is_jeffreys() -> None:
    """One failure of one request against ½: B(3/2, 1/2) / B(1/2, 1/2) is ½, so the evidence says nothing yet."""
    assert evidence_against_rate(1, 1, 0.5) == pytest.approx(0)
    assert evidence_against_rate(2, 2, 0.5) == pytest.approx(log(1.5))


@pytest.mark.parametrize(("requests", "errors", "end"), [(300, 0, 0), (300, 300, 1)])
def test_nothing_and_everything_failed(requests: int, errors: int, end: int) -> None:
    """A rate of 0 or 1 is never rejected by counts that are just that."""
    found = rate_interval(requests, errors)

    assert end == found[end]
    assert 0 < found[1 - end] < 1


def test_no_requests_say_nothing() -> None:
    assert (0.0, 1.0) == rate_interval(0, 0)


@pytest.mark.parametrize("rate", [0.001, 0.02, 0.5, 0.97])
@pytest.mark.parametrize("requests", [1, 2, 40])
def test_the_evidence_against_the_true_rate_is_one_on_average(rate: float, requests: int) -> None:
    """Which, with Ville, is why the interval holds in all windows at once."""
    average = sum(
        comb(requests, errors)
        * rate**errors
        * (1 - rate) ** (requests - errors)
        * exp(evidence_against_rate(requests, errors, rate))
        for errors in range(requests + 1)
    )

    assert average == pytest.approx(1)


@pytest.mark.parametrize(
    ("requests", "errors", "alpha", "field"), [(1, 2, 0.05, "errors"), (-1, 0, 0.05, "requests"), (1, 0, 1, "alpha")]
)
def test_refused(requests: int, errors: int, alpha: float, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rate_interval(requests, errors, alpha)

    assert field == caught.value.field
