"""Which pods get a sidecar in the dialect `gateway`, and the JSONPatch that gives it to them. Pure.

As Istio has it: the namespace's label `istio-injection`, overridden by the pod's `sidecar.istio.io/inject`. A pod with
the annotation `inject.istio.io/templates: gateway` has its proxy already, which gets Istio's image and settings. No pod
is refused: one that no Service of the mesh selects waits, not ready, until one does.
"""

from __future__ import annotations

import base64
from typing import Any

from canario.mesh.proxies import ISTIO
from lab.mesh.injection import PROXIED, JsonPatch
from lab.mesh.istio.assembly import is_gateway_pod, wants_sidecar
from lab.mesh.world import Obj, World, annotations_of

LABEL = "istio-injection"
CONTAINER = ISTIO.container
ADMIN_PORT = 15000  # of Envoy; Istio's is at the pod's loopback alone
IMAGE = "docker.io/istio/proxyv2:1.31.0"
WEBHOOK = "istio-sidecar-injector"

_READINESS = {"httpGet": {"path": "/ready", "port": ADMIN_PORT}, "periodSeconds": 1, "failureThreshold": 3}
_ENVIRONMENT: list[dict[str, Any]] = [
    {"name": "ENVOY_ADMIN_ACCESS_PORT", "value": str(ADMIN_PORT)},
    {"name": "CONFIG_DUMP_PORT", "value": str(ISTIO.port)},
    {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
]


def inject(pod: Obj, namespace: str, world: World) -> JsonPatch:
    """The patch for a pod that is being created in `namespace`; empty when it gets nothing."""
    if not wants_sidecar(pod, world.namespace_labels(namespace)):
        return []
    names = [container["name"] for container in pod["spec"]["containers"]]
    if is_gateway_pod(pod) and CONTAINER in names:
        index = names.index(CONTAINER)
        told = {"readinessProbe": _READINESS, **pod["spec"]["containers"][index], "image": IMAGE, "env": _ENVIRONMENT}
        return [_mark(pod), {"op": "replace", "path": f"/spec/containers/{index}", "value": told}]
    if CONTAINER in names:
        return []
    return [_mark(pod), {"op": "add", "path": "/spec/containers/-", "value": sidecar()}]


def sidecar() -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": IMAGE,
        "env": _ENVIRONMENT,
        "readinessProbe": _READINESS,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}},
    }


def registration(url: str, authority: bytes) -> dict[str, Any]:
    """The MutatingWebhookConfiguration."""
    webhook = {
        "name": "namespace.sidecar-injector.istio.io",
        "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()},
        "namespaceSelector": {"matchExpressions": [{"key": LABEL, "operator": "In", "values": ["enabled"]}]},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 10,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": WEBHOOK},
        "webhooks": [webhook],
    }


def _mark(pod: Obj) -> dict[str, Any]:
    """Says that the pod's proxy is the control plane's to configure."""
    if annotations_of(pod):
        return {"op": "add", "path": f"/metadata/annotations/{PROXIED.replace('/', '~1')}", "value": "true"}
    return {"op": "add", "path": "/metadata/annotations", "value": {PROXIED: "true"}}
