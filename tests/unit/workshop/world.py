"""A cluster whose controllers have done their work at once: what the stages meet when all is well."""

import copy
from dataclasses import replace
from typing import Any

from canario.canary import Plan
from canario.canary.ports import ProxyShare
from canario.mesh.proxies import CLUSTERS, dump_of
from canario.workshop import registrar
from canario.workshop.dialects.appmesh import INJECTOR_LABEL
from canario.workshop.dialects.gateway import INJECTION
from canario.workshop.kinds import DEPLOYMENT, POD, SERVICE
from canario.workshop.names import deployment, load_balancer
from canario.workshop.ports import Answer, Kind, Manifest, Ports
from canario.workshop.request import Request
from tests.fakes import FakeCloudMap, FakeKubernetes, fake_ports
from tests.unit.workshop.envoys import EnvoyTls, clusters

DEFAULT = Request("default", "appmesh", "auto", "clean", Plan())
NAMESPACE = DEFAULT.names.namespace


class SettledKubernetes(FakeKubernetes):
    """Deployments roll out, load balancers get names, mesh objects become active and pods are registered in `cloud`
    as they are written.
    """

    settles = True
    addresses: dict[str, str]
    cloud: FakeCloudMap | None = None

    def put(self, manifest: Manifest) -> Manifest:
        settled = _settled(copy.deepcopy(manifest)) if self.settles else manifest
        stored = super().put(settled)
        if self.settles and manifest["kind"] == "Deployment":
            self._roll_out(manifest)
        if self.settles and manifest["kind"] in ("Deployment", "VirtualNode"):
            self._register()
        return stored

    def delete(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        super().delete(kind, name, namespace)
        if self.settles:
            self._register()

    def _roll_out(self, manifest: Manifest) -> None:
        """Pod addresses are those of a /16 by their place among all pods ever seen."""
        where, wanted = manifest["metadata"], manifest["spec"]["replicas"]
        for number in range(wanted, 10):
            super().delete(POD, f"{where['name']}-{number}", where["namespace"])
        for number in range(wanted):
            name = f"{where['name']}-{number}"
            address = self.addresses.setdefault(name, f"10.0.0.{len(self.addresses) + 1}")
            super().put(_pod(manifest, name, address, self._injects(where["namespace"])))

    def _injects(self, namespace: str) -> bool:
        """Whether new pods of the namespace get a proxy."""
        labels = self.objects.get(("Namespace", None, namespace), {}).get("metadata", {}).get("labels", {})
        return any(label in labels for label in (INJECTOR_LABEL, INJECTION))

    def _register(self) -> None:
        if self.cloud is not None:
            registrar.reconcile(self, self.cloud)

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        if (pod, port, path) in self.answers or path != dump_of(CLUSTERS):
            return super().proxy(namespace, pod, port, path)
        return clusters(self, namespace, pod)


def world(settles: bool = True) -> Ports:
    ports = fake_ports()
    kubernetes = SettledKubernetes()
    kubernetes.addresses = {}
    kubernetes.settles, kubernetes.cloud = settles, ports.cloud_map
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
    if kind == "VirtualNode":
        manifest["spec"]["meshRef"] = {"name": "app-mesh", "uid": "uid-of-app-mesh"}
    if manifest["apiVersion"].startswith("appmesh"):
        manifest["status"] = {"conditions": [{"type": f"{kind}Active", "status": "True"}]}
    return manifest


def _pod(deployment_manifest: Manifest, name: str, address: str, injects: bool) -> Manifest:
    template = deployment_manifest["spec"]["template"]
    annotations = template["metadata"].get("annotations", {})
    own = [each["name"] for each in template["spec"]["containers"]]
    sidecars = {"envoy": injects and "envoy" not in own, "xray-daemon": "canario/tracing" in annotations}
    names = own + [sidecar for sidecar, wanted in sidecars.items() if wanted]
    where = deployment_manifest["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": where["namespace"], **template["metadata"]},
        "spec": _mounted({"containers": [{"name": each} for each in names]}, annotations),
        "status": {
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": each, "state": {"running": {}}} for each in names],
        },
    }


def _mounted(spec: Manifest, annotations: Manifest) -> Manifest:
    """With the Secret that App Mesh's injector mounts into the Envoy of a pod that asks for it."""
    secret, _, path = annotations.get("appmesh.k8s.aws/secretMounts", "").partition(":")
    if not secret:
        return spec
    mounts = {"volumeMounts": [{"name": secret, "mountPath": path}]}
    containers = [{**each, **(mounts if each["name"] == "envoy" else {})} for each in spec["containers"]]
    return {"containers": containers, "volumes": [{"name": secret, "secret": {"secretName": secret}}]}
