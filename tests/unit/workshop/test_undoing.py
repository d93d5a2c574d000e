"""One stage taken back by itself, and a canary that an attendee prepared."""

import pytest

from canario.workshop.frozen import FROZEN
from canario.workshop.kinds import DEPLOYMENT, NAMESPACE, VIRTUAL_NODE, VIRTUAL_ROUTER
from canario.workshop.mesh import router_name
from canario.workshop.names import SERVICES, deployment
from canario.workshop.ports import Manifest, Ports
from canario.workshop.stages import stage
from canario.workshop.stages.s04_mesh import JOINED, RESTARTED
from canario.workshop.stages.s08_canary import target
from tests.unit.workshop.world import DEFAULT, deployment_of, world
from tests.unit.workshop.world import NAMESPACE as WHERE

ROUTER = router_name("nodejs")


@pytest.fixture
def ports() -> Ports:
    """A workshop with its mesh and its canary."""
    found = world()
    for each in ("baseline", "controller", "mesh", "canary"):
        stage(each).solve(DEFAULT, found)
    return found


def annotations(ports: Ports, service: str = "nodejs") -> dict[str, str]:
    found = deployment_of(ports, service)
    assert found
    return dict(found["spec"]["template"]["metadata"].get("annotations", {}))


def by_hand(ports: Ports) -> dict[str, str]:
    part = stage("canary").by_hand
    assert part
    return {check.name: str(check.run(DEFAULT, ports).finding.status) for check in part.checks}


def router(ports: Ports) -> Manifest:
    found = ports.kubernetes.get(VIRTUAL_ROUTER, ROUTER, WHERE)
    assert found
    return found


def test_without_its_mesh_no_pod_gets_an_envoy(ports: Ports) -> None:
    """The labels go, and each service's pods start anew."""
    stage("mesh").clean(DEFAULT, ports)

    labels = ports.kubernetes.get(NAMESPACE, WHERE)["metadata"]["labels"]
    assert {"canario/workshop"} == set(labels)
    assert [] == [service for service in SERVICES if JOINED in annotations(ports, service)]


def test_taking_the_mesh_back_twice_restarts_once(ports: Ports) -> None:
    """Repeated, it changes no pod template."""
    stage("mesh").clean(DEFAULT, ports)
    before = annotations(ports)
    stage("mesh").clean(DEFAULT, ports)

    assert before == annotations(ports)


def test_pods_that_an_attendee_restarted_are_restarted_again(ports: Ports) -> None:
    """Who joined by `kubectl rollout restart` leaves as well, however often."""
    seen = []
    for moment in ("2026-11-02T12:00:00Z", "2026-11-02T13:00:00Z"):
        restart = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: moment}}}}}
        ports.kubernetes.patch(DEPLOYMENT, deployment("nodejs"), WHERE, restart)
        before = annotations(ports)
        stage("mesh").clean(DEFAULT, ports)
        seen.append(annotations(ports))
        assert before != seen[-1]
    assert seen[0] != seen[1]


def test_a_workshop_that_is_going_restarts_nothing(ports: Ports) -> None:
    """`clean` takes the pods away altogether."""
    ports.kubernetes.patch(NAMESPACE, WHERE, None, {"metadata": {"annotations": {FROZEN: "now"}}})
    before = annotations(ports)
    stage("mesh").clean(DEFAULT, ports)

    assert before == annotations(ports)


def test_without_its_canary_the_baseline_has_all_traffic(ports: Ports) -> None:
    """The router knows one node again before the canary goes."""
    stage("canary").clean(DEFAULT, ports)

    targets = router(ports)["spec"]["routes"][0]["httpRoute"]["action"]["weightedTargets"]
    assert ["nodejs-app"] == [each["virtualNodeRef"]["name"] for each in targets]
    assert ports.kubernetes.get(VIRTUAL_NODE, "nodejsv2-app", WHERE) is None
    assert deployment_of(ports, "nodejsv2") is None


def test_the_attendees_part_of_the_canary_is_without_traffic(ports: Ports) -> None:
    """Deployment, node and target with weight 0 are theirs; the share is the rollout's."""
    ports.routers.set(target(DEFAULT), 0.0)
    assert {"canary is there": "passed", "router waits": "passed"} == by_hand(ports)

    ports.routers.set(target(DEFAULT), 0.33)
    assert {"canary is there": "passed", "router waits": "failed"} == by_hand(ports)


def test_a_canary_that_nobody_prepared_is_not_there() -> None:
    """Before the attendee's work no condition holds."""
    found = world()
    for each in ("baseline", "controller", "mesh"):
        stage(each).solve(DEFAULT, found)

    assert {"canary is there": "failed", "router waits": "failed"} == by_hand(found)
