"""What has no equal is said by its App Mesh field, and what has one is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from canario.mesh import gateway
from canario.mesh.gateway_losses import losses
from canario.mesh.gateways import GatewayRoute
from canario.mesh.listeners import Port
from canario.mesh.matches import Header, Match
from canario.mesh.model import CloudMap, Hostname, Mesh, Node, Ref, Requirement, Selector, Service, ToNode
from canario.mesh.policies import AccessLog, HealthCheck, ListenerPolicies, OutlierDetection, Retry, Timeout
from canario.mesh.refs import Operator
from canario.mesh.tls import CertificateFiles, ClientTls, ListenerTls, TlsMode, Validation
from tests.unit.mesh.schemas import refused
from tests.unit.mesh.test_gateway_dialect import SHOP, node, ref, route, shop

HEALTH = HealthCheck("http", 5000, 2000, 2, 2, "/ping")


def lost(mesh: Mesh) -> list[str]:
    return [f"{loss.kind} {loss.ref.name} {loss.field}" for loss in losses(mesh) if loss.lost]


def test_a_plain_mesh_loses_nothing() -> None:
    """Nodes with pods, a router that splits, a gateway's route: all of it has an equal."""

    assert [] == lost(shop(route("all"), gateway_routes=(GatewayRoute(ref("in"), f"in_{SHOP}", ref("web")),)))


@pytest.mark.parametrize(
    ("mesh", "field"),
    [
        pytest.param(shop(route("r", retry=Retry(2, 1000))), "spec.routes[0].httpRoute.retryPolicy", id="retries"),
        pytest.param(
            shop(route("r", Match(headers=(Header("x", invert=True),)))),
            "spec.routes[0].httpRoute.match.headers",
            id="a negated header",
        ),
        pytest.param(shop(route("r", Match(scheme="https"))), "spec.routes[0].httpRoute.match.scheme", id="a scheme"),
        pytest.param(shop(route("r", Match(port=80))), "spec.routes[0].httpRoute.match.port", id="a port"),
        pytest.param(
            shop(route("first", priority=1), route("api", Match("/api"), priority=2)),
            "spec.routes[0].priority",
            id="a priority against Gateway API's order",
        ),
        pytest.param(
            shop(route("r", timeout=Timeout(None, 5))), "spec.routes[0].httpRoute.timeout.idle", id="a route's idle"
        ),
    ],
)
def test_a_routers_losses(mesh: Mesh, field: str) -> None:
    """Each is said once, of its router, by its field."""

    assert [f"VirtualRouter web {field}"] == lost(mesh)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"policies": ListenerPolicies(health=HEALTH)}, "healthCheck", id="health"),
        pytest.param(
            {"policies": ListenerPolicies(timeout=Timeout(1000))}, "timeout.http.perRequest", id="a request timeout"
        ),
        pytest.param(
            {"policies": ListenerPolicies(outliers=OutlierDetection(5, 0, 1, 50))}, "outlierDetection", id="no interval"
        ),
        pytest.param(
            {"tls": ListenerTls(TlsMode.STRICT, CertificateFiles("/c", "/k"), Validation("/t", ("front",)))},
            "tls.validation.subjectAlternativeNames",
            id="names",
        ),
    ],
)
def test_a_listeners_losses(fields: dict, field: str) -> None:
    """Each is said by the listener's field."""
    mesh = shop(route("all"), nodes=(node("old", ports=(Port(8080, **fields),)), node("new")))

    assert [f"VirtualNode old spec.listeners[0].{field}"] == lost(mesh)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"log": AccessLog("/var/log/x")}, "logging.accessLog.file.path", id="a log's path"),
        pytest.param({"log": AccessLog("/dev/stdout", "%PATH%")}, "logging.accessLog.file.format", id="its format"),
        pytest.param(
            {"selector": None, "discovery": CloudMap("ns", "svc")}, "serviceDiscovery.awsCloudMap", id="Cloud Map alone"
        ),
        pytest.param(
            {"selector": Selector((("app", "x"),), (Requirement("y", Operator.EXISTS),))},
            "podSelector.matchExpressions",
            id="expressions",
        ),
    ],
)
def test_a_nodes_losses(fields: dict, field: str) -> None:
    """Each is said by the node's field."""
    mesh = shop(route("all"), nodes=(node("old", **fields), node("new")))

    assert [f"VirtualNode old spec.{field}"] == lost(mesh)


def test_priorities_that_agree_are_no_loss() -> None:
    """A more specific route before a less specific one is Gateway API's own order."""

    assert [] == lost(shop(route("api", Match("/api"), priority=1), route("all", priority=2)))


def test_a_router_of_another_namespace_is_said() -> None:
    """Its routes are for callers of its own namespace alone."""
    mesh = shop(route("all"))
    moved = Mesh("m", "m", mesh.namespaces, mesh.egress, mesh.nodes, mesh.routers)
    service = mesh.services[0].__class__(Ref("other", "web"), "web.other", mesh.services[0].provider)

    assert ["VirtualRouter web metadata.namespace"] == lost(
        Mesh("m", "m", nodes=moved.nodes, routers=moved.routers, services=(service,))
    )


def test_tls_to_a_node_outside_is_the_callers_own() -> None:
    """A DestinationRule for its pods alone, with its files and the node's policies; that the files have to be in the
    proxy is said.
    """
    tls = ClientTls(Validation("/certs/ca.pem", ("api.example.com",)), CertificateFiles("/certs/c.pem", "/certs/k.pem"))
    outside = Node(
        ref("api"),
        f"api_{SHOP}",
        None,
        (Port(443, tls=ListenerTls(TlsMode.STRICT, CertificateFiles("/c", "/k"))),),
        Hostname("api.example.com"),
    )
    services = (*shop().services, Service(ref("out"), "out.example", ToNode(outside.ref)))
    mesh = replace(shop(route("all")), nodes=(node("old", default_tls=tls), node("new"), outside), services=services)
    (rule,) = [each for each in gateway.render(mesh) if each["kind"] == "DestinationRule"]
    (said,) = [each.says for each in losses(mesh) if "istio-proxy" in each.says]

    assert "old-to-api" == rule["metadata"]["name"]
    assert dict(node("old").selector.labels) == rule["spec"]["workloadSelector"]["matchLabels"]
    assert [
        {
            "port": {"number": 443},
            "tls": {
                "mode": "MUTUAL",
                "clientCertificate": "/certs/c.pem",
                "privateKey": "/certs/k.pem",
                "caCertificates": "/certs/ca.pem",
                "subjectAltNames": ["api.example.com"],
            },
        }
    ] == rule["spec"]["trafficPolicy"]["portLevelSettings"]
    assert said.startswith("api.example.com is outside the mesh")
    assert [] == refused(rule)
    assert mesh == gateway.parse(gateway.render(mesh))
