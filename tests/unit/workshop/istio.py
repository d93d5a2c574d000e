"""A cluster with Istio whose control plane has done its work at once, beside the one of `world.py`."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from canario.errors import RemoteError
from canario.mesh.proxies import CLUSTERS, ISTIO, LISTENERS, dump_of
from canario.workshop.istio_mtls import AUTHORITY, AUTHORITY_KEY
from canario.workshop.kinds import GATEWAY_CLASS, HTTP_ROUTE, NAMESPACE, PEER_AUTHENTICATION, POD, TELEMETRY
from canario.workshop.ports import Answer, KeyPair, Manifest, Ports, TlsAnswer
from canario.workshop.request import Request
from canario.workshop.stages.s03_controller import CLASS, ISTIO_CRDS, ISTIO_SYSTEM, ISTIOD
from tests.fakes import fake_ports
from tests.unit.workshop.envoys import REFUSED
from tests.unit.workshop.world import SettledKubernetes

SPIFFE = "spiffe://cluster.local/ns/appmesh-workshop-ns/sa/default"


class IstioKubernetes(SettledKubernetes):
    """Routes and gateways are accepted as they are written, pods that have joined the mesh have `istio-proxy`, and the
    proxies do what Telemetry and PeerAuthentication say. `accepts`: whether istiod works; `tls_of_clusters`: what the
    callers' clusters have of TLS.
    """

    accepts = True
    tls_of_clusters: Mapping[str, Any] = MappingProxyType(
        {"transport_socket_matches": [{"name": "tlsMode-istio", "san": [{"exact": SPIFFE}]}]}
    )

    def put(self, manifest: Manifest) -> Manifest:
        if self.accepts and manifest["kind"] in ("HTTPRoute", "Gateway"):
            manifest = {**manifest, "status": _accepted(manifest)}
        stored = super().put(manifest)
        if manifest["kind"] == "Service":
            self._register()
        return stored

    def _roll_out(self, manifest: Manifest) -> None:
        super()._roll_out(manifest)
        for pod in self.list(POD, manifest["metadata"]["namespace"], manifest["spec"]["selector"]["matchLabels"]):
            self._inject(pod)

    def _inject(self, pod: Manifest) -> None:
        """`world.py` has given it App Mesh's container where it has joined the mesh."""
        containers = [each for each in pod["spec"]["containers"] if each["name"] not in ("envoy", "xray-daemon")]
        joined = len(containers) < len(pod["spec"]["containers"]) or "initContainers" in pod["spec"]
        sidecars = [{"name": "istio-proxy", "restartPolicy": "Always"}] if joined else []
        changed = {**pod, "spec": {"containers": containers, "initContainers": sidecars}}
        key = ("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
        self.objects[key] = changed

    def proxy(self, namespace: str, pod: str, port: int, path: str) -> Answer:
        if port != ISTIO.port:
            raise RemoteError(f"GET {path} at pod {namespace}/{pod} port {port}: nobody listens there")
        if path == dump_of(LISTENERS):
            return _dump([{"tracing": {"provider": {}}}] if self.list(TELEMETRY, namespace) else [{"tracing": {}}])
        if path == dump_of(CLUSTERS):
            names = (f"outbound|3000||{app}-app.{namespace}.svc.cluster.local" for app in ("nodejs", "crystal"))
            return _dump([{"cluster": {"name": name, **self.tls_of_clusters}} for name in names])
        return super().proxy(namespace, pod, port, path)


def _dump(configs: list[dict[str, Any]]) -> Answer:
    return Answer(200, {}, json.dumps({"configs": configs}))


def _accepted(manifest: Manifest) -> Manifest:
    conditions = [{"type": each, "status": "True"} for each in ("Accepted", "ResolvedRefs", "Programmed")]
    parents = [{"parentRef": parent, "conditions": conditions} for parent in manifest["spec"].get("parentRefs", [])]
    return {"conditions": conditions} if manifest["kind"] == "Gateway" else {"parents": parents}


class IstioTls:
    """The Tls port: Istio's proxies, whose certificates nobody outside has."""

    def __init__(self, kubernetes: IstioKubernetes) -> None:
        self._kubernetes = kubernetes

    def get(
        self,
        address: str,
        port: int,
        *,
        path: str = "/",
        host: str = "",
        trust: str | None = None,
        identity: KeyPair | None = None,
    ) -> TlsAnswer:
        [pod] = [each for each in self._kubernetes.list(POD) if each["status"]["podIP"] == address]
        policies = self._kubernetes.list(PEER_AUTHENTICATION, pod["metadata"]["namespace"])
        strict = [
            each
            for each in policies
            if each["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
            and each["spec"]["mtls"]["mode"] == "STRICT"
        ]
        return REFUSED if strict else TlsAnswer(200)


def istio(ports: Ports) -> None:
    """Istio, as whoever brings the cluster brings it."""
    kubernetes = ports.kubernetes
    counts = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 1)
    for name in ISTIO_CRDS:
        established = {"conditions": [{"type": "Established", "status": "True"}]}
        kubernetes.put(
            {"apiVersion": "x", "kind": "CustomResourceDefinition", "metadata": {"name": name}, "status": established}
        )
    accepted = {"conditions": [{"type": "Accepted", "status": "True"}]}
    kubernetes.put(
        {
            "apiVersion": GATEWAY_CLASS.api_version,
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": "istio.io/gateway-controller"},
            "status": accepted,
        }
    )
    kubernetes.put(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": ISTIOD, "namespace": ISTIO_SYSTEM},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": ISTIOD}},
                "template": {"metadata": {"labels": {"app": ISTIOD}}, "spec": {"containers": []}},
            },
            "status": {**counts, "observedGeneration": 1},
        }
    )
    webhook = {"name": "w", "namespaceSelector": {"matchLabels": {"istio-injection": "enabled"}}}
    kubernetes.put(
        {"apiVersion": "x", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "i"}, "webhooks": [webhook]}
    )


def istio_world(request: Request) -> Ports:
    """A cluster with Istio and nothing of the workshop."""
    ports = fake_ports(dialects=("gateway",))
    kubernetes = IstioKubernetes()
    kubernetes.addresses, kubernetes.cloud = {}, ports.cloud_map
    found = replace(ports, kubernetes=kubernetes, tls=IstioTls(kubernetes))
    istio(found)
    root = {"name": AUTHORITY, "namespace": request.names.namespace}
    kubernetes.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": root, "data": {AUTHORITY_KEY: "PEM"}})
    return found


__all__ = ["HTTP_ROUTE", "NAMESPACE", "IstioKubernetes", "istio", "istio_world"]
