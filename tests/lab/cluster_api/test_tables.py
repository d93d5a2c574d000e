"""What `kubectl get` prints: ages, columns, JSONPath."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lab.cluster.columns import COLUMNS
from lab.cluster.jsonpath import JsonPathError, find
from lab.cluster.objects import Obj, timestamp
from lab.cluster.tables import age, printer_columns

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONDITIONS = {"status": {"conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "False"}]}}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (600, "10m"),
        (10_800, "3h"),
        (12_000, "3h20m"),
        (36_000, "10h"),
        (172_800, "2d"),
        (200_000, "2d7h"),
        (691_200, "8d"),
        (63_072_000, "2y"),
    ],
)
def test_ages_read_as_in_kubectl(seconds: int, expected: str) -> None:
    """Two units at most, fewer the longer ago."""
    assert expected == age(timestamp(NOON - timedelta(seconds=seconds)), NOON)


def _cells(resource: str, obj: Obj) -> dict[str, Any]:
    obj = {"metadata": {"name": "x", "creationTimestamp": "2026-11-23T11:59:00Z"}} | obj
    return {column.name: column.cell(obj, NOON) for column in COLUMNS[resource]}


@pytest.mark.parametrize("resource", COLUMNS)
def test_an_empty_object_has_a_row(resource: str) -> None:
    """No column needs a field that may be absent."""
    assert "x" == _cells(resource, {})["Name"]


def _pod(*states: Obj, **metadata: str) -> Obj:
    statuses = [{"name": str(n), "state": s, "ready": "running" in s} for n, s in enumerate(states)]
    containers = [{"name": s["name"]} for s in statuses]
    name = {"name": "x", "creationTimestamp": "2026-11-23T11:59:00Z"}
    return {
        "metadata": name | metadata,
        "spec": {"containers": containers},
        "status": {"phase": "Running", "containerStatuses": statuses},
    }


@pytest.mark.parametrize(
    ("pod", "ready", "status"),
    [
        (_pod({"running": {}}, {"running": {}}), "2/2", "Running"),
        (_pod({"running": {}}, {"waiting": {"reason": "CrashLoopBackOff"}}), "1/2", "CrashLoopBackOff"),
        (_pod({"terminated": {"exitCode": 3}}), "0/1", "ExitCode:3"),
        (_pod({"terminated": {"reason": "Completed"}}), "0/1", "Completed"),
        (_pod({"running": {}}, deletionTimestamp="2026-11-23T12:00:30Z"), "1/1", "Terminating"),
    ],
)
def test_a_pods_status_is_its_worst_news(pod: Obj, ready: str, status: str) -> None:
    """A waiting or terminated container's reason, a deletion above all."""
    cells = _cells("pods", pod)

    assert (ready, status) == (cells["Ready"], cells["Status"])


def test_restarts_say_when_the_last_one_was() -> None:
    """As `2 (1m ago)`."""
    pod = _pod({"running": {}})
    last = {"terminated": {"finishedAt": "2026-11-23T11:55:00Z"}}
    pod["status"]["containerStatuses"][0] |= {"restartCount": 2, "lastState": last}

    assert "2 (5m ago)" == _cells("pods", pod)["Restarts"]


@pytest.mark.parametrize(
    ("spec", "ingress", "expected"),
    [
        ({"type": "LoadBalancer"}, [], "<pending>"),
        ({"type": "LoadBalancer"}, [{"hostname": "a.elb", "ip": "127.0.1.1"}], "a.elb"),
        ({"type": "ClusterIP"}, [], "<none>"),
        ({"type": "ExternalName", "externalName": "a.b"}, [], "a.b"),
    ],
)
def test_external_ips(spec: Obj, ingress: list[Obj], expected: str) -> None:
    """A load balancer's host name, pending until it has one."""
    service = {"spec": spec, "status": {"loadBalancer": {"ingress": ingress}}}

    assert expected == _cells("services", service)["External-IP"]


@pytest.mark.parametrize(
    ("obj", "path", "expected"),
    [
        ({"spec": {"a": {"b": 1}}}, ".spec.a.b", [1]),
        ({"spec": {}}, ".spec.a.b", []),
        (CONDITIONS, '.status.conditions[?(@.type=="B")].status', ["False"]),
        (CONDITIONS, ".status.conditions[*].type", ["A", "B"]),
        (CONDITIONS, ".status.conditions[1].type", ["B"]),
        (CONDITIONS, ".status.conditions[7].type", []),
        ({"metadata": {"labels": {"a.b/c": "x"}}}, ".metadata.labels['a.b/c']", ["x"]),
        ({"metadata": {"labels": {"a.b/c": "x"}}}, r".metadata.labels.a\.b/c", ["x"]),
        ({"spec": {"a": 1}}, "{.spec.a}", [1]),
    ],
)
def test_json_paths_of_printer_columns(obj: Obj, path: str, expected: list[Any]) -> None:
    """Fields, filters, indices, quoted and escaped names."""
    assert expected == find(obj, path)


def test_a_path_that_cannot_be_read_is_refused() -> None:
    """Rather than read as something else."""
    with pytest.raises(JsonPathError, match="cannot read"):
        find({}, ".spec[?(@.a>1)]")


def test_printer_columns_have_types() -> None:
    """Dates are ages, lists are joined, absent values are empty."""
    declared = [
        {"name": "Hosts", "type": "string", "jsonPath": ".spec.hosts"},
        {"name": "Since", "type": "date", "jsonPath": ".spec.since"},
        {"name": "Count", "type": "integer", "jsonPath": ".spec.count"},
        {"name": "Gone", "type": "string", "jsonPath": ".spec.gone", "priority": 1},
    ]
    obj = {"metadata": {"name": "x"}, "spec": {"hosts": ["a", "b"], "since": "2026-11-23T11:59:00Z", "count": 3}}
    columns = printer_columns(declared)

    assert ["x", '["a","b"]', "60s", 3, None] == [c.cell(obj, NOON) for c in columns]
    assert [0, 0, 0, 0, 1] == [c.definition()["priority"] for c in columns]
