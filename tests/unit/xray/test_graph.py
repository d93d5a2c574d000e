"""The service graph."""

from typing import Any

from lab.telemetry.xray.graph import service_graph
from tests.unit.xray.documents import CRYSTAL, FRONTEND, NODEJS, PROXY, START, request_trace

Shape = dict[str, Any]


def graph(*faults: bool) -> dict[str, Shape]:
    """The graph of as many requests, by service."""
    traces = [request_trace(number, nodejs_fault=fault) for number, fault in enumerate(faults, 1)]
    return {each["Name"]: each for each in service_graph([hop for trace in traces for hop in trace.hops])}


def edges(found: dict[str, Shape]) -> dict[tuple[str, str], Shape]:
    names = {each["ReferenceId"]: name for name, each in found.items()}
    return {(name, names[edge["ReferenceId"]]): edge for name, each in found.items() for edge in each["Edges"]}


def test_services_and_edges() -> None:
    """Each service is there once, with the edges to those it asked; the client leads to the root."""
    found = graph(False)

    assert {("client", FRONTEND), (FRONTEND, NODEJS), (FRONTEND, CRYSTAL)} == set(edges(found))
    assert (True, PROXY) == (found[FRONTEND]["Root"], found[FRONTEND]["Type"])
    assert "Root" not in found[NODEJS]
    assert ("client", "unknown") == (found["client"]["Type"], found["client"]["State"])


def test_counts() -> None:
    """A service's requests are counted once each, and a fault is a fault on its edge as well."""
    found = graph(False, True)

    assert 2 == found[FRONTEND]["SummaryStatistics"]["TotalCount"]
    assert (1, 1) == (
        found[NODEJS]["SummaryStatistics"]["OkCount"],
        found[NODEJS]["SummaryStatistics"]["FaultStatistics"]["TotalCount"],
    )
    assert 1 == edges(found)[FRONTEND, NODEJS]["SummaryStatistics"]["FaultStatistics"]["TotalCount"]
    assert 0 == edges(found)[FRONTEND, CRYSTAL]["SummaryStatistics"]["FaultStatistics"]["TotalCount"]


def test_times() -> None:
    """A service's times span the requests that entered it, and its histogram their durations in seconds."""
    found = graph(False)[FRONTEND]

    assert (START, START + 0.02) == (found["StartTime"], found["EndTime"])
    assert [{"Value": 0.02, "Count": 1}] == found["ResponseTimeHistogram"]


def test_nothing_traced() -> None:
    """Without requests there is no graph."""
    assert {} == graph()
