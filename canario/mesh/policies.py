"""What is done with requests beyond sending them somewhere. Durations are whole milliseconds."""

from dataclasses import dataclass, field
from enum import StrEnum


class RetryOn(StrEnum):
    """What makes an attempt worth another one."""

    SERVER_ERROR = "server-error"  # any 5xx, or no answer
    GATEWAY_ERROR = "gateway-error"  # 502, 503, 504, or no answer
    CLIENT_ERROR = "client-error"  # 409
    STREAM_ERROR = "stream-error"  # a refused stream
    CONNECTION_ERROR = "connection-error"
    CANCELLED = "cancelled"  # this and the following: gRPC's statuses
    DEADLINE_EXCEEDED = "deadline-exceeded"
    INTERNAL = "internal"
    RESOURCE_EXHAUSTED = "resource-exhausted"
    UNAVAILABLE = "unavailable"


HTTP_EVENTS = (RetryOn.SERVER_ERROR, RetryOn.GATEWAY_ERROR, RetryOn.CLIENT_ERROR, RetryOn.STREAM_ERROR)
TCP_EVENTS = (RetryOn.CONNECTION_ERROR,)
GRPC_EVENTS = (
    RetryOn.CANCELLED,
    RetryOn.DEADLINE_EXCEEDED,
    RetryOn.INTERNAL,
    RetryOn.RESOURCE_EXHAUSTED,
    RetryOn.UNAVAILABLE,
)


@dataclass(frozen=True)
class Retry:
    """At most `attempts` more, each given up after `per_try_ms`."""

    attempts: int
    per_try_ms: int
    on: tuple[RetryOn, ...] = ()


@dataclass(frozen=True)
class Timeout:
    """None: as the dialect does when it is not said. 0: no limit."""

    request_ms: int | None = None
    idle_ms: int | None = None


@dataclass(frozen=True)
class OutlierDetection:
    """An endpoint is left out for `ejection_ms` after so many errors in a row."""

    errors: int
    interval_ms: int
    ejection_ms: int
    max_percent: int


@dataclass(frozen=True)
class ConnectionPool:
    """How much of it there may be at once. None: no limit."""

    connections: int | None = None
    pending: int | None = None
    requests: int | None = None


@dataclass(frozen=True)
class HealthCheck:
    """How callers ask an endpoint whether it is well. `path` is HTTP's."""

    protocol: str
    interval_ms: int
    timeout_ms: int
    healthy: int | None
    unhealthy: int
    path: str | None = None
    port: int | None = None


@dataclass(frozen=True)
class ListenerPolicies:
    """What a listener asks of its callers, and of the proxy in front of it."""

    timeout: Timeout = field(default_factory=Timeout)
    outliers: OutlierDetection | None = None
    pool: ConnectionPool | None = None
    health: HealthCheck | None = None


@dataclass(frozen=True)
class AccessLog:
    """A line a request. `text` and `json` (key, value) are Envoy's format strings; at most one is there."""

    path: str
    text: str | None = None
    json: tuple[tuple[str, str], ...] = ()
