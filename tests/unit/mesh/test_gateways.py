"""Which routes and pods belong to which gateway, and what the controller says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from canario.mesh.model import Ref
from lab.mesh import statuses
from lab.mesh.assembly import REFERENCE_NOT_FOUND, Key, assemble
from lab.mesh.gateways import routes_of
from lab.mesh.injection import IMAGE, INJECT, RefusedError, inject
from lab.mesh.world import World
from tests.unit.mesh.objects import GROUP, NAMESPACE, listener, namespace, obj, pod, shop

GATEWAY, ROUTE = Ref(NAMESPACE, "ingress-gw"), Ref(NAMESPACE, "to-web")
SELECTED = {"gateway": "ingress-gw"}

Obj = dict[str, Any]


def gateway(name: str = "ingress-gw", **spec: Any) -> Obj:
    said = {
        "namespaceSelector": {"matchLabels": SELECTED},
        "podSelector": {"matchLabels": {"app": "ingress-gw"}},
        "listeners": [listener(8088)],
        **spec,
    }
    return obj(GROUP, "VirtualGateway", name, spec=said)


def gateway_route(service: str = "web", **labels: str) -> Obj:
    target = {"virtualService": {"virtualServiceRef": {"name": service}}}
    found = obj(GROUP, "GatewayRoute", "to-web", spec={"httpRoute": {"match": {}, "action": {"target": target}}})
    found["metadata"]["labels"] = labels
    return found


def edge(*gateways: Obj, route: Obj | None = None, **labels: str) -> World:
    return shop(
        namespaces=(namespace(**{INJECT: "enabled", **(labels or SELECTED)}),),
        virtual_gateways=gateways or (gateway(),),
        gateway_routes=(route or gateway_route(),),
    )


def finding(world: World) -> Any:
    return assemble(world, {}).findings[Key("GatewayRoute", ROUTE)]


def test_a_route_of_a_labelled_namespace() -> None:
    """A gateway's routes are those of the namespaces that it selects."""
    assembly = assemble(edge(), {})

    assert all(each.active for each in assembly.findings.values())
    assert [ROUTE] == [route.ref for route in routes_of(assembly.meshes["m"], edge())[GATEWAY]]


def test_a_route_of_another_namespace() -> None:
    """Without the label the route belongs to nobody, and its object says what to do."""
    found = finding(edge(gateway="other"))

    assert (False, REFERENCE_NOT_FOUND) == (found.active, found.reason)
    assert f"no VirtualGateway selects it: label namespace {NAMESPACE}" in found.message


def test_two_gateways() -> None:
    """A route that two gateways select belongs to neither, unless one of them asks for other routes."""
    both = gateway(), gateway("second")
    choosy = gateway(), gateway("second", gatewayRouteSelector={"matchLabels": {"internal": "yes"}})

    assert "several VirtualGateways select it (shop/ingress-gw, shop/second)" in finding(edge(*both)).message
    assert finding(edge(*choosy)).active


def test_a_route_to_nowhere() -> None:
    """A route whose service is not there names it."""
    assert "sends to service shop/gone" in finding(edge(route=gateway_route("gone"))).message


def test_a_gateways_pod() -> None:
    """Its own container becomes the gateway's Envoy: the controller's image and settings, and what it had besides."""
    new = pod("ingress-1", "ingress-gw")
    own = {"name": "LEVEL", "value": "debug"}
    new["spec"]["containers"] = [{"name": "envoy", "image": "old", "env": [own], "ports": [{"containerPort": 8088}]}]
    world = edge()

    mark, change = inject(new, NAMESPACE, world, assemble(world, {}).meshes)
    changed = change["value"]

    assert {"canario/proxied": "true"} == mark["value"]
    assert ("replace", "/spec/containers/0", IMAGE) == (change["op"], change["path"], changed["image"])
    assert [{"containerPort": 8088}] == changed["ports"]
    environment = {each["name"]: each.get("value") for each in changed["env"]}
    assert "debug" == environment["LEVEL"]
    assert "mesh/m/virtualGateway/ingress-gw_shop" == environment["APPMESH_VIRTUAL_NODE_NAME"]
    assert "/ready" == changed["readinessProbe"]["httpGet"]["path"]


def test_a_gateways_pod_before_its_gateway() -> None:
    """It is refused, so that its ReplicaSet tries again until the gateway is there."""
    new = pod("ingress-1", "ingress-gw")
    new["spec"]["containers"] = [{"name": "envoy", "image": "old"}]
    world = edge(gateway(podSelector={"matchLabels": {"app": "other"}}))

    with pytest.raises(RefusedError, match="no VirtualGateway selects it; apply one whose podSelector matches it"):
        inject(new, NAMESPACE, world, assemble(world, {}).meshes)


def test_defaults_and_status() -> None:
    """A route is told which gateway it belongs to, and its ARN names both."""
    route, owner = gateway_route(), gateway()
    patch = statuses.defaults("GatewayRoute", route, None, owner)
    assert patch
    route["spec"] |= patch["spec"]
    assembly = assemble(edge(), {})
    status = statuses.status("GatewayRoute", route, finding(edge()), assembly.meshes, datetime.now(UTC))

    assert {"name": "ingress-gw", "namespace": NAMESPACE, "uid": "uid-ingress-gw"} == route["spec"]["virtualGatewayRef"]
    assert statuses.defaults("GatewayRoute", route, None, owner) is None
    assert status
    arn = status["status"]["gatewayRouteARN"]
    assert arn.endswith("mesh/m/virtualGateway/ingress-gw_shop/gatewayRoute/to-web_shop")
