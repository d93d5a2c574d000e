"""When a sidecar that was told to end may do so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.mesh.sidecar import LONGEST_DRAIN_SECONDS, QUIET_SECONDS, quiet


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def ended(look: Callable[[float], tuple[int, int]]) -> tuple[bool, float]:
    """Whether it became quiet, and after how many seconds. `look` is told the seconds since the beginning."""
    time = Time()

    async def looked() -> tuple[int, int]:
        return look(time.now - 100)

    return await quiet(looked, time.clock, time.sleep), time.now - 100


async def test_at_once_when_nobody_calls() -> None:
    """Without requests a sidecar waits for the quiet time, and no longer."""
    quiet, after = await ended(lambda _: (7, 0))

    assert quiet
    assert pytest.approx(QUIET_SECONDS, abs=0.1) == after


async def test_after_the_last_request() -> None:
    """The quiet time begins with the last request."""
    quiet, after = await ended(lambda seconds: (min(int(seconds * 10), 25), 0))  # the 25th is seen at 2.5 s

    assert quiet
    assert pytest.approx(2.5 + QUIET_SECONDS, abs=0.1) == after


async def test_a_long_request_counts() -> None:
    """A request that is being served is waited for."""
    quiet, after = await ended(lambda seconds: (7, int(seconds < 3)))

    assert quiet
    assert pytest.approx(3 + QUIET_SECONDS, abs=0.1) == after


async def test_not_for_ever() -> None:
    """Clients that never stop do not keep a sidecar alive."""
    quiet, after = await ended(lambda seconds: (int(seconds * 10), 0))

    assert not quiet
    assert pytest.approx(LONGEST_DRAIN_SECONDS, abs=0.1) == after
