"""What the load balancer controller may do: network load balancers of this cluster, and nothing of anybody else's.

Narrower than the policy that its project publishes: no application load balancers, no WAF, Shield, Cognito or ACM.
Every call that changes something is bound to the tag that the controller puts on what it makes.
Source of the calls: https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/installation/
"""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

TAG = "elbv2.k8s.aws/cluster"

DESCRIBE = (
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeInstances",
    "ec2:DescribeInternetGateways",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeTags",
    "ec2:DescribeVpcs",
    "ec2:GetSecurityGroupsForVpc",
    "elasticloadbalancing:DescribeListenerAttributes",
    "elasticloadbalancing:DescribeListenerCertificates",
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTags",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
CHANGE = (
    "DeleteLoadBalancer",
    "DeleteTargetGroup",
    "DeregisterTargets",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "RegisterTargets",
    "SetIpAddressType",
    "SetSecurityGroups",
    "SetSubnets",
)
LISTENERS = ("CreateListener", "DeleteListener", "ModifyListener", "ModifyListenerAttributes", "AddTags", "RemoveTags")


def load_balancer_statements(stack: Stack, *, cluster: str, vpc: ec2.IVpc) -> tuple[iam.PolicyStatement, ...]:
    made = {f"aws:RequestTag/{TAG}": cluster}
    ours = {f"aws:ResourceTag/{TAG}": cluster}
    groups, network = _ec2(stack, "security-group/*"), _ec2(stack, f"vpc/{vpc.vpc_id}")
    balancers, targets = _balancing(stack, "loadbalancer/net/*"), _balancing(stack, "targetgroup/*")
    listeners = _balancing(stack, "listener/net/*")
    creating = {
        "StringEquals": {**made, "elasticloadbalancing:CreateAction": ["CreateLoadBalancer", "CreateTargetGroup"]}
    }
    return (
        iam.PolicyStatement(sid="Look", actions=list(DESCRIBE), resources=["*"]),
        iam.PolicyStatement(
            sid="LinkedRole",
            actions=["iam:CreateServiceLinkedRole"],
            resources=[
                f"arn:{stack.partition}:iam::{stack.account}:role/aws-service-role/elasticloadbalancing.amazonaws.com/"
                "AWSServiceRoleForElasticLoadBalancing"
            ],
        ),
        _allow("CreateGroups", ["ec2:CreateSecurityGroup"], [groups], {"StringEquals": made}),
        _allow("CreateGroupsInTheVpc", ["ec2:CreateSecurityGroup"], [network], {}),
        _allow(
            "TagNewGroups",
            ["ec2:CreateTags"],
            [groups],
            {"StringEquals": {**made, "ec2:CreateAction": "CreateSecurityGroup"}},
        ),
        _allow(
            "ChangeGroups",
            ["ec2:DeleteSecurityGroup", "ec2:CreateTags", "ec2:DeleteTags"],
            [groups],
            {"StringEquals": ours},
        ),
        # Also the cluster's own group, which EKS tags, so that load balancers reach the pods.
        _allow(
            "OpenGroups",
            ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            [groups],
            {"StringEquals": {f"aws:ResourceTag/kubernetes.io/cluster/{cluster}": "owned"}},
        ),
        _allow(
            "OpenOwnGroups",
            ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            [groups],
            {"StringEquals": ours},
        ),
        _allow(
            "Create",
            ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
            [balancers, targets],
            {"StringEquals": made},
        ),
        _allow("TagNew", ["elasticloadbalancing:AddTags"], [balancers, targets], creating),
        _allow(
            "Change",
            [f"elasticloadbalancing:{action}" for action in (*CHANGE, "AddTags", "RemoveTags")],
            [balancers, targets],
            {"StringEquals": ours},
        ),
        # A listener's calls are of the load balancer or of the listener, which have no tags of the caller's choice.
        _allow(
            "Listeners",
            [f"elasticloadbalancing:{action}" for action in LISTENERS],
            [balancers, listeners],
            {},
        ),
    )


def _allow(
    sid: str, actions: list[str], resources: list[str], conditions: dict[str, dict[str, object]]
) -> iam.PolicyStatement:
    return iam.PolicyStatement(sid=sid, actions=actions, resources=resources, conditions=conditions)


def _ec2(stack: Stack, resource: str) -> str:
    return f"arn:{stack.partition}:ec2:{stack.region}:{stack.account}:{resource}"


def _balancing(stack: Stack, resource: str) -> str:
    return f"arn:{stack.partition}:elasticloadbalancing:{stack.region}:{stack.account}:{resource}"
