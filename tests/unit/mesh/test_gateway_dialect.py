"""The dialect of Gateway API and Istio: what is native, what is a note, and which of the two is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from canario.errors import InvalidInput
from canario.mesh import gateway
from canario.mesh.gateway_losses import losses
from canario.mesh.gateway_names import NOTES
from canario.mesh.gateways import GatewayRoute, Rewrite
from canario.mesh.listeners import Port
from canario.mesh.matches import Header, How, Match, Query, Range, Text
from canario.mesh.model import Hostname, Mesh, Node, Ref, Route, Router, Selector, Service, Target, ToNode, ToRouter
from canario.mesh.policies import Retry, RetryOn
from canario.mesh.tls import CertificateFiles, ListenerTls, TlsMode, Validation
from canario.workshop.gateway import way_in
from canario.workshop.mesh import mesh as workshop_mesh
from canario.workshop.names import names
from tests.unit.mesh.schemas import refused

SHOP = "shop"
Manifest = dict[str, Any]


def ref(name: str) -> Ref:
    return Ref(SHOP, name)


def node(name: str, **more: Any) -> Node:
    found = Hostname(f"{name}.{SHOP}.svc.cluster.local")
    fields = {"selector": Selector((("app", name),)), "ports": (Port(8080),), "discovery": found}
    return Node(ref(name), f"{name}_{SHOP}", **{**fields, **more})


def shop(*routes: Route, nodes: tuple[Node, ...] = (node("old"), node("new")), **more: Any) -> Mesh:
    router = Router(ref("web"), f"web_{SHOP}", (Port(8080),), routes)
    service = Service(ref("web"), f"web.{SHOP}", ToRouter(router.ref))
    return Mesh("m", "m", nodes=nodes, routers=(router,), services=(service,), **more)


def route(name: str, match: Match | None = None, **more: Any) -> Route:
    return Route(name, (Target(ref("old"), 3), Target(ref("new"), 1)), match or Match(), **more)


def one(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


def notes(manifest: Manifest) -> Any:
    return json.loads(manifest["metadata"]["annotations"].get(NOTES, "{}"))


def whole_workshop() -> Mesh:
    of = names("turma-01")
    found = {service: f"{service}.elb" for service in ("frontend", "nodejs", "crystal", "nodejsv2")}
    edge = way_in(of)
    return replace(workshop_mesh(of, found, (90, 10)), gateways=edge.gateways, gateway_routes=edge.gateway_routes)


def test_the_workshops_mesh_goes_through_and_back() -> None:
    """The workshop's mesh, with its gateway, is read as it was written, and its CRDs take every manifest."""
    mesh = whole_workshop()
    manifests = gateway.render(mesh)

    assert mesh == gateway.parse(manifests)
    assert [] == [trouble for manifest in manifests for trouble in refused(manifest)]


def test_the_workshops_routes_need_no_notes() -> None:
    """Every rule of the workshop's routes is native: only how nodes were found, and the mesh's selector, are notes."""
    noted = {(role, *note) for each in gateway.render(whole_workshop()) for role, note in notes(each).items() if note}

    assert {("mesh", "namespaces"), ("node", "discovery")} == noted


def test_a_mesh_without_annotations_is_read() -> None:
    """Objects written by hand are read by what routes do with them: parents are services, backends nodes."""
    mesh = shop(route("all"))
    manifests = gateway.render(mesh)
    for manifest in manifests:
        del manifest["metadata"]["annotations"]

    read = gateway.parse(manifests)

    assert (mesh.nodes, mesh.routers, mesh.services) == (read.nodes, read.routers, read.services)


def test_a_share_that_changes_keeps_the_notes() -> None:
    """A rollout changes the weights; what else was noted of the same rule, such as retries, stays."""
    retry = Retry(3, 1000, (RetryOn.SERVER_ERROR,))
    manifests = gateway.render(shop(route("all", retry=retry)))
    at = manifests.index(one(manifests, "HTTPRoute", "web"))
    manifests[at] = gateway.set_share(manifests[at], baseline="old", canary="new", share=0.5)

    (read,) = gateway.parse(manifests).routers[0].routes

    assert retry == read.retry
    assert read.targets[0].weight == read.targets[1].weight


def test_a_native_change_is_believed_over_a_note() -> None:
    """A header's range is a note beside a pattern; whoever changes the pattern gets the pattern."""
    mesh = shop(route("some", Match(headers=(Header("x", Range(10, 20)),))))
    manifests = gateway.render(mesh)
    header = one(manifests, "HTTPRoute", "web")["spec"]["rules"][0]["matches"][0]["headers"][0]
    assert "1[0-9]" == header["value"]
    assert mesh == gateway.parse(manifests)

    header["value"] = "2[0-9]"

    (read,) = gateway.parse(manifests).routers[0].routes
    assert (Header("x", Text(How.REGEX, "2[0-9]")),) == read.match.headers


def test_a_route_that_cannot_be_said_is_left_out() -> None:
    """A negated header has no native form: without it the rule would take what is not its own, so there is no rule."""
    mesh = shop(route("beta", Match(headers=(Header("x", invert=True),))), route("all"))
    manifests = gateway.render(mesh)

    assert ["all"] == [rule["name"] for rule in one(manifests, "HTTPRoute", "web")["spec"]["rules"]]
    assert mesh == gateway.parse(manifests)


def test_a_gateways_route_that_cannot_be_said_hangs_on_nothing() -> None:
    """A negated header at a gateway: the route is kept for the model, without a parent, so that it takes nothing."""
    into = GatewayRoute(ref("in"), f"in_{SHOP}", ref("web"), Match(headers=(Header("x", invert=True),)))
    gateways = way_in(names("default")).gateways
    mesh = shop(route("all"), gateways=gateways, gateway_routes=(into,))
    manifests = gateway.render(mesh)

    assert {} == one(manifests, "HTTPRoute", "in")["spec"]
    assert mesh == gateway.parse(manifests)


def test_a_note_that_is_no_json_is_refused_by_its_place() -> None:
    """A note that somebody edited into something else is refused, with the way out."""
    manifests = gateway.render(shop(route("all", retry=Retry(1, 1))))
    one(manifests, "HTTPRoute", "web")["metadata"]["annotations"][NOTES] = "{"

    with pytest.raises(InvalidInput, match=r"HTTPRoute shop/web: metadata.annotations\[canario/notes\]"):
        gateway.parse(manifests)


def test_an_unknown_field_is_refused_by_its_path() -> None:
    """What the model has no words for is refused, not dropped."""
    manifests = gateway.render(shop(route("all")))
    one(manifests, "HTTPRoute", "web")["spec"]["rules"][0]["filters"] = [{"type": "RequestMirror"}]

    with pytest.raises(InvalidInput, match=r"HTTPRoute shop/web: spec.rules\[0\].filters"):
        gateway.parse(manifests)


def test_mutual_tls_is_native() -> None:
    """A STRICT listener is a PeerAuthentication of its port, and callers are told by the DestinationRule."""
    files = CertificateFiles("/certs/tls.crt", "/certs/tls.key")
    tls = ListenerTls(TlsMode.STRICT, files, Validation("/certs/ca.crt", ("front",)))
    mesh = shop(route("all"), nodes=(node("old", ports=(Port(8080, tls=tls),)), node("new")))
    manifests = gateway.render(mesh)

    assert {"8080": {"mode": "STRICT"}} == one(manifests, "PeerAuthentication", "old")["spec"]["portLevelMtls"]
    (setting,) = one(manifests, "DestinationRule", "old")["spec"]["trafficPolicy"]["portLevelSettings"]
    assert {"mode": "ISTIO_MUTUAL"} == setting["tls"]
    assert mesh == gateway.parse(manifests)


def test_a_gateways_route_names_the_nodes() -> None:
    """Istio's gateways do not ask a service's routes: these stand in the gateway's, and what none takes is refused."""
    mesh = shop(route("api", Match("/api")), route("all", Match(query=(Query("q"),))))
    into = GatewayRoute(ref("in"), f"in_{SHOP}", ref("web"), Match("/shop/"))
    manifests = gateway.render(replace(mesh, gateway_routes=(into,)))
    rules = one(manifests, "HTTPRoute", "in")["spec"]["rules"]

    paths = [rule["matches"][0]["path"]["value"] for rule in rules]
    rewritten = [rule["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"] for rule in rules]
    weights = [[backend["weight"] for backend in rule.get("backendRefs", [])] for rule in rules]
    assert ["/shop/api", "/shop/", "/shop/"] == paths
    assert ["/api", "/", "/"] == rewritten
    assert [[3, 1], [3, 1], []] == weights
    assert gateway.sends_to(one(manifests, "HTTPRoute", "in"), "new")
    assert (into,) == gateway.parse(manifests).gateway_routes


def test_an_exact_path_at_a_gateway_goes_where_its_rewrite_goes() -> None:
    """What the path becomes decides which of the service's routes it takes; the others are out of reach."""
    mesh = shop(
        Route("old", (Target(ref("old"), 1),), Match("/old")), Route("new", (Target(ref("new"), 1),), Match("/new"))
    )
    exact = Match(None, Text(How.EXACT, "/a"))
    into = GatewayRoute(ref("in"), f"in_{SHOP}", ref("web"), exact, Rewrite(path="/new/a"))
    mesh = replace(mesh, gateway_routes=(into,))

    (rule,) = one(gateway.render(mesh), "HTTPRoute", "in")["spec"]["rules"]

    assert ["new"] == [backend["name"] for backend in rule["backendRefs"]]
    assert [] == [loss for loss in losses(mesh) if loss.kind == "GatewayRoute"]


def test_a_node_is_the_service_that_finds_it() -> None:
    """A node found by a Service's name is that Service: routes name it, and no other is made."""
    blue = node("blue", discovery=Hostname(f"color-blue.{SHOP}.svc.cluster.local"))
    mesh = shop(Route("all", (Target(blue.ref, 1),)), nodes=(blue,))
    manifests = gateway.render(mesh)

    assert {"color-blue", "web"} == {each["metadata"]["name"] for each in manifests if each["kind"] == "Service"}
    (rule,) = one(manifests, "HTTPRoute", "web")["spec"]["rules"]
    assert ["color-blue"] == [backend["name"] for backend in rule["backendRefs"]]
    assert mesh == gateway.parse(manifests)


def test_a_node_outside_the_cluster_is_a_service_entry() -> None:
    """A node without pods whose name is none of the cluster's is a ServiceEntry, and routes send to its host."""
    outside = node("bank", selector=None, discovery=Hostname("bank.example.com"))
    service = Service(ref("pay"), "bank.example.com", ToNode(outside.ref))
    mesh = Mesh("m", "m", nodes=(outside,), services=(service,))
    manifests = gateway.render(mesh)

    assert "MESH_EXTERNAL" == one(manifests, "ServiceEntry", "pay")["spec"]["location"]
    (rule,) = one(manifests, "HTTPRoute", "pay")["spec"]["rules"]
    assert ("Hostname", "bank.example.com") == (rule["backendRefs"][0]["kind"], rule["backendRefs"][0]["name"])
    assert mesh == gateway.parse(manifests)


def test_routes_into_another_namespace_are_granted() -> None:
    """A backend in another namespace needs a ReferenceGrant there."""
    elsewhere = Ref("other", "new")
    mesh = shop(Route("all", (Target(elsewhere, 1),)), nodes=(Node(elsewhere, "new_other"),))

    grant = one(gateway.render(mesh), "ReferenceGrant", "canario-routes")

    assert "other" == grant["metadata"]["namespace"]
    assert [(SHOP, "HTTPRoute")] == [(each["namespace"], each["kind"]) for each in grant["spec"]["from"]]


def test_manifests_of_two_meshes_are_refused() -> None:
    """What belongs to two meshes is not read as one."""
    manifests = gateway.render(shop(route("all"))) + gateway.render(replace(shop(), name="n"))

    with pytest.raises(InvalidInput, match="the same mesh"):
        gateway.parse(manifests)


@pytest.mark.parametrize(
    ("host", "names"),
    [
        (Text(How.EXACT, "shop.example.com"), ["shop.example.com"]),
        (Text(How.SUFFIX, ".example.com"), ["*.example.com"]),
        (Text(How.SUFFIX, "example.com"), ["example.com", "*.example.com"]),
    ],
)
def test_a_gateways_host_is_its_routes(host: Text, names: list[str]) -> None:
    """Whole, everything below a domain, or both; read back as it was, and no note is needed."""
    inwards = GatewayRoute(ref("in"), f"in_{SHOP}", ref("web"), Match(host=host))
    manifests = gateway.render(shop(route("all"), gateway_routes=(inwards,)))
    (found,) = [each for each in manifests if each["metadata"]["name"] == "in"]

    assert NOTES not in found["metadata"]["annotations"]
    assert names == found["spec"]["hostnames"]
    assert [host] == [each.match.host for each in gateway.parse(manifests).gateway_routes]
