"""What Envoy's counters say of each way in which a request can end: one test a row of docs/telemetry.md."""

import pytest

from canario.telemetry.counts import Answers
from tests.lab.telemetry.conftest import EMPTY, LIVE, UNUSED, Calling


@pytest.mark.parametrize(
    ("mode", "path", "status", "errors", "answered"),
    [
        pytest.param("good", "/", 200, 0, 3, id="answered"),
        pytest.param("bad", "/", 500, 3, 3, id="answered with 500"),
        pytest.param("bad", "/retry", 500, 3, 3, id="500, retried in vain"),
        pytest.param("bad_once", "/retry", 200, 0, 3, id="503, retried with success"),
        pytest.param("silent", "/", 504, 3, 0, id="no answer in time"),
        pytest.param("reset", "/", 503, 3, 0, id="connection reset"),
        pytest.param("reset", "/retry", 503, 3, 0, id="connection reset, retried in vain"),
    ],
)
async def test_each_request_once(
    calling: Calling, mode: str, path: str, status: int, errors: int, answered: int
) -> None:
    """A request counts once, retried or not, and is an error when it ended in a 5xx or in no answer."""
    calling.backend.mode = mode
    statuses = await calling.call(3, path)
    counts = await calling.until(LIVE, 3)

    assert [status] * 3 == statuses
    assert (3, errors, answered) == (counts.requests, counts.errors, counts.answered)


async def test_dead_backend(calling: Calling) -> None:
    """Nobody listens at the node's address any more: every request to it is an error."""
    await calling.call(2)
    await calling.backend.runner.cleanup()
    statuses = await calling.call(2) + await calling.call(2, "/retry")
    counts = await calling.until(LIVE, 6)

    assert [503] * 4 == statuses
    assert (6, 4) == (counts.requests, counts.errors)


async def test_no_endpoints(calling: Calling) -> None:
    """A node without endpoints: every request to it is an error."""
    await calling.call(2, "/empty")
    counts = await calling.until(EMPTY, 2)

    assert (2, 2) == (counts.requests, counts.errors)


async def test_never_called(calling: Calling) -> None:
    """A node that nobody called is told of, with zeros for every edge."""
    counts = (await calling.read()).nodes[UNUSED]

    assert (0, 0) == (counts.requests, counts.errors)
    assert {0} == set(counts.slower.values())


async def test_slower(calling: Calling) -> None:
    """What took longer than an edge is slower than it, and the edges are the bootstrap's."""
    calling.backend.mode = "late"
    await calling.call(2)
    counts = await calling.until(LIVE, 2)

    assert (2, 0) == (counts.slower[50.0], counts.slower[10000.0])


async def test_restart(calling: Calling) -> None:
    """An Envoy that was killed and started again has begun later and counts from zero."""
    await calling.call(2)
    before = await calling.until(LIVE, 2)
    calling.kill()
    await calling.start()
    after = (await calling.read()).nodes[LIVE]

    assert (2, 0) == (before.requests, after.requests)


async def test_counters_outlive_endpoints(calling: Calling) -> None:
    """A change of a counted cluster's endpoints loses none of its counters, and fails no request."""
    calling.backend.mode = "bad"
    await calling.call(2)
    calling.point([calling.backend.address] * 2)
    await calling.modified()
    calling.backend.mode = "good"
    await calling.call(2)
    counts = await calling.until(LIVE, 4)

    assert (4, 2, 4) == (counts.requests, counts.errors, counts.answered)


async def test_each_pod_by_itself(calling: Calling) -> None:
    """Of two endpoints, the one where nobody listens has its failures by its own address, and nothing else has."""
    nobody = (calling.block.pod(3), 3000)
    calling.point([calling.backend.address, nobody])
    await calling.modified()
    statuses = await calling.call(6)
    counts = await calling.until(LIVE, 6)

    assert {200: 3, 503: 3} == {status: statuses.count(status) for status in set(statuses)}
    assert {calling.block.pod(2): Answers(3, 0), calling.block.pod(3): Answers(3, 3)} == counts.pods
