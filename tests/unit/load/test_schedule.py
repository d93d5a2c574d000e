from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from lab.load.schedule import Spacing, starts

RATES = st.floats(0.1, 10_000)


@given(RATES, st.integers())
def test_constant(rate: float, seed: int) -> None:
    """Constant spacing starts at once and then every 1/rate seconds, without drift."""
    assert [number / rate for number in range(50)] == list(islice(starts(rate, Spacing.CONSTANT, seed), 50))


@given(RATES, st.integers())
def test_poisson_is_seeded_and_in_order(rate: float, seed: int) -> None:
    """Poisson spacing never goes back, and the same seed gives the same starts."""
    found = list(islice(starts(rate, Spacing.POISSON, seed), 50))

    assert list(islice(starts(rate, Spacing.POISSON, seed), 50)) == found
    assert all(earlier <= later for earlier, later in pairwise([0.0, *found]))


def test_poisson_mean() -> None:
    """Ten thousand Poisson starts at 100 a second take about a hundred seconds."""
    last = next(islice(starts(100, Spacing.POISSON, 1), 9_999, None))

    assert 97 < last < 103
