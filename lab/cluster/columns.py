"""The columns that people know, for every built-in kind. Source: Kubernetes, pkg/printers/internalversion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from lab.cluster.objects import Obj, dig, is_deleting
from lab.cluster.tables import AGE, NAME, Cell, Column, age

_NONE = "<none>"


def _at(*path: str | int, default: Any = _NONE) -> Cell:
    return lambda obj, _: dig(obj, *path, default=default)


def _count(*path: str | int) -> Cell:
    return lambda obj, _: dig(obj, *path, default=0)


def _wide(name: str, cell: Cell) -> Column:
    return Column(name, cell, wide=True)


def _joined(values: Iterable[Any]) -> str:
    return ",".join(str(v) for v in values) or _NONE


def _statuses(pod: Obj) -> list[Obj]:
    found: list[Obj] = dig(pod, "status", "containerStatuses", default=[])
    return found


def _pod_ready(pod: Obj, _: datetime) -> str:
    ready = sum(bool(status.get("ready")) for status in _statuses(pod))
    return f"{ready}/{len(dig(pod, 'spec', 'containers', default=[]))}"


def pod_status(pod: Obj) -> str:
    """Why the pod is not running, or its phase, as `kubectl get pods` says it."""
    reason = dig(pod, "status", "reason") or dig(pod, "status", "phase", default="Unknown")
    for status in _statuses(pod):
        state = status.get("state") or {}
        if waiting := dig(state, "waiting", "reason"):
            reason = waiting
        elif terminated := state.get("terminated"):
            reason = terminated.get("reason") or f"ExitCode:{terminated.get('exitCode')}"
    if is_deleting(pod):
        return "Terminating"
    return str(reason)


def _pod_restarts(pod: Obj, now: datetime) -> str:
    statuses = _statuses(pod)
    count = sum(int(status.get("restartCount") or 0) for status in statuses)
    ended = [dig(status, "lastState", "terminated", "finishedAt") for status in statuses]
    last = max((at for at in ended if at), default=None)
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def _containers(field: str, *path: str) -> Cell:
    def cell(obj: Obj, _: datetime) -> str:
        return _joined(c.get(field) for c in dig(obj, *path, "containers", default=[]))

    return cell


def _selector(obj: Obj, _: datetime) -> str:
    selector = dig(obj, "spec", "selector", default={})
    exact = selector.get("matchLabels", selector)
    return _joined(f"{key}={value}" for key, value in exact.items() if isinstance(value, str))


def _external_ip(service: Obj, _: datetime) -> str:
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", _NONE))
    if spec.get("type") != "LoadBalancer":
        return _joined(spec.get("externalIPs") or [])
    ingress = dig(service, "status", "loadBalancer", "ingress", default=[])
    return ",".join(i.get("hostname") or i.get("ip") for i in ingress) or "<pending>"


def _service_ports(service: Obj, _: datetime) -> str:
    ports = dig(service, "spec", "ports", default=[])
    shown = [f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p['protocol']}" for p in ports]
    return _joined(shown)


def _condition(obj: Obj, kind: str) -> str:
    conditions = dig(obj, "status", "conditions", default=[])
    return next((str(c.get("status")) for c in conditions if c.get("type") == kind), "Unknown")


def _node_status(node: Obj, _: datetime) -> str:
    return {"True": "Ready", "False": "NotReady"}.get(_condition(node, "Ready"), "Unknown")


def _node_roles(node: Obj, _: datetime) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = dig(node, "metadata", "labels", default={})
    return _joined(key.removeprefix(prefix) for key in labels if key.startswith(prefix))


def _node_address(kind: str) -> Cell:
    def cell(node: Obj, _: datetime) -> str:
        addresses = dig(node, "status", "addresses", default=[])
        return next((a["address"] for a in addresses if a.get("type") == kind), _NONE)

    return cell


def _last_seen(event: Obj, now: datetime) -> str:
    series = dig(event, "series", "lastObservedTime")
    return age(series or event.get("lastTimestamp") or event.get("eventTime"), now)


def _first_seen(event: Obj, now: datetime) -> str:
    return age(event.get("firstTimestamp") or event.get("eventTime"), now)


def _event_object(event: Obj, _: datetime) -> str:
    return f"{dig(event, 'involvedObject', 'kind', default='').lower()}/{dig(event, 'involvedObject', 'name')}"


def _data_count(obj: Obj, _: datetime) -> int:
    return len(obj.get("data") or {}) + len(obj.get("binaryData") or {})


def _endpoints(obj: Obj, _: datetime) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or []
        for port in subset.get("ports") or []
        for address in subset.get("addresses") or []
    ]
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return _joined(found[:3]) + more


def _slice_ports(obj: Obj, _: datetime) -> str:
    return _joined(port.get("port") for port in obj.get("ports") or []) if obj.get("ports") else "<unset>"


def _slice_addresses(obj: Obj, _: datetime) -> str:
    return _joined(a for endpoint in obj.get("endpoints") or [] for a in endpoint.get("addresses", []))


def _role(obj: Obj, _: datetime) -> str:
    return f"{dig(obj, 'roleRef', 'kind')}/{dig(obj, 'roleRef', 'name')}"


_CREATED = Column("Created At", _at("metadata", "creationTimestamp"))
_TEMPLATE = ("spec", "template", "spec")
_WORKLOAD_WIDE = (
    _wide("Containers", _containers("name", *_TEMPLATE)),
    _wide("Images", _containers("image", *_TEMPLATE)),
    _wide("Selector", _selector),
)


def _number(name: str, *path: str) -> Column:
    return Column(name, _count(*path), "integer")


COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "pods": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", lambda pod, _: pod_status(pod)),
        Column("Restarts", _pod_restarts),
        AGE,
        _wide("IP", _at("status", "podIP")),
        _wide("Node", _at("spec", "nodeName")),
        _wide("Nominated Node", _at("status", "nominatedNodeName")),
        _wide("Readiness Gates", lambda *_: _NONE),
    ),
    "deployments.apps": (
        NAME,
        Column(
            "Ready",
            lambda d, _: f"{dig(d, 'status', 'readyReplicas', default=0)}/{dig(d, 'spec', 'replicas', default=0)}",
        ),
        _number("Up-to-date", "status", "updatedReplicas"),
        _number("Available", "status", "availableReplicas"),
        AGE,
        *_WORKLOAD_WIDE,
    ),
    "replicasets.apps": (
        NAME,
        _number("Desired", "spec", "replicas"),
        _number("Current", "status", "replicas"),
        _number("Ready", "status", "readyReplicas"),
        AGE,
        *_WORKLOAD_WIDE,
    ),
    "services": (
        NAME,
        Column("Type", _at("spec", "type")),
        Column("Cluster-IP", _at("spec", "clusterIP")),
        Column("External-IP", _external_ip),
        Column("Port(s)", _service_ports),
        AGE,
        _wide("Selector", _selector),
    ),
    "namespaces": (NAME, Column("Status", _at("status", "phase", default="")), AGE),
    "nodes": (
        NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        AGE,
        Column("Version", _at("status", "nodeInfo", "kubeletVersion", default="")),
        _wide("Internal-IP", _node_address("InternalIP")),
        _wide("External-IP", _node_address("ExternalIP")),
        _wide("OS-Image", _at("status", "nodeInfo", "osImage", default="")),
        _wide("Kernel-Version", _at("status", "nodeInfo", "kernelVersion", default="")),
        _wide("Container-Runtime", _at("status", "nodeInfo", "containerRuntimeVersion", default="")),
    ),
    "events": (
        Column("Last Seen", _last_seen),
        Column("Type", _at("type", default="")),
        Column("Reason", _at("reason", default="")),
        Column("Object", _event_object),
        _wide("Subobject", _at("involvedObject", "fieldPath", default="")),
        _wide("Source", _at("source", "component", default="")),
        Column("Message", _at("message", default="")),
        _wide("First Seen", _first_seen),
        Column("Count", _at("count", default=1), "integer", wide=True),
        Column("Name", NAME.cell, format="name", wide=True),
    ),
    "configmaps": (NAME, Column("Data", _data_count, "integer"), AGE),
    "secrets": (NAME, Column("Type", _at("type")), Column("Data", _data_count, "integer"), AGE),
    "endpoints": (NAME, Column("Endpoints", _endpoints), AGE),
    "endpointslices.discovery.k8s.io": (
        NAME,
        Column("AddressType", _at("addressType")),
        Column("Ports", _slice_ports),
        Column("Endpoints", _slice_addresses),
        AGE,
    ),
    "leases.coordination.k8s.io": (NAME, Column("Holder", _at("spec", "holderIdentity", default="")), AGE),
    "customresourcedefinitions.apiextensions.k8s.io": (NAME, _CREATED),
    "roles.rbac.authorization.k8s.io": (NAME, _CREATED),
    "clusterroles.rbac.authorization.k8s.io": (NAME, _CREATED),
    "rolebindings.rbac.authorization.k8s.io": (NAME, Column("Role", _role), AGE),
    "clusterrolebindings.rbac.authorization.k8s.io": (NAME, Column("Role", _role), AGE),
    "mutatingwebhookconfigurations.admissionregistration.k8s.io": (
        NAME,
        Column("Webhooks", lambda obj, _: len(obj.get("webhooks") or []), "integer"),
        AGE,
    ),
}
