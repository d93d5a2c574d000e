"""The workshop's way in, as the document has it: the gateway `ingress-gw`, its load balancer, its route to nodejs."""

from canario.mesh.gateways import Gateway, GatewayRoute
from canario.mesh.listeners import Port
from canario.mesh.matches import Match
from canario.mesh.model import Mesh, Ref, Selector
from canario.workshop.mesh import BASELINE
from canario.workshop.names import AWS_TAG, GATEWAY, Names
from canario.workshop.ports import Manifest

ROUTE = "gateway-route-eks"
LABEL = ("gateway", GATEWAY)  # the namespace's, by which the gateway selects its routes
REPLICAS = 2
PORT = 8088
PUBLIC_PORT = 80
PREFIX = "/eks/"
IMAGE = "840364872350.dkr.ecr.us-west-1.amazonaws.com/aws-appmesh-envoy:v1.29.12.1-prod"

_BALANCER = "service.beta.kubernetes.io/aws-load-balancer-"
_PODS = {"app": GATEWAY}


def way_in(names: Names) -> Mesh:
    """The gateway and its route, in a mesh of nothing else."""
    ref, route = Ref(names.namespace, GATEWAY), Ref(names.namespace, ROUTE)
    gateway = Gateway(
        ref,
        known_as=f"{ref.name}_{ref.namespace}",
        selector=Selector(tuple(_PODS.items())),
        ports=(Port(PORT),),
        namespaces=Selector((LABEL,)),
    )
    to_nodejs = GatewayRoute(
        route,
        known_as=f"{route.name}_{route.namespace}",
        service=Ref(names.namespace, BASELINE),
        match=Match(PREFIX),
    )
    return Mesh(names.mesh, names.mesh, gateways=(gateway,), gateway_routes=(to_nodejs,))


def balancer_manifest(names: Names) -> Manifest:
    """An internal NLB in front of the gateway's pods."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": GATEWAY,
            "namespace": names.namespace,
            "labels": names.labels,
            "annotations": {
                f"{_BALANCER}type": "external",
                f"{_BALANCER}nlb-target-type": "ip",
                f"{_BALANCER}scheme": "internal",
                f"{_BALANCER}additional-resource-tags": f"{AWS_TAG}={names.workshop}",
            },
        },
        "spec": {
            "type": "LoadBalancer",
            "selector": _PODS,
            "ports": [{"name": "http", "port": PUBLIC_PORT, "targetPort": PORT, "protocol": "TCP"}],
        },
    }


def deployment_manifest(names: Names) -> Manifest:
    """Envoys without an application. The controller tells them whose they are when their pods are created."""
    container = {
        "name": "envoy",
        "image": IMAGE,
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": GATEWAY, "namespace": names.namespace, "labels": {**_PODS, **names.labels}},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": _PODS},
            "template": {
                "metadata": {"labels": {**_PODS, **names.labels}},
                "spec": {"containers": [container]},
            },
        },
    }
