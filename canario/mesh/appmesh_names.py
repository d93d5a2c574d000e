"""What reading and writing App Mesh manifests share: names, and how the dialect says what the model says."""

from typing import Any

from canario.mesh.listeners import Protocol
from canario.mesh.refs import Ref

Manifest = dict[str, Any]

API_VERSION = "appmesh.k8s.aws/v1beta2"
RESPONSE_TYPES = {True: "LOADBALANCER", False: "ENDPOINTS"}  # by Hostname.single
GATEWAY_ROUTE_KINDS = {Protocol.HTTP: "httpRoute", Protocol.HTTP2: "http2Route", Protocol.GRPC: "grpcRoute"}
ROUTE_KINDS = {**GATEWAY_ROUTE_KINDS, Protocol.TCP: "tcpRoute"}


def default_name(ref: Ref) -> str:
    """What the controller calls a node or a router whose manifest has no awsName."""
    return f"{ref.name}_{ref.namespace}"


def default_host(ref: Ref) -> str:
    """What clients call a service whose manifest has no awsName."""
    return f"{ref.name}.{ref.namespace}"
