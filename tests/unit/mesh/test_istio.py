"""The lab's Istio: objects to meshes, who gets a sidecar, who is believed, and what routes and gateways are told."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from canario.mesh.model import Hostname, Ref
from canario.mesh.tls import TlsMode
from canario.workshop.dialects import GATEWAY_API
from canario.workshop.gateway import way_in
from canario.workshop.istio_mtls import policy
from canario.workshop.istio_tracing import telemetry
from canario.workshop.mesh import mesh as workshop_mesh
from canario.workshop.names import names
from lab.mesh.assembly import Key
from lab.mesh.istio import assembly, identity, injection, statuses
from lab.mesh.istio.control import IstioControl
from lab.mesh.world import World

NAMES = names("default")
WHERE = NAMES.namespace
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
CANARY = (3, 1)
LABELS = {"istio-injection": "enabled", "gateway": "ingress-gw"}
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": WHERE, "labels": LABELS}}
SPIFFE = f"spiffe://cluster.local/ns/{WHERE}/sa/default"


def manifests() -> list[dict[str, Any]]:
    """The workshop's mesh, as its stages write it."""
    found_by = dict.fromkeys(("frontend", "nodejs", "crystal", "nodejsv2"), Hostname("unused"))
    inside, outside = workshop_mesh(NAMES, found_by, CANARY), way_in(NAMES)
    whole = replace(inside, gateways=outside.gateways, gateway_routes=outside.gateway_routes)
    return [{**each, "spec": each["spec"]} for each in GATEWAY_API.render(whole, NAMES)]


def world(*more: dict[str, Any], objects: list[dict[str, Any]] | None = None, pods: tuple[Any, ...] = ()) -> World:
    found = [*(manifests() if objects is None else objects), *more]
    services = tuple(each for each in found if each["kind"] == "Service")
    istio = tuple(each for each in found if each["kind"] != "Service")
    return World(istio=istio, services=services, namespaces=(NAMESPACE,), pods=pods)


def route(name: str, *nodes: str, **spec: Any) -> dict[str, Any]:
    rules = [{"backendRefs": [{"kind": "Service", "name": node, "port": 3000} for node in nodes]}]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": WHERE},
        "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": "nodejs"}], "rules": rules, **spec},
    }


def key(name: str, kind: str = "HTTPRoute") -> Key:
    return Key(kind, Ref(WHERE, name))


def test_a_namespace_is_a_mesh() -> None:
    """With its routers' splits, the names that clients call, and its way in."""
    found = assembly.assemble(world(), {})
    mesh = found.meshes[WHERE]
    router = mesh.router(Ref(WHERE, "nodejs-router"))

    assert [("nodejs-app", 3), ("nodejsv2-app", 1)] == [(t.node.name, t.weight) for t in router.routes[0].targets]
    assert "nodejs.appmeshworkshop.hosted.local" in [service.host for service in mesh.services]
    assert [Ref(WHERE, "gateway-route-eks")] == [each.ref for each in mesh.gateway_routes]
    assert {True} == {finding.active for finding in found.findings.values()}


def test_a_namespace_with_services_alone_is_no_mesh() -> None:
    """Every namespace has Services."""
    services = [each for each in manifests() if each["kind"] == "Service"]

    assert {} == assembly.assemble(world(objects=services), {}).meshes


def test_shares_change_as_a_rollout_writes_them() -> None:
    """The weights in `backendRefs` count, whatever an earlier rendering noted beside them."""
    objects = manifests()
    for each in objects:
        if each["metadata"]["name"] == "nodejs-router":
            each["spec"]["rules"][0]["backendRefs"][1]["weight"] = 9
    mesh = assembly.assemble(world(objects=objects), {}).meshes[WHERE]

    router = mesh.router(Ref(WHERE, "nodejs-router"))
    assert [3, 9] == [target.weight for target in router.routes[0].targets]
    [entrance] = mesh.gateway_routes
    assert Ref(WHERE, "nodejs") == entrance.service


def test_a_route_that_nobody_understands_harms_no_other() -> None:
    """It is told so by its path; the others are in force."""
    bad = route("strange", "nodejs-app", rules=[{"filters": [{"type": "RequestMirror"}]}])
    found = assembly.assemble(world(bad), {})

    assert (False, "InvalidSpec") == (found.findings[key("strange")].active, found.findings[key("strange")].reason)
    assert found.findings[key("nodejs-router")].active
    assert found.meshes[WHERE].router(Ref(WHERE, "nodejs-router")) is not None


def test_a_router_that_goes_bad_stays_as_it_was() -> None:
    """What it provided goes on being provided."""
    before = assembly.assemble(world(), {})
    objects = [each for each in manifests() if each["metadata"]["name"] != "nodejs-router"]
    after = assembly.assemble(world(route("nodejs-router", "absent"), objects=objects), before.good)
    router = Ref(WHERE, "nodejs-router")

    assert before.meshes[WHERE].router(router) == after.meshes[WHERE].router(router)
    assert "ReferenceNotFound" == after.findings[key("nodejs-router")].reason


def test_a_gateways_route_that_envoy_would_refuse_is_left_out() -> None:
    """With it Envoy would refuse the gateway's whole configuration."""
    matches = [{"path": {"type": "RegularExpression", "value": "(["}}]
    rules = [{"matches": matches, "backendRefs": [{"kind": "Service", "name": "nodejs-app", "port": 3000}]}]
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "ingress-gw"}
    found = assembly.assemble(world(route("odd", rules=rules, parentRefs=[parent])), {})

    assert "UnsupportedInTheLab" == found.findings[key("odd")].reason
    assert [Ref(WHERE, "gateway-route-eks")] == [each.ref for each in found.meshes[WHERE].gateway_routes]


def test_routes_of_a_gateway_are_those_that_name_it() -> None:
    """Where the gateway's listeners allow routes of its namespace."""
    control, seen = IstioControl("127.9.16.1"), world()
    mesh = assembly.assemble(seen, {}).meshes[WHERE]
    ours = control.routes_of(mesh, seen)
    unlabelled = replace(seen, namespaces=({**NAMESPACE, "metadata": {"name": WHERE}},))

    assert {Ref(WHERE, "ingress-gw"): 1} == {ref: len(found) for ref, found in ours.items()}
    assert {Ref(WHERE, "ingress-gw"): ()} == control.routes_of(mesh, unlabelled)


def pod(labels: dict[str, str] | None = None, *containers: str, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "p", "namespace": WHERE, "labels": labels or {}, **metadata},
        "spec": {"containers": [{"name": each} for each in containers or ("app",)]},
    }


@pytest.mark.parametrize(
    ("own", "namespace", "expected"),
    [
        ({}, {"istio-injection": "enabled"}, True),
        ({}, {}, False),
        ({"sidecar.istio.io/inject": "false"}, {"istio-injection": "enabled"}, False),
        ({"sidecar.istio.io/inject": "true"}, {}, True),
    ],
)
def test_the_pods_label_overrides_the_namespaces(
    own: dict[str, str], namespace: dict[str, str], expected: bool
) -> None:
    """As Istio's injector decides."""
    seen = World(namespaces=({"metadata": {"name": WHERE, "labels": namespace}},))

    assert expected == bool(injection.inject(pod(own), WHERE, seen))


def test_a_pod_with_a_proxy_gets_no_second_one_and_a_gateways_gets_istios() -> None:
    """The image `auto` is Istio's to fill in, for pods that ask for the gateway's template."""
    told = pod({}, "istio-proxy", annotations={"inject.istio.io/templates": "gateway"})
    patch = injection.inject(told, WHERE, world())

    assert [] == injection.inject(pod({}, "app", "istio-proxy"), WHERE, world())
    assert ("replace", injection.IMAGE) == (patch[1]["op"], patch[1]["value"]["image"])


def test_tracing_is_what_telemetry_says() -> None:
    """The segments are called as Istio's proxies call themselves, and go to the cluster's daemon."""
    control, telling = IstioControl("127.9.16.1"), telemetry(NAMES)
    found = control.tracing(pod({"app": "nodejs-app"}), world(telling))

    assert (0.05, "127.9.16.1", f"nodejs-app.{WHERE}") == (found.rate, found.host, found.segment)
    assert control.tracing(pod({"app": "nodejs-app"}), world()) is None


def modes(seen: World) -> dict[str, TlsMode]:
    mesh = identity.secured(assembly.assemble(seen, {}).meshes[WHERE], seen)
    return {node.ref.name: node.ports[0].tls.mode for node in mesh.nodes}


def test_every_proxy_takes_both_until_it_is_told_otherwise() -> None:
    """A PeerAuthentication makes one STRICT, and its callers speak TLS to whoever proves to be of the namespace."""
    seen = world(policy(NAMES, "crystal", "STRICT"))
    mesh = identity.secured(assembly.assemble(seen, {}).meshes[WHERE], seen)
    frontend = mesh.node(Ref(WHERE, "frontend-app"))
    towards = {name: frontend.tls_to(Ref(WHERE, name)) for name in ("nodejs", "crystal")}

    assert {TlsMode.PERMISSIVE} == set(modes(world()).values())
    assert TlsMode.STRICT == modes(seen)["crystal-app"]
    assert (None, (SPIFFE,)) == (towards["nodejs"], towards["crystal"].validation.names)


def test_a_service_is_called_by_tls_once_all_its_nodes_take_it() -> None:
    """Half a router by TLS and half not is no state to be in."""
    one = world(policy(NAMES, "nodejs", "PERMISSIVE"))
    both = world(policy(NAMES, "nodejs", "PERMISSIVE"), policy(NAMES, "nodejsv2", "PERMISSIVE"))

    def called(seen: World) -> bool:
        mesh = identity.secured(assembly.assemble(seen, {}).meshes[WHERE], seen)
        return mesh.node(Ref(WHERE, "frontend-app")).tls_to(Ref(WHERE, "nodejs")) is not None

    assert (False, True) == (called(one), called(both))


def test_a_pods_certificate_says_who_it_is_and_is_made_anew_in_time(tmp_path: Path) -> None:
    """Not sooner, nor by another authority than the one it has; the key is its owner's alone."""
    now = datetime.now(UTC)  # OpenSSL, which is asked below, knows no other
    issuer = identity.authority(now)
    identity.ensure(tmp_path, SPIFFE, issuer, now)
    [place] = (tmp_path / "mounts").iterdir()
    first = (place / "cert-chain.pem").read_text()
    identity.ensure(tmp_path, SPIFFE, issuer, now + timedelta(days=19))
    kept = (place / "cert-chain.pem").read_text()
    identity.ensure(tmp_path, SPIFFE, issuer, now + timedelta(days=21))

    said = ssl._ssl._test_decode_cert(str(place / "cert-chain.pem"))  # type: ignore[attr-defined]
    assert (("URI", SPIFFE),) == said["subjectAltName"]
    assert (first, False) == (kept, first == (place / "cert-chain.pem").read_text())
    assert 0o600 == (place / "key.pem").stat().st_mode & 0o777


def test_a_route_is_told_by_each_of_its_parents() -> None:
    """Accepted and resolved, for its generation; the same status is not written twice."""
    seen = world()
    found = assembly.assemble(seen, {})
    obj = next(each for each in seen.istio if each["metadata"]["name"] == "nodejs-router")
    patch = statuses.status(obj, found.findings[key("nodejs-router")], seen, NOW)
    again = statuses.status({**obj, "status": patch["status"]}, found.findings[key("nodejs-router")], seen, NOW)

    assert [parent["parentRef"] for parent in patch["status"]["parents"]] == obj["spec"]["parentRefs"]
    assert GATEWAY_API.inactive({**obj, "status": patch["status"]}) is None
    assert again is None


def test_a_missing_backend_is_a_matter_of_references() -> None:
    """The route is accepted all the same, as Gateway API has it."""
    seen = world(route("more", "absent"))
    found = assembly.assemble(seen, {})
    obj = next(each for each in seen.istio if each["metadata"]["name"] == "more")
    patch = statuses.status(obj, found.findings[key("more")], seen, NOW)
    conditions = {
        each["type"]: (each["status"], each["reason"]) for each in patch["status"]["parents"][0]["conditions"]
    }

    assert {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("False", "BackendNotFound")} == conditions
    assert "absent" in str(GATEWAY_API.inactive({**obj, "status": patch["status"]}))


def test_a_gateway_is_programmed_and_counts_its_routes() -> None:
    """Each listener has a status of its own; a gateway of another class is somebody else's."""
    seen = world()
    finding = assembly.assemble(seen, {}).findings[key("ingress-gw", "Gateway")]
    obj = next(each for each in seen.istio if each["kind"] == "Gateway")
    patch = statuses.status(obj, finding, seen, NOW)

    assert [1] == [each["attachedRoutes"] for each in patch["status"]["listeners"]]
    assert GATEWAY_API.inactive({**obj, "status": patch["status"]}) is None
    assert statuses.status({**obj, "spec": {**obj["spec"], "gatewayClassName": "other"}}, finding, seen, NOW) is None
