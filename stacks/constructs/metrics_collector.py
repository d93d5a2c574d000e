"""Metrics on AWS: the collector in the cluster that puts what Istio's proxies have counted into CloudWatch."""

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from canario.telemetry.datapoints import NAMESPACE
from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.collector_image import REPOSITORY, collector_tag
from stacks.constructs.pod_identity import PodIdentity

NAME, HEALTH_PORT = "canario-metrics", 8080
LISTS = {"": ("namespaces", "pods"), "gateway.networking.k8s.io": ("httproutes",)}
RBAC = "rbac.authorization.k8s.io"

Manifest = dict[str, Any]


class MetricsCollector(Construct):
    def __init__(self, scope: Construct, id: str, *, cluster: eks.ICluster, namespace: str) -> None:
        super().__init__(scope, id)
        stack = Stack.of(self)
        only = iam.PolicyStatement(
            sid="PutTheCallersCounts",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
        )
        identity = PodIdentity(self, "Identity", cluster=cluster, namespace=namespace, name=NAME, statements=(only,))
        acknowledge(identity, "IAM5[Resource::*]", "PutMetricData knows no resources; a condition names the namespace")
        registry = f"{stack.account}.dkr.ecr.{stack.region}.{stack.url_suffix}"
        made = manifests(namespace, f"{registry}/{REPOSITORY}:{collector_tag()}", stack.region)
        objects = eks.KubernetesManifest(self, "Objects", cluster=cluster, manifest=made, overwrite=True)
        objects.node.add_dependency(identity)


def manifests(namespace: str, image: str, region: str) -> list[Manifest]:
    """Rights and one pod. A StatefulSet's: while one may still run, there is no second, which would count twice."""
    labels = {"app": NAME}
    pod = {
        "serviceAccountName": NAME,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(image, region)],
    }
    workload = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": NAME, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": 1,
            "serviceName": NAME,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    return [*_rights(namespace), workload]


def _rights(namespace: str) -> list[Manifest]:
    """Workshops' namespaces come and go, so it lists in all."""
    metadata = {"name": NAME, "labels": {"app": NAME}}
    rules = [
        {"apiGroups": [group], "resources": list(resources), "verbs": ["list"]} for group, resources in LISTS.items()
    ]
    return [
        {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules},
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": metadata,
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}],
        },
    ]


def _container(image: str, region: str) -> Manifest:
    health = {"httpGet": {"path": "/health", "port": "health"}}
    return {
        "name": "collector",
        "image": image,
        "env": [{"name": "AWS_DEFAULT_REGION", "value": region}, {"name": "HEALTH_PORT", "value": str(HEALTH_PORT)}],
        "ports": [{"name": "health", "containerPort": HEALTH_PORT}],
        "readinessProbe": health,
        "livenessProbe": {**health, "initialDelaySeconds": 30, "periodSeconds": 30},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
