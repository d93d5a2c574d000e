"""Where a node's requests go, by its discovery."""

from __future__ import annotations

from typing import Any

import pytest

from canario.mesh.model import CloudMap, Discovery, Hostname, Node, Port, Ref, Selector
from canario.workshop.cloud_map import ADDRESS, PORT, Instance, ServiceName
from lab.mesh.endpoints import Endpoints, resolve
from lab.mesh.world import World
from tests.unit.mesh.objects import NAMESPACE, obj, pod

VPC = ("127.9.0.2", 3128)


def found(discovery: Discovery | None, **objects: Any) -> Endpoints:
    node = Node(Ref(NAMESPACE, "web"), "web", Selector((("app", "web"),)), (Port(3000),), discovery)
    return resolve(node, World(**objects), VPC)


def balancer(port: int, target: int) -> dict[str, Any]:
    ingress = [{"hostname": "internal-1.elb.amazonaws.com", "ip": "127.9.1.1"}]
    spec = {"ports": [{"name": "http", "port": port, "targetPort": target}]}
    return obj("v1", "Service", "web", spec=spec, status={"loadBalancer": {"ingress": ingress}})


@pytest.mark.parametrize(("port", "target"), [(3000, 3000), (80, 3000)])
def test_load_balancer(port: int, target: int) -> None:
    """A load balancer's name leads to its address, at the port that leads to the node's."""
    endpoints = found(Hostname("Internal-1.elb.amazonaws.com"), services=(balancer(port, target),))

    assert Endpoints((("127.9.1.1", port),)) == endpoints


def test_kubernetes_service() -> None:
    """A name of the cluster's own zone leads to the Service's ready endpoints."""
    subset = {
        "addresses": [{"ip": "127.9.16.1"}, {"ip": "127.9.16.2"}],
        "notReadyAddresses": [{"ip": "127.9.16.3"}],
        "ports": [{"name": "admin", "port": 1}, {"name": "http", "port": 8080}],
    }
    endpoints = found(
        Hostname("web.shop.svc.cluster.local"),
        services=(balancer(3000, 8080),),
        endpoints=(obj("v1", "Endpoints", "web", subsets=[subset]),),
    )

    assert Endpoints((("127.9.16.1", 8080), ("127.9.16.2", 8080))) == endpoints


def test_kubernetes_service_without_endpoints() -> None:
    """A Service none of whose pods is ready has no endpoints; its name does not leave the cluster."""

    assert Endpoints() == found(Hostname("web.shop.svc.cluster.local"), services=(balancer(3000, 3000),))


def test_other_names() -> None:
    """What the VPC knows alone is asked of its proxy, under its own name."""

    assert Endpoints((VPC,), "nodejs.example.local:3000") == found(Hostname("nodejs.example.local"))


def test_cloud_map_is_believed() -> None:
    """Where there is a Cloud Map, its instances with all the node's attributes are the endpoints, whatever pods say."""
    wanted = CloudMap("appmesh.pvt.local", "web", (("version", "v1"),))
    instances = (
        Instance({ADDRESS: "127.9.16.8", "version": "v1"}),
        Instance({ADDRESS: "127.9.16.9", "version": "v1", PORT: "8080"}),
        Instance({ADDRESS: "127.9.16.10", "version": "v2"}),
        Instance({"version": "v1"}),
    )
    known = {ServiceName("appmesh.pvt.local", "web"): instances}
    endpoints = found(wanted, cloud_map=known, pods=(pod("a", "web", "127.9.16.1"),))

    assert Endpoints((("127.9.16.8", 3000), ("127.9.16.9", 8080))) == endpoints


def test_a_cloud_map_that_has_said_nothing_yet() -> None:
    """Nothing is known of the node then, which is not the same as a node without instances."""
    wanted = CloudMap("appmesh.pvt.local", "web")

    assert Endpoints(known=False) == found(wanted, cloud_map={})
    assert Endpoints() == found(wanted, cloud_map={ServiceName("appmesh.pvt.local", "web"): ()})


def test_a_controller_without_cloud_map() -> None:
    """It takes what would be registered: the node's own pods that are ready and not on their way out."""
    pods = (
        pod("a", "web", "127.9.16.1"),
        pod("b", "web", "127.9.16.2", ready=False),
        pod("c", "web", "127.9.16.3", deletionTimestamp="2026-11-23T00:00:00Z"),
        pod("d", "other", "127.9.16.4"),
        pod("e", "web", "127.9.16.5", namespace="elsewhere"),
    )

    assert Endpoints((("127.9.16.1", 3000),)) == found(CloudMap("appmesh.pvt.local", "web"), pods=pods)


def test_no_discovery() -> None:
    """A node without discovery has no endpoints: nobody can call it."""

    assert Endpoints() == found(None)
