"""mTLS in the dialect `gateway`: Istio's own certificates, required by PeerAuthentication.

Every proxy has a certificate of the mesh's authority, and takes both TLS and plaintext, from the moment it is there.
What is left to do is to see that the caller speaks TLS, and then to refuse everything else. The frontend stays open:
people reach it from outside, without a certificate.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from canario.errors import NotReady, RemoteError
from canario.mesh.proxies import CLUSTERS
from canario.workshop import connections, pods, proxies
from canario.workshop.application import UPSTREAMS
from canario.workshop.connections import Connect, nodes
from canario.workshop.dialects import GATEWAY_API
from canario.workshop.kinds import CONFIG_MAP, PEER_AUTHENTICATION
from canario.workshop.names import SERVICE_PORT, Names, deployment
from canario.workshop.ports import KeyPair, Manifest, Ports, TlsAnswer
from canario.workshop.request import Request
from canario.workshop.stage import Finding, Status, failed, inconclusive, passed
from canario.workshop.tls_policy import CALLER

PERMISSIVE, STRICT = "PERMISSIVE", "STRICT"
SPIFFE, TRUST_DOMAIN = "spiffe://", "cluster.local"
AUTHORITY, AUTHORITY_KEY = "istio-ca-root-cert", "root-cert.pem"  # the ConfigMap that Istio keeps in every namespace


def solve(request: Request, ports: Ports) -> None:
    """PERMISSIVE, then, once every caller speaks TLS, STRICT. Raises NotReady."""
    names = request.names
    found = [service for service in nodes(names, ports, GATEWAY_API) if service != CALLER]
    if not found:
        raise NotReady("stage mtls: the mesh has no nodes")
    for service in found:
        if _mode(names, service, ports) != STRICT:
            ports.kubernetes.apply(policy(names, service, PERMISSIVE))
    _require(pods.unsettled(ports.kubernetes, names.namespace, [CALLER, *found]))
    _require(calls_in_plaintext(names, ports))
    for service in found:
        ports.kubernetes.apply(policy(names, service, STRICT))


def clean(request: Request, ports: Ports) -> None:
    for each in ports.kubernetes.list(PEER_AUTHENTICATION, request.names.namespace, request.names.labels):
        ports.kubernetes.delete(PEER_AUTHENTICATION, each["metadata"]["name"], request.names.namespace)


def holders(request: Request, ports: Ports) -> list[str]:
    """Whose deployments have to be rolled out: those of the nodes."""
    return nodes(request.names, ports, GATEWAY_API)


def policy(names: Names, service: str, mode: str) -> Manifest:
    """What the pods of a service's node take."""
    return {
        "apiVersion": PEER_AUTHENTICATION.api_version,
        "kind": PEER_AUTHENTICATION.name,
        "metadata": {"name": deployment(service), "namespace": names.namespace, "labels": names.labels},
        "spec": {"selector": {"matchLabels": {"app": deployment(service)}}, "mtls": {"mode": mode}},
    }


def required(request: Request, ports: Ports) -> Finding:
    """Every node's pods take nothing but TLS: with Istio, they take TLS beside plaintext before anybody asked for it.

    The policies are whoever's, by whatever name.
    """
    found = [service for service in nodes(request.names, ports, GATEWAY_API) if service != CALLER]
    if not found:
        return failed("the mesh has no nodes")
    trouble = [
        f"no policy STRICT selects the pods of {deployment(each)}" for each in _open(request.names, found, ports)
    ]
    trouble += pods.unsettled(ports.kubernetes, request.names.namespace, holders(request, ports))
    if trouble:
        return failed("; ".join(trouble), trouble=trouble)
    return passed(f"policies STRICT select the pods of {len(found)} nodes", nodes=[deployment(each) for each in found])


def once_required(measure: Callable[[Request, Ports], Finding]) -> Callable[[Request, Ports], Finding]:
    """The check, in this dialect only where TLS is required: what Istio does of itself is not the stage's work."""

    def measured(request: Request, ports: Ports) -> Finding:
        if request.mesh == GATEWAY_API.id:
            first = required(request, ports)
            if first.status is not Status.PASSED:
                return first
        return measure(request, ports)

    return measured


def showing(names: Names, ports: Ports, shown: KeyPair | None) -> Connect:
    """By TLS, with this certificate; the pod must prove to be a workload of the namespace. Raises NotReady."""
    authority = ports.kubernetes.get(CONFIG_MAP, AUTHORITY, names.namespace)
    if authority is None:
        raise NotReady(f"ConfigMap {names.namespace}/{AUTHORITY} is not there: Istio has not written its authority yet")
    trust, identity = str(authority["data"][AUTHORITY_KEY]), f"{SPIFFE}{TRUST_DOMAIN}/ns/{names.namespace}/sa/default"

    def connect(address: str, service: str) -> TlsAnswer:
        return ports.tls.get(address, SERVICE_PORT, path=connections.PATH, host=identity, trust=trust, identity=shown)

    return connect


def calls_in_plaintext(names: Names, ports: Ports) -> list[str]:
    """Which callers' proxies do not call an upstream by TLS, as their configuration in force has it."""
    return [text for pod, clusters in _callers(names, ports) for text in _plain(names, pod, clusters)]


def checks_names(request: Request, ports: Ports) -> Finding:
    """The caller's proxies believe an upstream only by its own identity: whoever has another name is refused."""
    seen: dict[str, Any] = {}
    for pod, clusters in _callers(request.names, ports):
        for service in UPSTREAMS:
            identities = {text for each in _towards(clusters, request.names, service) for text in _identities(each)}
            seen[f"{pod} → {service}"] = sorted(identities)
    wrong = [pair for pair, identities in seen.items() if not identities]
    if wrong:
        return failed(f"no identity is asked for by {', '.join(wrong)}", identities=seen)
    if not seen:
        return inconclusive(f"there is no pod of {CALLER}")
    return passed("the caller's proxies believe only the upstreams' own identities", identities=seen)


def _callers(names: Names, ports: Ports) -> Iterator[tuple[str, Sequence[Mapping[str, Any]] | str]]:
    """Each of the caller's pods with its proxy's clusters, or with why they are not known."""
    for pod in pods.pods(ports.kubernetes, names.namespace, [CALLER]):
        name = str(pod["metadata"]["name"])
        try:
            found = proxies.in_force(ports.kubernetes, GATEWAY_API.proxy, names.namespace, name, CLUSTERS)
            yield name, [each["cluster"] for each in found]
        except (RemoteError, KeyError, TypeError) as error:
            yield name, f"its proxy does not say what it does ({error})"


def _plain(names: Names, pod: str, clusters: Sequence[Mapping[str, Any]] | str) -> Iterator[str]:
    if isinstance(clusters, str):
        yield f"{pod}: {clusters}"
        return
    for service in UPSTREAMS:
        towards = list(_towards(clusters, names, service))
        if not towards:
            yield f"{pod}: its proxy has no way to {service}"
        elif not all({"transport_socket", "transport_socket_matches"} & set(each) for each in towards):
            yield f"{pod}: its proxy calls {service} in plaintext"


def _towards(clusters: Sequence[Mapping[str, Any]] | str, names: Names, service: str) -> Iterator[Mapping[str, Any]]:
    """The clusters with the endpoints of one of the service's nodes: Istio's, or the lab's."""
    if isinstance(clusters, str):
        return
    ours = f"egress/{names.namespace}/{service}/"
    theirs = f"||{deployment(service)}.{names.namespace}.svc."
    for each in clusters:
        if (ours in each["name"] and "load_assignment" in each) or theirs in each["name"]:
            yield each


def _identities(part: Any) -> Iterator[str]:
    """Every SPIFFE identity that is written anywhere in a cluster."""
    if isinstance(part, str) and part.startswith(SPIFFE):
        yield part
    elif isinstance(part, dict):
        for each in part.values():
            yield from _identities(each)
    elif isinstance(part, list):
        for each in part:
            yield from _identities(each)


def _open(names: Names, services: Sequence[str], ports: Ports) -> list[str]:
    """The services with a node whose pods no policy STRICT selects."""
    policies = [each["spec"] for each in ports.kubernetes.list(PEER_AUTHENTICATION, names.namespace)]
    strict = [each for each in policies if each.get("mtls", {}).get("mode") == STRICT]
    wanted = [each.get("selector", {}).get("matchLabels", {}) for each in strict]
    return [service for service in services if {"app": deployment(service)} not in wanted and {} not in wanted]


def _mode(names: Names, service: str, ports: Ports) -> str | None:
    found = ports.kubernetes.get(PEER_AUTHENTICATION, deployment(service), names.namespace)
    mode = (found or {}).get("spec", {}).get("mtls", {}).get("mode")
    return str(mode) if mode else None


def _require(trouble: Sequence[str]) -> None:
    if trouble:
        raise NotReady(f"stage mtls: {'; '.join(trouble)}")
