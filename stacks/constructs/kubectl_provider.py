"""The CDK's own functions that apply manifests and charts at deployment: their logs, and cdk-nag's questions.

They are the cluster's administrators, run in its VPC, and are called by CloudFormation alone.
"""

import json

from aws_cdk import CfnCondition, RemovalPolicy, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import IConstruct

from stacks.constructs.acknowledgements import acknowledge, acknowledge_versions
from stacks.constructs.retention import RETENTION

WHY = "The CDK's kubectl provider comes with it; it runs only while the stack is deployed"
_POLICY = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/"
_ASSETS = "arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*"
_PUBLIC = "AmazonElasticContainerRegistryPublicReadOnly"
RULES = (
    f"{_POLICY}service-role/AWSLambdaBasicExecutionRole]",
    f"{_POLICY}service-role/AWSLambdaVPCAccessExecutionRole]",
    f"{_POLICY}AmazonEC2ContainerRegistryReadOnly]",
    "IAM5[Action::s3:GetBucket*]",
    "IAM5[Action::s3:GetObject*]",
    "IAM5[Action::s3:List*]",
    f"IAM5[Resource::{_ASSETS}]",
    "L1",
)


def answer_for_kubectl(provider: IConstruct, *, retention: int) -> None:
    made = [each for each in provider.node.find_all() if isinstance(each, lambda_.Function)]
    for function in made:
        group = logs.LogGroup(function, "Logs", retention=RETENTION[retention], removal_policy=RemovalPolicy.DESTROY)
        resource = function.node.default_child
        assert isinstance(resource, lambda_.CfnFunction)  # noqa: S101 - a Function's own
        resource.logging_config = lambda_.CfnFunction.LoggingConfigProperty(log_group=group.log_group_name)
    for rule in (*RULES, f"IAM4[Policy::{_public_registry(provider)}]"):
        acknowledge(provider, rule, WHY)
    acknowledge_versions(provider, made)


def _public_registry(provider: IConstruct) -> str:
    """The policy as cdk-nag writes it: one that some partitions have not, behind a condition of the template."""
    (condition,) = (each for each in provider.node.find_all() if isinstance(each, CfnCondition))
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::aws:policy/{_PUBLIC}"]]}
    written = {"Fn::If": [Stack.of(provider).resolve(condition.logical_id), arn, {"Ref": "AWS::NoValue"}]}
    return json.dumps(written, separators=(",", ":"))
