"""Traces on AWS: an OpenTelemetry collector in the cluster takes what Istio's proxies send, and gives it to X-Ray."""

import json
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.pod_identity import PodIdentity

NAME, PORT, HEALTH_PORT = "canario-traces", 4317, 13133
IMAGE = "public.ecr.aws/aws-observability/aws-otel-collector:v0.48.0"
REPLICAS = 2


class TracingCollector(Construct):
    """`address` is what Istio's tracing provider names: service and port."""

    def __init__(self, scope: Construct, id: str, *, cluster: eks.ICluster, namespace: str) -> None:
        super().__init__(scope, id)
        identity = PodIdentity(
            self,
            "Identity",
            cluster=cluster,
            namespace=namespace,
            name=NAME,
            statements=(iam.PolicyStatement(actions=["xray:PutTraceSegments"], resources=["*"], sid="SendTraces"),),
        )
        acknowledge(identity, "IAM5[Resource::*]", "X-Ray's actions know no resources")
        made = manifests(namespace, Stack.of(self).region)
        objects = eks.KubernetesManifest(self, "Objects", cluster=cluster, manifest=made, overwrite=True)
        objects.node.add_dependency(identity)
        self.address = (f"{NAME}.{namespace}.svc.cluster.local", PORT)


def configuration(region: str) -> dict[str, Any]:
    """The collector's own configuration: OTLP in, X-Ray out."""
    return {
        "extensions": {"health_check": {"endpoint": f"0.0.0.0:{HEALTH_PORT}"}},
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{PORT}"}}}},
        "processors": {
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 75, "spike_limit_percentage": 20},
            "batch": {"timeout": "1s", "send_batch_size": 50},
        },
        "exporters": {"awsxray": {"region": region}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["awsxray"],
                }
            },
        },
    }


def manifests(namespace: str, region: str) -> list[dict[str, Any]]:
    """Deployment and Service; the collector reads its configuration from its environment."""
    labels = {"app": NAME}
    metadata = {"name": NAME, "namespace": namespace, "labels": labels}
    container = {
        "name": "collector",
        "image": IMAGE,
        "command": ["/awscollector", "--config=env:CONFIGURATION"],
        "env": [{"name": "CONFIGURATION", "value": json.dumps(configuration(region))}],
        "ports": [{"name": "otlp", "containerPort": PORT}],
        "readinessProbe": {"httpGet": {"path": "/", "port": HEALTH_PORT}},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"serviceAccountName": NAME, "containers": [container]},
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": labels, "ports": [{"name": "grpc-otlp", "port": PORT, "targetPort": "otlp"}]},
    }
    return [deployment, service]
