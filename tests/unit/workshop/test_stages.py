"""What each stage does to the world, and what its checks see."""

from dataclasses import replace
from datetime import timedelta

import pytest

from canario.canary import Plan
from canario.errors import NotReady
from canario.workshop.application import url
from canario.workshop.frozen import FROZEN
from canario.workshop.kinds import DEPLOYMENT, LEASE, NAMESPACE, POD, VIRTUAL_GATEWAY, VIRTUAL_NODE, VIRTUAL_ROUTER
from canario.workshop.names import SERVICES
from canario.workshop.ports import Answer, Ports
from canario.workshop.request import STAGES, Request
from canario.workshop.stages import all_stages, stage
from canario.workshop.stages.s08_canary import target
from canario.workshop.stages.s10_clean import LOAD_LEASE
from tests.fakes import NOW
from tests.unit.workshop.world import DEFAULT, answering, deployment_of, proxies, world
from tests.unit.workshop.world import NAMESPACE as WHERE


def said(stage_id: str, ports: Ports, request: Request = DEFAULT) -> dict[str, str]:
    """check → status."""
    return {each.name: str(each.finding.status) for each in stage(stage_id).check(request, ports)}


def solve(ports: Ports, *stages: str) -> None:
    for each in stages:
        stage(each).solve(DEFAULT, ports)


def answer(ports: Ports, server: str) -> None:
    for service in SERVICES:
        ports.http.answers[url(DEFAULT.names, service)] = answering(service, server)


@pytest.mark.parametrize("stage_id", [stage_id for stage_id in STAGES if stage_id != "clean"])
def test_before_its_work_is_done_no_stage_passes(stage_id: str) -> None:
    """A check that passes in an empty world measures nothing."""
    assert set(said(stage_id, world()).values()) - {"passed"}


def test_baseline_waits_for_its_load_balancers() -> None:
    """A name that points nowhere is not written: the state machine tries again."""
    ports = world(settles=False)

    with pytest.raises(NotReady, match="frontend-app-service, nodejs-app-service, crystal-app-service"):
        solve(ports, "baseline")
    assert {} == ports.zone.records()


def test_baseline_gives_every_service_its_name() -> None:
    """Each Route 53 name is an alias of the service's load balancer."""
    ports = world()
    solve(ports, "baseline")
    answer(ports, "aiohttp")

    assert "nodejs-app-service.elb.amazonaws.com" == ports.zone.records()["nodejs.appmeshworkshop.hosted.local"]
    assert {"passed"} == set(said("baseline", ports).values())


def test_baseline_refuses_an_answer_that_came_through_envoy() -> None:
    """The stage shows the application before the mesh."""
    ports = world()
    solve(ports, "baseline")
    answer(ports, "envoy")

    assert "failed" == said("baseline", ports)["nodejs answers"]


def test_baseline_refuses_a_frontend_whose_upstream_does_not_answer() -> None:
    """A frontend that answers 200 without nodejs is not the application."""
    ports = world()
    solve(ports, "baseline")
    answer(ports, "aiohttp")
    ports.http.answers[url(DEFAULT.names, "frontend")] = answering(
        "frontend", upstreams={"nodejs": {"status": 503}, "crystal": {"status": 200}}
    )

    assert "failed" == said("baseline", ports)["frontend answers"]


def test_mesh_restarts_nothing_before_the_controller_has_accepted_the_mesh() -> None:
    """A pod that starts before its node is known would come up without a sidecar."""
    ports = world()
    solve(ports, "baseline")
    ports.kubernetes.settles = False

    with pytest.raises(NotReady, match="Mesh app-mesh"):
        solve(ports, "mesh")
    template = (deployment_of(ports, "nodejs") or {})["spec"]["template"]
    assert {} == template["metadata"].get("annotations", {})


def test_mesh_passes_when_every_pod_has_an_envoy_that_answers() -> None:
    """Containers and answers are both looked at."""
    ports = world()
    solve(ports, "baseline", "mesh")
    answer(ports, "envoy")

    assert {"passed"} == set(said("mesh", ports).values())


def test_mesh_sees_an_answer_that_went_around_envoy() -> None:
    """A container that nothing goes through is not a mesh."""
    ports = world()
    solve(ports, "baseline", "mesh")
    answer(ports, "aiohttp")

    assert "failed" == said("mesh", ports)["nodejs through Envoy"]


def test_solving_twice_changes_nothing() -> None:
    """Every stage may be repeated."""
    ports = world()
    solve(ports, "baseline", "mesh", "gateway", "canary")
    before = {key: value["spec"] for key, value in ports.kubernetes.objects.items() if "spec" in value}

    solve(ports, "baseline", "mesh", "gateway", "canary")

    assert before == {key: value["spec"] for key, value in ports.kubernetes.objects.items() if "spec" in value}


OUTSIDE = "http://ingress-gw.elb.amazonaws.com"


def answer_outside(ports: Ports, **changes: Answer) -> None:
    """What a client outside the mesh gets: by path, `/` being `root`."""
    unknown = Answer(404, {"server": "envoy"}, "")
    health = Answer(200, {"server": "envoy"}, '{"status": "ok"}')
    found = {"eks": answering("nodejs", "envoy"), "health": health, "root": unknown, "elsewhere": unknown, **changes}
    for name, path in (("eks", "/eks/"), ("health", "/eks/health"), ("root", "/"), ("elsewhere", "/elsewhere")):
        ports.http.answers[OUTSIDE + path] = found[name]


def test_the_gateway_waits_for_the_controller() -> None:
    """No pod of a gateway is made that the controller would not know."""
    ports = world()
    solve(ports, "baseline", "mesh")
    ports.kubernetes.settles = False

    with pytest.raises(NotReady, match="VirtualGateway ingress-gw .*, GatewayRoute gateway-route-eks"):
        solve(ports, "gateway")
    assert ports.kubernetes.get(DEPLOYMENT, "ingress-gw", WHERE) is None


def test_the_gateway_passes_when_it_lets_in_what_its_route_says() -> None:
    """The namespace has the label, and below `/eks/` nodejs answers through Envoy."""
    ports = world()
    solve(ports, "baseline", "mesh", "gateway")
    answer_outside(ports)
    pod = ports.kubernetes.list(POD, WHERE, {"app": "ingress-gw"})[0]
    ports.kubernetes.put({**pod, "metadata": {**pod["metadata"], "name": "ingress-gw-1"}})

    assert {"passed"} == set(said("gateway", ports).values())
    namespace = ports.kubernetes.get(NAMESPACE, WHERE) or {}
    assert "ingress-gw" == namespace["metadata"]["labels"]["gateway"]


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"eks": answering("nodejs", "aiohttp")}, "let in"),
        ({"eks": answering("crystal", "envoy")}, "let in"),
        ({"eks": Answer(503, {"server": "envoy"}, "")}, "let in"),
        ({"health": answering("nodejs", "envoy")}, "prefix rewritten"),
        ({"root": answering("nodejs", "envoy")}, "kept out"),
        ({"elsewhere": Answer(404, {}, "")}, "kept out"),
    ],
)
def test_the_gateway_sees_what_is_wrong(change: dict[str, Answer], check: str) -> None:
    """An answer of someone else, around Envoy, with the prefix still on it, or where none should be, is no gateway."""
    ports = world()
    solve(ports, "baseline", "mesh", "gateway")
    answer_outside(ports, **change)

    assert "failed" == said("gateway", ports)[check]


def test_cleaning_the_gateway_takes_its_label_along() -> None:
    """What the stage added to the namespace goes with the stage's objects, and cleaning twice is harmless."""
    ports = world()
    solve(ports, "baseline", "mesh", "gateway")
    for _ in range(2):
        stage("gateway").clean(DEFAULT, ports)

    assert ports.kubernetes.get(VIRTUAL_GATEWAY, "ingress-gw", WHERE) is None
    namespace = ports.kubernetes.get(NAMESPACE, WHERE) or {}
    assert "gateway" not in namespace["metadata"]["labels"]


def weights(ports: Ports) -> dict[str, int]:
    router = ports.kubernetes.get(VIRTUAL_ROUTER, "nodejs-router", WHERE) or {}
    targets = router["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"]
    return {each["virtualNodeRef"]["name"]: each["weight"] for each in targets}


def test_the_canary_enters_the_router_with_weight_zero() -> None:
    """The first window only watches."""
    ports = world()
    solve(ports, "baseline", "mesh", "canary")

    assert {"nodejs-app": 100, "nodejsv2-app": 0} == weights(ports)


def test_solving_the_canary_again_leaves_a_rollouts_weights_alone() -> None:
    """A retried function must not undo what a rollout has decided."""
    ports = world()
    solve(ports, "baseline", "mesh", "canary")
    router = ports.kubernetes.get(VIRTUAL_ROUTER, "nodejs-router", WHERE) or {}
    targets = router["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"]
    targets[0]["weight"], targets[1]["weight"] = 91, 9
    ports.kubernetes.replace(router)

    solve(ports, "canary")

    assert {"nodejs-app": 91, "nodejsv2-app": 9} == weights(ports)


@pytest.mark.parametrize(
    ("outcome", "share", "expected"),
    [
        ("promoted", 1.0, "passed"),
        ("rolled_back", 0.0, "passed"),
        ("held", 0.0, "passed"),
        ("promoted", 0.5, "failed"),
        ("rolled_back", 0.01, "failed"),
    ],
)
def test_the_outcome_is_held_against_router_and_proxies(outcome: str, share: float, expected: str) -> None:
    """An outcome that the traffic does not show is no outcome."""
    ports = world()
    ports.records.put_stage("default", "run-1", "canary", {"run": "run-1"}, NOW)
    ports.rollouts.put("run-1", 7, "ended", {"outcome": outcome}, NOW)
    ports.routers.set(target(DEFAULT), share)
    proxies(ports, share, share)

    assert {"rollout ended": "passed", "router agrees": expected, "proxies agree": expected} == said("canary", ports)


def test_no_proxy_proves_nothing_about_the_outcome() -> None:
    """Where nobody calls the router's service there is nothing to measure."""
    ports = world()
    ports.records.put_stage("default", "run-1", "canary", {"run": "run-1"}, NOW)
    ports.rollouts.put("run-1", 7, "ended", {"outcome": "promoted"}, NOW)
    ports.routers.set(target(DEFAULT), 1.0)

    assert "inconclusive" == said("canary", ports)["proxies agree"]


def test_clean_leaves_nothing_of_the_workshop() -> None:
    """After all stages, the cluster and the zone are as before."""
    ports = world()
    solve(ports, "baseline", "controller", "mesh", "gateway", "canary", "clean")
    for key in [key for key in ports.kubernetes.objects if key[0] == "Pod"]:
        del ports.kubernetes.objects[key]  # the controllers' work

    assert {"nothing left": "passed"} == said("clean", ports)
    assert {} == ports.zone.records()


def test_clean_names_what_is_left() -> None:
    """A namespace that does not go is named."""
    ports = world()
    solve(ports, "baseline", "mesh")

    found = stage("clean").check(DEFAULT, ports)[0].finding

    assert "failed" == found.status
    assert f"Namespace {WHERE}" in found.measured["left"]
    assert "Route 53 nodejs.appmeshworkshop.hosted.local" in found.measured["left"]


def test_cleaning_one_workshop_leaves_another_alone() -> None:
    """The other's names are longer than ours, and the controller is shared."""
    ports = world()
    other = Request("turma-01", "appmesh", "auto", "clean", Plan())
    for each in ("baseline", "controller", "mesh"):
        stage(each).solve(other, ports)
    theirs = set(ports.kubernetes.objects)
    solve(ports, "baseline", "mesh")

    solve(ports, "clean")

    assert set(ports.kubernetes.objects) >= theirs
    assert "nodejs.turma-01.appmeshworkshop.hosted.local" in ports.zone.records()
    assert {"nothing left": "passed"} == said("clean", ports)


def test_clean_waits_for_whoever_sends_load() -> None:
    """The workshop is frozen, and nothing goes while the load still holds its lease."""
    ports = world()
    solve(ports, "baseline")
    held = {"holderIdentity": "make lab", "leaseDurationSeconds": 15, "renewTime": NOW.isoformat()}
    lease = {"apiVersion": LEASE.api_version, "kind": "Lease", "metadata": {"name": LOAD_LEASE, "namespace": WHERE}}
    ports.kubernetes.put({**lease, "spec": held})

    with pytest.raises(NotReady, match="make lab still sends load"):
        solve(ports, "clean")

    frozen = ports.kubernetes.get(NAMESPACE, WHERE) or {}
    assert FROZEN in frozen["metadata"]["annotations"]
    assert deployment_of(ports, "nodejs") is not None


def test_clean_does_not_wait_for_a_load_that_died() -> None:
    """A lease that nobody renews is nobody's."""
    ports = world()
    solve(ports, "baseline")
    held = {"holderIdentity": "make lab", "leaseDurationSeconds": 15, "renewTime": NOW.isoformat()}
    lease = {"apiVersion": LEASE.api_version, "kind": "Lease", "metadata": {"name": LOAD_LEASE, "namespace": WHERE}}
    ports.kubernetes.put({**lease, "spec": held})

    solve(replace(ports, now=NOW + timedelta(seconds=16)), "clean")

    assert deployment_of(ports, "nodejs") is None


def test_the_stages_are_in_the_documents_order() -> None:
    """Nodes of the mesh are only in the cluster once the stage `mesh` has put them there."""
    ports = world()
    for each in all_stages():
        if each.id == "mesh":
            assert [] == ports.kubernetes.list(VIRTUAL_NODE)
        if each.id not in ("preflight", "discovery"):  # the latter takes several attempts
            each.solve(DEFAULT, ports)

    order = list(STAGES)
    assert order == [each.id for each in all_stages()]
