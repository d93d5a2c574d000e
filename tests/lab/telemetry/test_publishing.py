"""From a caller's Envoy to CloudWatch's sums, on a real MiniStack."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from canario.adapters.metrics_writer import Publisher
from canario.telemetry import datapoints
from canario.telemetry.counts import Counts, Node
from lab.telemetry.collector import Collector
from tests.lab.telemetry.conftest import LIVE, UNUSED, Calling

SECOND = int(datetime.now(UTC).timestamp()) // 5 * 5 - 60


def sums(cloudwatch: Any, workshop: str, metric: str, node: Node = LIVE, period: int = 1, **more: str) -> list[float]:
    """The sums of all periods that have data, in order of time."""
    named = {"Workshop": workshop, "Service": node.service, "Node": node.node, **more}
    dimensions = [{"Name": name, "Value": value} for name, value in named.items()]
    stat = {
        "Metric": {"Namespace": datapoints.NAMESPACE, "MetricName": metric, "Dimensions": dimensions},
        "Period": period,
        "Stat": "Sum",
    }
    found = cloudwatch.get_metric_data(
        MetricDataQueries=[{"Id": "a", "MetricStat": stat}],
        StartTime=datetime.fromtimestamp(SECOND, UTC),
        EndTime=datetime.now(UTC) + timedelta(seconds=60),
    )
    return found["MetricDataResults"][0]["Values"]


def data(workshop: str, second: int, requests: int, errors: int) -> list[datapoints.Datum]:
    counts = {LIVE: Counts(requests, errors, requests, {10.0: errors})}
    return datapoints.data(counts, {LIVE.namespace: workshop}, second)


@pytest.fixture
def workshop() -> str:
    """An id that no other test uses."""
    return f"w{uuid4().hex[:8]}"


@dataclass
class Unreliable:
    """A CloudWatch client whose next puts fail: before anything was sent, or after all was done."""

    client: Any
    failures: list[str] = field(default_factory=list)

    def put_metric_data(self, **arguments: Any) -> None:
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "refused connection":
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        if failure != "lost request":
            self.client.put_metric_data(**arguments)
        if failure:
            raise ReadTimeoutError(endpoint_url="http://127.0.0.1")

    def get_metric_statistics(self, **arguments: Any) -> Any:
        return self.client.get_metric_statistics(**arguments)


async def test_sums(cloudwatch: Any, workshop: str) -> None:
    """What is put each second is summed at period 1 and at period 5."""
    publisher = Publisher(cloudwatch)
    for second in range(SECOND, SECOND + 10):
        publisher.add(data(workshop, second, requests=10, errors=second % 2))
    assert await publisher.drain()

    assert [10.0] * 10 == sums(cloudwatch, workshop, "Requests")
    assert [50.0, 50.0] == sums(cloudwatch, workshop, "Requests", period=5)
    assert sum(sums(cloudwatch, workshop, "Errors", period=5)) == 5
    assert sum(sums(cloudwatch, workshop, "Slower", Edge="10")) == 5


@pytest.mark.parametrize("failure", ["refused connection", "lost request", "lost answer"])
async def test_failed_put(cloudwatch: Any, workshop: str, failure: str) -> None:
    """A put that fails is done again, once: also when it had been done and only its answer was lost."""
    publisher = Publisher(Unreliable(cloudwatch, [failure]))
    publisher.add(data(workshop, SECOND, requests=7, errors=1))
    publisher.add(data(workshop, SECOND + 1, requests=5, errors=0))
    outcomes = [await publisher.drain(), await publisher.drain()]

    assert [False, True] == outcomes
    assert [7.0, 5.0] == sums(cloudwatch, workshop, "Requests")


def pod(calling: Calling) -> dict[str, Any]:
    """The caller's Pod object."""
    return {
        "metadata": {
            "uid": "uid",
            "namespace": "ns",
            "name": "frontend",
            "creationTimestamp": (datetime.now(UTC) + timedelta(seconds=1)).isoformat(),
        },
        "spec": {"containers": [{"name": "frontend-app"}, {"name": "envoy"}]},
        "status": {"phase": "Running", "podIP": calling.block.pod(1)},
    }


@dataclass
class Listed:
    objects: list[dict[str, Any]]
    synced: bool = True


def collector(calling: Calling, workshop: str, publisher: Publisher) -> Collector:
    namespace = {"metadata": {"name": "ns", "labels": {datapoints.WORKSHOP_LABEL: workshop}}}
    lists = (Listed([pod(calling)]), Listed([namespace]))
    return Collector(calling.session, *lists, publisher, asyncio.Event(), interval=0.05)


async def test_collected(cloudwatch: Any, workshop: str, calling: Calling) -> None:
    """Every request that a caller's Envoy saw is in CloudWatch once, with zeros for the node not called."""
    publisher = Publisher(cloudwatch)
    collecting = asyncio.create_task(collector(calling, workshop, publisher).run())
    await calling.call(6)
    calling.backend.mode = "bad"
    await calling.call(4)
    async with asyncio.timeout(30):
        while sum(sums(cloudwatch, workshop, "Requests")) < 10:
            await publisher.drain()
            await asyncio.sleep(0.05)
    collecting.cancel()

    assert sum(sums(cloudwatch, workshop, "Requests")) == 10
    assert sum(sums(cloudwatch, workshop, "Errors")) == 4
    assert {0.0} == set(sums(cloudwatch, workshop, "Requests", UNUSED))


async def test_nobody_to_ask(cloudwatch: Any, workshop: str, calling: Calling) -> None:
    """When no caller answers nothing is put: absent data is absent, not zero."""
    publisher = Publisher(cloudwatch)
    calling.kill()
    await collector(calling, workshop, publisher).collect([calling.caller])
    await publisher.drain()

    assert sums(cloudwatch, workshop, "Requests") == []
