"""Where the workshops' names live: the private Route 53 zone and the Cloud Map namespace, both of one VPC."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_servicediscovery as servicediscovery
from constructs import Construct

from canario.workshop.names import CLOUD_MAP_NAMESPACE
from stacks.constructs.acknowledgements import acknowledge
from stacks.settings import Settings


class DiscoveryStack(Stack):
    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, vpc: ec2.IVpc | None, **kwargs: object
    ) -> None:
        """`vpc`: that of a cluster of our own."""
        super().__init__(scope, id, description="Canario: the workshops' names", **kwargs)
        vpc = vpc or _vpc(self, settings)
        self.zone = route53.PrivateHostedZone(
            self, "Zone", zone_name=settings.zone_name, vpc=vpc, comment="Canario's workshops"
        )
        self.namespace = servicediscovery.PrivateDnsNamespace(
            self, "Namespace", name=CLOUD_MAP_NAMESPACE, vpc=vpc, description="Canario: the pods of the workshops"
        )
        CfnOutput(self, "ZoneId", value=self.zone.hosted_zone_id)


def _vpc(scope: Construct, settings: Settings) -> ec2.IVpc:
    """An existing cluster's VPC by its id; otherwise an empty one, since a private zone has to belong to some VPC."""
    if settings.vpc_id:
        return ec2.Vpc.from_vpc_attributes(scope, "Vpc", vpc_id=settings.vpc_id, availability_zones=["unknown"])
    vpc = ec2.Vpc(
        scope,
        "Vpc",
        ip_addresses=ec2.IpAddresses.cidr("10.71.0.0/16"),
        nat_gateways=0,
        subnet_configuration=[],
        create_internet_gateway=False,
    )
    acknowledge(vpc, "VPC7", "Nothing is in this VPC: no subnet, no gateway, so that no flow can be logged")
    return vpc
