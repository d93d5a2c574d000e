"""Shares in VirtualRouter objects, over the fake cluster."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canario.adapters.routers import AppMeshRouters, MeshRouters
from canario.canary.ports import Target
from canario.errors import Conflict, InvalidInput, RemoteError
from canario.workshop.kinds import VIRTUAL_ROUTER
from tests.fakes import FakeKubernetes

TARGET = Target("default", "appmesh", "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


def node(name: str):
    return {"kind": "VirtualNode", "metadata": {"name": name, "namespace": "ns"}, "spec": {}}


def router(*weights: tuple[str, int]):
    targets = [{"virtualNodeRef": {"name": name}, "weight": weight} for name, weight in weights]
    route = {"name": "route-to-nodejs-app", "httpRoute": {"action": {"weightedTargets": targets}}}
    return {
        "apiVersion": "appmesh.k8s.aws/v1beta2",
        "kind": "VirtualRouter",
        "metadata": {"name": "nodejs-router", "namespace": "ns", "labels": {"canario/workshop": "default"}},
        "spec": {"routes": [route]},
    }


def cluster(*weights: tuple[str, int]) -> FakeKubernetes:
    return FakeKubernetes(node("nodejs-app"), node("nodejsv2-app"), router(*weights))


def owning(manager: str, time: str, fields: dict):
    return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": fields}


def test_read_gives_share_weights_and_version():
    """Weights are relative: 2 and 1 give the canary a third."""
    state = AppMeshRouters(cluster(("nodejs-app", 2), ("nodejsv2-app", 1))).read(TARGET)

    assert (1 / 3, {"nodejs-app": 2, "nodejsv2-app": 1}, "3") == (state.share, state.weights, state.version)


def test_a_canary_that_is_not_in_the_router_has_no_share():
    """The router may know the baseline only: the canary's weight and share are 0."""
    state = AppMeshRouters(cluster(("nodejs-app", 1))).read(TARGET)

    assert (0.0, {"nodejs-app": 1, "nodejsv2-app": 0}) == (state.share, state.weights)


def test_write_puts_the_share_and_nothing_else():
    """The object keeps everything but its weights; what was really written is what is returned."""
    kubernetes = cluster(("nodejs-app", 1))
    routers = AppMeshRouters(kubernetes)
    state = routers.write(TARGET, 0.25, routers.read(TARGET).version)

    expected = router(("nodejs-app", 75), ("nodejsv2-app", 25))
    written = kubernetes.get(VIRTUAL_ROUTER, "nodejs-router", "ns")
    assert (expected["spec"], expected["metadata"]["labels"]) == (written["spec"], written["metadata"]["labels"])
    assert (0.25, routers.read(TARGET)) == (state.share, state)


@given(st.floats(min_value=0, max_value=1))
def test_a_written_share_reads_back(share: float):
    """Whatever is asked for, the state that `write` returns is what `read` then says, and 0 and 1 are exact."""
    routers = AppMeshRouters(cluster(("nodejs-app", 1)))
    state = routers.write(TARGET, share, routers.read(TARGET).version)

    assert state == routers.read(TARGET)
    assert (state.share > 0, state.share == 1) == (share > 0, share == 1)


def test_write_at_an_old_version_is_a_conflict():
    """Somebody who wrote in between is not overwritten."""
    kubernetes = cluster(("nodejs-app", 1))
    routers = AppMeshRouters(kubernetes)
    version = routers.read(TARGET).version
    kubernetes.put(router(("nodejs-app", 5)))

    with pytest.raises(Conflict, match=r"ns/nodejs-router is at version 4, no longer at 3"):
        routers.write(TARGET, 0.5, version)


def test_the_manager_is_who_last_wrote_the_routes():
    """Of all that own the routes the last by time counts; who wrote the status or labels only does not."""
    kubernetes = cluster()
    routes = {"f:spec": {"f:routes": {}}}
    manifest = router(("nodejs-app", 1))
    manifest["metadata"]["managedFields"] = [
        owning("kubectl", "2026-11-02T12:00:09Z", routes),
        owning("canario", "2026-11-02T12:00:00Z", routes),
        owning("controller", "2026-11-02T12:01:00Z", {"f:status": {"f:conditions": {}}}),
        owning("labeller", "2026-11-02T12:02:00Z", {"f:metadata": {"f:labels": {}}}),
    ]
    kubernetes.put(manifest)

    assert AppMeshRouters(kubernetes).read(TARGET).manager == "kubectl"


def test_an_object_without_managers_is_nobodys():
    """Where the cluster does not know who wrote, neither do we, and it is said."""
    assert AppMeshRouters(cluster(("nodejs-app", 1))).read(TARGET).manager == "unknown"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (replace(TARGET, router="absent"), "no VirtualRouter absent in ns"),
        (replace(TARGET, baseline="absent"), "no VirtualNode absent in ns"),
        (replace(TARGET, canary="absent"), "no VirtualNode absent in ns"),
    ],
)
def test_a_missing_router_or_node_is_named(target: Target, said: str):
    """The error names the kind, the name and the namespace of what is not there."""
    with pytest.raises(RemoteError, match=said):
        AppMeshRouters(cluster(("nodejs-app", 1))).read(target)


def test_each_target_has_its_dialects_router():
    """The dialect is the target's, so one port serves all workshops of a cluster."""
    assert MeshRouters(cluster(("nodejs-app", 1))).read(TARGET).share == 0


def test_a_dialect_without_routers_is_refused():
    """It is named, and the error says which dialects there are."""
    with pytest.raises(InvalidInput, match="mesh: 'linkerd' is not allowed; allowed: appmesh, gateway"):
        MeshRouters(FakeKubernetes()).read(replace(TARGET, mesh="linkerd"))
