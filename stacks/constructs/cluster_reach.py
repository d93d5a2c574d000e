"""What functions need to know of a cluster, whoever made it."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """How functions reach a cluster's API. The strings may be tokens that CloudFormation fills in."""

    name: str
    endpoint: str
    ca: str  # base64 of PEM
    grants_access: bool  # whether functions get access entries
    subnet_ids: tuple[str, ...] = ()  # where functions have to run; none: anywhere
    security_group_ids: tuple[str, ...] = ()
    vpc: ec2.IVpc | None = None  # of our own
