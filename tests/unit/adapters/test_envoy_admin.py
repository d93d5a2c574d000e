"""Shares in force, read from Envoys' configuration dumps over the fake cluster."""

import json
from dataclasses import replace
from typing import Any

import pytest

from canario.adapters.envoy_admin import AppMeshDataPlane, MeshDataPlane
from canario.canary.ports import ProxyShare, Target
from canario.errors import InvalidInput
from canario.mesh.proxies import APP_MESH, ROUTES, dump_of
from canario.workshop.ports import Answer
from tests.fakes import FakeKubernetes

TARGET = Target("default", "appmesh", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")
OWN = "egress/ns/nodejs/nodejs-app", "egress/ns/nodejs/nodejsv2-app"
CRYSTAL = {"cluster": "egress/ns/crystal/crystal-app"}


def pod(name: str, *, containers: tuple[str, ...] = ("app", "envoy"), phase: str = "Running", **metadata: Any):
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ns", **metadata},
        "spec": {"containers": [{"name": container} for container in containers]},
        "status": {"phase": phase},
    }


def split(*weights: tuple[str, int]):
    return {"weighted_clusters": {"clusters": [{"name": name, "weight": weight} for name, weight in weights]}}


def dump(*actions: Any, name: str = "outbound") -> Answer:
    """Envoy's answer, with a virtual host for each action."""
    hosts = [{"name": "h", "routes": [{"match": {"prefix": "/"}, "route": action}]} for action in actions]
    configuration = {"route_config": {"name": name, "virtual_hosts": hosts}}
    return Answer(200, {}, json.dumps({"configs": [configuration]}))


def shares(*pods: Any, **answers: Answer):
    kubernetes = FakeKubernetes(*pods)
    kubernetes.answers = {(name, APP_MESH.port, dump_of(ROUTES)): answer for name, answer in answers.items()}
    return AppMeshDataPlane(kubernetes).shares(TARGET)


def test_the_share_is_what_the_weighted_clusters_give():
    """The canary's weight over all weights of the service's route, among routes to other services."""
    found = shares(pod("frontend"), frontend=dump(CRYSTAL, split((OWN[0], 75), (OWN[1], 25))))

    assert [ProxyShare("frontend", 0.25, "nodejs-app 75, nodejsv2-app 25")] == found


def test_a_canary_that_is_not_in_the_route_has_no_share():
    """A route to the baseline alone gives the canary nothing, as does a canary of weight 0."""
    found = shares(pod("a"), pod("b"), a=dump({"cluster": OWN[0]}), b=dump(split((OWN[0], 1), (OWN[1], 0))))

    assert [0.0, 0.0] == [each.share for each in found]


def test_pods_that_do_not_call_the_service_are_left_out():
    """Neither a pod without a sidecar, nor one whose sidecar has no route to the service, is a caller."""
    found = shares(pod("plain", containers=("app",)), pod("crystal"), crystal=dump(CRYSTAL))

    assert not found


def test_pods_that_come_or_go_are_left_out():
    """A pod that is being deleted, has ended or does not run yet says nothing about the share in force."""
    found = shares(
        pod("leaving", deletionTimestamp="2026-11-02T12:00:00Z"),
        pod("ended", phase="Succeeded"),
        pod("new", phase="Pending"),
    )

    assert not found


def test_a_pod_that_does_not_answer_has_no_share_and_the_reason():
    """A caller that cannot be asked is not taken for agreeing."""
    [found] = shares(pod("frontend"))

    assert found.share is None
    assert "GET /config_dump" in found.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(503, {}, ""), "Envoy said 503"),
        (Answer(200, {}, "<html>"), "no configuration dump"),
        (Answer(200, {}, '{"configs": [{}]}'), "no configuration dump"),
        (Answer(200, {}, "[]"), "no configuration dump"),
        (Answer(200, {}, "{}"), "no outbound routes yet"),
        (dump(split((OWN[0], 1)), name="inbound"), "no outbound routes yet"),
        (dump(split((OWN[0], 1), ("egress/ns/nodejs/other", 1))), "sends to other too"),
        (dump(split((OWN[0], 1)), split((OWN[1], 1))), "routes disagree"),
    ],
)
def test_an_answer_that_shows_no_share_says_why(answer: Answer, said: str):
    """Whatever keeps a proxy's share from being known is in its message."""
    [found] = shares(pod("frontend"), frontend=answer)

    assert found.share is None
    assert said in found.message


def test_a_dialect_whose_proxies_cannot_be_read_is_refused():
    """It is named, and the error says which dialects there are."""
    with pytest.raises(InvalidInput, match="mesh: 'linkerd' is not allowed; allowed: appmesh, gateway"):
        MeshDataPlane(FakeKubernetes()).shares(replace(TARGET, mesh="linkerd"))


def test_each_target_has_its_dialects_data_plane():
    """The dialect is the target's, so one port serves all workshops of a cluster."""
    assert not MeshDataPlane(FakeKubernetes()).shares(TARGET)
