"""Rules of cdk-nag's AwsSolutions that are not followed, each with its reason, where the resource is made."""

from collections.abc import Iterable

from aws_cdk import Acknowledgment, CfnResource, Stack, Token, Validations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct, IConstruct

PACK = "AwsSolutions::AwsSolutions"


def acknowledge(scope: Construct, rule: str, reason: str) -> None:
    """`rule`: as cdk-nag writes it behind the pack's name, `IAM5[Resource::*]` for example.

    Of a stack whose region the settings name, the region and its partition are no references any more.
    """
    stack = Stack.of(scope)
    if "<AWS::Region>" in rule and not Token.is_unresolved(stack.region):
        rule = rule.replace("<AWS::Region>", stack.region).replace("<AWS::Partition>", stack.partition)
    Validations.of(scope).acknowledge(Acknowledgment(id=f"{PACK}-{rule}", reason=reason))


def acknowledge_versions(scope: Construct, functions: Iterable[lambda_.IFunction]) -> None:
    """A machine's role may invoke every version of the functions that it invokes."""
    for function in functions:
        acknowledge(
            scope,
            f"IAM5[Resource::<{_logical_id(function)}.Arn>:*]",
            "LambdaInvoke grants the function's versions and aliases together with the function",
        )


def acknowledge_executions(scope: Construct, machine: IConstruct, ending: str) -> None:
    """`ending`: what follows the machine's name in the pattern, `*` as the CDK writes it, `:*` as this app does."""
    name = f'{{"Fn::Select":[6,{{"Fn::Split":[":",{{"Ref":"{_logical_id(machine)}"}}]}}]}}'
    execution = f"arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:{name}{ending}"
    acknowledge(scope, f"IAM5[Resource::{execution}]", "An execution's ARN is known when it has been started")


def _logical_id(construct: IConstruct) -> str:
    resource = construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} is not made by this app")
    return str(Stack.of(construct).resolve(resource.logical_id))
