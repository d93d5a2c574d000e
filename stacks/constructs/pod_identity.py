"""A Kubernetes service account whose pods have a role of their own, by EKS Pod Identity.

The add-on `eks-pod-identity-agent` is the cluster's: eks.ServiceAccount would make another one where there is one.
"""

from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct

AGENT = "eks-pod-identity-agent"


class PodIdentity(Construct):
    """`role` allows what `statements` say, to that account's pods alone. What runs as the account depends on this.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: eks.ICluster,
        namespace: str,
        name: str,
        statements: tuple[iam.PolicyStatement, ...],
    ) -> None:
        super().__init__(scope, id)
        # By the tags that EKS puts on the session.
        tags = {"kubernetes-namespace": namespace, "kubernetes-service-account": name}
        only = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
        pods = iam.ServicePrincipal("pods.eks.amazonaws.com", conditions={"StringEquals": only})
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.SessionTagsPrincipal(pods),
            description=f"Canario: pods of {namespace}/{name}",
        )
        for statement in statements:
            self.role.add_to_principal_policy(statement)
        eks.CfnPodIdentityAssociation(
            self,
            "Association",
            cluster_name=cluster.cluster_name,
            namespace=namespace,
            service_account=name,
            role_arn=self.role.role_arn,
        )
        metadata = {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "canario"}}
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        eks.KubernetesManifest(self, "Account", cluster=cluster, manifest=[account], overwrite=True)
