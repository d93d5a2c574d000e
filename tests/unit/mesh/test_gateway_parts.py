"""Routes with more rules than an object may have."""

from __future__ import annotations

from dataclasses import replace

from canario.mesh import gateway
from canario.mesh.gateway_parts import parts
from canario.mesh.gateways import GatewayRoute
from canario.mesh.matches import Match
from canario.mesh.model import Router
from tests.unit.mesh.schemas import refused
from tests.unit.mesh.test_gateway_dialect import SHOP, ref, route, shop

MANY = tuple(route(f"r{number}", Match(f"/p{number}")) for number in range(40))


def _routes(manifests: list[dict], kind: str = "HTTPRoute") -> list[tuple[str, int]]:
    return [(each["metadata"]["name"], len(each["spec"]["rules"])) for each in manifests if each["kind"] == kind]


def test_a_large_router_is_several_routes() -> None:
    """Sixteen rules each, named so that their order is that of their names; all of them valid."""
    manifests = gateway.render(shop(*MANY))

    assert [("web", 16), ("web-part-02", 16), ("web-part-03", 8)] == _routes(manifests)
    assert [] == [trouble for each in manifests for trouble in refused(each)]


def test_parts_are_read_as_one_router() -> None:
    """In whatever order a cluster lists them, with or without Canario's annotations."""
    mesh = shop(*MANY)
    manifests = gateway.render(mesh)[::-1]
    plain = [{**each, "metadata": {**each["metadata"], "annotations": {}}} for each in manifests]

    assert mesh.routers == gateway.parse(manifests).routers
    assert [[each.name for each in MANY]] == [[each.name for each in r.routes] for r in gateway.parse(plain).routers]


def test_another_routers_route_is_no_part() -> None:
    """A router whose name looks like a part's keeps its own routes, and parts keep away from its name."""
    mesh = shop(*MANY)
    other = Router(ref("web-part-02"), f"web-part-02_{SHOP}", mesh.routers[0].ports, (route("other"),))
    mesh = replace(mesh, routers=(*mesh.routers, other))
    manifests = gateway.render(mesh)

    assert {("web", 16), ("web-rules-part-02", 16), ("web-rules-part-03", 8), ("web-part-02", 1)} == set(
        _routes(manifests)
    )
    assert mesh == gateway.parse(manifests)


def test_a_part_without_its_route_is_a_route() -> None:
    """So that nothing of a cluster is left unread."""
    manifests = [
        each for each in gateway.render(shop(*MANY)) if each["metadata"]["name"] != "web" or each["kind"] != "HTTPRoute"
    ]

    assert [ref("web-part-02"), ref("web-part-03")] == [each.ref for each in gateway.parse(manifests).routers]


def test_a_gateways_route_to_a_large_router_is_whole() -> None:
    """No rule is left out, and what no route takes still comes last."""
    mesh = shop(*MANY, gateway_routes=(GatewayRoute(ref("in"), f"in_{SHOP}", ref("web")),))
    manifests = [each for each in gateway.render(mesh) if each["metadata"]["name"].startswith("in")]

    assert [("in", 16), ("in-part-02", 16), ("in-part-03", 9)] == _routes(manifests)
    assert "backendRefs" not in manifests[-1]["spec"]["rules"][-1]
    assert mesh.gateway_routes == gateway.parse(gateway.render(mesh)).gateway_routes


def test_a_small_route_is_one_object() -> None:
    """As it was."""
    whole = {"kind": "HTTPRoute", "metadata": {"name": "r", "namespace": SHOP}, "spec": {"rules": [{}] * 16}}

    assert [whole] == parts(whole)
