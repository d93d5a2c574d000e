"""What every function has in common: runtime, environment, role, logs, tracing."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from canario.workshop.access import functions, group_of
from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.cluster_reach import Cluster
from stacks.constructs.permissions import join_network
from stacks.constructs.retention import RETENTION
from stacks.settings import Settings

_RUNTIMES = {
    "3.11": lambda_.Runtime.PYTHON_3_11,
    "3.12": lambda_.Runtime.PYTHON_3_12,
    "3.13": lambda_.Runtime.PYTHON_3_13,
    "3.14": lambda_.Runtime.PYTHON_3_14,
}
_SERVICES = "arn:<AWS::Partition>:servicediscovery:<AWS::Region>:<AWS::AccountId>:service/*"
_ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


@dataclass(frozen=True, kw_only=True)
class FunctionDefaults:
    """What the functions of one stack share."""

    settings: Settings
    cluster: Cluster
    code: lambda_.Code
    environment: Mapping[str, str]


class PythonFunction(Construct):
    """One function with a role and a log group of its own.

    The role may write to that log group and send trace segments, and whatever `statements` add; nothing else. In the
    cluster it is in the Kubernetes group of its own (canario/workshop/access.py), if it has anything to do there.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        handler: str,
        description: str,
        defaults: FunctionDefaults,
        timeout_seconds: int = 30,
        memory_mb: int = 512,
        environment: Mapping[str, str] | None = None,
        statements: tuple[iam.PolicyStatement, ...] = (),
    ) -> None:
        super().__init__(scope, id)
        self.settings = settings = defaults.settings
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=RETENTION[settings.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description
        )
        log_group.grant_write(self.role)
        for statement in statements:
            self.role.add_to_principal_policy(statement)
        for statement in join_network() if defaults.cluster.subnet_ids else ():
            self.role.add_to_principal_policy(statement)
        acknowledge(
            self,
            "IAM5[Resource::*]",
            "X-Ray's actions, CloudWatch's GetMetricData and a VPC's network interfaces know no resources",
        )
        acknowledge(self, f"IAM5[Resource::{_SERVICES}]", "Cloud Map gives the services of workshops their ids")
        self.function = lambda_.Function(
            self,
            "Function",
            handler=handler,
            description=description,
            runtime=_RUNTIMES[settings.python_version],
            architecture=_ARCHITECTURES[settings.architecture],
            code=defaults.code,
            role=self.role,
            log_group=log_group,
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_seconds),
            tracing=lambda_.Tracing.ACTIVE,
            environment={
                "POWERTOOLS_SERVICE_NAME": "canario",
                "POWERTOOLS_METRICS_NAMESPACE": "Canario/Functions",
                "POWERTOOLS_LOG_LEVEL": "INFO",
                **defaults.environment,
                **settings.function_environment,
                **(environment or {}),
            },
        )
        self._join(defaults.cluster)
        self._enter(defaults.cluster, function_key(handler, environment or {}))

    def _join(self, cluster: Cluster) -> None:
        """Run in the cluster's network. The L2's own way would give the role a managed policy."""
        if cluster.subnet_ids:
            resource = self.function.node.default_child
            assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101 - made above
            resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=list(cluster.subnet_ids), security_group_ids=list(cluster.security_group_ids)
            )

    def _enter(self, cluster: Cluster, key: str) -> None:
        if cluster.grants_access and key in functions(self.settings.dialects):
            eks.CfnAccessEntry(
                self,
                "Access",
                cluster_name=cluster.name,
                principal_arn=self.role.role_arn,
                kubernetes_groups=[group_of(key)],
            )


def function_key(handler: str, environment: Mapping[str, str]) -> str:
    """The function's name in canario/workshop/access.py: its module, or `stage_<id>`."""
    stage = environment.get("CANARIO_STAGE")
    return f"stage_{stage}" if stage else handler.split(".")[1]
