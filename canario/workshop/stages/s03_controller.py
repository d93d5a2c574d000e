"""`controller` — the document's "Instalação para K8s": the mesh's control plane and its CRDs.

The App Mesh controller belongs to the cluster, not to a workshop: the first workshop installs it, the last one out
takes it away (`clean`). In the dialect `gateway` the control plane is Istio's; it comes with the cluster (the stacks'
charts on AWS, the lab itself in the lab), so the stage makes nothing, and finds it.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from canario.workshop import pods
from canario.workshop.conditions import is_true
from canario.workshop.dialects import APP_MESH, GATEWAY_API
from canario.workshop.dialects.appmesh import INJECTOR_LABEL
from canario.workshop.dialects.gateway import INJECTION
from canario.workshop.kinds import (
    CLUSTER_ROLE,
    CLUSTER_ROLE_BINDING,
    CRD,
    DEPLOYMENT,
    GATEWAY_CLASS,
    GATEWAY_KINDS,
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
ISTIO_SYSTEM, ISTIOD = "istio-system", "istiod"
ISTIO_CRDS = tuple(f"{kind.plural}.{kind.api_version.partition('/')[0]}" for kind in (GATEWAY_CLASS, *GATEWAY_KINDS))
CLASS = "istio"  # the GatewayClass
HEALTH_PORT = 61779
ISTIO_ADVICE = "deploy the stacks again, whose charts bring Istio; in the lab: make lab MESH=gateway"
_LABELS = {"app.kubernetes.io/name": CONTROLLER, "app.kubernetes.io/managed-by": "canario"}


def solve(request: Request, ports: Ports) -> Mapping[str, Any]:
    if request.mesh != APP_MESH.id:
        return {}
    for manifest in (*crds(), *_controller(flags(ports.kubernetes.get(DEPLOYMENT, CONTROLLER, SYSTEM)))):
        ports.kubernetes.apply(manifest)
    return {}


def clean(request: Request, ports: Ports) -> None:
    """Take the controller away, unless another workshop still uses it."""
    if request.mesh != APP_MESH.id or others(request, ports):
        return
    kubernetes = ports.kubernetes
    kubernetes.delete(NAMESPACE, SYSTEM)
    kubernetes.delete(CLUSTER_ROLE_BINDING, CONTROLLER)
    kubernetes.delete(CLUSTER_ROLE, CONTROLLER)
    for webhook in _webhooks(INJECTOR_LABEL, ports):
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
    name, system = (CONTROLLER, SYSTEM) if request.mesh == APP_MESH.id else (ISTIOD, ISTIO_SYSTEM)
    manifest = ports.kubernetes.get(DEPLOYMENT, name, system)
    count = (manifest or {}).get("status", {}).get("availableReplicas", 0)
    if not pods.available(manifest):
        advice = "" if request.mesh == APP_MESH.id else f". What to do: {ISTIO_ADVICE}"
        return failed(f"deployment {system}/{name} is not available{advice}", available=count)
    return passed(f"{name} is running", available=count)


def crds_served(request: Request, ports: Ports) -> Finding:
    ours = (manifest["metadata"]["name"] for manifest in crds())
    wanted = set(ours if request.mesh == APP_MESH.id else ISTIO_CRDS)
    served = {crd["metadata"]["name"] for crd in ports.kubernetes.list(CRD) if is_true(crd, "Established")}
    missing = sorted(wanted - served)
    if missing:
        return failed(f"not served yet: {', '.join(missing)}", missing=missing)
    return passed(f"{len(wanted)} custom resource definitions are served", served=sorted(wanted))


def injector(request: Request, ports: Ports) -> Finding:
    label = INJECTOR_LABEL if request.mesh == APP_MESH.id else INJECTION
    found = [webhook["metadata"]["name"] for webhook in _webhooks(label, ports)]
    if not found:
        return failed(f"no mutating webhook selects namespaces by the label {label}")
    return passed(f"the sidecar injector {found[0]} is registered", webhooks=found)


def gateway_class(request: Request, ports: Ports) -> Finding:
    """Istio has taken the class that the workshop's gateway is of."""
    found = ports.kubernetes.get(GATEWAY_CLASS, CLASS)
    if not is_true(found or {}, "Accepted"):
        return failed(f"GatewayClass {CLASS} is {'not accepted' if found else 'not there'}. What to do: {ISTIO_ADVICE}")
    return passed(f"GatewayClass {CLASS} is accepted", controller=str((found or {})["spec"]["controllerName"]))


def _webhooks(label: str, ports: Ports) -> list[Manifest]:
    return [each for each in ports.kubernetes.list(MUTATING_WEBHOOK) if label in json.dumps(each)]


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
        Check("GatewayClass accepted", gateway_class, only=GATEWAY_API.id),
    ),
    solve=solve,
    clean=clean,
)
