"""The port `Routers`: the fake, and VirtualRouters in the lab cluster."""

import json
from collections.abc import Iterator
from importlib import resources

import pytest

from canario.adapters.kubernetes import from_kubeconfig
from canario.adapters.routers import MeshRouters
from canario.canary.ports import Routers, Target
from canario.errors import Conflict, RemoteError
from canario.mesh.appmesh import API_VERSION
from canario.workshop.kinds import NAMESPACE
from canario.workshop.ports import Kubernetes, Manifest
from tests.fakes import FakeRouters

CRDS = resources.files("canario.workshop.manifests").joinpath("appmesh-crds.ndjson")


@pytest.fixture(params=["fake", "lab"])
def routers(request: pytest.FixtureRequest, target: Target) -> Iterator[Routers]:
    """The target's router and nodes, all traffic on the baseline."""
    if request.param == "fake":
        fake = FakeRouters()
        fake.set(target, 0)
        yield fake
    else:
        with from_kubeconfig(request.getfixturevalue("kubeconfig")) as cluster:
            for line in CRDS.read_text().splitlines():
                cluster.apply(json.loads(line))
            yield set_up(cluster, target)
            cluster.delete(NAMESPACE, target.namespace)


def set_up(kubernetes: Kubernetes, target: Target) -> Routers:
    kubernetes.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": target.namespace}})
    for node in (target.baseline, target.canary):
        kubernetes.apply(manifest("VirtualNode", node, target, {"podSelector": {"matchLabels": {"app": node}}}))
    weighted = [{"virtualNodeRef": {"name": target.baseline}, "weight": 1}]
    rule = {"match": {"prefix": "/"}, "action": {"weightedTargets": weighted}}
    routes = [{"name": "route-to-nodejs-app", "httpRoute": rule}]
    kubernetes.apply(manifest("VirtualRouter", target.router, target, {"routes": routes}))
    return MeshRouters(kubernetes)


def manifest(kind: str, name: str, target: Target, spec: Manifest) -> Manifest:
    metadata = {"name": name, "namespace": target.namespace}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def test_a_written_share_is_read_back(routers: Routers, target: Target):
    """`write` returns the state that `read` then has: a share that can be written exactly is exact."""
    written = routers.write(target, 0.25, routers.read(target).version)

    assert written == routers.read(target)
    assert (0.25, 0.25) == (written.share, written.weights[target.canary] / sum(written.weights.values()))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all_are_written_exactly(routers: Routers, target: Target, share: float):
    """All of the traffic is all of it, none is none."""
    assert share == routers.write(target, share, routers.read(target).version).share


def test_a_share_too_small_to_write_is_the_smallest_there_is(routers: Routers, target: Target):
    """What is returned is what was really written: more than asked, but not nothing."""
    written = routers.write(target, 0.0001, routers.read(target).version)

    assert 0.0001 < written.share <= 0.01


def test_the_second_of_two_writers_is_told(routers: Routers, target: Target):
    """Both read the same version; one wins, the other gets Conflict and changes nothing."""
    version = routers.read(target).version
    routers.write(target, 0.1, version)

    with pytest.raises(Conflict):
        routers.write(target, 0.9, version)
    assert pytest.approx(0.1) == routers.read(target).share


def test_a_router_that_is_not_there_is_an_error(routers: Routers, target: Target):
    """The error names the router."""
    absent = Target("w", "appmesh", target.namespace, "absent", "nodejs", target.baseline, target.canary)

    with pytest.raises(RemoteError, match=f"reading the router {target.namespace}/absent"):
        routers.read(absent)


def test_who_wrote_last_is_known(routers: Routers, target: Target):
    """After `write` the manager is Canario itself."""
    routers.write(target, 0.5, routers.read(target).version)

    assert "canario" == routers.read(target).manager


def test_a_canary_is_withdrawn_whoever_wrote_last(routers: Routers, target: Target):
    """A rollback needs no version; doing it twice is harmless."""
    routers.write(target, 0.25, routers.read(target).version)

    routers.withdraw(target)
    routers.withdraw(target)

    assert 0 == routers.read(target).share


def test_where_there_is_no_router_nothing_is_to_be_withdrawn(routers: Routers, target: Target):
    """Its workshop may have been cleaned before its rollout was told."""
    routers.withdraw(Target("w", "appmesh", target.namespace, "absent", "nodejs", target.baseline, target.canary))
