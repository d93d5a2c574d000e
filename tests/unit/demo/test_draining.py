"""When a process that was told to end may do so."""

from hypothesis import given
from hypothesis import strategies as st

from apps.demo.demo import Draining


def test_nobody_asked() -> None:
    """It never ends unasked."""
    assert Draining().ends_at() == float("inf")


def test_quiet() -> None:
    """With no request at all it ends a second after it was asked."""
    draining = Draining()
    draining.begin(100.0)

    assert draining.ends_at() == 101.0


def test_a_request_puts_it_off() -> None:
    """It ends a second after the last request came, once that is answered."""
    draining = Draining()
    draining.begin(100.0)
    draining.arrived(100.7)
    in_flight = draining.ends_at()
    draining.answered()

    assert (110.0, 101.7) == (in_flight, draining.ends_at())


def test_told_twice() -> None:
    """A second signal puts nothing off."""
    draining = Draining()
    draining.begin(100.0)
    draining.begin(105.0)

    assert draining.ends_at() == 101.0


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans())))
def test_bounds(steps: list[tuple[float, bool]]) -> None:
    """Whatever requests come, it ends no sooner than a second and no later than ten after it was asked."""
    draining = Draining()
    draining.begin(0.0)
    for now, is_answered in sorted(steps):
        draining.arrived(now)
        if is_answered:
            draining.answered()

        assert 1.0 <= draining.ends_at() <= 10.0
