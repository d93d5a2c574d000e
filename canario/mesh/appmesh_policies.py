"""Policies of listeners and routes, and access logs, as App Mesh manifests have them: read and written."""

from canario.errors import InvalidInput
from canario.mesh.appmesh_names import Manifest
from canario.mesh.appmesh_reading import one_of, only_one
from canario.mesh.appmesh_tls import parse_listener_tls, render_listener_tls
from canario.mesh.appmesh_writing import without_none
from canario.mesh.fields import Fields
from canario.mesh.listeners import Port, Protocol
from canario.mesh.policies import (
    GRPC_EVENTS,
    HTTP_EVENTS,
    TCP_EVENTS,
    AccessLog,
    ConnectionPool,
    HealthCheck,
    ListenerPolicies,
    OutlierDetection,
    Retry,
    RetryOn,
    Timeout,
)

_MILLISECONDS = {"s": 1000, "ms": 1}
_EVENTS = {"httpRetryEvents": HTTP_EVENTS, "tcpRetryEvents": TCP_EVENTS, "grpcRetryEvents": GRPC_EVENTS}
_POOLS = {
    Protocol.HTTP: {"maxConnections": "connections", "maxPendingRequests": "pending"},
    Protocol.HTTP2: {"maxRequests": "requests"},
    Protocol.GRPC: {"maxRequests": "requests"},
    Protocol.TCP: {"maxConnections": "connections"},
}


def read_port(listener: Fields) -> Port:
    """A node's or a gateway's listener; a router's has only its `portMapping`."""
    with listener:
        with listener.inner("portMapping") as mapping:
            protocol = one_of(Protocol, mapping.text("protocol"), mapping.where("protocol"))
            number = mapping.number("port")
        return Port(number, protocol, _policies(listener, protocol), parse_listener_tls(listener))


def port_spec(port: Port) -> Manifest:
    policies = port.policies
    return without_none(
        portMapping={"port": port.number, "protocol": str(port.protocol)},
        timeout=_for_protocol(port, timeout_spec(policies.timeout)),
        outlierDetection=_outlier_spec(policies.outliers) if policies.outliers else None,
        connectionPool=_for_protocol(port, _pool_spec(port.protocol, policies.pool) if policies.pool else None),
        healthCheck=_health_spec(policies.health) if policies.health else None,
        **render_listener_tls(port.tls),
    )


def read_timeout(fields: Fields | None) -> Timeout:
    if fields is None:
        return Timeout()
    with fields:
        return Timeout(_duration_or_none(fields, "perRequest"), _duration_or_none(fields, "idle"))


def timeout_spec(timeout: Timeout) -> Manifest | None:
    written = {"perRequest": timeout.request_ms, "idle": timeout.idle_ms}
    return {name: _duration_spec(value) for name, value in written.items() if value is not None} or None


def read_retry(fields: Fields | None) -> Retry | None:
    if fields is None:
        return None
    with fields:
        on = tuple(
            one_of(RetryOn, event, f"{fields.where(name)}[{index}]")
            for name in _EVENTS
            for index, event in enumerate(fields.texts(name))
        )
        return Retry(fields.number("maxRetries"), _duration(fields.inner("perRetryTimeout")), on)


def retry_spec(retry: Retry | None) -> Manifest | None:
    if retry is None:
        return None
    written = {name: [str(each) for each in retry.on if each in events] for name, events in _EVENTS.items()}
    return {
        "maxRetries": retry.attempts,
        "perRetryTimeout": _duration_spec(retry.per_try_ms),
        **{name: events for name, events in written.items() if events},
    }


def read_log(spec: Fields) -> AccessLog | None:
    file = _inside(_inside(spec.inner_or_none("logging"), "accessLog"), "file")
    if file is None:
        return None
    with file:
        path, form = file.text("path"), file.inner_or_none("format")
        if form is None:
            return AccessLog(path)
        with form:
            only_one(form, "text", "json")
            return AccessLog(path, form.text_or("text", "") or None, _log_pairs(form))


def _inside(fields: Fields | None, name: str) -> Fields | None:
    """The only field there may be; None when it, or what it is in, is absent."""
    if fields is None:
        return None
    with fields:
        return fields.inner_or_none(name)


def log_spec(log: AccessLog | None) -> Manifest | None:
    if log is None:
        return None
    pairs = [{"key": key, "value": value} for key, value in log.json]
    form = without_none(text=log.text, json=pairs or None)
    return {"accessLog": {"file": without_none(path=log.path, format=form or None)}}


def _log_pairs(form: Fields) -> tuple[tuple[str, str], ...]:
    found = []
    for pair in form.items("json"):
        with pair:
            found.append((pair.text("key"), pair.text("value")))
    return tuple(found)


def _policies(listener: Fields, protocol: Protocol) -> ListenerPolicies:
    return ListenerPolicies(
        read_timeout(_of_protocol(listener, "timeout", protocol)),
        _outliers(listener.inner_or_none("outlierDetection")),
        _pool(_of_protocol(listener, "connectionPool", protocol), protocol),
        _health(listener.inner_or_none("healthCheck")),
    )


def _of_protocol(listener: Fields, name: str, protocol: Protocol) -> Fields | None:
    """What stands under the listener's own protocol; another protocol's is refused."""
    fields = listener.inner_or_none(name)
    if fields is None:
        return None
    with fields:
        return fields.inner_or_none(protocol)


def _for_protocol(port: Port, written: Manifest | None) -> Manifest | None:
    return {str(port.protocol): written} if written else None


def _outliers(fields: Fields | None) -> OutlierDetection | None:
    if fields is None:
        return None
    with fields:
        return OutlierDetection(
            fields.number("maxServerErrors"),
            _duration(fields.inner("interval")),
            _duration(fields.inner("baseEjectionDuration")),
            fields.number("maxEjectionPercent"),
        )


def _outlier_spec(outliers: OutlierDetection) -> Manifest:
    return {
        "maxServerErrors": outliers.errors,
        "interval": _duration_spec(outliers.interval_ms),
        "baseEjectionDuration": _duration_spec(outliers.ejection_ms),
        "maxEjectionPercent": outliers.max_percent,
    }


def _pool(fields: Fields | None, protocol: Protocol) -> ConnectionPool | None:
    if fields is None:
        return None
    with fields:
        found = {ours: fields.number_or_none(theirs) for theirs, ours in _POOLS[protocol].items()}
        return ConnectionPool(**found)


def _pool_spec(protocol: Protocol, pool: ConnectionPool) -> Manifest:
    return without_none(**{theirs: getattr(pool, ours) for theirs, ours in _POOLS[protocol].items()})


def _health(fields: Fields | None) -> HealthCheck | None:
    if fields is None:
        return None
    with fields:
        return HealthCheck(
            protocol=one_of(Protocol, fields.text("protocol"), fields.where("protocol")),
            interval_ms=fields.number("intervalMillis"),
            timeout_ms=fields.number("timeoutMillis"),
            healthy=fields.number_or_none("healthyThreshold"),
            unhealthy=fields.number("unhealthyThreshold"),
            path=fields.text_or("path", "") or None,
            port=fields.number_or_none("port"),
        )


def _health_spec(health: HealthCheck) -> Manifest:
    return without_none(
        protocol=str(health.protocol),
        intervalMillis=health.interval_ms,
        timeoutMillis=health.timeout_ms,
        healthyThreshold=health.healthy,
        unhealthyThreshold=health.unhealthy,
        path=health.path,
        port=health.port,
    )


def _duration_or_none(fields: Fields, name: str) -> int | None:
    inner = fields.inner_or_none(name)
    return None if inner is None else _duration(inner)


def _duration(fields: Fields) -> int:
    with fields:
        unit = fields.text("unit")
        if unit not in _MILLISECONDS:
            raise InvalidInput(fields.where("unit"), unit, ", ".join(_MILLISECONDS))
        return fields.number("value") * _MILLISECONDS[unit]


def _duration_spec(milliseconds: int) -> Manifest:
    whole, rest = divmod(milliseconds, 1000)
    return {"unit": "ms", "value": milliseconds} if rest else {"unit": "s", "value": whole}
