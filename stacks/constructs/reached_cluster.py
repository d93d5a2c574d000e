"""A cluster that exists, reached to put things into it: by a function of the CDK's that becomes its administrator.

The function is called by CloudFormation alone, runs where the settings say that the cluster is reached from, and has an
access entry, which whoever deploys may make (`eks:CreateAccessEntry`, `eks:AssociateAccessPolicy`).
"""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk.lambda_layer_kubectl_v36 import KubectlV36Layer
from constructs import Construct

from stacks.constructs.kubectl_provider import answer_for_kubectl
from stacks.settings import Settings


class ReachedCluster(Construct):
    """What is applied to `cluster` has to wait for `entry`."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        name = settings.cluster_name
        provider = self._provider(settings)
        answer_for_kubectl(provider, retention=settings.log_retention_days)
        self.entry = self._administrator(name, provider.role)
        self.cluster = eks.Cluster.from_cluster_attributes(
            self,
            "Cluster",
            cluster_name=name,
            kubectl_provider=provider,
            prune=False,  # by a label of the CDK's own, it could take what another stack has made
        )

    def _provider(self, settings: Settings) -> eks.KubectlProvider:
        """In the subnets of the functions where they have some; otherwise by the public endpoint."""
        inside = bool(settings.function_subnet_ids)
        where = eks.Cluster.from_cluster_attributes(
            self, "Where", cluster_name=settings.cluster_name, vpc=self._vpc(settings) if inside else None
        )
        return eks.KubectlProvider(
            self,
            "KubectlProvider",
            cluster=where,
            kubectl_layer=KubectlV36Layer(self, "Kubectl"),
            private_subnets=self._subnets(settings) if inside else None,
            security_groups=self._security_groups(settings) if inside else None,
        )

    def _administrator(self, cluster: str, role: iam.IRole) -> eks.CfnAccessEntry:
        policy = eks.CfnAccessEntry.AccessPolicyProperty(
            access_scope=eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
            policy_arn=f"arn:{Stack.of(self).partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        )
        return eks.CfnAccessEntry(
            self, "Entry", cluster_name=cluster, principal_arn=role.role_arn, access_policies=[policy]
        )

    def _vpc(self, settings: Settings) -> ec2.IVpc:
        return ec2.Vpc.from_vpc_attributes(self, "Vpc", vpc_id=settings.vpc_id, availability_zones=["unknown"])

    def _subnets(self, settings: Settings) -> list[ec2.ISubnet]:
        return [ec2.Subnet.from_subnet_id(self, id, id) for id in settings.function_subnet_ids]

    def _security_groups(self, settings: Settings) -> list[ec2.ISecurityGroup]:
        ids = settings.function_security_group_ids
        return [ec2.SecurityGroup.from_security_group_id(self, id, id, mutable=False) for id in ids]
