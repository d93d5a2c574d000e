"""What is lost of nodes and gateways: listeners, TLS, logs."""

from collections.abc import Iterable, Iterator

from canario.mesh.gateway_loss import LABEL, Loss, Said, Say
from canario.mesh.gateway_names import outside_host
from canario.mesh.gateway_native import MOST_LABELS, certificate_secret
from canario.mesh.gateway_outside import Call, calls_of_gateway, calls_of_node
from canario.mesh.gateway_policies import LOG_PATH
from canario.mesh.gateways import Gateway
from canario.mesh.listeners import Port
from canario.mesh.model import CloudMap, Hostname, Mesh, Node
from canario.mesh.policies import AccessLog
from canario.mesh.tls import ClientTls, ListenerTls, TlsMode

LONGEST_NAME = 57  # of a Gateway, so that <name>-istio is a Service's name
_PROVIDER = "name an extensionProvider with it in Istio's mesh config, and that provider in the Telemetry"


def of_node(mesh: Mesh, node: Node) -> Iterator[Loss]:
    def loss(field: str, says: str, todo: str, lost: bool = True) -> Loss:
        return Loss("VirtualNode", node.ref, f"spec.{field}", says, todo, lost)

    has_labels = node.selector is not None and bool(node.selector.labels)
    if node.selector and node.selector.requirements:
        yield loss("podSelector.matchExpressions", "Services select by labels alone", LABEL)
    if isinstance(node.discovery, CloudMap) and not has_labels:
        says = "Istio does not read Cloud Map"
        yield loss("serviceDiscovery.awsCloudMap", says, "give the node a podSelector, or write a ServiceEntry")
    if isinstance(node.discovery, Hostname) and not has_labels and _is_inside(node.discovery):
        says = f"its pods are those of the Service {node.discovery.name}, which has to be there"
        yield loss("serviceDiscovery.dns.hostname", says, "keep that Service", False)
    if node.selector is None and node.discovery is None:
        yield loss("podSelector", "nothing says which pods the node has", "give the node a podSelector")
    if (node.calls or node.groups) and not has_labels:
        field = "backends" if node.calls else "backendGroups"
        yield loss(field, "only pods that labels select can be limited in what they call", LABEL)
    for index, port in enumerate(node.ports):
        for field, says, todo, lost in _of_port(port, has_labels):
            yield loss(f"listeners[{index}].{field}", says, todo, lost)
    if len({port.number for port in node.ports}) < len(node.ports):
        yield loss("listeners", "two listeners have one port", "keep one of them")
    yield from _of_client_tls(loss, "backendDefaults.clientPolicy.tls", node.default_tls)
    for service, tls in node.call_tls:
        field = (
            f"backends[{node.calls.index(service)}].virtualService.clientPolicy.tls"
            if service in node.calls
            else "backends"
        )
        yield from _of_client_tls(loss, field, tls)
    yield from _of_outside(loss, calls_of_node(mesh, node), has_labels)
    for field, says, todo, lost in _of_log(node.log, has_labels):
        yield loss(field, says, todo, lost)


def _of_outside(loss: Say, calls: Iterable[Call], has_labels: bool) -> Iterator[Loss]:
    for call in calls:
        field, host = "backendDefaults.clientPolicy.tls", outside_host(call.node)
        if not has_labels:
            yield loss(field, f"only pods that labels select can be told to speak TLS to {host}", LABEL)
            continue
        says = f"{host} is outside the mesh: it is called by TLS with these files, in the container istio-proxy"
        todo = "mount them there: sidecar.istio.io/userVolume and userVolumeMount in the pods' annotations"
        yield loss(field, says, todo, False)


def _is_inside(found: Hostname) -> bool:
    return found.name.endswith(".svc.cluster.local")


def _of_port(port: Port, has_labels: bool) -> Iterator[Said]:
    policies, protocol = port.policies, port.protocol
    if policies.timeout.request_ms is not None:
        says = "only routes have request timeouts"
        yield f"timeout.{protocol}.perRequest", says, "write it as timeouts.request of the routes that send here", True
    if policies.timeout.idle_ms == 0:
        yield f"timeout.{protocol}.idle", "Istio's idle timeout cannot be switched off", "set a long one", True
    if policies.health:
        says = "Istio does not ask endpoints whether they are well"
        yield (
            "healthCheck",
            says,
            "give the pods a readinessProbe that asks the same; Kubernetes takes out who fails",
            True,
        )
    if policies.outliers and not (policies.outliers.interval_ms and policies.outliers.ejection_ms):
        yield "outlierDetection", "Istio's intervals are at least 1ms", "set them", True
    if policies.pool:
        says = "counted by each caller's proxy, not by the node's own"
        yield (
            f"connectionPool.{protocol}",
            says,
            "divide it by the number of callers, or keep it as an upper bound",
            False,
        )
    if port.tls:
        yield from _of_listener_tls(port.tls, has_labels)


def _of_listener_tls(tls: ListenerTls, has_labels: bool) -> Iterator[Said]:
    if not has_labels:
        yield "tls", "a PeerAuthentication of one port needs labels that select the pods", LABEL, True
        return
    if not tls.is_on:
        return
    says = "Istio gives every pod its own certificate; these files are not used"
    yield "tls.certificate", says, "take the volume with them off the pods", False
    if tls.validation is None and tls.mode is TlsMode.STRICT:
        says = "Istio's TLS is always mutual: callers need a sidecar too"
        yield "tls.mode", says, "give every caller a sidecar, or take PERMISSIVE", False
    if tls.validation and tls.validation.names:
        says = "Istio's certificates name service accounts, not these names: every pod of the mesh may call"
        yield (
            "tls.validation.subjectAlternativeNames",
            says,
            "write an AuthorizationPolicy with the callers' principals",
            True,
        )


def _of_client_tls(loss: Say, field: str, tls: ClientTls | None) -> Iterator[Loss]:
    if tls is None:
        return
    says = "Istio's proxies speak mutual TLS with every pod that has a sidecar, and check by service account"
    yield loss(field, says, "nothing; the files in it are not used", False)
    if tls.ports:
        yield loss(
            f"{field}.ports", "Istio's proxies do so at every port", "write a DestinationRule for the others", True
        )


def _of_log(log: AccessLog | None, has_labels: bool) -> Iterator[Said]:
    if log is None:
        return
    if not has_labels:
        yield "logging.accessLog", "a Telemetry needs labels that select the pods", LABEL, True
    if log.path != LOG_PATH:
        yield "logging.accessLog.file.path", f"Istio's lines go to {LOG_PATH}", _PROVIDER, True
    if log.text is not None or log.json:
        yield "logging.accessLog.file.format", "the format belongs to the whole of Istio", _PROVIDER, True


def of_gateway(mesh: Mesh, gateway: Gateway) -> Iterator[Loss]:
    def loss(field: str, says: str, todo: str, lost: bool = True) -> Loss:
        return Loss("VirtualGateway", gateway.ref, f"spec.{field}", says, todo, lost)

    says = "Istio makes the pods and the Service of a Gateway itself"
    yield loss("podSelector", says, "delete the Deployment of Envoys, and move the load balancer's annotations", False)
    if gateway.selector and gateway.selector.requirements:
        yield loss("podSelector.matchExpressions", "a Gateway has labels alone for its pods", LABEL)
    if gateway.selector and len(gateway.selector.labels) > MOST_LABELS:
        says = f"a Gateway gives its pods at most {MOST_LABELS} labels: the others are left out"
        yield loss("podSelector.matchLabels", says, "let what selects them go by fewer")
    if "." in gateway.ref.name or len(gateway.ref.name) > LONGEST_NAME:
        says = f"Istio names a Service after it, which has no dots and at most {LONGEST_NAME} characters before -istio"
        yield Loss("VirtualGateway", gateway.ref, "metadata.name", says, "call the Gateway something else")
    if gateway.routes is not None:
        says = "a Gateway takes every route of the namespaces that it selects which names it as its parent"
        yield loss(
            "gatewayRouteSelector", says, "take the Gateway out of the parentRefs of routes that are not its own"
        )
    if not gateway.ports:
        yield loss("listeners", "a Gateway has at least one listener: it gets one at port 80", "write the listeners")
    for index, port in enumerate(gateway.ports):
        for field, why, todo, lost in _of_gateway_port(gateway, port):
            yield loss(f"listeners[{index}].{field}", why, todo, lost)
    if len({port.number for port in gateway.ports}) < len(gateway.ports):
        yield loss("listeners", "two listeners have one port", "keep one of them")
    yield from _of_client_tls(loss, "backendDefaults.clientPolicy.tls", gateway.tls)
    yield from _of_outside(loss, calls_of_gateway(mesh, gateway), has_labels=True)
    for field, why, todo, lost in _of_log(gateway.log, has_labels=True):
        yield loss(field, why, todo, lost)


def _of_gateway_port(gateway: Gateway, port: Port) -> Iterator[Said]:
    policies = port.policies
    if policies.pool:
        says = "a Gateway's listener has no limits"
        yield (
            f"connectionPool.{port.protocol}",
            says,
            "limit at the load balancer, or by the nodes' DestinationRules",
            True,
        )
    if policies.health:
        yield "healthCheck", "a Gateway's listener has no health check", "let the load balancer ask the pods", True
    if policies.timeout.request_ms is not None or policies.timeout.idle_ms is not None:
        yield (
            f"timeout.{port.protocol}",
            "a Gateway's listener has no timeouts",
            "write timeouts.request in its routes",
            True,
        )
    if policies.outliers:
        yield "outlierDetection", "a Gateway's listener has none", "write it in the nodes' listeners", True
    if port.tls is None or not port.tls.is_on:
        return
    says = "a Gateway takes its certificate from a Secret, not from files"
    files = port.tls.certificate
    todo = f"make a TLS Secret {certificate_secret(gateway)} from {files.chain} and {files.key}"
    yield "tls.certificate", says, todo, True
    if port.tls.mode is TlsMode.PERMISSIVE:
        yield (
            "tls.mode",
            "a listener takes TLS or plaintext, not both: this one takes TLS",
            "add an HTTP listener",
            True,
        )
    if port.tls.validation:
        todo = "name a ConfigMap with the authority in spec.tls.frontend of the Gateway"
        yield "tls.validation", "clients are not asked for certificates", todo, True
