"""`controller` — the document's "Instalação para K8s": the App Mesh controller and its CRDs.

The controller belongs to the cluster, not to a workshop: the first workshop installs it, the last one out takes it
away (`clean`).
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from canario.workshop import pods
from canario.workshop.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CRD,
    DEPLOYMENT,
    MUTATING_WEBHOOK,
    NAMESPACE,
)
from canario.workshop.names import LABEL
from canario.workshop.ports import Manifest, Ports
from canario.workshop.request import Request
from canario.workshop.stage import Check, Finding, Stage, failed, passed

SYSTEM = "appmesh-system"
CONTROLLER = "appmesh-controller"
IMAGE = "602401143452.dkr.ecr.us-west-1.amazonaws.com/amazon/appmesh-controller:v1.13.1"
INJECTOR_LABEL = "appmesh.k8s.aws/sidecarInjectorWebhook"
HEALTH_PORT = 61779
_LABELS = {"app.kubernetes.io/name": CONTROLLER, "app.kubernetes.io/managed-by": "canario"}


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    for manifest in (*crds(), *_controller(flags(ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM)))):
        ports.kubernetes.apply(manifest)
    return {}


def clean(request: Request, ports: Ports) -> None:
    """Take the controller away, unless another workshop still uses it."""
    if others(request, ports):
        return
    kubernetes = ports.kubernetes
    kubernetes.delete(NAMESPACE, SYSTEM)
    kubernetes.delete(CLUSTER_ROLE_BINDING, CONTROLLER)
    kubernetes.delete(CLUSTER_ROLE, CONTROLLER)
    for webhook in _webhooks(ports):
        kubernetes.delete(MUTATING_WEBHOOK, webhook["metadata"]["name"])
    for manifest in crds():
        kubernetes.delete(CRD, manifest["metadata"]["name"])


def flags(controller: Manifest | None) -> list[str]:
    """What the controller was told, by a stage or by a person: installing it again does not take it back."""
    if controller is None:
        return []
    return list(controller["spec"]["template"]["spec"]["containers"][0].get("args") or [])


def others(request: Request, ports: Ports) -> list[str]:
    """The other workshops on this cluster."""
    found = {namespace["metadata"].get("labels", {}).get(LABEL) for namespace in ports.kubernetes.list(NAMESPACE)}
    return sorted(str(workshop) for workshop in found if workshop not in (None, request.workshop))


def crds() -> list[Manifest]:
    """App Mesh's custom resource definitions, as its controller's project publishes them."""
    text = files("canario.workshop").joinpath("manifests/appmesh-crds.ndjson").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def running(request: Request, ports: Ports) -> Finding:
    manifest = ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM)
    count = (manifest or {}).get("status", {}).get("availableReplicas", 0)
    if not pods.available(manifest):
        return failed(f"deployment {SYSTEM}/{CONTROLLER} is not available", available=count)
    return passed(f"{CONTROLLER} is running", available=count)


def crds_served(request: Request, ports: Ports) -> Finding:
    wanted = {manifest["metadata"]["name"] for manifest in crds()}
    served = {crd["metadata"]["name"] for crd in ports.kubernetes.list(CRD) if _is_established(crd)}
    missing = sorted(wanted - served)
    if missing:
        return failed(f"not served yet: {', '.join(missing)}", missing=missing)
    return passed(f"{len(wanted)} custom resource definitions are served", served=sorted(wanted))


def injector(request: Request, ports: Ports) -> Finding:
    found = [webhook["metadata"]["name"] for webhook in _webhooks(ports)]
    if not found:
        return failed(f"no mutating webhook selects namespaces by the label {INJECTOR_LABEL}")
    return passed(f"the sidecar injector {found[0]} is registered", webhooks=found)


def _webhooks(ports: Ports) -> list[Manifest]:
    return [each for each in ports.kubernetes.list(MUTATING_WEBHOOK) if INJECTOR_LABEL in json.dumps(each)]


def _is_established(crd: Manifest) -> bool:
    conditions = crd.get("status", {}).get("conditions", [])
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def _controller(arguments: list[str]) -> list[Manifest]:
    """Namespace, identity, rights and the controller itself."""
    subject = {"kind": "ServiceAccount", "name": CONTROLLER, "namespace": SYSTEM}
    rbac = "rbac.authorization.k8s.io"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM, "labels": _LABELS}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(SYSTEM)},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRole",
            "metadata": _metadata(None),
            "rules": [
                {
                    "apiGroups": ["appmesh.k8s.aws"],
                    "resources": ["*"],
                    "verbs": ["get", "list", "watch", "patch"],
                },
                {
                    "apiGroups": [""],
                    "resources": ["namespaces", "pods", "services", "endpoints"],
                    "verbs": ["get", "list", "watch"],
                },
                {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
                {
                    "apiGroups": ["admissionregistration.k8s.io"],
                    "resources": ["mutatingwebhookconfigurations"],
                    "verbs": ["get", "create", "patch"],
                },
            ],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": _metadata(None),
            "subjects": [subject],
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": CONTROLLER},
        },
        _deployment(arguments),
    ]


def _deployment(arguments: list[str]) -> Manifest:
    labels = {"app.kubernetes.io/name": CONTROLLER}
    health = {"httpGet": {"path": "/healthz", "port": HEALTH_PORT}, "periodSeconds": 1}
    container = {"name": "controller", "image": IMAGE, "readinessProbe": health}
    if arguments:
        container["args"] = arguments
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(SYSTEM),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": CONTROLLER, "containers": [container]},
            },
        },
    }


def _metadata(namespace: str | None) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"name": CONTROLLER, **place, "labels": _LABELS}


STAGE = Stage(
    id="controller",
    section="AWS App Mesh - Instalação para K8s",
    deadline_seconds=180,
    checks=(
        Check("controller running", running),
        Check("CRDs served", crds_served),
        Check("injector", injector),
    ),
    solve=solve,
    clean=clean,
)
