"""The cluster that the functions talk to: one of our own, or one that exists and that the settings name.

Of our own: a VPC, EKS with a private endpoint, the document's node group, access for the functions by Kubernetes
groups, and the charts that a mesh needs. One that exists has its own network and charts, and gets the rest where the
settings say so; docs/aws.md says what it owes.
"""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.constructs.charts import Charts
from stacks.constructs.cluster_contents import ClusterContents
from stacks.constructs.cluster_reach import Cluster
from stacks.constructs.kubernetes_cluster import KubernetesCluster
from stacks.constructs.network import Network
from stacks.constructs.reached_cluster import ReachedCluster
from stacks.settings import Settings


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
        contents = ClusterContents(
            self, "Contents", cluster=made.cluster, dialects=settings.dialects, api_servers=network.api_servers
        )
        charts = Charts(self, "Charts", settings=settings, made=made, vpc=network.vpc, traces=contents.traces)
        contents.show.node.add_dependency(charts)
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


class ContentsStack(Stack):
    """What Canario needs inside the cluster that the settings name, applied by a function of this stack."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, **kwargs: object) -> None:
        super().__init__(scope, id, description="Canario: what it needs in the cluster that exists", **kwargs)
        reached = ReachedCluster(self, "Reached", settings=settings)
        contents = ClusterContents(
            self,
            "Contents",
            cluster=reached.cluster,
            dialects=settings.dialects,
            api_servers=settings.api_server_cidrs,
        )
        contents.node.add_dependency(reached.entry)
