"""Tracing by X-Ray: what the injector gives a pod, and what it makes of its Envoy's listeners. Pure.

As App Mesh has it: the controller's flags decide for new pods, the sidecar's environment says it for this one.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from canario.mesh.model import Mesh, Node
from lab.envoy.files import Resource
from lab.envoy.resources import Address
from lab.mesh.world import Obj

CONTAINER = "xray-daemon"
IMAGE = "public.ecr.aws/xray/aws-xray-daemon:latest"
DAEMON_PORT = 2000
SAMPLING_RATE = 0.05  # App Mesh's own, beside one request a second
ORIGIN = "AWS::AppMesh::Proxy"

_XRAY = "type.googleapis.com/envoy.config.trace.v3.XRayConfig"
_ENABLED, _PORT, _RATE = "ENABLE_ENVOY_XRAY_TRACING", "XRAY_DAEMON_PORT", "XRAY_SAMPLING_RATE"


@dataclass(frozen=True)
class Tracing:
    """How requests are traced: `rate` (0 to 1) of those that bring no decision, beside one a second."""

    port: int = DAEMON_PORT
    rate: float = SAMPLING_RATE
    untraced: tuple[str, ...] = ()  # the probes' paths: what the kubelet asks is no traffic
    host: str = ""  # where segments go; empty: to the pod's own daemon
    segment: str = ""  # what they are called; empty: as in App Mesh


def daemon() -> dict[str, Any]:
    """The container that forwards segments."""
    return {
        "name": CONTAINER,
        "image": IMAGE,
        "ports": [{"name": "xray", "containerPort": DAEMON_PORT, "protocol": "UDP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }


def environment(tracing: Tracing) -> list[dict[str, str]]:
    """What tells a sidecar to trace."""
    return [
        {"name": _ENABLED, "value": "1"},
        {"name": _PORT, "value": str(tracing.port)},
        {"name": _RATE, "value": f"{tracing.rate:g}"},
    ]


def of_pod(pod: Obj, sidecar: str) -> Tracing | None:
    """How the pod's sidecar traces, by its environment; None when it does not."""
    containers = {container["name"]: container for container in pod["spec"]["containers"]}
    found = {each["name"]: each.get("value", "") for each in containers.get(sidecar, {}).get("env", [])}
    if found.get(_ENABLED) != "1":
        return None
    return Tracing(
        port=int(found.get(_PORT) or DAEMON_PORT),
        rate=float(found.get(_RATE) or SAMPLING_RATE),
        untraced=untraced(pod, sidecar),
    )


def untraced(pod: Obj, sidecar: str) -> tuple[str, ...]:
    """The probes' paths of the pod's other containers."""
    return tuple(sorted(_probed(each for each in pod["spec"]["containers"] if each["name"] != sidecar)))


def traced(
    listeners: Sequence[Resource], mesh: Mesh, node: Node, pod_ip: str, tracing: Tracing | None
) -> list[Resource]:
    """The listeners, their HTTP filters tracing; a listener at the pod's address is inbound."""
    if tracing is None:
        return list(listeners)
    provider = _provider(mesh, node, (tracing.host or pod_ip, tracing.port), tracing)
    return [_traced(listener, provider, pod_ip) for listener in listeners]


def segment_name(mesh: Mesh, node: Node) -> str:
    """What a node's segments are called."""
    return f"{mesh.known_as}/{node.known_as}"


def sampling_rules(tracing: Tracing) -> dict[str, Any]:
    """Envoy's sampling rules (version 2), as X-Ray's SDKs have them."""
    never = {"host": "*", "http_method": "*", "fixed_target": 0, "rate": 0.0}
    return {
        "version": 2,
        "rules": [{"description": "probes", "url_path": path, **never} for path in tracing.untraced],
        "default": {"fixed_target": 1, "rate": tracing.rate},
    }


def _provider(mesh: Mesh, node: Node, address: Address, tracing: Tracing) -> Resource:
    endpoint = {"protocol": "UDP", "address": address[0], "port_value": address[1]}
    fields: Resource = {
        "origin": ORIGIN,
        "aws": {"app_mesh": {"mesh_name": mesh.known_as, "virtual_node_name": node.known_as}},
    }
    config = {
        "@type": _XRAY,
        "daemon_endpoint": endpoint,
        "segment_name": tracing.segment or segment_name(mesh, node),
        "sampling_rule_manifest": {"inline_string": json.dumps(sampling_rules(tracing))},
        **({} if tracing.segment else {"segment_fields": fields}),
    }
    return {"name": "envoy.tracers.xray", "typed_config": config}


def _traced(listener: Resource, provider: Resource, pod_ip: str) -> Resource:
    inbound = listener["address"]["socket_address"]["address"] == pod_ip
    found = {**copy.deepcopy(listener), "traffic_direction": "INBOUND" if inbound else "OUTBOUND"}
    for chain in found["filter_chains"]:
        for each in chain["filters"]:
            if each["name"] == "envoy.filters.network.http_connection_manager":
                each["typed_config"]["tracing"] = {"provider": provider}
    return found


def _probed(containers: Iterable[Obj]) -> set[str]:
    """What the kubelet asks; but `/` is what everybody asks."""
    probes = [container.get(kind) or {} for container in containers for kind in ("readinessProbe", "livenessProbe")]
    return {probe["httpGet"].get("path") or "/" for probe in probes if "httpGet" in probe} - {"/"}
