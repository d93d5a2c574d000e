"""The pods of a node in both dialects, over the fake of Kubernetes."""

import pytest

from canario.adapters.node_pods import NodePods
from canario.canary.ports import Target
from tests.fakes import FakeKubernetes


def pod(name: str, app: str, phase: str = "Running") -> dict:
    metadata = {"name": name, "namespace": "ns", "labels": {"app": app, "version": "v2"}}
    return {"kind": "Pod", "metadata": metadata, "status": {"phase": phase}}


def target(mesh: str) -> Target:
    return Target("turma-01", mesh, "ns", "nodejs-router", "nodejs", "nodejs-app", "nodejsv2-app")


@pytest.fixture
def kubernetes() -> FakeKubernetes:
    metadata = {"name": "nodejsv2-app", "namespace": "ns"}
    expressions = [{"key": "version", "operator": "In", "values": ["v2"]}]
    return FakeKubernetes(
        {
            "kind": "VirtualNode",
            "metadata": metadata,
            "spec": {"podSelector": {"matchLabels": {"app": "v2"}, "matchExpressions": expressions}},
        },
        {"kind": "Service", "metadata": metadata, "spec": {"selector": {"app": "v2"}}},
        {"kind": "VirtualNode", "metadata": {"name": "elsewhere", "namespace": "ns"}, "spec": {}},
        pod("b", "v2"),
        pod("a", "v2"),
        pod("starting", "v2", "Pending"),
        pod("other", "v1"),
    )


@pytest.mark.parametrize("mesh", ["appmesh", "gateway"])
def test_a_nodes_pods_are_those_that_it_selects(kubernetes: FakeKubernetes, mesh: str) -> None:
    """Those that run, by the node's own selector, in the dialect's kind of node."""
    assert ["a", "b"] == NodePods(kubernetes).of(target(mesh), "nodejsv2-app")


@pytest.mark.parametrize("node", ["elsewhere", "gone"])
def test_a_node_that_selects_nothing_has_no_pods(kubernetes: FakeKubernetes, node: str) -> None:
    """A node outside the cluster, or one that is not there, is judged as a whole."""
    assert () == NodePods(kubernetes).of(target("appmesh"), node)


def test_a_pod_is_deleted_alone(kubernetes: FakeKubernetes) -> None:
    """A second deletion finds nothing, and is no error."""
    pods = NodePods(kubernetes)
    pods.replace(target("appmesh"), "a")
    pods.replace(target("appmesh"), "a")

    assert ["b"] == pods.of(target("appmesh"), "nodejsv2-app")
