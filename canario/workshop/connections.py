"""Connections that the stage `mtls` makes to every pod behind a listener with TLS, and what the callers' proxies do.

The same code runs on AWS and in the lab: a function in the VPC reaches a pod by its address.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from canario.errors import RemoteError
from canario.mesh.proxies import CLUSTERS
from canario.workshop import identities, pods, proxies
from canario.workshop.application import UPSTREAMS
from canario.workshop.dialects import APP_MESH, Dialect
from canario.workshop.mesh import CANARY
from canario.workshop.names import SERVICE_PORT, SERVICES, Names, deployment
from canario.workshop.ports import KeyPair, Ports, TlsAnswer
from canario.workshop.tls_policy import CALLER, callers

PATH = "/health"

Connect = Callable[[str, str], TlsAnswer]  # a pod's address, the service of its node


def nodes(names: Names, ports: Ports, dialect: Dialect = APP_MESH) -> list[str]:
    """The services that have a node: the canary's only once its stage was there."""
    found = (*SERVICES, CANARY)
    return [each for each in found if ports.kubernetes.get(dialect.node, deployment(each), names.namespace)]


def holders(names: Names, ports: Ports) -> list[str]:
    """Who has a certificate, callers first: the services with a node and, once its stage was there, the gateway."""
    who = callers(names, ports)
    return [*who, *(each for each in nodes(names, ports) if each not in who)]


def to_every_pod(names: Names, ports: Ports, connect: Connect, dialect: Dialect = APP_MESH) -> dict[str, TlsAnswer]:
    """Pod → how one connection to it ended, for every pod but the caller's. Raises RemoteError."""
    found = {}
    for service in nodes(names, ports, dialect):
        if service == CALLER:
            continue
        for pod in pods.pods(ports.kubernetes, names.namespace, [service]):
            address = pod.get("status", {}).get("podIP")
            if address:
                found[str(pod["metadata"]["name"])] = connect(str(address), service)
    return found


def in_plaintext(names: Names, ports: Ports) -> Connect:
    def connect(address: str, service: str) -> TlsAnswer:
        return ports.tls.get(address, SERVICE_PORT, path=PATH, host=identities.host(names, service))

    return connect


def showing(names: Names, ports: Ports, shown: KeyPair | None) -> Connect:
    """By TLS, with this certificate; the pod must prove to be its service."""
    trust = identities.trust(names, ports)

    def connect(address: str, service: str) -> TlsAnswer:
        host = identities.host(names, service)
        return ports.tls.get(address, SERVICE_PORT, path=PATH, host=host, trust=trust, identity=shown)

    return connect


def as_caller(names: Names, ports: Ports) -> Connect:
    return showing(names, ports, identities.identity(names, CALLER, ports))


def as_the_other(names: Names, ports: Ports) -> Connect:
    """With a certificate of the workshop's own authority, but another service's than the caller's."""

    def connect(address: str, service: str) -> TlsAnswer:
        mine = identities.host(names, service)
        other = next(each for each in UPSTREAMS if identities.host(names, each) != mine)
        return showing(names, ports, identities.identity(names, other, ports))(address, service)

    return connect


def not_served(names: Names, ports: Ports) -> list[str]:
    """Which pods do not answer the caller's certificate, and why."""
    try:
        answers = to_every_pod(names, ports, as_caller(names, ports))
    except RemoteError as error:
        return [str(error)]
    return [f"{pod}: {said(answer)}" for pod, answer in answers.items() if answer.status != 200]


def said(answer: TlsAnswer) -> str:
    return answer.refusal if answer.status is None else f"HTTP {answer.status}"


def calls_in_plaintext(names: Names, ports: Ports) -> list[str]:
    """Which callers' proxies do not call an upstream by TLS, as their configuration in force has it."""
    said = []
    for caller in callers(names, ports):
        found = pods.pods(ports.kubernetes, names.namespace, [caller])
        said += [text for pod in found for text in _of_caller(names, str(pod["metadata"]["name"]), ports)]
        said += [] if found else [f"there is no pod of {caller}"]
    return said


def _of_caller(names: Names, pod: str, ports: Ports) -> Iterator[str]:
    try:
        dump = proxies.in_force(ports.kubernetes, APP_MESH.proxy, names.namespace, pod, CLUSTERS)
        clusters = [each["cluster"] for each in dump]
    except (RemoteError, KeyError, TypeError) as error:
        yield f"{pod}: its proxy does not say what it does ({error})"
        return
    for service in UPSTREAMS:
        towards = [each for each in clusters if _leads_to(each, names, service)]
        if not towards:
            yield f"{pod}: its proxy has no way to {service}"
        elif not all("transport_socket" in each for each in towards):
            yield f"{pod}: its proxy calls {service} in plaintext"


def sent_to(names: Names, ports: Ports, service: str) -> dict[str, set[str]]:
    """The frontend's pod → the addresses to which its proxy, as it is in force, sends what is for the service's node.

    Raises RemoteError when a proxy does not say.
    """
    found = {}
    for pod in pods.pods(ports.kubernetes, names.namespace, [CALLER]):
        name = str(pod["metadata"]["name"])
        dump = proxies.in_force(ports.kubernetes, APP_MESH.proxy, names.namespace, name, CLUSTERS)
        try:
            clusters = [each["cluster"] for each in dump]
            found[name] = {
                str(endpoint["endpoint"]["address"]["socket_address"]["address"])
                for cluster in clusters
                if _leads_to(cluster, names, service, deployment(service))
                for group in cluster["load_assignment"].get("endpoints", [])
                for endpoint in group["lb_endpoints"]
            }
        except (KeyError, TypeError) as error:
            raise RemoteError(f"reading the clusters of {name}'s proxy: {error!r} is missing or malformed") from error
    return found


def _leads_to(cluster: Mapping[str, Any], names: Names, service: str, node: str = "") -> bool:
    """Whether the cluster has the endpoints of one of the service's nodes, or of this one."""
    return f"egress/{names.namespace}/{service}/{node}" in cluster["name"] and "load_assignment" in cluster
