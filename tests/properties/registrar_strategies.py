"""Clusters and Cloud Maps of any shape, for the registrar."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from canario.workshop.cloud_map import ADDRESS, INIT_HEALTH, MESH, NODE, POD, POD_NAMESPACE, Instance, ServiceName
from canario.workshop.kinds import APP_MESH, Kind
from canario.workshop.names import CLOUD_MAP_NAMESPACE
from canario.workshop.ports import Manifest
from tests.fakes import FakeCloudMap

APPS = ("nodejs", "crystal")
WHERE = "ns"
ADDRESSES = [f"10.0.0.{number}" for number in range(6)]
FOREIGN = {ADDRESS: "10.9.9.9", "owner": "somebody"}


@dataclass
class Objects:
    """What the registrar reads of Kubernetes."""

    nodes: list[Manifest] = field(default_factory=list)
    pods: list[Manifest] = field(default_factory=list)
    services: list[Manifest] = field(default_factory=list)

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        found = {"Pod": self.pods, "Service": self.services}.get(kind.name, self.nodes)
        return [each for each in found if namespace in (None, each["metadata"]["namespace"])]


def service(app: str) -> ServiceName:
    return ServiceName(CLOUD_MAP_NAMESPACE, app)


def node(app: str, by_cloud_map: bool = True) -> Manifest:
    cloud_map = {"awsCloudMap": {"namespaceName": CLOUD_MAP_NAMESPACE, "serviceName": app}}
    spec = {
        "podSelector": {"matchLabels": {"app": app}},
        "meshRef": {"name": "app-mesh"},
        "serviceDiscovery": cloud_map if by_cloud_map else {"dns": {"hostname": "a.example"}},
    }
    return {"apiVersion": APP_MESH, "kind": "VirtualNode", "metadata": {"name": app, "namespace": WHERE}, "spec": spec}


def pod(app: str, name: str, address: str | None, *, ready: bool = True, ending: bool = False) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": WHERE, "labels": {"app": app}}
    if ending:
        metadata["deletionTimestamp"] = "2026-11-23T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": "Running", "conditions": conditions, **({"podIP": address} if address else {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


def attributes(app: str, name: str, address: str) -> dict[str, str]:
    """What the registrar writes for that pod."""
    return {
        "app": app,
        ADDRESS: address,
        INIT_HEALTH: "HEALTHY",
        POD: name,
        POD_NAMESPACE: WHERE,
        NODE: f"{app}_{WHERE}",
        MESH: "app-mesh",
    }


@st.composite
def pods(draw: st.DrawFn) -> list[Manifest]:
    """No two pods have one address, as in a cluster."""
    addresses = draw(st.lists(st.sampled_from(ADDRESSES), unique=True))
    made = [
        pod(
            draw(st.sampled_from(APPS)),
            draw(st.sampled_from((f"a-{address}", f"b-{address}"))),
            address,
            ready=draw(st.booleans()),
            ending=draw(st.booleans()),
        )
        for address in addresses
    ]
    return [*made, *draw(st.sampled_from(([], [pod("nodejs", "pending", None, ready=False)])))]


@st.composite
def clouds(draw: st.DrawFn) -> FakeCloudMap:
    """Services made by Canario or by hand, with instances of pods that were, or of others."""
    cloud = FakeCloudMap()
    for app in draw(st.sets(st.sampled_from(APPS))):
        cloud.registered[service(app)] = {}
        if draw(st.booleans()):
            cloud.workshops[service(app)] = "default"
        for address in draw(st.sets(st.sampled_from(ADDRESSES))):
            name = draw(st.sampled_from((f"a-{address}", f"b-{address}", "long-gone")))
            cloud.registered[service(app)][address] = Instance(attributes(app, name, address), draw(st.booleans()))
        if draw(st.booleans()):
            cloud.registered[service(app)]["theirs"] = Instance(FOREIGN)
    return cloud


def nodes() -> st.SearchStrategy[list[Manifest]]:
    """Each app has a node found by Cloud Map, one found in another way, or none."""
    choices = st.tuples(*(st.sampled_from((None, node(app, True), node(app, False))) for app in APPS))
    return choices.map(lambda found: [each for each in found if each])
