"""`mtls` — the document's "mTLS": nodejs and crystal answer the frontend and the gateway, and nobody else.

On a live mesh the order is everything: certificates into every Envoy, listeners that take both, callers that show
their certificate, and only then listeners that take nothing else. Each step is seen at the data plane before the
next, so that no request meets a side that is not ready.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from canario.errors import NotReady
from canario.mesh.tls import TlsMode
from canario.workshop import connections, identities, pods, tls_policy
from canario.workshop.application import UPSTREAMS, hostname, url
from canario.workshop.connections import Connect, holders, nodes
from canario.workshop.gateway import PREFIX
from canario.workshop.kinds import DEPLOYMENT, SERVICE
from canario.workshop.names import GATEWAY, Names, deployment
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, inconclusive, passed
from canario.workshop.stages.s04_mesh import inactive
from canario.workshop.tls_policy import CALLER

MOUNTS = "appmesh.k8s.aws/secretMounts"
STRANGER_DAYS = 1.0


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Certificates, PERMISSIVE, callers, STRICT; NotReady while a step is not in force everywhere."""
    names = request.names
    found = holders(names, ports)
    identities.renew(names, found, ports)
    for service in found:
        _annotate(names, service, f"{identities.secret_name(service)}:{identities.DIRECTORY}", ports)
    _require(pods.unsettled(ports.kubernetes, names.namespace, found))
    _listen(names, TlsMode.PERMISSIVE, ports)
    _require(connections.not_served(names, ports))
    tls_policy.call(names, ports)
    _require(connections.calls_in_plaintext(names, ports))
    _listen(names, TlsMode.STRICT, ports)
    return {}


def clean(request: Request, ports: Ports) -> None:
    """Back to plaintext; the Secrets go last."""
    names = request.names
    found = holders(names, ports)
    for service in found:
        tls_policy.forget(names, service, ports)
    for service in found:
        _annotate(names, service, None, ports)
    identities.remove(names, ports)


def rolled_out(request: Request, ports: Ports) -> Finding:
    found = holders(request.names, ports)
    missing = pods.unsettled(ports.kubernetes, request.names.namespace, found)
    if missing or not found:
        return failed("; ".join(missing) or "the mesh has no nodes", unsettled=missing)
    return passed(f"{len(found)} deployments are rolled out", deployments=[deployment(each) for each in found])


def serves_the_caller(request: Request, ports: Ports) -> Finding:
    """The caller's own certificate gets an answer at every pod, from a server that proves who it is."""
    answers = connections.to_every_pod(request.names, ports, connections.as_caller(request.names, ports))
    if not answers:
        return inconclusive("there are no pods to connect to")
    trouble = {pod: connections.said(answer) for pod, answer in answers.items() if answer.status != 200}
    if trouble:
        return failed(f"the right certificate is not served: {_list(trouble)}", pods=trouble)
    shown = {pod: answer.fingerprint[:16] for pod, answer in answers.items()}
    return passed(f"all {len(answers)} pods serve the right certificate", pods=shown)


def refuses_plaintext(request: Request, ports: Ports) -> Finding:
    return _refused("plaintext", request, ports, connections.in_plaintext(request.names, ports))


def refuses_no_certificate(request: Request, ports: Ports) -> Finding:
    return _refused("a client without a certificate", request, ports, connections.showing(request.names, ports, None))


def refuses_stranger(request: Request, ports: Ports) -> Finding:
    """The caller's name, but from an authority that nobody here knows."""
    stranger = ports.certificates.authority("a stranger", ports.now, STRANGER_DAYS)
    name = identities.host(request.names, CALLER)
    shown = ports.certificates.issue(stranger, [name], ports.now, STRANGER_DAYS)
    return _refused("a stranger's certificate", request, ports, connections.showing(request.names, ports, shown))


def refuses_wrong_name(request: Request, ports: Ports) -> Finding:
    return _refused("another service's certificate", request, ports, connections.as_the_other(request.names, ports))


def application(request: Request, ports: Ports) -> Finding:
    """People are still answered, by the frontend and through the gateway, with what came from the upstreams by TLS."""
    asked = {CALLER: url(request.names, CALLER)}
    if GATEWAY in tls_policy.callers(request.names, ports):
        balancer = hostname(ports.kubernetes.get(SERVICE, GATEWAY, request.names.namespace))
        asked[GATEWAY] = f"http://{balancer}{PREFIX}"
    answers = {caller: ports.http.get(address) for caller, address in asked.items()}
    measured = {caller: answer.status for caller, answer in answers.items()}
    wrong = {caller: answer for caller, answer in answers.items() if answer.status != 200}
    trouble = [f"{caller} answered {answer.status}: {answer.body[:120]}" for caller, answer in wrong.items()]
    trouble += connections.calls_in_plaintext(request.names, ports)
    if trouble:
        return failed("; ".join(trouble), **measured)
    who = " and ".join(asked)
    return passed(f"{who} answered 200, and call {' and '.join(UPSTREAMS)} by TLS", **measured)


def _refused(who: str, request: Request, ports: Ports, connect: Connect) -> Finding:
    """Every pod refuses the connection; that the pods are well is `serves_the_caller`'s to say."""
    answers = connections.to_every_pod(request.names, ports, connect)
    if not answers:
        return inconclusive("there are no pods to connect to")
    said = {pod: connections.said(answer) for pod, answer in answers.items()}
    let_in = {pod: said[pod] for pod, answer in answers.items() if answer.status is not None}
    if let_in:
        return failed(f"{who} was answered: {_list(let_in)}", pods=said)
    return passed(f"all {len(answers)} pods refuse {who}", pods=said)


def _listen(names: Names, mode: TlsMode, ports: Ports) -> None:
    for service in nodes(names, ports):
        if service != CALLER:
            tls_policy.listen(names, service, mode, ports)
    found = holders(names, ports)
    written = (ports.kubernetes.get(tls_policy.kind(each), deployment(each), names.namespace) for each in found)
    _require([text for each in written if each and (text := inactive(each))])


def _annotate(names: Names, service: str, mounts: str | None, ports: Ports) -> None:
    """Which Secret goes into the Envoys of a service's pods; another value starts the pods anew."""
    if ports.kubernetes.get(DEPLOYMENT, deployment(service), names.namespace):
        template = {"metadata": {"annotations": {MOUNTS: mounts}}}
        ports.kubernetes.patch(DEPLOYMENT, deployment(service), names.namespace, {"spec": {"template": template}})


def _require(trouble: Sequence[str]) -> None:
    if trouble:
        raise NotReady(f"stage mtls: {'; '.join(trouble)}")


def _list(found: Mapping[str, str]) -> str:
    return ", ".join(f"{pod} ({text})" for pod, text in found.items())


STAGE = Stage(
    id="mtls",
    section="AWS App Mesh mTLS",
    deadline_seconds=300,
    checks=(
        Check("rolled out", rolled_out),
        Check("right certificate served", serves_the_caller),
        Check("plaintext refused", refuses_plaintext),
        Check("no certificate refused", refuses_no_certificate),
        Check("stranger refused", refuses_stranger),
        Check("wrong name refused", refuses_wrong_name),
        Check("application answers", application),
    ),
    solve=solve,
    clean=clean,
)
