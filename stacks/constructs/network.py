"""The VPC of a cluster of our own: nodes and functions in private subnets, load balancers and NAT in public ones.

The control plane's network interfaces have subnets of their own, so that an API server is known by its address.
"""

from aws_cdk import RemovalPolicy, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.retention import RETENTION
from stacks.settings import Settings

CIDR = "10.71.0.0/16"
CONTROL_PLANE = "ControlPlane"
# By these tags the load balancer controller finds subnets.
PUBLIC_ROLE, PRIVATE_ROLE = "kubernetes.io/role/elb", "kubernetes.io/role/internal-elb"


class Network(Construct):
    """`functions` is the security group of all functions: they call out, nobody calls them. `api_servers` are the
    CIDRs from which the control plane calls nodes and pods.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(CIDR),
            max_azs=2,  # what us-west-1 has for a new account, and the least that EKS takes
            nat_gateways=settings.nat_gateways,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=19),
                ec2.SubnetConfiguration(name=CONTROL_PLANE, subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=28),
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "Table": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        self._log_flows(settings.log_retention_days)
        for subnet in self.vpc.public_subnets:
            Tags.of(subnet).add(PUBLIC_ROLE, "1")
        for subnet in self.vpc.private_subnets:
            Tags.of(subnet).add(PRIVATE_ROLE, "1")
        self.control_plane = ec2.SubnetSelection(subnet_group_name=CONTROL_PLANE)
        found = self.vpc.select_subnets(subnet_group_name=CONTROL_PLANE).subnets
        self.api_servers = tuple(subnet.ipv4_cidr_block for subnet in found)
        self.functions = ec2.SecurityGroup(
            self, "Functions", vpc=self.vpc, description="Functions of Canario", allow_all_outbound=True
        )

    def _log_flows(self, retention: int) -> None:
        group = logs.LogGroup(self, "Flows", retention=RETENTION[retention], removal_policy=RemovalPolicy.DESTROY)
        self.vpc.add_flow_log(
            "Rejected",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(group),
            traffic_type=ec2.FlowLogTrafficType.REJECT,  # what a person looks for; the rest is most of the bill
        )
