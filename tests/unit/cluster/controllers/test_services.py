"""Endpoints, EndpointSlices and load balancers of Services."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lab.cluster.controllers.endpoints import backends, differs, endpoints, slices
from lab.cluster.controllers.load_balancer import address, hostname
from lab.cluster.objects import Obj, dig
from lab.net import Block
from tests.unit.cluster.controllers.objects import ago, pod

_BLOCK = Block(77)
_INTERNAL = "service.beta.kubernetes.io/aws-load-balancer-internal"
_SCHEME = "service.beta.kubernetes.io/aws-load-balancer-scheme"


def _service(*, uid: str = "6b0b0f3a-1111-2222-3333-444455556666", ip: str = "", **spec: Any) -> Obj:
    annotations = spec.pop("annotations", {})
    ports = [{"name": "web", "port": 80, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop", "uid": uid, "annotations": annotations},
        "spec": {"selector": {"app": "web"}, "ports": ports, "type": "LoadBalancer", **spec},
        "status": {"loadBalancer": {"ingress": [{"ip": ip}]}} if ip else {},
    }


def _pod(name: str, ip: str, *, port: int = 3000, **more: Any) -> Obj:
    containers = [{"name": "app", "ports": [{"name": "http", "containerPort": port}]}]
    return pod(name, containers=containers, status={"podIP": ip}, **more)


def _addresses(found: Obj, field: str = "addresses") -> list[str]:
    return [a["ip"] for subset in found["subsets"] for a in subset.get(field, [])]


def test_ready_pods_are_behind_a_service() -> None:
    """Ready pods are addresses, others not-ready addresses; a pod that is leaving, or has no IP, is neither."""
    leaving = _pod("leaving", "127.77.16.3", metadata={"deletionTimestamp": ago(0)})
    stranger = _pod("stranger", "127.77.16.4", metadata={"labels": {"app": "other"}})
    pods = [_pod("a", "127.77.16.1"), _pod("b", "127.77.16.2", ready=None), leaving, stranger, _pod("c", "")]
    found = backends(_service(), pods)
    written = endpoints(_service(), found)
    (piece,) = slices(_service(), found)

    assert ["127.77.16.1"] == _addresses(written)
    assert ["127.77.16.2"] == _addresses(written, "notReadyAddresses")
    assert [{"name": "web", "port": 3000, "protocol": "TCP"}] == written["subsets"][0]["ports"]
    assert [True, False] == [e["conditions"]["ready"] for e in piece["endpoints"]]
    assert "web" == piece["metadata"]["labels"]["kubernetes.io/service-name"]


def test_not_ready_pods_are_published_on_request() -> None:
    """With publishNotReadyAddresses a pod that is not ready is an address like any other."""
    service = _service(publishNotReadyAddresses=True)
    found = endpoints(service, backends(service, [_pod("a", "127.77.16.1", ready=None)]))

    assert ["127.77.16.1"] == _addresses(found)


def test_pods_with_other_ports_are_a_subset_of_their_own() -> None:
    """A named target port is looked up in each pod; pods that differ are in different subsets and slices."""
    pods = [_pod("a", "127.77.16.1"), _pod("b", "127.77.16.2", port=8080)]
    found = backends(_service(), pods)

    assert [3000, 8080] == [s["ports"][0]["port"] for s in endpoints(_service(), found)["subsets"]]
    assert 2 == len({s["metadata"]["name"] for s in slices(_service(), found)})


def test_a_service_without_pods_has_empty_endpoints() -> None:
    """Nobody behind a Service: Endpoints without subsets, one empty slice, and nothing to write a second time."""
    written = endpoints(_service(), [])
    (piece,) = slices(_service(), [])

    assert [] == written["subsets"]
    assert [] == piece["endpoints"]
    assert not differs({**written, "metadata": {**written["metadata"], "uid": "x", "resourceVersion": "1"}}, written)


@pytest.mark.parametrize(
    ("annotations", "internal"),
    [
        ({}, False),
        ({_INTERNAL: "true"}, True),
        ({_INTERNAL: "false"}, False),
        ({_INTERNAL: f'(http://{_INTERNAL}:) "true"'}, True),
        ({_SCHEME: "internal"}, True),
        ({_SCHEME: "internet-facing"}, False),
    ],
)
def test_a_host_name_is_as_aws_gives_it(annotations: dict[str, str], internal: bool) -> None:
    """The name of a load balancer has AWS's form, says whether it is internal, and stays the same for a Service."""
    service = _service(annotations=annotations)
    form = r"internal-a[0-9a-f]{31}-\d+\.us-west-1\.elb\.amazonaws\.com"

    assert re.fullmatch(form if internal else form.removeprefix("internal-"), hostname(service))
    assert hostname(service) == hostname(_service(annotations=annotations))
    assert hostname(service) != hostname(_service(annotations=annotations, uid="another"))


def test_an_address_is_kept_and_a_free_one_is_used_again() -> None:
    """A Service keeps its address; a new one gets the lowest that nobody has; one of another block is not kept."""
    one, three = _service(uid="1", ip="127.77.1.1"), _service(uid="3", ip="127.77.1.3")
    new, foreign = _service(uid="2"), _service(uid="4", ip="127.99.1.1")
    everyone = [one, three, new, foreign]

    assert "127.77.1.3" == address(three, everyone, _BLOCK)
    assert "127.77.1.2" == address(new, everyone, _BLOCK)
    assert "127.77.1.2" == address(foreign, everyone, _BLOCK)


def test_addresses_can_run_out() -> None:
    """With every address taken there is none to give."""
    others = [_service(uid=str(n), ip=f"127.77.1.{n}") for n in range(1, 255)]

    assert address(_service(uid="new"), others, _BLOCK) is None
    assert dig(others[0], "status", "loadBalancer", "ingress", 0, "ip") == address(_service(), others[1:], _BLOCK)
