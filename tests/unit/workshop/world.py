"""A cluster whose controllers have done their work at once: what the stages meet when all is well."""

import copy
from dataclasses import replace
from typing import Any

from canario.canary import Plan
from canario.canary.ports import ProxyShare
from canario.workshop.connections import CLUSTERS
from canario.workshop.kinds import DEPLOYMENT, SERVICE
from canario.workshop.names import deployment, load_balancer
from canario.workshop.ports import Answer, Manifest, Ports
from canario.workshop.request import Request
from tests.fakes import FakeKubernetes, fake_ports
from tests.unit.workshop.envoys import EnvoyTls, clusters

DEFAULT = Request("default", "appmesh", "auto", "clean", Plan())
NAMESPACE = DEFAULT.names.namespace


class SettledKubernetes(FakeKubernetes):
    """Deployments roll out, load balancers get names and mesh objects become active as they are written."""

    settles = True

    def put(self, manifest: Manifest) -> Manifest:
        settled = _settled(copy.deepcopy(manifest)) if self.settles else manifest
        if self.settles and manifest["kind"] == "Deployment":
            super().put(_pod(manifest))
        return super().put(settled)

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        return clusters(self, namespace, pod) if path == CLUSTERS else super().proxy(namespace, pod, port, path)


def world(settles: bool = True) -> Ports:
    ports = fake_ports()
    kubernetes = SettledKubernetes()
    kubernetes.settles = settles
    return replace(ports, kubernetes=kubernetes, tls=EnvoyTls(kubernetes))


def answering(service: str, server: str = "aiohttp", **body: Any) -> Answer:
    upstreams = {"nodejs": {"status": 200}, "crystal": {"status": 200}} if service == "frontend" else {}
    text = {"service": service, "upstreams": upstreams, **body}
    return Answer(200, {"server": server}, str(text).replace("'", '"'))


def proxies(ports: Ports, *shares: float | None) -> None:
    ports.data_plane.proxies[:] = [ProxyShare(f"frontend-{i}", share, f"{share}") for i, share in enumerate(shares)]


def balancer_of(ports: Ports, service: str) -> Manifest:
    found = ports.kubernetes.get(SERVICE, load_balancer(service), NAMESPACE)
    assert found is not None
    return found


def deployment_of(ports: Ports, service: str) -> Manifest | None:
    return ports.kubernetes.get(DEPLOYMENT, deployment(service), NAMESPACE)


def _settled(manifest: Manifest) -> Manifest:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    if kind == "Deployment":
        wanted = manifest["spec"]["replicas"]
        counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), wanted)
        manifest["status"] = {**counts, "observedGeneration": 1}
    if kind == "Service":
        manifest["status"] = {"loadBalancer": {"ingress": [{"hostname": f"{name}.elb.amazonaws.com"}]}}
    if manifest["apiVersion"].startswith("appmesh"):
        manifest["status"] = {"conditions": [{"type": f"{kind}Active", "status": "True"}]}
    return manifest


def _pod(deployment_manifest: Manifest) -> Manifest:
    template = deployment_manifest["spec"]["template"]
    joined = "canario/mesh" in template["metadata"].get("annotations", {})
    containers = [{"name": each["name"]} for each in template["spec"]["containers"]]
    where = deployment_manifest["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{where['name']}-0", "namespace": where["namespace"], **template["metadata"]},
        "spec": {"containers": [*containers, {"name": "envoy"}] if joined else containers},
        "status": {"podIP": f"ip of {where['name']}"},
    }
