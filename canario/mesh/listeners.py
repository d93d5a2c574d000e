"""Where a node, a router or a gateway listens, and how."""

from dataclasses import dataclass, field
from enum import StrEnum

from canario.mesh.policies import ListenerPolicies
from canario.mesh.tls import ListenerTls


class Protocol(StrEnum):
    HTTP = "http"
    HTTP2 = "http2"
    GRPC = "grpc"
    TCP = "tcp"


@dataclass(frozen=True)
class Port:
    """A listener. A router's has no policies and no TLS."""

    number: int
    protocol: Protocol = Protocol.HTTP
    policies: ListenerPolicies = field(default_factory=ListenerPolicies)
    tls: ListenerTls | None = None
