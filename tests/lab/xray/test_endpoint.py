"""The lab's X-Ray, as boto3 and the AWS command line see it."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.lab.xray.shapes import strays
from tests.unit.xray.documents import (
    CRYSTAL,
    FRONTEND,
    NODEJS,
    START,
    document,
    request_documents,
    segment_id,
    trace_id,
)
from tests.xray import client, xray

SPAN = {
    "StartTime": datetime.fromtimestamp(START, UTC),
    "EndTime": datetime.fromtimestamp(START, UTC) + timedelta(minutes=10),
}
TIMES = {"StartTime": START, "EndTime": START + 600}
REQUESTS = 130  # more than a page
FAULTS = 13


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """An X-Ray that knows REQUESTS requests, one a second; of every ten nodejs failed one."""
    with xray() as found, closing(client(found)) as api:
        for number in range(1, REQUESTS + 1):
            documents = request_documents(number, at=START + number, nodejs_fault=number % 10 == 0)
            api.put_trace_segments(TraceSegmentDocuments=documents)
        yield found


@pytest.fixture(scope="module")
def api(endpoint: str) -> Iterator[Any]:
    with closing(client(endpoint)) as found:
        yield found


def summaries(api: Any, expression: str = "") -> list[dict[str, Any]]:
    """All pages."""
    wanted = {"FilterExpression": expression} if expression else {}
    pages = api.get_paginator("get_trace_summaries").paginate(**SPAN, **wanted)
    return [found for page in pages for found in page["TraceSummaries"]]


def post(endpoint: str, path: str, body: bytes) -> tuple[int, Any, str]:
    """Status, members and error type of a bare POST."""
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{endpoint}{path}", body)) as response:
            return response.status, json.load(response), ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error), error.headers["x-amzn-ErrorType"]


@pytest.mark.parametrize(
    ("operation", "path", "request_members"),
    [
        ("PutTraceSegments", "/TraceSegments", {"TraceSegmentDocuments": ["{"]}),
        ("PutTelemetryRecords", "/TelemetryRecords", {"TelemetryRecords": []}),
        ("GetTraceSummaries", "/TraceSummaries", TIMES),
        ("BatchGetTraces", "/Traces", {"TraceIds": [trace_id(1), trace_id(9999)]}),
        ("GetServiceGraph", "/ServiceGraph", TIMES),
        ("GetTraceGraph", "/TraceGraph", {"TraceIds": [trace_id(1)]}),
        ("GetTimeSeriesServiceStatistics", "/TimeSeriesServiceStatistics", TIMES),
        ("GetSamplingRules", "/GetSamplingRules", {}),
        (
            "GetSamplingTargets",
            "/SamplingTargets",
            {"SamplingStatisticsDocuments": [{"RuleName": "Default"}, {"RuleName": "mine"}]},
        ),
    ],
)
def test_shapes(endpoint: str, operation: str, path: str, request_members: dict[str, Any]) -> None:
    """Every answer has the members and types of botocore's service model, and no others."""
    status, answer, _ = post(endpoint, path, json.dumps(request_members).encode())

    assert (200, []) == (status, strays(operation, answer))


def test_summaries_have_pages(api: Any) -> None:
    """Every trace is on exactly one page, in order of time."""
    found = summaries(api)

    assert [trace_id(number) for number in range(1, REQUESTS + 1)] == [each["Id"] for each in found]
    assert [100, 30] == [len(page["TraceSummaries"]) for page in pages(api)]


def pages(api: Any) -> list[dict[str, Any]]:
    return list(api.get_paginator("get_trace_summaries").paginate(**SPAN))


def test_a_summary(api: Any) -> None:
    """A summary tells of the trace's root, and names every service in it."""
    found = summaries(api, "fault")[0]

    assert (trace_id(10), True, FRONTEND) == (found["Id"], found["HasFault"], found["EntryPoint"]["Name"])
    assert {FRONTEND, NODEJS, CRYSTAL} == {each["Name"] for each in found["ServiceIds"]}
    assert (500, 0.02) == (found["Http"]["HttpStatus"], found["ResponseTime"])
    assert datetime.fromtimestamp(START + 10, UTC) == found["StartTime"]


def test_filters(api: Any) -> None:
    """Filter expressions choose traces by what happened on their way."""
    expected = {
        "": REQUESTS,
        f'service("{NODEJS}") {{ fault }}': FAULTS,
        f'edge("{FRONTEND}", "{NODEJS}") {{ fault }} AND NOT service("{CRYSTAL}") {{ fault }}': FAULTS,
        "http.status = 200 AND responsetime < 1": REQUESTS - FAULTS,
        'annotation.direction = "ingress" AND error': 0,
    }

    assert expected == {text: len(summaries(api, text)) for text in expected}


def test_a_trace_comes_back_as_it_was_sent(api: Any) -> None:
    """BatchGetTraces gives the documents themselves, and names the traces that it does not know."""
    answer = api.batch_get_traces(TraceIds=[trace_id(1), trace_id(9999)])

    documents = [segment["Document"] for segment in answer["Traces"][0]["Segments"]]
    assert request_documents(1, at=START + 1) == documents
    assert [trace_id(9999)] == answer["UnprocessedTraceIds"]


def test_the_service_graph(api: Any) -> None:
    """The edges are those between the services, with their counts."""
    services = {each["ReferenceId"]: each for each in api.get_service_graph(**SPAN)["Services"]}
    edges = {
        (each["Name"], services[edge["ReferenceId"]]["Name"]): edge["SummaryStatistics"]
        for each in services.values()
        for edge in each["Edges"]
    }

    assert {("client", FRONTEND), (FRONTEND, NODEJS), (FRONTEND, CRYSTAL)} == set(edges)
    assert (REQUESTS, FAULTS) == (
        edges[FRONTEND, NODEJS]["TotalCount"],
        edges[FRONTEND, NODEJS]["FaultStatistics"]["TotalCount"],
    )


@pytest.mark.parametrize(
    ("selector", "member", "faults"),
    [
        ({}, "ServiceSummaryStatistics", FAULTS),
        ({"EntitySelectorExpression": f'service("{NODEJS}")'}, "ServiceSummaryStatistics", FAULTS),
        ({"EntitySelectorExpression": f'edge("{FRONTEND}", "{CRYSTAL}")'}, "EdgeSummaryStatistics", 0),
    ],
)
@pytest.mark.parametrize("period", [5, 60, 300])
def test_time_series(api: Any, selector: dict[str, str], member: str, faults: int, period: int) -> None:
    """Counts and a histogram for each period, of a service or of an edge; together they are all requests."""
    found = api.get_time_series_service_statistics(**SPAN, Period=period, **selector)["TimeSeriesServiceStatistics"]

    assert REQUESTS == sum(each[member]["TotalCount"] for each in found)
    assert faults == sum(each[member]["FaultStatistics"]["TotalCount"] for each in found)
    assert REQUESTS == sum(bucket["Count"] for each in found for bucket in each["ResponseTimeHistogram"])
    assert all(each["Timestamp"].timestamp() % period == 0 for each in found)


def test_segments_that_are_not_taken(api: Any) -> None:
    """The good ones of a batch are taken, and the others named with the reason."""
    good, bad = document("a", 1, trace=77777), document("b", 2, trace=77777, start_time=None)
    answer = api.put_trace_segments(TraceSegmentDocuments=[good, bad])

    assert [{"Id": segment_id(2), "ErrorCode": "MissingStartTime"}] == [
        {key: each[key] for key in ("Id", "ErrorCode")} for each in answer["UnprocessedTraceSegments"]
    ]
    assert 1 == len(api.batch_get_traces(TraceIds=[trace_id(77777)])["Traces"][0]["Segments"])


@pytest.mark.parametrize(
    ("operation", "given", "said"),
    [
        ("get_trace_summaries", {**SPAN, "FilterExpression": "fault AND"}, "at the end: expected a keyword"),
        ("get_trace_summaries", {**SPAN, "NextToken": "x"}, "NextToken"),
        ("get_trace_summaries", {"StartTime": SPAN["EndTime"], "EndTime": SPAN["StartTime"]}, "later than StartTime"),
        ("get_service_graph", {**SPAN, "EndTime": SPAN["EndTime"] + timedelta(hours=6)}, "6 hours"),
        ("get_service_graph", {**SPAN, "GroupName": "mine"}, "no group 'mine'"),
        ("batch_get_traces", {"TraceIds": [trace_id(1)] * 6}, "at most 5"),
        ("put_trace_segments", {"TraceSegmentDocuments": ["{}"] * 51}, "at most 50"),
        ("get_time_series_service_statistics", {**SPAN, "Period": 61}, "allowed: 60, 300"),
        ("get_time_series_service_statistics", {**SPAN, "EntitySelectorExpression": "ok"}, "service(…) or edge(…, …)"),
    ],
)
def test_refused(api: Any, operation: str, given: dict[str, Any], said: str) -> None:
    """What X-Ray refuses is an InvalidRequestException that says why."""
    with pytest.raises(ClientError) as refused:
        getattr(api, operation)(**given)

    error = refused.value.response
    assert ("InvalidRequestException", 400) == (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"])
    assert said in error["Error"]["Message"]


def test_an_operation_that_the_lab_lacks(api: Any) -> None:
    """It is refused by name, not answered with something empty."""
    with pytest.raises(ClientError, match=r"UnknownOperationException.*/CreateGroup"):
        api.create_group(GroupName="mine")


@pytest.mark.parametrize("body", [b"{", b"[]", b"[" * 100000, b"\xff"])
def test_no_json(endpoint: str, body: bytes) -> None:
    """A body that is no JSON object is the caller's mistake."""
    status, answer, kind = post(endpoint, "/ServiceGraph", body)

    assert (400, "InvalidRequestException") == (status, kind)
    assert answer["Message"].startswith("the request is no JSON")
