"""Envoys that do at once what the VirtualNodes say: who answers whom, and what they say of themselves."""

import json
from typing import Any

from canario.errors import RemoteError
from canario.workshop.kinds import POD, SECRET, VIRTUAL_GATEWAY, VIRTUAL_NODE
from canario.workshop.names import SERVICES, deployment
from canario.workshop.ports import Answer, KeyPair, Manifest, Ports, TlsAnswer
from tests.fakes import FakeCertificates, FakeKubernetes

REFUSED = TlsAnswer(None, refusal="TLS: refused")


def _node_of(kubernetes: FakeKubernetes, pod: Manifest) -> Manifest:
    app, namespace = pod["metadata"]["labels"]["app"], pod["metadata"]["namespace"]
    return kubernetes.get(VIRTUAL_NODE, app, namespace) or {"spec": {}}


def _tls_of(node: Manifest) -> dict[str, Any]:
    listeners = node["spec"].get("listeners") or [{}]
    return listeners[0].get("tls") or {"mode": "DISABLED"}


def _calls_of_node(node: Manifest) -> dict[str, bool]:
    """Service → whether by TLS."""
    called = [backend["virtualService"] for backend in node["spec"].get("backends", [])]
    return {each["virtualServiceRef"]["name"]: "clientPolicy" in each for each in called}


def _calls_of_gateway(gateway: Manifest) -> dict[str, bool]:
    """Every service of the mesh, in one way."""
    return dict.fromkeys(SERVICES, "backendDefaults" in gateway["spec"])


class EnvoyTls:
    """The Tls port: every pod's listener as its node has it; the server's certificate is its Secret's."""

    def __init__(self, kubernetes: FakeKubernetes) -> None:
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
        pods = [each for each in self._kubernetes.list(POD) if each["status"]["podIP"] == address]
        if not pods:
            raise RemoteError(f"GET {path} at {address}:{port}: nobody answers")
        tls = _tls_of(_node_of(self._kubernetes, pods[0]))
        if trust is None:
            return REFUSED if tls["mode"] == "STRICT" else TlsAnswer(200)
        if tls["mode"] == "DISABLED" or (tls["mode"] == "STRICT" and not self._believes(tls, trust, identity)):
            return REFUSED
        return TlsAnswer(200, fingerprint=f"certificate of {host}")

    def _believes(self, tls: dict[str, Any], trust: str, identity: KeyPair | None) -> bool:
        maker = FakeCertificates()
        names = tls["validation"]["subjectAlternativeNames"]["match"]["exact"]
        known = identity is not None and maker.is_issued_by(identity.certificate, trust)
        return known and identity is not None and set(maker.read(identity.certificate).names) <= set(names)


def clusters(kubernetes: FakeKubernetes, namespace: str, pod: str) -> Answer:
    """The clusters of a pod's Envoy, as its admin interface shows them."""
    found = kubernetes.get(POD, pod, namespace)
    assert found is not None
    gateway = kubernetes.get(VIRTUAL_GATEWAY, found["metadata"]["labels"]["app"], namespace)
    called = _calls_of_gateway(gateway) if gateway else _calls_of_node(_node_of(kubernetes, found))
    dump = [
        {
            "cluster": {
                "name": f"endpoints/egress/{namespace}/{service}/{deployment(service)}",
                "load_assignment": {"endpoints": [{"lb_endpoints": _endpoints(kubernetes, namespace, service)}]},
                **({"transport_socket": {}} if by_tls else {}),
            }
        }
        for service, by_tls in called.items()
    ]
    return Answer(200, {}, json.dumps({"configs": dump}))


def _endpoints(kubernetes: FakeKubernetes, namespace: str, service: str) -> list[Manifest]:
    """The pods of the service, where its node is found by Cloud Map."""
    name = deployment(service)
    node = kubernetes.get(VIRTUAL_NODE, name, namespace)
    if node is None or "awsCloudMap" not in node["spec"].get("serviceDiscovery", {}):
        return [{"endpoint": {"address": {"socket_address": {"address": "10.9.9.9"}}}}]
    pods = kubernetes.list(POD, namespace, {"app": name})
    return [{"endpoint": {"address": {"socket_address": {"address": pod["status"]["podIP"]}}}} for pod in pods]


def secrets(ports: Ports) -> dict[str, Manifest]:
    return {secret["metadata"]["name"]: secret for secret in ports.kubernetes.list(SECRET)}
