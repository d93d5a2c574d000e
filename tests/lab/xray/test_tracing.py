"""Real Envoys, real daemons: a request's way arrives in X-Ray."""

from __future__ import annotations

import asyncio
import json
from time import time
from typing import Any

from lab.mesh.tracing import ORIGIN, segment_name
from tests.lab.mesh.support import CALLER, V1, eventually
from tests.lab.xray.conftest import Workshop

UNSAMPLED = {"X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"}


def names(workshop: Workshop) -> tuple[str, str]:
    """What the frontend's and nodejs's segments are called."""
    mesh = workshop.cluster.mesh
    frontend, nodejs = (mesh.node(ref) for ref in (CALLER, V1))
    assert frontend
    assert nodejs
    return segment_name(mesh, frontend), segment_name(mesh, nodejs)


async def traced(workshop: Workshop, expression: str) -> dict[str, Any]:
    """The one trace that is meant, once it has come whole: frontend in, frontend out, nodejs in."""
    found: list[dict[str, Any]] = []

    async def whole() -> bool:
        found[:] = [each for each in await workshop.summaries(expression) if each["Revision"] == 3]
        return bool(found)

    await eventually(whole, 20)
    return found[0]


async def test_a_request_becomes_a_trace(workshop: Workshop) -> None:
    """Each Envoy's segments, in and out, are linked from the frontend into nodejs, and the graph has the edge."""
    frontend, nodejs = names(workshop)
    await workshop.ask()
    summary = await traced(workshop, f'service("{frontend}") AND service("{nodejs}") AND ok')

    [trace] = workshop.api.batch_get_traces(TraceIds=[summary["Id"]])["Traces"]
    documents = {each["Id"]: json.loads(each["Document"]) for each in trace["Segments"]}
    [last] = [each for each in documents.values() if each["name"] == nodejs]
    sent = documents[last["parent_id"]]
    first = documents[sent["parent_id"]]
    assert [frontend, frontend, nodejs] == [each["name"] for each in (first, sent, last)]
    directions = [each["annotations"]["direction"] for each in (first, sent, last)]
    assert ["ingress", "egress", "ingress"] == directions
    assert {ORIGIN} == {each["origin"] for each in documents.values()}
    assert "parent_id" not in first
    graph = workshop.api.get_service_graph(StartTime=time() - 300, EndTime=time() + 1)["Services"]
    numbers = {each["ReferenceId"]: each["Name"] for each in graph}
    assert (frontend, nodejs) in {
        (each["Name"], numbers[edge["ReferenceId"]]) for each in graph for edge in each["Edges"]
    }


async def test_a_fault_is_nodejs_own(workshop: Workshop) -> None:
    """A 5xx of nodejs is a fault of its segment, of the edge to it and of the trace."""
    frontend, nodejs = names(workshop)
    workshop.status = 500

    assert 502 == await workshop.ask()
    summary = await traced(workshop, f'fault AND edge("{frontend}", "{nodejs}") {{ fault AND http.status = 500 }}')
    assert summary["HasFault"]


async def test_what_is_not_traced(workshop: Workshop) -> None:
    """Probes are not, nor are requests whose sender has decided against it; the next request is."""
    await workshop.ask("/health")
    await workshop.ask("/quiet", **UNSAMPLED)
    await workshop.ask("/loud")
    await traced(workshop, 'http.url ENDSWITH "/loud"')

    assert [] == await workshop.summaries('http.url ENDSWITH "/health" OR http.url ENDSWITH "/quiet"')


async def test_the_daemons_log(workshop: Workshop) -> None:
    """`kubectl logs -c xray-daemon` says where it listens and what it has forwarded."""
    await workshop.ask("/logged")
    await traced(workshop, 'http.url ENDSWITH "/logged"')

    log = workshop.log(workshop.nodejs)
    assert f"udp:{workshop.nodejs.place.pod_ip}:2000" in log
    assert "[Info] Successfully sent batch of 1 segments" in log


async def test_the_daemon_outlasts_the_last_request(workshop: Workshop) -> None:
    """Told to end, a daemon takes what its Envoy, told at the same time, still has to say; then it ends well."""
    daemon = workshop.daemons[workshop.nodejs.name]
    daemon.terminate()
    await workshop.ask("/last")
    status = await asyncio.wait_for(daemon.wait(), 15)
    summary = await traced(workshop, 'http.url ENDSWITH "/last"')

    assert (0, False) == (status, summary["HasFault"])
    assert workshop.log(workshop.nodejs).endswith("[Info] Shutting down\n")
