"""The controller's waits end when they are told to, whatever happens at the same moment."""

import asyncio

import pytest

from lab.mesh.cluster import Cluster


@pytest.mark.parametrize("steps", range(8))
async def test_a_wait_whose_condition_comes_true_as_it_is_cancelled_is_cancelled(steps: int) -> None:
    """However far the change has got on its way to it: a controller that went on would hold an old world against its
    successor's.
    """
    cluster = Cluster(client=None)  # type: ignore[arg-type] - nothing is asked of it
    true = asyncio.Event()
    waiting = asyncio.create_task(cluster.until(lambda _: true.is_set(), 60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    true.set()
    poking = asyncio.create_task(cluster.poke())
    for _ in range(steps):
        await asyncio.sleep(0)
    done = waiting.done()
    waiting.cancel()
    await poking
    await asyncio.wait([waiting])

    assert done or waiting.cancelled()
