"""From readings to windows' data, with the proxies' answers given."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from apps.collector.collecting import Collector
from apps.collector.proxies import samples
from apps.collector.settings import BadSetting, settings_from
from canario.telemetry.istio import Callees, Caller, reading
from canario.telemetry.ledger import Proxy, Reading
from tests.istio_text import IstioProxy, Series
from tests.unit.collector.objects import FakeCluster, pod

API = {"KUBERNETES_API": "https://127.0.0.1:1"}
BEGAN = 600


@dataclass
class Answers:
    """Each pod's proxy by its name; a pod that is not here gives no answer."""

    now: float = BEGAN
    proxies: dict[str, IstioProxy] = field(default_factory=dict)

    async def read(self, callers: Iterable[Caller], callees: Callees) -> dict[Proxy, Reading]:
        return {
            each.proxy: reading(samples(self.proxies[each.name].text()), callees, each.namespace, self.now)
            for each in callers
            if each.name in self.proxies
        }


@dataclass
class Put:
    """What would go to CloudWatch."""

    data: list[dict[str, Any]] = field(default_factory=list)

    def add(self, data: list[dict[str, Any]]) -> None:
        self.data += data

    def of(self, metric: str, node: str = "nodejs-app") -> list[tuple[int, float]]:
        """(window's start, value) of a metric without edges."""
        return [
            (int(each["Timestamp"].timestamp()), each["Value"])
            for each in self.data
            if each["MetricName"] == metric and {"Name": "Node", "Value": node} in each["Dimensions"]
        ]


@dataclass
class Running:
    cluster: FakeCluster
    answers: Answers
    put: Put
    collector: Collector

    async def at(self, second: int, requests: int) -> None:
        """A reading at this second, when the frontend has called nodejs so often since it began."""
        self.answers.now = second
        proxy = IstioProxy(second - BEGAN, [Series("nodejs-app", times=(3.0,) * requests)])
        self.answers.proxies = {"frontend-1": proxy}
        await self.collector.collect(second)


@pytest.fixture
def running() -> Running:
    cluster, answers, put = FakeCluster([pod(created=BEGAN)]), Answers(), Put()
    return Running(cluster, answers, put, Collector(cluster, answers, put, settings_from(API), lambda: answers.now))


async def test_a_windows_data_is_put_when_it_ends(running: Running) -> None:
    """The reading at a window's end is the window's own, with its start as timestamp, in minutes' resolution."""
    await running.at(630, 3)
    before = list(running.put.data)
    await running.at(660, 10)
    await running.at(720, 12)

    assert before == []
    assert running.put.of("Requests") == [(600, 10.0), (660, 2.0)]
    assert running.put.of("Errors", "nodejsv2-app") == [(600, 0.0), (660, 0.0)]
    assert {each["StorageResolution"] for each in running.put.data} == {60}


async def test_dimensions_are_the_contracts(running: Running) -> None:
    """Workshop, Service, Node; and Edge for Slower."""
    await running.at(660, 1)
    named = {
        tuple((each["Name"], each["Value"]) for each in datum["Dimensions"])
        for datum in running.put.data
        if datum["MetricName"] in ("Requests", "Slower")
    }

    assert (("Workshop", "turma-01"), ("Service", "nodejs"), ("Node", "nodejsv2-app")) in named
    assert (("Workshop", "turma-01"), ("Service", "nodejs"), ("Node", "nodejs-app"), ("Edge", "250")) in named


async def test_nobody_answers(running: Running) -> None:
    """Nothing is put: absent data is absent, not zero."""
    await running.collector.collect(660)

    assert running.put.data == []


async def test_a_reading_that_came_late_closes_the_window(running: Running) -> None:
    """Where no reading was made at its end, the next one puts it first."""
    await running.at(655, 4)
    await running.at(665, 9)

    assert running.put.of("Requests") == [(600, 4.0)]


async def test_a_pod_older_than_the_collector_begins_with_what_it_had(running: Running) -> None:
    """Another collector may have told of it."""
    running.cluster.pods = [pod(created=BEGAN - 100)]
    await running.at(630, 50)
    await running.at(660, 53)

    assert running.put.of("Requests") == [(600, 3.0)]


async def test_a_window_is_logged_with_its_workshop(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """So that one workshop's lines can be found."""
    with caplog.at_level(logging.INFO):
        await running.at(660, 5)
    (line,) = (each for each in caplog.records if each.getMessage() == "a window's counts")

    assert (line.workshop, line.requests) == ("turma-01", 5)


async def test_it_says_when_it_reads_nothing_any_more(running: Running) -> None:
    """Kubernetes then starts it anew."""
    await running.at(630, 5)
    well = running.collector.trouble
    running.answers.now = 700

    assert (well, running.collector.trouble) == (None, "no reading for 70 s")


@pytest.mark.parametrize(
    ("name", "value"),
    [("WINDOW_SECONDS", "90"), ("WINDOW_SECONDS", "0"), ("SCRAPE_SECONDS", "7"), ("PROXY_PORT", "x")],
)
def test_settings_name_what_is_wrong(name: str, value: str) -> None:
    """One line: the variable, its value, what is allowed."""
    with pytest.raises(BadSetting, match=rf"^{name}: '?{value}'? is not allowed; allowed: "):
        settings_from({**API, name: value})
