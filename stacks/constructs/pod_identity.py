"""A Kubernetes service account whose pods have a role of their own, by EKS Pod Identity."""

from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from constructs import Construct


class PodIdentity(Construct):
    """`role` allows what `statements` say. The agent's add-on comes with the first one of a cluster."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        cluster: eks.Cluster,
        namespace: str,
        name: str,
        statements: tuple[iam.PolicyStatement, ...],
    ) -> None:
        super().__init__(scope, id)
        account = eks.ServiceAccount(
            self,
            "Account",
            cluster=cluster,
            namespace=namespace,
            name=name,
            identity_type=eks.IdentityType.POD_IDENTITY,
        )
        self.role = account.role
        for statement in statements:
            account.role.add_to_principal_policy(statement)
