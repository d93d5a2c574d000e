"""The port `Traces`: the fake, and X-Ray by the lab's endpoint (moto has no service graph)."""

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from canario.adapters.faults import SampledFaults
from canario.adapters.xray import XRay
from canario.canary import Tally
from canario.canary.ports import Target, Wanted
from canario.errors import RemoteError
from canario.workshop.ports import Segment, ServiceGraph, Trace, Traced, Traces
from lab.net import free_port
from tests.fakes import FakeTraces
from tests.xray import client, xray

NOW = datetime.now(UTC).replace(microsecond=0)
START, END = NOW - timedelta(minutes=5), NOW

Put = Callable[[datetime, Trace], None]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with xray() as found:
        yield found


@pytest.fixture(params=["fake", "lab"])
def backend(request: pytest.FixtureRequest) -> Iterator[tuple[Traces, Put]]:
    """The port, and a way to have something traced."""
    if request.param == "fake":
        fake = FakeTraces()
        yield fake, lambda at, trace: fake.kept.append((at, trace))
        return
    with closing(client(request.getfixturevalue("endpoint"))) as found:
        yield XRay(found), lambda at, trace: put(found, at, trace)


def put(found: object, at: datetime, trace: Trace) -> None:
    documents = [json.dumps(document(at, trace, segment)) for segment in trace.segments]
    answer = found.put_trace_segments(TraceSegmentDocuments=documents)
    assert [] == answer["UnprocessedTraceSegments"]


def document(at: datetime, trace: Trace, segment: Segment) -> dict[str, object]:
    start = at.timestamp()
    known = {"parent_id": segment.parent} if segment.parent else {}
    return {
        "id": segment.id,
        "trace_id": trace.id,
        "name": segment.service,
        "fault": segment.fault,
        "start_time": start,
        "end_time": start + 0.01,
        "origin": "AWS::AppMesh::Proxy",
        **known,
    }


def request_of(name: str, *, nodejs_fault: bool = False) -> Trace:
    """The frontend asks nodejs, each with a segment of its own for what it sends on."""
    first, sent, seen = (secrets.token_hex(8) for _ in range(3))
    segments = (
        Segment(first, None, f"{name}/frontend", False),
        Segment(sent, first, f"{name}/frontend", nodejs_fault),
        Segment(seen, sent, f"{name}/nodejs", nodejs_fault),
    )
    return Trace(f"1-6b0486b6-{secrets.token_hex(12)}", segments)


def of(name: str, graph: ServiceGraph) -> ServiceGraph:
    """What concerns this test's own services."""
    mine = f"{name}/"
    return ServiceGraph(
        {service: counts for service, counts in graph.services.items() if service.startswith(mine)},
        {edge: counts for edge, counts in graph.edges.items() if edge[0].startswith(mine)},
    )


def test_the_graph_counts_requests_and_faults(backend: tuple[Traces, Put], name: str) -> None:
    """Every service that was entered and every edge is there, with its requests and those that failed."""
    traces, put_trace = backend
    put_trace(START, request_of(name))
    put_trace(START + timedelta(seconds=30), request_of(name, nodejs_fault=True))

    expected = ServiceGraph(
        {f"{name}/frontend": Traced(2, 0), f"{name}/nodejs": Traced(2, 1)},
        {(f"{name}/frontend", f"{name}/nodejs"): Traced(2, 1)},
    )
    assert expected == of(name, traces.graph(START, END))


def test_only_what_was_asked_about(backend: tuple[Traces, Put], name: str) -> None:
    """A request before the span, or at its end, is not of it."""
    traces, put_trace = backend
    for at in (START - timedelta(seconds=1), END):
        put_trace(at, request_of(name))

    assert ServiceGraph({}, {}) == of(name, traces.graph(START, END))
    assert not traces.find([f"{name}/nodejs"], START, END)


def test_traces_through_all_services(backend: tuple[Traces, Put], name: str) -> None:
    """A trace is found when it passes through every service that was named, with all its segments."""
    traces, put_trace = backend
    whole, alone = request_of(name), Trace(f"1-6b0486b6-{secrets.token_hex(12)}", request_of(name).segments[:1])
    put_trace(START, whole)
    put_trace(START, alone)

    [found] = traces.find([f"{name}/frontend", f"{name}/nodejs"], START, END)

    assert (whole.id, set(whole.segments)) == (found.id, set(found.segments))
    assert not traces.find([f"{name}/frontend", f"{name}/nobody"], START, END)


def test_no_more_traces_than_asked_for(backend: tuple[Traces, Put], name: str) -> None:
    """More traces than X-Ray gives in one answer are found, up to the number that was asked for."""
    traces, put_trace = backend
    for _ in range(12):
        put_trace(START, request_of(name))

    assert [3, 12] == [len(traces.find([f"{name}/nodejs"], START, END, most)) for most in (3, 50)]


def test_what_xray_refuses(endpoint: str) -> None:
    """The error says what was being done, and what X-Ray said."""
    with (
        closing(client(endpoint)) as found,
        pytest.raises(RemoteError, match=r"reading X-Ray's service graph .*InvalidRequestException.*6 hours"),
    ):
        XRay(found).graph(NOW - timedelta(hours=7), NOW)


def test_nobody_answers() -> None:
    """An endpoint that is not there is a RemoteError too."""
    with (
        closing(client(f"http://127.0.0.1:{free_port()}")) as found,
        pytest.raises(RemoteError, match="looking for traces through a, b"),
    ):
        XRay(found).find(["a", "b"], START, END)


@pytest.mark.parametrize("seconds", [60, 10], ids=["time series", "service graph"])
def test_a_nodes_sampled_faults_by_window(endpoint: str, name: str, seconds: int) -> None:
    """Each window has its own traces and faults; one in which nothing was sampled is left out, and so is a stranger."""
    start = START.replace(second=0)
    target = Target(name, "appmesh", "ns", "r", "nodejs", "nodejs-app", "v2")
    node = f"{name}-app"
    with closing(client(endpoint)) as found:
        for second, fault in ((0, False), (1, True), (2 * seconds, False)):
            segment = Segment(secrets.token_hex(8), None, f"mesh/{node}_ns", fault)
            put(found, start + timedelta(seconds=second), Trace(f"1-6b0486b6-{secrets.token_hex(12)}", (segment,)))
        faults = SampledFaults(found)
        end = start + timedelta(seconds=3 * seconds)
        read = faults.read(Wanted(target, node, start, end, seconds))
        stranger = faults.read(Wanted(target, f"{name}-ap", start, end, seconds))

    assert ({start: Tally(2, 1), start + timedelta(seconds=2 * seconds): Tally(1, 0)}, {}) == (read, stranger)
