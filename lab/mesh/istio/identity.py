"""Who a pod is: certificates as Istio gives them, written beside the pod's Envoy files.

A workload's identity is `spiffe://cluster.local/ns/<namespace>/sa/<service account>`. The authority is a Secret of the
control plane's namespace; a pod's key is in the pod's own directory and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from canario.adapters import x509
from canario.mesh.gateway_native import nodes_behind
from canario.mesh.gateway_policies import ISTIO_FILES, ISTIO_TRUST
from canario.mesh.model import Mesh, Node, Ref
from canario.mesh.tls import ClientTls, ListenerTls, TlsMode, Validation
from canario.workshop.ports import KeyPair
from lab.mesh.tls import MOUNTS, mount_key
from lab.mesh.world import Obj, World, labels_of, ref_of

MOUNT = str(Path(ISTIO_TRUST.trust).parent)  # in the proxy's container
TRUST_DOMAIN = "cluster.local"
AUTHORITY_DAYS = 3650.0
WORKLOAD_DAYS = 30.0
RENEW_DAYS = 10.0


def spiffe(namespace: str, account: str) -> str:
    return f"spiffe://{TRUST_DOMAIN}/ns/{namespace}/sa/{account}"


def of_pod(pod: Obj) -> str:
    return spiffe(ref_of(pod).namespace, pod["spec"].get("serviceAccountName") or "default")


def authority(now: datetime) -> KeyPair:
    return x509.authority("cluster.local", now, AUTHORITY_DAYS)


def ensure(directory: Path, identity: str, issuer: KeyPair, now: datetime) -> None:
    """See that the pod's directory has a certificate of this issuer that lasts; the key is readable by its owner."""
    place = directory / MOUNTS / mount_key(MOUNT)
    chain, key, trust = (place / Path(path).name for path in (ISTIO_FILES.chain, ISTIO_FILES.key, ISTIO_TRUST.trust))
    if _is_good(chain, issuer, now):
        return
    place.mkdir(parents=True, exist_ok=True)
    pair = x509.issue(issuer, [identity], now, WORKLOAD_DAYS)
    for path, text in ((key, pair.key), (trust, issuer.certificate), (chain, pair.certificate)):
        fresh = path.with_suffix(".new")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        fresh.rename(path)


def _is_good(chain: Path, issuer: KeyPair, now: datetime) -> bool:
    if not chain.is_file():
        return False
    text = chain.read_text()
    left = x509.read(text).ends - now
    return left.days >= RENEW_DAYS and x509.is_issued_by(text, issuer.certificate)


def secured(mesh: Mesh, world: World) -> Mesh:
    """The mesh as Istio runs it: every proxy takes TLS beside plaintext unless it is told otherwise, and calls by TLS
    the nodes that a PeerAuthentication is about, a gateway all of them.

    Istio calls by TLS wherever a proxy is at the other end. The lab's clusters are of nodes, not of endpoints, so it
    begins when somebody says that a node's pods take TLS.
    """
    told = {node.ref for node in mesh.nodes if any(port.tls and port.tls.is_on for port in node.ports)}
    names = {node.ref: _identities(node, world) for node in mesh.nodes}
    behind = {service.ref: set(nodes_behind(mesh, service)) for service in mesh.services}
    calls = tuple((ref, _client(nodes, names)) for ref, nodes in behind.items() if nodes and nodes <= told)
    everything = _client({node.ref for node in mesh.nodes}, names)
    nodes = tuple(_node(node, calls) for node in mesh.nodes)
    gateways = tuple(replace(gateway, tls=everything) for gateway in mesh.gateways)
    return replace(mesh, nodes=nodes, gateways=gateways)


def _node(node: Node, calls: tuple[tuple[Ref, ClientTls], ...]) -> Node:
    permissive = ListenerTls(TlsMode.PERMISSIVE, ISTIO_FILES, ISTIO_TRUST)
    ports = tuple(replace(port, tls=port.tls or permissive) for port in node.ports)
    return replace(node, ports=ports, call_tls=calls)


def _client(refs: Iterable[Ref], names: dict[Ref, set[str]]) -> ClientTls:
    believed = sorted({name for ref in refs for name in names[ref]})
    return ClientTls(Validation(ISTIO_TRUST.trust, tuple(believed)), ISTIO_FILES, enforce=False)


def _identities(node: Node, world: World) -> set[str]:
    """Those of the node's pods; of the namespace's default account while it has none."""
    here = (pod for pod in world.pods if ref_of(pod).namespace == node.ref.namespace)
    found = {of_pod(pod) for pod in here if node.selector and node.selector.matches(labels_of(pod))}
    return found or {spiffe(node.ref.namespace, "default")}
