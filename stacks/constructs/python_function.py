"""What every function has in common: runtime, environment, role, logs, tracing."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.acknowledgements import acknowledge
from stacks.settings import LOG_RETENTION_DAYS, Settings

_RUNTIMES = {
    "3.11": lambda_.Runtime.PYTHON_3_11,
    "3.12": lambda_.Runtime.PYTHON_3_12,
    "3.13": lambda_.Runtime.PYTHON_3_13,
    "3.14": lambda_.Runtime.PYTHON_3_14,
}
# Both in the order of time; the enumeration ends with INFINITE, which no setting names.
_RETENTION = dict(zip(LOG_RETENTION_DAYS, logs.RetentionDays, strict=False))
_SERVICES = "arn:<AWS::Partition>:servicediscovery:<AWS::Region>:<AWS::AccountId>:service/*"
_ARCHITECTURES = {"arm64": lambda_.Architecture.ARM_64, "x86_64": lambda_.Architecture.X86_64}


@dataclass(frozen=True, kw_only=True)
class FunctionDefaults:
    """What the functions of one stack share."""

    settings: Settings
    code: lambda_.Code
    environment: Mapping[str, str]


class PythonFunction(Construct):
    """One function with a role and a log group of its own.

    The role may write to that log group and send trace segments, and whatever `statements` add; nothing else.
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
        settings = defaults.settings
        log_group = logs.LogGroup(
            self,
            "Logs",
            retention=_RETENTION[settings.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(
            self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"), description=description
        )
        log_group.grant_write(self.role)
        for statement in statements:
            self.role.add_to_principal_policy(statement)
        acknowledge(self, "IAM5[Resource::*]", "X-Ray's actions and CloudWatch's GetMetricData know no resources")
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
