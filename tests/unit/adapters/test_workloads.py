"""Images of Deployments, over the fake of Kubernetes."""

import pytest

from canario.adapters.workloads import Deployments
from canario.errors import InvalidInput, RemoteError
from canario.workshop.kinds import DEPLOYMENT
from tests.fakes import FakeKubernetes


@pytest.fixture
def kubernetes() -> FakeKubernetes:
    containers = [
        {"name": "app", "image": "old", "env": [{"name": "A", "value": "1"}]},
        {"name": "helper", "image": "h"},
    ]
    return FakeKubernetes(
        {
            "kind": "Deployment",
            "metadata": {"name": "v2", "namespace": "ns", "generation": 1},
            "spec": {"replicas": 1, "template": {"spec": {"containers": containers}}},
        }
    )


def test_one_containers_image_changes_and_nothing_else(kubernetes: FakeKubernetes) -> None:
    """A merge patch replaces lists, so it carries the other containers and fields along."""
    Deployments(kubernetes).set_image("ns", "v2", "app", "new")
    found = kubernetes.get(DEPLOYMENT, "v2", "ns")
    assert found is not None

    app, helper = found["spec"]["template"]["spec"]["containers"]
    assert app == {"name": "app", "image": "new", "env": [{"name": "A", "value": "1"}]}
    assert helper == {"name": "helper", "image": "h"}


def test_an_image_that_is_there_is_left_alone(kubernetes: FakeKubernetes) -> None:
    """A retried step starts no second roll-out of the pods."""
    before = kubernetes.version
    Deployments(kubernetes).set_image("ns", "v2", "app", "old")

    assert kubernetes.version == before


def test_what_is_not_there_is_named(kubernetes: FakeKubernetes) -> None:
    """A Deployment or a container that is misspelt is refused, with those that are."""
    with pytest.raises(RemoteError, match="ns/v3"):
        Deployments(kubernetes).set_image("ns", "v3", "app", "new")
    with pytest.raises(InvalidInput, match="app, helper"):
        Deployments(kubernetes).set_image("ns", "v2", "ap", "new")


def test_pods_that_do_not_run_it_yet_are_trouble(kubernetes: FakeKubernetes) -> None:
    """Until the controller has seen the change and every pod is available."""
    deployments = Deployments(kubernetes)
    unseen = deployments.trouble("ns", "v2")
    status = {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}
    kubernetes.patch(DEPLOYMENT, "v2", "ns", {"status": status})

    assert unseen is not None
    assert deployments.trouble("ns", "v2") is None
