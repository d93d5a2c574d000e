"""The workshop's application as Kubernetes objects: frontend → nodejs and crystal, and the second nodejs."""

from typing import Any

from canario.workshop.names import AWS_TAG, SERVICE_PORT, Names, deployment, load_balancer
from canario.workshop.ports import Images, Manifest

TAG = "latest"
REPOSITORIES = {
    "frontend": "canario/frontend",
    "nodejs": "canario/nodejs",
    "crystal": "canario/crystal",
    "nodejsv2": "canario/nodejs-v2",
}
REPLICAS = {"frontend": 2, "nodejs": 3, "crystal": 2, "nodejsv2": 3}
SCALED = {**REPLICAS, "nodejs": 4}  # once pods are found by Cloud Map
UPSTREAMS = ("nodejs", "crystal")  # what the frontend calls
HEALTH_PORT = 3001  # no listener of the mesh: the kubelet, which has no certificate, asks the application itself
PUBLIC_PORT = 80  # the frontend's load balancer

_BALANCER = "service.beta.kubernetes.io/aws-load-balancer-"


def url(names: Names, service: str) -> str:
    """Where a client in the VPC finds the service."""
    port = "" if service == "frontend" else f":{SERVICE_PORT}"
    return f"http://{names.host(service)}{port}/"


def namespace_manifest(names: Names) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": names.namespace, "labels": names.labels},
    }


def deployment_manifest(names: Names, service: str, images: Images) -> Manifest:
    """The service's Deployment. Readiness is asked of the service itself, so that a rollout waits for it."""
    name = deployment(service)
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(names, name, labels),
        "spec": {
            "replicas": REPLICAS[service],
            "selector": {"matchLabels": labels},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
            "template": {
                "metadata": {"labels": {**labels, **names.labels}},
                "spec": {
                    "containers": [
                        {
                            "name": name,
                            "image": images.reference(REPOSITORIES[service], TAG),
                            "imagePullPolicy": "Always",
                            "ports": [
                                {"containerPort": SERVICE_PORT, "protocol": "TCP"},
                                {"containerPort": HEALTH_PORT, "name": "health", "protocol": "TCP"},
                            ],
                            "env": _environment(names, service),
                            "readinessProbe": {
                                "httpGet": {"path": "/health", "port": HEALTH_PORT},
                                "periodSeconds": 1,
                            },
                            "resources": {
                                "requests": {"cpu": "50m", "memory": "64Mi"},
                                "limits": {"memory": "256Mi"},
                            },
                        }
                    ]
                },
            },
        },
    }


def load_balancer_manifest(names: Names, service: str) -> Manifest:
    """The load balancer in front of the service: of the VPC only, but for the frontend's."""
    public = service == "frontend"
    metadata = _metadata(names, load_balancer(service), {"app": deployment(service)})
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            **metadata,
            "annotations": {
                f"{_BALANCER}type": "external",
                f"{_BALANCER}nlb-target-type": "ip",
                f"{_BALANCER}scheme": "internet-facing" if public else "internal",
                f"{_BALANCER}additional-resource-tags": f"{AWS_TAG}={names.workshop}",
            },
        },
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": deployment(service)},
            "ports": [
                {
                    "name": "http",
                    "port": PUBLIC_PORT if public else SERVICE_PORT,
                    "targetPort": SERVICE_PORT,
                    "protocol": "TCP",
                }
            ],
        },
    }


def hostname(service: Manifest | None) -> str | None:
    """The load balancer's name once the cloud has given one."""
    ingress = (service or {}).get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    name = ingress[0].get("hostname")
    return str(name) if name else None


def _environment(names: Names, service: str) -> list[dict[str, Any]]:
    health = {"name": "HEALTH_PORT", "value": str(HEALTH_PORT)}
    if service != "frontend":
        return [health]
    upstreams = ",".join(f"{name}={url(names, name)}" for name in UPSTREAMS)
    return [health, {"name": "UPSTREAMS", "value": upstreams}]


def _metadata(names: Names, name: str, labels: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "namespace": names.namespace, "labels": {**labels, **names.labels}}
