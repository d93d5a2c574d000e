"""Workshops that share a lab: each shared part, with the objects of two of them, keeps them apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from canario.mesh import appmesh
from canario.mesh.model import Ref
from canario.telemetry import datapoints
from canario.telemetry.counts import Counts, Node
from canario.workshop import registrar
from canario.workshop.cloud_map import POD_NAMESPACE
from canario.workshop.discovery import in_cloud_map
from canario.workshop.mesh import MESH_LABEL, mesh
from canario.workshop.names import CLOUD_MAP_NAMESPACE, LABEL, SERVICES, Names, deployment, load_balancer, names
from lab.envoy.files import CDS, rds
from lab.mesh.assembly import Assembly, assemble
from lab.mesh.endpoints import resolve
from lab.mesh.render import OUTBOUND, Place, pod_files
from lab.mesh.world import World
from lab.net import Block
from lab.vpc.resources import Vpc, envoy_files
from lab.vpc.world import services
from tests.fakes import FakeCloudMap, FakeKubernetes

BLOCK = Block(9)
VPC = (BLOCK.vpc, 3128)
ONE, OTHER = names("default"), names("turma-02")
BOTH = ((ONE, 1), (OTHER, 21))  # the number of the first of its pods

Obj = dict[str, Any]


def pods(of: Names, first: int) -> list[Obj]:
    """A ready pod of each service."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{service}-1",
                "namespace": of.namespace,
                "uid": f"{of.workshop}-{service}",
                "labels": {"app": deployment(service), **of.labels},
            },
            "spec": {"containers": []},
            "status": {
                "phase": "Running",
                "podIP": BLOCK.pod(number),
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
        for number, service in enumerate(SERVICES, first)
    ]


def addresses(first: int) -> set[str]:
    return {BLOCK.pod(number) for number in range(first, first + len(SERVICES))}


def mesh_objects(of: Names) -> list[Obj]:
    """As the stage discovery leaves them: nodes found by Cloud Map."""
    return appmesh.render(mesh(of, {service: in_cloud_map(of, service) for service in SERVICES}))


def kind(name: str) -> tuple[Obj, ...]:
    return tuple(each for of, _ in BOTH for each in mesh_objects(of) if each["kind"] == name)


def namespaces() -> tuple[Obj, ...]:
    return tuple({"metadata": {"name": of.namespace, "labels": {**of.labels, MESH_LABEL: of.mesh}}} for of, _ in BOTH)


@pytest.fixture(scope="module")
def world() -> World:
    """Both workshops' objects, as the controller sees them."""
    return World(
        meshes=kind("Mesh"),
        virtual_nodes=kind("VirtualNode"),
        virtual_routers=kind("VirtualRouter"),
        virtual_services=kind("VirtualService"),
        namespaces=namespaces(),
        pods=tuple(pod for of, first in BOTH for pod in pods(of, first)),
    )


@pytest.fixture(scope="module")
def assembly(world: World) -> Assembly:
    found = assemble(world, {})
    assert all(finding.active for finding in found.findings.values())
    return found


@pytest.mark.parametrize(("of", "first", "foreign"), [(ONE, 1, 21), (OTHER, 21, 1)], ids=["default", "turma-02"])
def test_an_envoy_knows_its_own_workshop_alone(
    world: World, assembly: Assembly, of: Names, first: int, foreign: int
) -> None:
    """The frontend's Envoy leads to its own workshop's pods, by its own names, and names nothing of the other."""
    mine = assembly.meshes[of.mesh]
    caller = mine.node(Ref(of.namespace, deployment("frontend")))
    assert caller is not None
    endpoints = {node.ref: resolve(node, world, VPC) for node in mine.nodes}
    place = Place(Path("/pod"), BLOCK.pod(first), BLOCK.app_address(BLOCK.pod(first)))
    files = pod_files(mine, caller, place, endpoints, VPC)
    text = json.dumps(files)
    (routes,) = files[rds(OUTBOUND)]
    domains = {domain for host in routes["virtual_hosts"] for domain in host["domains"]}
    led_to = {address for address in addresses(first) | addresses(foreign) if f'"{address}"' in text}

    assert {of.host("nodejs"), of.host("crystal")} <= domains
    assert addresses(first) == led_to
    other = OTHER if of is ONE else ONE
    for name in (other.namespace, other.mesh, other.host("nodejs")):
        assert f'"{name}"' not in text
        assert f"/{name}/" not in text
    assert all(each["name"].split("/")[-3] == of.namespace for each in files[CDS] if "egress/" in each["name"])


def test_the_registrar_gives_each_its_own_service() -> None:
    """One namespace of Cloud Map, a service for each workshop: in it are that workshop's pods and no others."""
    cloud = FakeCloudMap()
    kubernetes = FakeKubernetes(
        *(each for of, _ in BOTH for each in _with_meshes(of)), *(pod for of, first in BOTH for pod in pods(of, first))
    )
    outcome = registrar.reconcile(kubernetes, cloud)

    assert () == outcome.problems
    for (of, first), service in [(each, name) for each in BOTH for name in ("nodejs", "crystal")]:
        found = cloud.instances(of.cloud_map(service)).values()
        assert 1 == len(found)
        assert {of.namespace} == {each.attributes[POD_NAMESPACE] for each in found}
        assert {each.address for each in found} <= addresses(first)
    assert {of.cloud_map(s) for of, _ in BOTH for s in SERVICES} == set(cloud.services(CLOUD_MAP_NAMESPACE))


def _with_meshes(of: Names) -> list[Obj]:
    """The nodes, with the mesh that the controller says they are in."""
    nodes = [each for each in mesh_objects(of) if each["kind"] == "VirtualNode"]
    return [{**node, "spec": {**node["spec"], "meshRef": {"name": of.mesh, "uid": of.mesh}}} for node in nodes]


def test_names_in_the_vpc_lead_home() -> None:
    """Each workshop's names lead to its own load balancers, and these to its own pods."""
    objects, endpoints, records = [], [], {}
    for number, (of, first) in enumerate(BOTH, 1):
        metadata = {"namespace": of.namespace, "name": load_balancer("nodejs")}
        hostname = f"internal-{number}.us-west-1.elb.amazonaws.com"
        status = {"loadBalancer": {"ingress": [{"hostname": hostname, "ip": BLOCK.load_balancer(number)}]}}
        objects.append({"metadata": metadata, "spec": {"ports": [{"port": 3000}]}, "status": status})
        subset = {"addresses": [{"ip": BLOCK.pod(first)}], "ports": [{"port": 3000}]}
        endpoints.append({"metadata": metadata, "subsets": [subset]})
        records[of.host("nodejs")] = (hostname,)
    files = envoy_files(Vpc(BLOCK, Path("/vpc")), services(objects, endpoints), records)
    (proxy,) = files[rds("proxy")]
    clusters = {each["name"]: json.dumps(each) for each in files[CDS]}
    hosts = {domain: host for host in proxy["virtual_hosts"] for domain in host["domains"]}

    for (of, first), (_, foreign) in zip(BOTH, BOTH[::-1], strict=True):
        cluster = clusters[hosts[f"{of.host('nodejs')}:3000"]["routes"][0]["route"]["cluster"]]
        assert f'"{BLOCK.pod(first)}"' in cluster
        assert f'"{BLOCK.pod(foreign)}"' not in cluster


def test_counts_are_their_own_workshops() -> None:
    """The same service and node in two namespaces are two series, by the dimension Workshop."""
    counts = {
        Node(of.namespace, "nodejs", "nodejs-app"): Counts(requests=n, errors=0) for n, (of, _) in enumerate(BOTH)
    }
    found = datapoints.data(counts, datapoints.workshops(namespaces()), 0)
    requests = {
        each["Value"]: {d["Name"]: d["Value"] for d in each["Dimensions"]}["Workshop"]
        for each in found
        if each["MetricName"] == "Requests"
    }

    assert {0.0: ONE.workshop, 1.0: OTHER.workshop} == requests
    assert LABEL == datapoints.WORKSHOP_LABEL
