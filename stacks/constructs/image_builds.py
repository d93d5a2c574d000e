"""Images built and pushed in the cloud: a CodeBuild project over the source as an asset, started when that changes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import custom_resources as custom
from constructs import Construct

from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.collector_image import CONTEXT, PREPARE, REPOSITORY, SOURCES
from stacks.constructs.retention import RETENTION

PROJECT = "canario-images"
X86_IMAGE, ARM_IMAGE = "aws/codebuild/amazonlinux-x86_64-standard:5.0", "aws/codebuild/amazonlinux-aarch64-standard:3.0"
BASE = "public.ecr.aws/docker/library/python:3.13-slim"  # Docker Hub would count the pulls of all of CodeBuild
BASIC = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]"
WHY = "The CDK's own function that starts the build; it runs only while the stack is deployed"
# Repository → the program's settings (apps/demo/Dockerfile).
BUILDS = {
    "canario/frontend": ("frontend", "v1"),
    "canario/nodejs": ("nodejs", "v1"),
    "canario/nodejs-v2": ("nodejs", "v2"),
    "canario/crystal": ("crystal", "v1"),
}
PUSH = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)


class ImageBuilds(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source: Path,
        repositories: Sequence[ecr.IRepository],
        tag: str,
        collector_tag: str,
        node_type: str,
        log_retention: int,
    ) -> None:
        super().__init__(scope, id)
        asset = _asset(self, "Source", source)
        beside = {name: _asset(self, name.capitalize(), folder) for name, folder in SOURCES.items()}
        group = logs.LogGroup(self, "Logs", retention=RETENTION[log_retention], removal_policy=RemovalPolicy.DESTROY)
        stack = Stack.of(self)
        role = self._role([asset, *beside.values()], repositories, group)
        project = codebuild.CfnProject(
            self,
            "Project",
            name=PROJECT,
            description="Canario: the images",
            service_role=role.role_arn,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            source=codebuild.CfnProject.SourceProperty(type="S3", location=_location(asset), build_spec=buildspec()),
            secondary_sources=[
                codebuild.CfnProject.SourceProperty(type="S3", location=_location(each), source_identifier=name)
                for name, each in beside.items()
            ],
            environment=_environment(
                node_type,
                {
                    "TAG": tag,
                    "COLLECTOR_TAG": collector_tag,
                    "REGISTRY": f"{stack.account}.dkr.ecr.{stack.region}.{stack.url_suffix}",
                },
            ),
            encryption_key=f"arn:{stack.partition}:kms:{stack.region}:{stack.account}:alias/aws/s3",
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=group.log_group_name
                )
            ),
            timeout_in_minutes=20,
        )
        acknowledge(project, "CB3", "docker build needs it, and builds nothing but this project's own programs")
        self._start(project, f"{tag}-{collector_tag}", log_retention)

    def _role(
        self, assets: Sequence[s3_assets.Asset], repositories: Sequence[ecr.IRepository], group: logs.ILogGroup
    ) -> iam.Role:
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
            description="Canario: building images",
            inline_policies={
                "Build": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=["s3:GetObject", "s3:GetObjectVersion"],
                            resources=[each.bucket.arn_for_objects(each.s3_object_key) for each in assets],
                        ),
                        iam.PolicyStatement(
                            actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[group.log_group_arn]
                        ),
                        iam.PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
                        iam.PolicyStatement(
                            actions=list(PUSH), resources=[each.repository_arn for each in repositories]
                        ),
                    ]
                )
            },
        )
        acknowledge(role, "IAM5[Resource::*]", "The registry's token knows no resource")
        return role

    def _start(self, project: codebuild.CfnProject, tag: str, log_retention: int) -> None:
        """A build for each new tag. The deployment does not wait for it: the stage `preflight` does."""
        group = logs.LogGroup(
            self, "StartLogs", retention=RETENTION[log_retention], removal_policy=RemovalPolicy.DESTROY
        )
        call = custom.AwsSdkCall(
            service="CodeBuild",
            action="startBuild",
            parameters={"projectName": project.ref},
            physical_resource_id=custom.PhysicalResourceId.of(tag),
            output_paths=["build.id"],
        )
        statement = iam.PolicyStatement(actions=["codebuild:StartBuild"], resources=[project.attr_arn])
        custom.AwsCustomResource(
            self,
            "Start",
            on_update=call,  # and, as there is no other, on creation
            policy=custom.AwsCustomResourcePolicy.from_statements([statement]),
            install_latest_aws_sdk=False,
            log_group=group,
            timeout=Duration.minutes(1),
        )
        uuid = custom.AwsCustomResource.PROVIDER_FUNCTION_UUID
        singleton = Stack.of(self).node.find_child(f"AWS{uuid.replace('-', '')}")
        acknowledge(singleton, BASIC, WHY)
        acknowledge(singleton, "L1", WHY)


def _asset(scope: Construct, id: str, folder: Path) -> s3_assets.Asset:
    return s3_assets.Asset(scope, id, path=str(folder), exclude=["__pycache__", "*.pyc"])


def _location(asset: s3_assets.Asset) -> str:
    return f"{asset.s3_bucket_name}/{asset.s3_object_key}"


def _environment(node_type: str, variables: Mapping[str, str]) -> codebuild.CfnProject.EnvironmentProperty:
    """A machine of the nodes' own architecture: what it builds runs there."""
    arm = ec2.InstanceType(node_type).architecture == ec2.InstanceArchitecture.ARM_64
    return codebuild.CfnProject.EnvironmentProperty(
        type="ARM_CONTAINER" if arm else "LINUX_CONTAINER",
        image=ARM_IMAGE if arm else X86_IMAGE,
        compute_type="BUILD_GENERAL1_SMALL",
        privileged_mode=True,  # docker build
        environment_variables=[
            codebuild.CfnProject.EnvironmentVariableProperty(name=name, value=value)
            for name, value in variables.items()
        ],
    )


def buildspec() -> str:
    """An image that is there already is not built again: its tag could not be pushed."""
    login = "aws ecr get-login-password | docker login --username AWS --password-stdin $REGISTRY"
    content = {
        "version": "0.2",
        "phases": {
            "pre_build": {"commands": [login]},
            "build": {"commands": [*(_build(repository, *what) for repository, what in BUILDS.items()), _collector()]},
        },
    }
    return json.dumps(content, indent=1)


def _build(repository: str, service: str, version: str) -> str:
    return _unless_there(repository, "$TAG", {"BASE": BASE, "SERVICE": service, "VERSION": version}, ".")


def _collector() -> str:
    return f"{PREPARE} && {_unless_there(REPOSITORY, '$COLLECTOR_TAG', {'BASE': BASE}, CONTEXT)}"


def _unless_there(repository: str, tag: str, arguments: Mapping[str, str], context: str) -> str:
    image = f"$REGISTRY/{repository}:{tag}"
    given = " ".join(f"--build-arg {name}={value}" for name, value in arguments.items())
    return (
        f"if aws ecr describe-images --repository-name {repository} --image-ids imageTag={tag} > /dev/null 2>&1; "
        f"then echo {image} is there; else docker build {given} --tag {image} {context} && docker push {image}; fi"
    )
