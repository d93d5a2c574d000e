"""Policies of the model as Envoy has them: retries, timeouts, outliers, pools, health checks. Pure.

App Mesh's defaults, and where the lab differs from them, are in docs/mesh.md.
"""

from __future__ import annotations

from canario.mesh.listeners import Port, Protocol
from canario.mesh.policies import ConnectionPool, HealthCheck, OutlierDetection, Retry, RetryOn, Timeout
from lab.envoy.files import Resource
from lab.envoy.resources import seconds

REQUEST_MS = 15_000  # App Mesh's default for HTTP and gRPC, of routes and of listeners
_IDLE_SECONDS = 4  # shorter than any server's keep-alive: it is the client that closes an idle connection
_NO_LIMIT = 1_000_000_000  # App Mesh sets no circuit breaker by default
_LARGEST = 2**32 - 1

_PREVIOUS_HOSTS = "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
_OTHER_HOST: Resource = {
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {"@type": f"type.googleapis.com/{_PREVIOUS_HOSTS}"},
        }
    ],
    "host_selection_retry_max_attempts": "3",
}
# Where no policy is written. App Mesh's own default retried 503 answers too (twice). An answer of the application
# is the canary's evidence, so only requests that no application has seen are sent again: rolling restarts lose
# nothing by it.
RETRIES: Resource = {
    "retry_on": "connect-failure,refused-stream,reset-before-request",
    "num_retries": 2,
    **_OTHER_HOST,
}
# App Mesh: both kinds of server errors "include the Envoy reset policy".
_RETRY_ON = {
    RetryOn.SERVER_ERROR: "5xx",
    RetryOn.GATEWAY_ERROR: "gateway-error,reset",
    RetryOn.CLIENT_ERROR: "retriable-4xx",
    RetryOn.STREAM_ERROR: "refused-stream",
    RetryOn.CONNECTION_ERROR: "connect-failure",
}

_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def retry_policy(retry: Retry) -> Resource:
    """Envoy's RetryPolicy, exactly as it is written in the route."""
    on = ",".join(_RETRY_ON.get(each, str(each)) for each in retry.on)
    return {
        "retry_on": on,
        "num_retries": min(retry.attempts, _LARGEST),
        "per_try_timeout": milliseconds(retry.per_try_ms),
        **_OTHER_HOST,
    }


def request_ms(*timeouts: Timeout) -> int:
    """How long a request may take where all of these apply; 0 is no limit."""
    said = [REQUEST_MS if each.request_ms is None else each.request_ms for each in timeouts]
    return min((each for each in said if each), default=0)


def timeouts(*applying: Timeout) -> Resource:
    """The fields of a RouteAction. The first is the route's own, whose idle timeout counts."""
    own = applying[0].idle_ms
    idle = {} if own is None else {"idle_timeout": milliseconds(own)}
    return {"timeout": milliseconds(request_ms(*applying)), **idle}


def outlier_detection(found: OutlierDetection) -> Resource:
    """App Mesh counts errors in a row, nothing else."""
    return {
        "consecutive_5xx": min(found.errors, _LARGEST),
        "interval": milliseconds(found.interval_ms),
        "base_ejection_time": milliseconds(found.ejection_ms),
        "max_ejection_time": milliseconds(max(found.ejection_ms, 300_000)),
        "max_ejection_percent": found.max_percent,
        "always_eject_one_host": found.max_percent > 0,
        "enforcing_consecutive_5xx": 100,
        "enforcing_success_rate": 0,
    }


def circuit_breakers(pool: ConnectionPool | None = None) -> Resource:
    """No limits but the pool's."""
    pool = pool or ConnectionPool()
    limits = {
        "max_connections": pool.connections,
        "max_pending_requests": pool.pending,
        "max_requests": pool.requests,
        "max_retries": None,
    }
    return {"thresholds": [{name: min(limit or _NO_LIMIT, _LARGEST) for name, limit in limits.items()}]}


def health_check(check: HealthCheck) -> Resource:
    """An active one, by every caller; `endpoint_port` has its port."""
    return {
        "timeout": milliseconds(check.timeout_ms),
        "interval": milliseconds(check.interval_ms),
        "no_traffic_interval": milliseconds(check.interval_ms),
        "healthy_threshold": check.healthy or 2,
        "unhealthy_threshold": check.unhealthy,
        **_question(check),
    }


def _question(check: HealthCheck) -> Resource:
    match check.protocol:
        case Protocol.TCP:
            return {"tcp_health_check": {}}
        case Protocol.GRPC:
            return {"grpc_health_check": {}}
    codec = {"codec_client_type": "HTTP2"} if check.protocol == Protocol.HTTP2 else {}
    return {"http_health_check": {"path": check.path or "/", **codec}}


def cluster_fields(port: Port | None = None, *, pool: ConnectionPool | None = None) -> Resource:
    """What every cluster has: no limits but the pool's, connections of the listener's protocol."""
    binary = port is not None and port.protocol in (Protocol.HTTP2, Protocol.GRPC)
    explicit: Resource = {"http2_protocol_options": {}} if binary else {"http_protocol_options": {}}
    return {"circuit_breakers": circuit_breakers(pool), **protocol_options({"explicit_http_config": explicit})}


def protocol_options(upstream: Resource) -> Resource:
    """A cluster's field that says which protocol it speaks."""
    options = {
        "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
        "common_http_protocol_options": {"idle_timeout": seconds(_IDLE_SECONDS)},
        **upstream,
    }
    return {"typed_extension_protocol_options": {_HTTP_OPTIONS: options}}


def guarded(port: Port | None) -> Resource:
    """What callers do for the sake of a node's listener: watch its endpoints' errors, and ask after their health."""
    found: Resource = {}
    if port and port.policies.outliers:
        found["outlier_detection"] = outlier_detection(port.policies.outliers)
    if port and port.policies.health:
        found["health_checks"] = [health_check(port.policies.health)]
    return found


def milliseconds(value: int) -> str:
    return seconds(value / 1000)
