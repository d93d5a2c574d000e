"""EKS: control plane, node group, add-ons, and who may come in."""

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk.lambda_layer_kubectl_v36 import KubectlV36Layer  # serves 1.35, 1.36 and 1.37
from constructs import Construct

from canario.workshop.names import SERVICE_PORT
from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.kubectl_provider import answer_for_kubectl
from stacks.constructs.network import Network
from stacks.constructs.pod_identity import AGENT
from stacks.constructs.retention import RETENTION
from stacks.settings import Settings

# Add-ons. Nodes need the first two to be Ready.
BEFORE_NODES, AFTER_NODES = ("vpc-cni", "kube-proxy", AGENT), ("coredns",)
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly")
DISK_GIB = 30
# Where the stages' checks ask pods themselves: the services' port, and the gateways'.
POD_PORTS = (SERVICE_PORT, 80, 443, 8088)


class KubernetesCluster(Construct):
    """`ready` is what needs nodes: charts and whatever else runs pods depend on it."""

    def __init__(self, scope: Construct, id: str, *, settings: Settings, network: Network) -> None:
        super().__init__(scope, id)
        self._settings, self._network = settings, network
        self.cluster = self._cluster()
        early = [self._addon(name) for name in BEFORE_NODES]
        self.ready = self._nodes()
        self.ready.node.add_dependency(*early)
        for name in AFTER_NODES:
            self._addon(name).node.add_dependency(self.ready)
        for number, arn in enumerate(settings.cluster_admins):
            self._admin(number, arn)
        self._let_functions_in()

    def _cluster(self) -> eks.Cluster:
        name = self._settings.cluster_name
        control_plane = logs.LogGroup(
            self,
            "ControlPlaneLogs",
            log_group_name=f"/aws/eks/{name}/cluster",  # EKS would make it, without an end
            retention=RETENTION[self._settings.log_retention_days],
            removal_policy=RemovalPolicy.DESTROY,
        )
        cluster = eks.Cluster(
            self,
            "Cluster",
            cluster_name=name,
            version=eks.KubernetesVersion.of(self._settings.kubernetes_version),
            vpc=self._network.vpc,
            vpc_subnets=[self._network.control_plane],
            endpoint_access=_endpoint(self._settings.public_endpoint_cidrs),
            cluster_logging=list(eks.ClusterLoggingTypes),
            default_capacity_type=eks.DefaultCapacityType.NODEGROUP,
            default_capacity=0,
            bootstrap_self_managed_addons=False,
            bootstrap_cluster_creator_admin_permissions=False,
            kubectl_provider_options=eks.KubectlProviderOptions(
                kubectl_layer=KubectlV36Layer(self, "Kubectl"),
                private_subnets=self._network.vpc.private_subnets,
            ),
        )
        cluster.node.add_dependency(control_plane)
        rule = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonEKSClusterPolicy]"
        acknowledge(cluster.role, rule, "EKS prescribes it to control planes")
        answer_for_kubectl(cluster.node.find_child("KubectlProvider"), retention=self._settings.log_retention_days)
        return cluster

    def _addon(self, name: str) -> eks.CfnAddon:
        return eks.CfnAddon(
            self, name, addon_name=name, cluster_name=self.cluster.cluster_name, resolve_conflicts="OVERWRITE"
        )

    def _nodes(self) -> eks.Nodegroup:
        settings = self._settings
        return self.cluster.add_nodegroup_capacity(
            "Nodes",
            nodegroup_name=settings.node_group_name,
            ami_type=_ami(settings.node_type),
            instance_types=[ec2.InstanceType(settings.node_type)],
            desired_size=settings.nodes,
            min_size=settings.nodes_min,
            max_size=settings.nodes_max,
            node_role=self._node_role(),
            subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            launch_template_spec=self._launch_template(),
        )

    def _node_role(self) -> iam.Role:
        role = iam.Role(
            self,
            "NodeRole",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description="Canario: the cluster's nodes",
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(name) for name in NODE_POLICIES],
        )
        for name in NODE_POLICIES:
            acknowledge(
                role, f"IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{name}]", "EKS prescribes it to nodes"
            )
        return role

    def _launch_template(self) -> eks.LaunchTemplateSpec:
        """Disks encrypted; instance metadata by session only, and not for pods, whose rights are Pod Identity's."""
        template = ec2.LaunchTemplate(
            self,
            "Template",
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        DISK_GIB, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3, delete_on_termination=True
                    ),
                )
            ],
            http_tokens=ec2.LaunchTemplateHttpTokens.REQUIRED,
            http_put_response_hop_limit=1,
        )
        return eks.LaunchTemplateSpec(id=str(template.launch_template_id), version=template.latest_version_number)

    def _admin(self, number: int, arn: str) -> None:
        policy = eks.CfnAccessEntry.AccessPolicyProperty(
            access_scope=eks.CfnAccessEntry.AccessScopeProperty(type="cluster"),
            policy_arn=f"arn:{Stack.of(self).partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        )
        eks.CfnAccessEntry(
            self,
            f"Admin{number}",
            cluster_name=self.cluster.cluster_name,
            principal_arn=arn,
            access_policies=[policy],
        )

    def _let_functions_in(self) -> None:
        """To the API server, and to the pods that a stage's checks ask directly."""
        inside, functions = self.cluster.cluster_security_group, self._network.functions
        for port in POD_PORTS:
            inside.connections.allow_from(functions, ec2.Port.tcp(port), "Functions of Canario")


def _endpoint(public: tuple[str, ...]) -> eks.EndpointAccess:
    return eks.EndpointAccess.PUBLIC_AND_PRIVATE.only_from(*public) if public else eks.EndpointAccess.PRIVATE


def _ami(node_type: str) -> eks.NodegroupAmiType:
    arm = ec2.InstanceType(node_type).architecture == ec2.InstanceArchitecture.ARM_64
    return eks.NodegroupAmiType.AL2023_ARM_64_STANDARD if arm else eks.NodegroupAmiType.AL2023_X86_64_STANDARD
