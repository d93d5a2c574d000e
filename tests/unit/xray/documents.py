"""Segment documents as Envoy writes them, and traces made of them."""

import json
from typing import Any

from lab.telemetry.xray.segments import Segment, parse
from lab.telemetry.xray.store import Trace

FRONTEND, NODEJS, CRYSTAL = "app-mesh/frontend-app_ns", "app-mesh/nodejs-app_ns", "app-mesh/crystal-app_ns"
PROXY = "AWS::AppMesh::Proxy"
START = 1_795_458_700.0


def segment_id(number: int) -> str:
    return f"{number:016x}"


def trace_id(number: int = 1) -> str:
    return f"1-6b0486b6-{number:024x}"


def document(name: str, number: int, parent: int | None = None, *, trace: int = 1, **fields: Any) -> str:
    """A segment that took 10 ms, answered 200."""
    known = {"parent_id": segment_id(parent)} if parent is not None else {}
    return json.dumps(
        {
            "name": name,
            "id": segment_id(number),
            "trace_id": trace_id(trace),
            "start_time": START,
            "end_time": START + 0.01,
            "origin": PROXY,
            "http": {
                "request": {"method": "GET", "url": f"http://{name}/", "client_ip": "127.0.0.1", "user_agent": "a/1"},
                "response": {"status": 500 if fields.get("fault") else 200, "content_length": 1},
            },
            "annotations": {"direction": "ingress", "upstream_cluster": "c"},
            **known,
            **fields,
        }
    )


def segment(name: str, number: int, parent: int | None = None, **fields: Any) -> Segment:
    return parse(document(name, number, parent, **fields))


def request_documents(trace: int = 1, *, at: float = START, nodejs_fault: bool = False) -> list[str]:
    """One request to the frontend, which asks both upstreams: an Envoy's segment for each way in and out."""
    span = {"start_time": at, "end_time": at + 0.02}
    inner = {"start_time": at + 0.005, "end_time": at + 0.01}
    failed = {"fault": True} if nodejs_fault else {}
    first = trace * 100
    parts = [
        (FRONTEND, first, None, {**span, **failed}),
        (FRONTEND, first + 1, first, {**inner, **failed}),
        (NODEJS, first + 2, first + 1, {**inner, **failed}),
        (FRONTEND, first + 3, first, inner),
        (CRYSTAL, first + 4, first + 3, inner),
    ]
    return [document(name, number, parent, trace=trace, **fields) for name, number, parent, fields in parts]


def request_trace(trace: int = 1, **given: Any) -> Trace:
    return Trace(trace_id(trace), [parse(each) for each in request_documents(trace, **given)])
