"""`mtls` — the document's "mTLS": nodejs and crystal answer the frontend and the gateway, and nobody else.

On a live mesh the order is everything: certificates into every Envoy, listeners that take both, callers that show
their certificate, and only then listeners that take nothing else. Each step is seen at the data plane before the
next, so that no request meets a side that is not ready.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from canario.errors import NotReady
from canario.mesh.tls import TlsMode
from canario.workshop import connections, identities, istio_mtls, pods, tls_policy
from canario.workshop.application import UPSTREAMS, hostname, url
from canario.workshop.connections import Connect, holders, nodes
from canario.workshop.dialects import APP_MESH, GATEWAY_API, dialect_of
from canario.workshop.gateway import PREFIX
from canario.workshop.istio_mtls import once_required
from canario.workshop.kinds import DEPLOYMENT, SERVICE
from canario.workshop.names import GATEWAY, Names, deployment
from canario.workshop.ports import KeyPair, Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, inconclusive, passed
from canario.workshop.tls_policy import CALLER

MOUNTS = "appmesh.k8s.aws/secretMounts"
STRANGER_DAYS = 1.0


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    """Certificates, PERMISSIVE, callers, STRICT; NotReady while a step is not in force everywhere."""
    if request.mesh == GATEWAY_API.id:
        istio_mtls.solve(request, ports)
        return {}
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
    if request.mesh == GATEWAY_API.id:
        istio_mtls.clean(request, ports)
        return
    names = request.names
    found = holders(names, ports)
    for service in found:
        tls_policy.forget(names, service, ports)
    for service in found:
        _annotate(names, service, None, ports)
    identities.remove(names, ports)


def rolled_out(request: Request, ports: Ports) -> Finding:
    """Since the certificates are there: every pod that needs one has its Secret mounted."""
    names = request.names
    found = holders(names, ports)
    if not found:
        return failed("the mesh has no nodes")
    missing = pods.unsettled(ports.kubernetes, names.namespace, found)
    for service in found:
        secret = identities.secret_name(service)
        bare = [pod for pod in pods.pods(ports.kubernetes, names.namespace, [service]) if not _mounts(pod, secret)]
        missing += [f"{pod['metadata']['name']} was started without the Secret {secret}" for pod in bare]
    if missing:
        return failed("; ".join(missing), unsettled=missing)
    return passed(
        f"{len(found)} deployments are rolled out with certificates", deployments=[deployment(each) for each in found]
    )


def _mounts(pod: Manifest, secret: str) -> bool:
    """Whether the pod's Envoy has the Secret's files."""
    spec = pod["spec"]
    volumes = {each["name"] for each in spec.get("volumes", []) if each.get("secret", {}).get("secretName") == secret}
    envoys = (each for each in spec.get("containers", []) if each["name"] == APP_MESH.proxy.container)
    return any(mount["name"] in volumes for envoy in envoys for mount in envoy.get("volumeMounts", []))


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
    return _refused("a client without a certificate", request, ports, _showing(request, ports, None))


def refuses_stranger(request: Request, ports: Ports) -> Finding:
    """The caller's name, but from an authority that nobody here knows."""
    stranger = ports.certificates.authority("a stranger", ports.now, STRANGER_DAYS)
    name = identities.host(request.names, CALLER)
    shown = ports.certificates.issue(stranger, [name], ports.now, STRANGER_DAYS)
    return _refused("a stranger's certificate", request, ports, _showing(request, ports, shown))


def refuses_wrong_name(request: Request, ports: Ports) -> Finding:
    return _refused("another service's certificate", request, ports, connections.as_the_other(request.names, ports))


def application(request: Request, ports: Ports) -> Finding:
    """People are still answered, by the frontend and through the gateway, with what came from the upstreams by TLS."""
    asked = {CALLER: url(request.names, CALLER)}
    if ports.kubernetes.get(dialect_of(request).way_in[0], GATEWAY, request.names.namespace):
        balancer = hostname(ports.kubernetes.get(SERVICE, GATEWAY, request.names.namespace))
        asked[GATEWAY] = f"http://{balancer}{PREFIX}"
    answers = {caller: ports.http.get(address) for caller, address in asked.items()}
    measured = {caller: answer.status for caller, answer in answers.items()}
    wrong = {caller: answer for caller, answer in answers.items() if answer.status != 200}
    trouble = [f"{caller} answered {answer.status}: {answer.body[:120]}" for caller, answer in wrong.items()]
    of_dialect = istio_mtls if request.mesh == GATEWAY_API.id else connections
    trouble += of_dialect.calls_in_plaintext(request.names, ports)
    if trouble:
        return failed("; ".join(trouble), **measured)
    who = " and ".join(asked)
    return passed(f"{who} answered 200, and call {' and '.join(UPSTREAMS)} by TLS", **measured)


def _showing(request: Request, ports: Ports, shown: KeyPair | None) -> Connect:
    if request.mesh == GATEWAY_API.id:
        return istio_mtls.showing(request.names, ports, shown)
    return connections.showing(request.names, ports, shown)


def _refused(who: str, request: Request, ports: Ports, connect: Connect) -> Finding:
    """Every pod refuses the connection; that the pods are well is `serves_the_caller`'s to say."""
    answers = connections.to_every_pod(request.names, ports, connect, dialect_of(request))
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
    _require([text for each in written if each and (text := APP_MESH.inactive(each))])


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
        Check("rolled out", rolled_out, only=APP_MESH.id),
        Check("TLS required", istio_mtls.required, only=GATEWAY_API.id),
        Check("right certificate served", serves_the_caller, only=APP_MESH.id),
        Check("plaintext refused", refuses_plaintext),
        Check("no certificate refused", once_required(refuses_no_certificate)),
        Check("stranger refused", once_required(refuses_stranger)),
        Check("wrong name refused", refuses_wrong_name, only=APP_MESH.id),
        Check("wrong name refused", once_required(istio_mtls.checks_names), only=GATEWAY_API.id),
        Check("application answers", once_required(application)),
    ),
    solve=solve,
    clean=clean,
)
