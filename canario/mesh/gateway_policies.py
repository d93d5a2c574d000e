"""Policies in Gateway API and Istio, read and written: durations, DestinationRule, PeerAuthentication, Telemetry."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.appmesh_writing import without_none
from canario.mesh.fields import Fields
from canario.mesh.gateway_names import (
    ISTIO_NETWORKING,
    ISTIO_SECURITY,
    ISTIO_TELEMETRY,
    Manifest,
    full_host,
    manifest,
    outside_host,
)
from canario.mesh.listeners import Port, Protocol
from canario.mesh.model import AccessLog, Node
from canario.mesh.policies import ConnectionPool, ListenerPolicies, OutlierDetection, Timeout
from canario.mesh.refs import Ref, Selector
from canario.mesh.tls import CertificateFiles, ListenerTls, TlsMode, Validation

# Where an Istio sidecar has the certificates that Istio gives it.
ISTIO_FILES = CertificateFiles("/etc/certs/cert-chain.pem", "/etc/certs/key.pem")
ISTIO_TRUST = Validation("/etc/certs/root-cert.pem")
LOG_PROVIDER = "envoy"  # Istio's built-in one: a line a request on standard output
LOG_PATH = "/dev/stdout"

_MODES = {TlsMode.STRICT: "STRICT", TlsMode.PERMISSIVE: "PERMISSIVE", TlsMode.DISABLED: "DISABLE"}
_UNITS = (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
_DURATION = re.compile(r"(\d{1,5})(h|ms|m|s)")


def duration(milliseconds: int) -> str:
    """As Gateway API writes it (GEP-2257), such as `1m30s`."""
    parts = []
    for unit, size in _UNITS:
        whole, milliseconds = divmod(milliseconds, size)
        if whole:
            parts.append(f"{whole}{unit}")
    return "".join(parts) or "0s"


def read_duration(text: str, path: str) -> int:
    """Milliseconds."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidInput(path, text, "a duration of h, m, s and ms, such as 1m30s")
    sizes = dict(_UNITS)
    return sum(int(number) * sizes[unit] for number, unit in parts)


def destination_rule(node: Node) -> Manifest | None:
    """What its callers' proxies are told of a node, a port of it at a time; None when there is nothing to tell."""
    host = outside_host(node)
    settings = [
        {"port": {"number": port.number}, **found}
        for port in _each_once(node.ports)
        if (found := policy_spec(port, None if host else _caller_tls(port.tls)))
    ]
    if not settings:
        return None
    spec = {"host": host or full_host(node.ref), "trafficPolicy": {"portLevelSettings": settings}}
    return manifest(ISTIO_NETWORKING, "DestinationRule", node.ref, spec)


def _each_once(ports: Iterable[Port]) -> tuple[Port, ...]:
    """The first listener at each port number."""
    found: dict[int, Port] = {}
    for port in ports:
        found.setdefault(port.number, port)
    return tuple(found.values())


def policy_spec(port: Port, tls: Manifest | None) -> Manifest:
    """What is told of one port; `tls` is how callers speak it."""
    policies = port.policies
    return without_none(
        connectionPool=_pool_spec(port) or None,
        outlierDetection=_outlier_spec(policies.outliers) if policies.outliers else None,
        tls=tls,
    )


def _caller_tls(tls: ListenerTls | None) -> Manifest | None:
    match tls:
        case ListenerTls(TlsMode.STRICT):
            return {"mode": "ISTIO_MUTUAL"}
        case ListenerTls(TlsMode.DISABLED):
            return {"mode": "DISABLE"}
    return None  # Istio finds out by itself


def _pool_spec(port: Port) -> Manifest:
    pool, idle_ms = port.policies.pool or ConnectionPool(), port.policies.timeout.idle_ms
    idle = {"idleTimeout": duration(idle_ms)} if idle_ms else {}
    is_tcp = port.protocol is Protocol.TCP
    tcp = without_none(maxConnections=pool.connections, **(idle if is_tcp else {}))
    http = without_none(
        http1MaxPendingRequests=pool.pending, http2MaxRequests=pool.requests, **({} if is_tcp else idle)
    )
    return without_none(tcp=tcp or None, http=http or None)


def _outlier_spec(outliers: OutlierDetection) -> Manifest:
    return without_none(
        consecutive5xxErrors=outliers.errors,
        interval=duration(outliers.interval_ms) if outliers.interval_ms else None,
        baseEjectionTime=duration(outliers.ejection_ms) if outliers.ejection_ms else None,
        maxEjectionPercent=outliers.max_percent,
    )


def read_policies(rule: Mapping[str, Any]) -> dict[int, ListenerPolicies]:
    """Port number → policies, from a DestinationRule's `trafficPolicy.portLevelSettings`."""
    name = f"DestinationRule {rule['metadata'].get('namespace')}/{rule['metadata']['name']}: spec"
    found = {}
    with Fields(rule["spec"], name) as spec:
        spec.skip("host")
        policy = spec.inner_or_none("trafficPolicy")
        if policy is None:
            return {}
        with policy:
            for setting in policy.items("portLevelSettings"):
                number, policies = _read_setting(setting)
                found[number] = policies
    return found


def _read_setting(setting: Fields) -> tuple[int, ListenerPolicies]:
    with setting:
        setting.skip("tls")  # follows from the PeerAuthentication
        with setting.inner("port") as port:
            number = port.number("number")
        pool, idle = _read_pool(setting.inner_or_none("connectionPool"))
        outliers = _read_outliers(setting.inner_or_none("outlierDetection"))
        return number, ListenerPolicies(Timeout(None, idle), outliers, pool)


def _read_pool(fields: Fields | None) -> tuple[ConnectionPool | None, int | None]:
    """The pool, and the idle timeout in milliseconds."""
    if fields is None:
        return None, None
    with fields:
        connections = pending = requests = idle = None
        if tcp := fields.inner_or_none("tcp"):
            with tcp:
                connections, idle = tcp.number_or_none("maxConnections"), _read_idle(tcp)
        if http := fields.inner_or_none("http"):
            with http:
                pending = http.number_or_none("http1MaxPendingRequests")
                requests = http.number_or_none("http2MaxRequests")
                idle = _read_idle(http) if idle is None else idle
        pool = ConnectionPool(connections, pending, requests)
        return None if pool == ConnectionPool() else pool, idle


def _read_idle(fields: Fields) -> int | None:
    written = fields.text_or("idleTimeout", "")
    return read_duration(written, fields.where("idleTimeout")) if written else None


def _read_outliers(fields: Fields | None) -> OutlierDetection | None:
    if fields is None:
        return None
    with fields:
        interval, ejection = fields.text_or("interval", "0s"), fields.text_or("baseEjectionTime", "0s")
        return OutlierDetection(
            fields.number_or_none("consecutive5xxErrors") or 0,
            read_duration(interval, fields.where("interval")),
            read_duration(ejection, fields.where("baseEjectionTime")),
            fields.number_or_none("maxEjectionPercent") or 0,
        )


def peer_authentication(ref: Ref, selector: Selector | None, ports: Iterable[Port]) -> Manifest | None:
    """Which connections the pods take; None when their listeners say nothing, or no labels select the pods."""
    modes = {str(port.number): {"mode": _MODES[port.tls.mode]} for port in _each_once(ports) if port.tls}
    if not modes or not selector or not selector.labels:
        return None
    spec = {"selector": {"matchLabels": dict(selector.labels)}, "portLevelMtls": modes}
    return manifest(ISTIO_SECURITY, "PeerAuthentication", ref, spec)


def read_peer_authentication(found: Mapping[str, Any]) -> dict[int, ListenerTls]:
    """Port number → TLS with Istio's own certificates. A mode of the whole pod is under the number 0."""
    name = f"PeerAuthentication {found['metadata'].get('namespace')}/{found['metadata']['name']}: spec"
    with Fields(found["spec"], name) as spec:
        spec.skip("selector")
        whole = _read_mode(spec.inner_or_none("mtls"))
        ports = spec.inner_or_none("portLevelMtls")
        modes = (
            {int(number): _read_mode(ports.inner(number)) for number in found["spec"].get("portLevelMtls") or {}}
            if ports
            else {}
        )
        return {number: tls for number, tls in {0: whole, **modes}.items() if tls}


def _read_mode(fields: Fields | None) -> ListenerTls | None:
    if fields is None:
        return None
    with fields:
        written = fields.text_or("mode", "UNSET")
        modes = {theirs: ours for ours, theirs in _MODES.items()}
        if written not in (*modes, "UNSET"):
            raise InvalidInput(fields.where("mode"), written, f"UNSET, {', '.join(modes)}")
        return ListenerTls(modes[written], ISTIO_FILES, ISTIO_TRUST) if written in modes else None


def log_telemetry(ref: Ref, log: AccessLog | None, scope: Manifest | None) -> Manifest | None:
    """A line a request, from the pods of `scope` (a workload selector or target)."""
    if log is None or log.path != LOG_PATH or scope is None:
        return None
    return manifest(
        ISTIO_TELEMETRY, "Telemetry", ref, {**scope, "accessLogging": [{"providers": [{"name": LOG_PROVIDER}]}]}
    )
