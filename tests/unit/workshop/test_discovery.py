"""The stage `discovery`: step by step, measured on its way, back again, and with the canary after it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from canario.canary.ports import NodeCounts
from canario.errors import NotReady
from canario.mesh.proxies import APP_MESH, CLUSTERS, dump_of
from canario.workshop import run
from canario.workshop.application import url
from canario.workshop.cloud_map import ADDRESS, ServiceName
from canario.workshop.kinds import DEPLOYMENT, SERVICE, VIRTUAL_NODE
from canario.workshop.names import load_balancer
from canario.workshop.ports import Answer, Manifest, Ports
from canario.workshop.stage import Finding
from canario.workshop.stages import stage
from tests.fakes import NOW
from tests.unit.workshop.world import DEFAULT, NAMESPACE, answering, deployment_of, world

SERVICES = ("nodejs", "crystal")
NODEJS = ServiceName("appmesh.pvt.local", "nodejs")
BEHIND = {
    "name": f"endpoints/egress/{NAMESPACE}/nodejs/nodejs-app",
    "load_assignment": {
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.1.1.8"}}}}]}]
    },
}
HOST = "nodejs.appmeshworkshop.hosted.local"


def later(ports: Ports, seconds: float) -> Ports:
    return replace(ports, now=NOW + timedelta(seconds=seconds))


def meshed() -> Ports:
    """The world after the stage `mesh`, with every service answering."""
    ports = world()
    for each in ("baseline", "mesh"):
        stage(each).solve(DEFAULT, ports)
    ports.http.answers[url(DEFAULT.names, "frontend")] = answering("frontend", "envoy")
    for service in SERVICES:
        body = {"service": service, "node": f"{service}-app-0"}
        ports.http.answers[url(DEFAULT.names, service)] = Answer(200, {"server": "envoy"}, json.dumps(body))
    return ports


def solve(ports: Ports, seconds: float = 0) -> dict[str, Any]:
    return dict(run.solve("discovery", DEFAULT, later(ports, seconds), "run-1")["outputs"])


def solved(ports: Ports) -> Ports:
    """After both attempts that it takes when everything settles at once: the names' answers have to end."""
    with pytest.raises(NotReady, match="the load balancers may be in use until 12:00:07"):
        solve(ports)
    solve(ports, 8)
    return ports


def count(ports: Ports, seconds: int, errors: int = 0) -> None:
    """Windows of a minute with traffic at both nodes, for so long."""
    for service in SERVICES:
        ports.metrics.nodes[f"{service}-app"] = [
            NodeCounts(NOW + timedelta(seconds=at), 100, errors if at == 60 else 0) for at in range(0, seconds, 60)
        ]


def found(ports: Ports, seconds: float = 600) -> dict[str, Finding]:
    checks = stage("discovery").check(DEFAULT, later(ports, seconds))
    return {each.name: each.finding for each in checks}


def statuses(ports: Ports, seconds: float = 600) -> dict[str, str]:
    return {name: str(finding.status) for name, finding in found(ports, seconds).items()}


def discovery_of(ports: Ports, service: str) -> Manifest:
    node = ports.kubernetes.get(VIRTUAL_NODE, f"{service}-app", NAMESPACE)
    assert node is not None
    return dict(node["spec"]["serviceDiscovery"])


def test_every_check_fails_before_and_passes_after() -> None:
    """None of the conditions holds by itself."""
    ports = meshed()
    before = statuses(ports)
    solved(ports)
    count(ports, 300)

    assert {"passed"} == set(statuses(ports).values())
    assert "passed" not in before.values()


def test_the_nodes_behind_internal_load_balancers_are_found_by_cloud_map() -> None:
    """The frontend keeps its public load balancer, and its node."""
    ports = solved(meshed())

    for service in SERVICES:
        assert {"awsCloudMap": {"namespaceName": "appmesh.pvt.local", "serviceName": service}} == discovery_of(
            ports, service
        )
    assert ["dns"] == list(discovery_of(ports, "frontend"))
    left = [each["metadata"]["name"] for each in ports.kubernetes.list(SERVICE, NAMESPACE)]
    assert ["frontend-app-service"] == left


def test_both_numbers_of_replicas_are_measured() -> None:
    """Before and after scaling, the pods' addresses and Cloud Map's are in the stage's outputs."""
    outputs = solve_until_done(meshed())

    assert (3, 4) == tuple(len(outputs[when]["nodejs"]["cloud_map"]) for when in ("before", "after"))
    for when in ("before", "after"):
        assert all(each["pods"] == each["cloud_map"] for each in outputs[when].values())


def solve_until_done(ports: Ports) -> dict[str, Any]:
    solved(ports)
    return dict(ports.records.stages("default")["discovery"]["outputs"])


def test_what_was_measured_survives_a_function_that_dies() -> None:
    """The next attempt goes on from the record: what was measured before scaling cannot be measured again."""
    ports = meshed()
    with pytest.raises(NotReady):
        solve(ports)
    before = ports.records.stages("default")["discovery"]["outputs"]["before"]
    outputs = solve(ports, 8)

    assert before == outputs["before"]
    assert 20 == outputs["asked"]["asked"]


def test_nothing_goes_on_while_cloud_map_is_not_as_the_pods_are() -> None:
    """The names stay with the load balancers, nothing is scaled, and the registrar's function is asked to work."""
    ports = meshed()
    ports.kubernetes.cloud = None  # nobody registers
    with pytest.raises(NotReady, match="pods and Cloud Map differ: nodejs"):
        solve(ports)

    assert "nodejs-app-service.elb.amazonaws.com" == ports.zone.records()[HOST]
    assert 3 == (deployment_of(ports, "nodejs") or {})["spec"]["replicas"]
    assert [("RegistrationWanted", {"workshop": "default", "stage": "discovery"})] == ports.events.put_events


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([{"cluster": BEHIND}], r"frontend-app-1 sends nodejs's requests to 127.1.1.8"),
        ([{"cluster": {**BEHIND, "load_assignment": {"endpoints": [{}]}}}], "frontend-app-1's proxy"),
    ],
    ids=["elsewhere", "malformed"],
)
def test_load_balancers_stay_while_a_callers_proxy_uses_them(said: list[Any], reason: str) -> None:
    """That Cloud Map knows the pods is not enough: a caller whose proxy is late would have nobody to ask."""
    ports = meshed()
    with pytest.raises(NotReady):
        solve(ports)
    late = ("frontend-app-1", APP_MESH.port, dump_of(CLUSTERS))
    ports.kubernetes.answers[late] = Answer(200, {}, json.dumps({"configs": said}))
    with pytest.raises(NotReady, match=reason):
        solve(ports, 8)
    kept = ports.kubernetes.get(SERVICE, load_balancer("nodejs"), NAMESPACE)
    del ports.kubernetes.answers[late]
    solve(ports, 9)

    assert kept is not None
    assert ports.kubernetes.get(SERVICE, load_balancer("nodejs"), NAMESPACE) is None


def test_whoever_scaled_already_is_scaled_back_for_the_measurement() -> None:
    """An attendee's four replicas do not hide that nobody has measured three."""
    ports = meshed()
    ports.kubernetes.patch(DEPLOYMENT, "nodejs-app", NAMESPACE, {"spec": {"replicas": 4}})
    outputs = solve_until_done(ports)

    assert 3 == len(outputs["before"]["nodejs"]["pods"])
    assert 4 == (deployment_of(ports, "nodejs") or {})["spec"]["replicas"]


def test_a_discovery_that_somebody_applied_by_hand_is_replaced() -> None:
    """Server-side apply alone would leave a person's `dns` beside our `awsCloudMap`, which no controller accepts."""
    ports = meshed()
    ports.kubernetes.applied.clear()  # none of the fields is ours
    solved(ports)

    assert ["awsCloudMap"] == list(discovery_of(ports, "nodejs"))


def fails(ports: Ports, service: str) -> None:
    ports.http.answers[url(DEFAULT.names, service)] = Answer(503, {}, "no")


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda ports: ports.cloud_map.deregister(NODEJS, "10.0.0.3"), "pods are in Cloud Map"),
        (lambda ports: ports.cloud_map.register(NODEJS, "x", {ADDRESS: "10.9.9.9"}), "pods are in Cloud Map"),
        (lambda ports: ports.zone.upsert(HOST, "elsewhere.example"), "names lead to Cloud Map"),
        (lambda ports: fails(ports, "nodejs"), "names lead to Cloud Map"),
        (lambda ports: stage("baseline").solve(DEFAULT, ports), "load balancers gone"),
        (lambda ports: count(ports, 300, errors=1), "traffic went on"),
        (lambda ports: fails(ports, "frontend"), "traffic went on"),
    ],
)
def test_each_check_sees_what_it_is_for(change: Callable[[Ports], object], check: str) -> None:
    """One thing goes wrong after the stage's work, and its check fails."""
    ports = solved(meshed())
    count(ports, 300)
    change(ports)

    assert "failed" == statuses(ports)[check]


def test_traffic_is_judged_only_by_windows_to_the_end_of_the_work() -> None:
    """While no whole window since the end has been counted, nothing is known about what the end did."""
    ports = solved(meshed())
    count(ports, 60)

    assert "inconclusive" == statuses(ports)["traffic went on"]
    count(ports, 300)
    assert "passed" == statuses(ports)["traffic went on"]


def test_traffic_that_failed_while_the_stage_worked_stays_failed() -> None:
    """The stage's own requests are in its record, those of its first attempts too."""
    ports = meshed()
    good = ports.http.answers[url(DEFAULT.names, "frontend")]
    ports.http.answers[url(DEFAULT.names, "frontend")] = [Answer(502, {}, "nodejs did not answer"), good]
    solved(ports)
    count(ports, 300)
    finding = found(ports)["traffic went on"]

    assert "failed" == finding.status
    assert "1 of 30 own requests failed (the last: 502: nodejs did not answer)" == finding.message


def test_the_stage_can_be_undone_and_done_again() -> None:
    """Load balancers, names, nodes and replicas are as before; Cloud Map has nothing of the workshop."""
    ports = solved(meshed())
    stage("discovery").clean(DEFAULT, later(ports, 20))

    assert {} == ports.cloud_map.registered
    assert ["dns"] == list(discovery_of(ports, "nodejs"))
    assert "nodejs-app-service.elb.amazonaws.com" == ports.zone.records()[HOST]
    assert 3 == (deployment_of(ports, "nodejs") or {})["spec"]["replicas"]


def test_the_mesh_stage_keeps_cloud_map() -> None:
    """Solving `mesh` again needs no load balancer that is gone, and does not put one in Cloud Map's place."""
    ports = solved(meshed())
    stage("mesh").solve(DEFAULT, ports)

    assert ["awsCloudMap"] == list(discovery_of(ports, "nodejs"))


def test_a_canary_after_discovery_is_found_by_cloud_map() -> None:
    """As its baseline is: it has no load balancer, and all its pods are registered before it may have a share."""
    ports = solved(meshed())
    stage("canary").solve(DEFAULT, ports)

    assert {"namespaceName": "appmesh.pvt.local", "serviceName": "nodejsv2"} == discovery_of(ports, "nodejsv2")[
        "awsCloudMap"
    ]
    assert ports.kubernetes.get(SERVICE, load_balancer("nodejsv2"), NAMESPACE) is None
    assert 3 == len(ports.cloud_map.instances(ServiceName("appmesh.pvt.local", "nodejsv2")))


def test_a_canary_waits_until_its_pods_are_registered() -> None:
    """A share for a node that nobody finds would be a share of failures."""
    ports = solved(meshed())
    ports.kubernetes.cloud = None
    with pytest.raises(NotReady, match="Cloud Map has 0 of 3 pods of nodejsv2-app"):
        stage("canary").solve(DEFAULT, ports)


def test_a_canary_without_discovery_is_found_by_its_load_balancer() -> None:
    """The stage is not needed for a canary."""
    ports = meshed()
    stage("canary").solve(DEFAULT, ports)

    assert ["dns"] == list(discovery_of(ports, "nodejsv2"))


def test_clean_leaves_nothing_in_cloud_map() -> None:
    """With or without a registrar that still works; what is left is named."""
    ports = solved(meshed())
    stage("canary").solve(DEFAULT, ports)
    left = stage("clean").check(DEFAULT, ports)[0].finding.measured["left"]
    ports.kubernetes.cloud = None
    stage("clean").solve(DEFAULT, later(ports, 20))

    assert {"Cloud Map nodejs.appmesh.pvt.local", "Cloud Map nodejsv2.appmesh.pvt.local"} <= set(left)
    assert {} == ports.cloud_map.registered


def test_cleaning_leaves_other_workshops_in_cloud_map() -> None:
    """Names and marks say whose a service is."""
    ports = solved(meshed())
    theirs = ServiceName("appmesh.pvt.local", "nodejs-turma-01")
    ports.cloud_map.create(theirs, "turma-01")
    ports.cloud_map.registered[theirs]["10.1.1.1"] = ports.cloud_map.instances(NODEJS)["10.0.0.3"]
    ports.kubernetes.cloud = None
    stage("clean").solve(DEFAULT, later(ports, 20))

    assert [theirs] == list(ports.cloud_map.registered)


def test_times_are_of_the_attempts() -> None:
    """The outputs say since when, when the names moved, and when the work was finished."""
    outputs = solve_until_done(meshed())

    assert (0.0, 0.0, 8.0) == tuple(
        (datetime.fromisoformat(outputs[key]) - NOW).total_seconds() for key in ("since", "named", "finished")
    )
