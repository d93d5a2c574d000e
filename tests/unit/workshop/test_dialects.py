"""The stages in both mesh dialects: what each does to the world, and what its checks see."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from canario.canary import Plan
from canario.errors import NotReady
from canario.workshop import left_overs
from canario.workshop.application import url
from canario.workshop.cloud_map import ServiceName
from canario.workshop.dialects import DIALECTS, dialect_of
from canario.workshop.kinds import (
    DEPLOYMENT,
    GATEWAY,
    HTTP_ROUTE,
    NAMESPACE,
    PEER_AUTHENTICATION,
    SERVICE,
    TELEMETRY,
)
from canario.workshop.names import SERVICES, deployment
from canario.workshop.ports import Answer, Manifest, Ports, Segment, Trace
from canario.workshop.request import STAGES, Request
from canario.workshop.stages import stage
from canario.workshop.stages.s03_controller import SYSTEM
from tests.fakes import NOW
from tests.unit.workshop.istio import istio_world
from tests.unit.workshop.world import NAMESPACE as WHERE
from tests.unit.workshop.world import answering, world


@pytest.fixture(params=list(DIALECTS))
def request_(request: pytest.FixtureRequest) -> Request:
    return Request("default", request.param, "auto", "clean", Plan())


@pytest.fixture
def ports(request_: Request) -> Ports:
    found = istio_world(request_) if request_.mesh == "gateway" else world()
    return replace(found, dialects=(request_.mesh,))


@pytest.fixture
def gateway() -> Request:
    return Request("default", "gateway", "auto", "clean", Plan())


@pytest.fixture
def istio(gateway: Request) -> Ports:
    return istio_world(gateway)


def solve(request: Request, ports: Ports, *stages: str) -> None:
    for each in stages:
        stage(each).solve(request, ports)


def said(stage_id: str, request: Request, ports: Ports) -> dict[str, str]:
    return {each.name: str(each.finding.status) for each in stage(stage_id).check(request, ports)}


def answer(request: Request, ports: Ports, server: str) -> None:
    """Every service, and the gateway's load balancer."""
    for service in SERVICES:
        ports.http.answers[url(request.names, service)] = answering(service, server)
    outside = "http://ingress-gw.elb.amazonaws.com"
    nothing = Answer(404, {"server": server}, "")
    ports.http.answers |= {
        f"{outside}/": nothing,
        f"{outside}/elsewhere": nothing,
        f"{outside}/eks/": answering("nodejs", server),
        f"{outside}/eks/health": Answer(200, {"server": server}, '{"status": "ok"}'),
    }


def traced(request: Request, ports: Ports) -> None:
    """One whole trace, from the frontend into both its upstreams."""
    names = {service: dialect_of(request).segment(request.names, service) for service in SERVICES}
    callees = (Segment(f"{n}", "0", names[each], False) for n, each in enumerate(("nodejs", "crystal"), start=1))
    ports.traces.kept.append((NOW, Trace("1-2-3", (Segment("0", None, names["frontend"], False), *callees))))


STORY = ("baseline", "controller", "mesh", "tracing", "gateway", "mtls")


def test_every_stage_passes_once_it_is_solved_and_not_before(request_: Request, ports: Ports) -> None:
    """In the document's order, each on top of those before."""
    ports.records.put_stage("default", "run", "tracing", {"started": NOW.isoformat()}, NOW)
    brought = {"controller"} if request_.mesh == "gateway" else set()
    for each in STORY:
        before = set(said(each, request_, ports).values())
        assert before - {"passed"} or each in brought, each
        answer(request_, ports, "aiohttp" if each == "baseline" else dialect_of(request_).servers[0])
        solve(request_, ports, each)
        if each == "tracing":
            traced(request_, ports)
        if each == "gateway":
            pods_of_the_gateway(ports)
        if (each, request_.mesh) != ("controller", "appmesh"):  # no API server here establishes its CRDs
            assert {"passed"} == set(said(each, request_, ports).values()), said(each, request_, ports)


def pods_of_the_gateway(ports: Ports) -> None:
    """`world.py` knows no proxies that are pods of their own."""
    found = ports.kubernetes.list(DEPLOYMENT, WHERE, {"app": "ingress-gw"})[0]
    spec = found["spec"]["template"]["spec"]
    for number in range(found["spec"]["replicas"]):
        metadata = {"name": f"ingress-gw-{number}", "namespace": WHERE, "labels": {"app": "ingress-gw"}}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": spec,
            "status": {"podIP": f"10.1.0.{number}"},
        }
        ports.kubernetes.objects["Pod", WHERE, metadata["name"]] = pod


def test_solving_twice_changes_nothing(request_: Request, ports: Ports) -> None:
    """Every stage may be repeated."""
    solve(request_, ports, "baseline", "controller", "mesh", "gateway", "canary")
    before = specs(ports)
    solve(request_, ports, "baseline", "controller", "mesh", "gateway", "canary")

    assert before == specs(ports)


def specs(ports: Ports) -> dict[Any, Any]:
    return {key: each["spec"] for key, each in ports.kubernetes.objects.items() if "spec" in each}


def test_a_pod_that_joins_finds_its_node(request_: Request, ports: Ports) -> None:
    """The namespace's label by which pods join is there once the mesh is, and goes with it."""
    wanted = dialect_of(request_).labels(request_.names)
    solve(request_, ports, "baseline", "controller", "mesh")
    during = labels(ports)
    stage("mesh").clean(request_, ports)

    assert wanted.items() <= during.items()
    assert not set(wanted) & set(labels(ports))


def labels(ports: Ports) -> dict[str, str]:
    return dict((ports.kubernetes.get(NAMESPACE, WHERE) or {})["metadata"]["labels"])


def test_the_canary_enters_the_router_without_traffic(request_: Request, ports: Ports) -> None:
    """The first window only watches; and a rollout may write the smallest share that the dialect can."""
    solve(request_, ports, "baseline", "controller", "mesh")
    outputs = stage("canary").solve(request_, ports)
    router = ports.kubernetes.get(dialect_of(request_).router, "nodejs-router", WHERE)

    assert {"nodejs-app": dialect_of(request_).largest, "nodejsv2-app": 0} == weights(router)
    assert 1 / (dialect_of(request_).largest + 1) == outputs["plan"]["smallest_share"]


def weights(router: Manifest | None) -> dict[str, int]:
    assert router is not None
    if router["kind"] == "HTTPRoute":
        return {each["name"]: each["weight"] for each in router["spec"]["rules"][0]["backendRefs"]}
    targets = router["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"]
    return {each["virtualNodeRef"]["name"]: each["weight"] for each in targets}


def test_clean_leaves_nothing_of_the_workshop_but_what_came_with_the_cluster(request_: Request, ports: Ports) -> None:
    """Istio is the cluster's; the App Mesh controller goes with the last workshop."""
    before = {key for key in ports.kubernetes.objects if key[1] != WHERE}
    solve(request_, ports, "baseline", "controller", "mesh", "gateway", "canary", "mtls", "clean")
    for key in [key for key in ports.kubernetes.objects if key[1] in (WHERE, SYSTEM)]:
        del ports.kubernetes.objects[key]  # what goes with the namespaces

    assert {"nothing left": "passed"} == said("clean", request_, ports)
    assert before == set(ports.kubernetes.objects)


def test_without_istio_the_stage_says_who_brings_it(gateway: Request, istio: Ports) -> None:
    """It makes nothing itself: a control plane is not a workshop's to install where it comes with the cluster."""
    istio.kubernetes.objects.clear()
    solve(gateway, istio, "controller")
    found = {each.name: each.finding for each in stage("controller").check(gateway, istio)}

    assert {} == istio.kubernetes.objects
    assert {"failed"} == {str(each.status) for each in found.values()}
    assert "the stacks again" in found["controller running"].message


def test_no_pod_starts_anew_before_istio_has_taken_the_routes(gateway: Request, istio: Ports) -> None:
    """Accepted by every parent, for the newest version: what an older one was told is no answer."""
    solve(gateway, istio, "baseline", "mesh")
    restarted = template(istio)
    istio.kubernetes.accepts = False
    route = istio.kubernetes.get(HTTP_ROUTE, "nodejs-router", WHERE)
    stale = {**route, "metadata": {**route["metadata"], "generation": 2}}
    for parent in stale["status"]["parents"]:
        parent["conditions"] = [{**each, "observedGeneration": 1} for each in parent["conditions"]]
    istio.kubernetes.put(stale)

    with pytest.raises(NotReady, match=r"HTTPRoute nodejs-router \(no condition Accepted for its newest version yet\)"):
        solve(gateway, istio, "mesh")
    assert restarted == template(istio)


def template(ports: Ports) -> Manifest:
    return (ports.kubernetes.get(DEPLOYMENT, "nodejs-app", WHERE) or {})["spec"]["template"]


def test_a_route_that_is_refused_says_why(gateway: Request, istio: Ports) -> None:
    """The message is Istio's own."""
    solve(gateway, istio, "baseline", "mesh")
    route = istio.kubernetes.get(HTTP_ROUTE, "nodejs-router", WHERE)
    istio.kubernetes.accepts = False
    route["status"]["parents"][0]["conditions"][1] = {
        "type": "ResolvedRefs",
        "status": "False",
        "message": "no backend",
    }
    istio.kubernetes.put(route)

    found = {each.name: each.finding for each in stage("mesh").check(gateway, istio)}["mesh accepted"]
    assert ("failed", "HTTPRoute nodejs-router (no backend)") == (found.status, found.message)


def test_tracing_needs_no_restart(gateway: Request, istio: Ports) -> None:
    """Istio's proxies follow a Telemetry object as they run, and each says so."""
    solve(gateway, istio, "baseline", "mesh")
    before = template(istio)
    solve(gateway, istio, "tracing")
    passed = said("tracing", gateway, istio)["every proxy traces"]
    stage("tracing").clean(gateway, istio)

    assert (before, "passed") == (template(istio), passed)
    assert "failed" == said("tracing", gateway, istio)["every proxy traces"]
    assert [] == istio.kubernetes.list(TELEMETRY)


def test_the_nodes_are_in_cloud_map_by_their_annotation(gateway: Request, istio: Ports) -> None:
    """For clients outside the mesh: the mesh itself goes on finding the pods by their Services."""
    solve(gateway, istio, "baseline", "mesh")
    answer(gateway, istio, "istio-envoy")
    with pytest.raises(NotReady, match="the load balancers may be in use"):
        solve(gateway, istio, "discovery")
    nodejs = istio.kubernetes.get(SERVICE, "nodejs-app", WHERE) or {}
    there = istio.cloud_map.discover(ServiceName("appmesh.pvt.local", "nodejs"))

    assert "nodejs.appmesh.pvt.local" == nodejs["metadata"]["annotations"]["canario/cloud-map"]
    assert {"app": "nodejs-app"} == nodejs["spec"]["selector"]
    assert 4 == len(there)
    assert {("istio", "nodejs-app_appmesh-workshop-ns")} == {
        (each.attributes["appmesh.k8s.aws/mesh"], each.attributes["appmesh.k8s.aws/virtualNode"])
        for each in there.values()
    }


def test_a_gateways_route_that_a_rollout_has_been_at_is_left_alone(gateway: Request, istio: Ports) -> None:
    """Its shares are the rollout's."""
    solve(gateway, istio, "baseline", "mesh", "gateway")
    route = istio.kubernetes.get(HTTP_ROUTE, "gateway-route-eks", WHERE)
    backends = route["spec"]["rules"][0]["backendRefs"]
    backends.append({**backends[0], "name": deployment("nodejsv2"), "weight": 7})
    istio.kubernetes.put(route)
    solve(gateway, istio, "gateway")

    assert 7 == weights(istio.kubernetes.get(HTTP_ROUTE, "gateway-route-eks", WHERE))["nodejsv2-app"]


def test_istio_is_told_where_the_gateways_pods_are(gateway: Request, istio: Ports) -> None:
    """A Gateway with an address is deployed by its owner, and its own port is one of the Service's."""
    solve(gateway, istio, "baseline", "mesh", "gateway")
    found = istio.kubernetes.get(GATEWAY, "ingress-gw", WHERE) or {}
    service = istio.kubernetes.get(SERVICE, "ingress-gw", WHERE) or {}

    assert [{"type": "Hostname", "value": f"ingress-gw.{WHERE}.svc.cluster.local"}] == found["spec"]["addresses"]
    assert {80: 8088, 8088: 8088} == {each["port"]: each["targetPort"] for each in service["spec"]["ports"]}


def test_strict_comes_after_the_callers_tls(gateway: Request, istio: Ports) -> None:
    """No request meets a side that is not ready."""
    solve(gateway, istio, "baseline", "mesh")
    istio.kubernetes.tls_of_clusters = {}

    with pytest.raises(NotReady, match="frontend-app-0: its proxy calls nodejs in plaintext"):
        solve(gateway, istio, "mtls")
    before = modes(istio)
    istio.kubernetes.tls_of_clusters = {"transport_socket": {}}
    solve(gateway, istio, "mtls")

    assert {"nodejs-app": "PERMISSIVE", "crystal-app": "PERMISSIVE"} == before
    assert {"nodejs-app": "STRICT", "crystal-app": "STRICT"} == modes(istio)


def test_a_caller_that_believes_anybody_does_not_pass(gateway: Request, istio: Ports) -> None:
    """TLS without an identity to believe keeps nobody out."""
    solve(gateway, istio, "baseline", "mesh", "mtls")
    istio.kubernetes.tls_of_clusters = {"transport_socket": {}}

    assert "failed" == said("mtls", gateway, istio)["wrong name refused"]


def modes(ports: Ports) -> dict[str, str]:
    return {
        each["metadata"]["name"]: each["spec"]["mtls"]["mode"] for each in ports.kubernetes.list(PEER_AUTHENTICATION)
    }


def test_every_available_stage_is_told_apart_by_no_dialect() -> None:
    """A stage has checks in each dialect."""
    for stage_id in STAGES:
        for dialect in DIALECTS:
            assert [check for check in stage(stage_id).checks if check.only in ("", dialect)]


def test_an_object_of_every_kind_of_the_mesh_is_found_and_swept(request_: Request, ports: Ports) -> None:
    """With the label or without it, in the workshop's namespace; what another namespace has is nobody's here."""
    names, kubernetes = request_.names, ports.kubernetes
    kubernetes.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": names.namespace}})
    kinds = dialect_of(request_).kinds
    for kind in kinds:
        for name, namespace in (("by-hand", names.namespace), ("theirs", "elsewhere")):
            metadata = {"name": name, "namespace": namespace}
            kubernetes.put({"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": {}})

    found = left_overs.find(request_, ports)
    left_overs.sweep(found, ports)

    assert {(kind.name, names.namespace, "by-hand") for kind in kinds} <= set(found)
    assert {} == left_overs.find(request_, ports)
    assert all(kubernetes.get(kind, "theirs", "elsewhere") for kind in kinds)


def test_every_kind_that_the_dialect_writes_is_swept(request_: Request, ports: Ports) -> None:
    """A kind that stages render and `clean` does not know would be left in the cluster."""
    for each in ("baseline", "controller", "mesh", "tracing", "discovery", "gateway", "canary"):
        with suppress(NotReady):
            solve(request_, ports, each)
    written = {manifest["kind"] for (_, where, _), manifest in ports.kubernetes.objects.items() if where == WHERE}
    swept = {kind.name for kind in (*dialect_of(request_).kinds, *left_overs.LABELLED)}

    # Istio's own certificate, which goes with the namespace.
    assert written - swept <= {"ConfigMap"}
