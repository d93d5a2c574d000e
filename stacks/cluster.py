"""The cluster that the functions talk to: one of our own, or one that exists and that the settings name.

Of our own: a VPC, EKS with a private endpoint, the document's node group, access for the functions by Kubernetes
groups, and the charts that a mesh needs. One that exists has its own network and charts; docs/aws.md says what it owes.
"""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.constructs.charts import Charts
from stacks.constructs.cluster_reach import Cluster
from stacks.constructs.kubernetes_cluster import KubernetesCluster
from stacks.constructs.kubernetes_roles import kubernetes_roles
from stacks.constructs.metrics_collector import MetricsCollector
from stacks.constructs.network import Network
from stacks.constructs.tracing_collector import TracingCollector
from stacks.settings import Settings

SYSTEM_NAMESPACE = "canario-system"


def existing_cluster(settings: Settings) -> Cluster:
    """The cluster that the settings name."""
    return Cluster(
        name=settings.cluster_name,
        endpoint=settings.cluster_endpoint,
        ca=settings.cluster_ca,
        grants_access=settings.cluster_access,
        subnet_ids=settings.function_subnet_ids,
        security_group_ids=settings.function_security_group_ids,
    )


class ClusterStack(Stack):
    """Everything that a cluster of our own is made of. `cluster` is what the other stacks need of it."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, **kwargs: object) -> None:
        super().__init__(scope, id, description="Canario: the cluster", **kwargs)
        network = Network(self, "Network", settings=settings)
        made = KubernetesCluster(self, "Kubernetes", settings=settings, network=network)
        namespace = made.cluster.add_manifest(
            "Namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SYSTEM_NAMESPACE}}
        )
        roles = made.cluster.add_manifest("Roles", *kubernetes_roles(settings.dialects))
        roles.node.add_dependency(namespace)
        traces = TracingCollector(self, "Traces", cluster=made.cluster, namespace=SYSTEM_NAMESPACE)
        traces.node.add_dependency(namespace)
        metrics = MetricsCollector(self, "Metrics", cluster=made.cluster, namespace=SYSTEM_NAMESPACE)
        metrics.node.add_dependency(namespace)
        Charts(self, "Charts", settings=settings, made=made, vpc=network.vpc, traces=traces.address)
        self.cluster = Cluster(
            name=made.cluster.cluster_name,
            endpoint=made.cluster.cluster_endpoint,
            ca=made.cluster.cluster_certificate_authority_data,
            grants_access=True,
            subnet_ids=tuple(subnet.subnet_id for subnet in network.vpc.private_subnets),
            security_group_ids=(network.functions.security_group_id,),
            vpc=network.vpc,
        )
        CfnOutput(self, "ClusterName", value=made.cluster.cluster_name)
