"""The Envoy files of a pod, as data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from canario.mesh.model import Mesh, Node, Port, Ref, Route, Router, Service, Target, ToNode, ToRouter
from lab.envoy.files import CDS, LDS, rds
from lab.envoy.resources import Address
from lab.mesh.endpoints import Endpoints
from lab.mesh.render import OUTBOUND, Place, outbound_routes, pod_files

V1, V2 = Ref("shop", "web-v1"), Ref("shop", "web-v2")
VPC: Address = ("127.9.0.2", 3128)
ROUTER = Router(
    Ref("shop", "web-router"),
    "web-router",
    (Port(3000),),
    (Route("all", (Target(V2, 3), Target(V1, 1))),),
)
MESH = Mesh(
    "m",
    "m",
    nodes=(Node(V1, "v1", ports=(Port(3000),)), Node(V2, "v2", ports=(Port(3000),))),
    routers=(ROUTER,),
    services=(Service(Ref("shop", "web"), "web.example", ToRouter(ROUTER.ref)),),
)


def test_split() -> None:
    """A router's targets are weighted clusters, in the router's order, named by namespace, service and node."""
    host = outbound_routes(MESH, {})["virtual_hosts"][0]

    assert ["web.example"] == host["domains"]
    assert [
        {"name": "egress/shop/web/web-v2", "weight": 3},
        {"name": "egress/shop/web/web-v1", "weight": 1},
    ] == host["routes"][0]["route"]["weighted_clusters"]["clusters"]


def test_service_of_a_node() -> None:
    """A service that a node provides directly sends everything there."""
    mesh = replace(MESH, services=(Service(Ref("shop", "web"), "web.example", ToNode(V1)),))

    clusters = outbound_routes(mesh, {})["virtual_hosts"][0]["routes"][0]["route"]["weighted_clusters"]["clusters"]

    assert [{"name": "egress/shop/web/web-v1", "weight": 1}] == clusters


def test_no_weight_at_all() -> None:
    """A route whose weights are all 0, which Envoy would refuse with everything else, answers 503 and says why."""
    idle = replace(ROUTER, routes=(Route("all", (Target(V1, 0),)),))

    route = outbound_routes(replace(MESH, routers=(idle,)), {})["virtual_hosts"][0]["routes"][0]

    assert 503 == route["direct_response"]["status"]
    assert "route all: every weight is 0\n" == route["direct_response"]["body"]["inline_string"]


def test_name_that_the_vpc_resolves() -> None:
    """A node that only the VPC can find is asked for under its own name."""
    endpoints = {V1: Endpoints((VPC,), host="web.corp:3000")}

    clusters = outbound_routes(MESH, endpoints)["virtual_hosts"][0]["routes"][0]["route"]["weighted_clusters"]

    assert [None, "web.corp:3000"] == [each.get("host_rewrite_literal") for each in clusters["clusters"]]


def test_application_errors_are_not_retried() -> None:
    """Only requests that no application has seen are sent again: a 5xx is the canary's evidence."""
    policy = outbound_routes(MESH, {})["virtual_hosts"][0]["retry_policy"]

    assert {"connect-failure", "refused-stream", "reset-before-request"} == set(policy["retry_on"].split(","))


def test_files() -> None:
    """A pod without certificates has three files: listeners, clusters, outbound routes."""
    place = Place(Path("/mesh/shop/pod"), "127.9.16.1", "127.9.144.1")

    files = pod_files(MESH, MESH.nodes[0], place, {V2: Endpoints((("127.9.16.2", 3000),))}, VPC)

    assert {LDS, CDS, rds(OUTBOUND)} == set(files)
    assert [("127.9.144.1", 15001), ("127.9.16.1", 3000)] == [
        (address["address"], address["port_value"])
        for address in (each["address"]["socket_address"] for each in files[LDS])
    ]
    names = {each["name"]: each["alt_stat_name"] for each in files[CDS]}
    assert names == {name: name for name in names}
