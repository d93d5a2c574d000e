"""Confidence sequences of a rate."""

import random
from math import log

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


@pytest.mark.parametrize(("requests", "errors", "end"), [(300, 0, 0), (300, 300, 1)])
def test_nothing_and_everything_failed(requests: int, errors: int, end: int) -> None:
    """A rate of 0 or 1 is never rejected by counts that are just that."""
    found = rate_interval(requests, errors)

    assert end == found[end]
    assert 0 < found[1 - end] < 1


def test_no_requests_say_nothing() -> None:
    assert (0.0, 1.0) == rate_interval(0, 0)


def test_the_rate_is_within_in_all_windows_at_once() -> None:
    """Of 200 sequences of 40 windows at most about 20 % ever leave their own rate outside, at α = 20 %."""
    draw = random.Random(20261127)
    left = 0
    for _ in range(200):
        requests = errors = 0
        for _ in range(40):
            requests += 50
            errors += sum(draw.random() < 0.02 for _ in range(50))
            if evidence_against_rate(requests, errors, 0.02) >= log(5):
                left += 1
                break

    assert 0 < left <= 51  # binomial(200, 0.2): more than 51 has a chance of 2 %


@pytest.mark.parametrize(
    ("requests", "errors", "alpha", "field"), [(1, 2, 0.05, "errors"), (-1, 0, 0.05, "requests"), (1, 0, 1, "alpha")]
)
def test_refused(requests: int, errors: int, alpha: float, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rate_interval(requests, errors, alpha)

    assert field == caught.value.field
