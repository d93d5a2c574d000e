"""What the cluster needs from Helm: the Gateway API's definitions, Istio, the load balancer controller.

The stages need no chart: Gateways make their own pods (Istio's automated deployment), so Istio's chart `gateway` is not
among them.
"""

from pathlib import Path
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks_v2 as eks
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct, IDependable

from canario.workshop.istio_tracing import PROVIDER
from stacks.constructs.acknowledgements import acknowledge
from stacks.constructs.kubernetes_cluster import KubernetesCluster
from stacks.constructs.load_balancer_policy import load_balancer_statements
from stacks.constructs.pod_identity import PodIdentity
from stacks.settings import Settings

GATEWAY_API = Path(__file__).resolve().parents[1] / "charts" / "gateway-api"
ISTIO_REPOSITORY = "https://istio-release.storage.googleapis.com/charts"
EKS_REPOSITORY = "https://aws.github.io/eks-charts"
ISTIO_NAMESPACE = "istio-system"
ISTIOD_REQUESTS = {"cpu": "100m", "memory": "512Mi"}  # for some hundred pods; by default it asks for 2 GiB
LOAD_BALANCER_CONTROLLER, LOAD_BALANCER_CONTROLLER_VERSION = "aws-load-balancer-controller", "3.2.2"

# What the controller would do for the Gateway API, where it finds its definitions, and does not start without others'
# (https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/4712): only all three say that it shall not
# look. And what asks for a right that it does not have here.
OFF = ("ALBGatewayAPI", "NLBGatewayAPI", "GatewayListenerSet", "LBCapacityReservation")

Values = dict[str, Any]


class Charts(Construct):
    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        made: KubernetesCluster,
        vpc: ec2.IVpc,
        traces: tuple[str, int],
    ) -> None:
        super().__init__(scope, id)
        self._cluster, self._settings = made.cluster, settings
        balancers = self._load_balancer_controller(vpc, made.ready)
        self._mesh(traces, made.ready, balancers)

    def _mesh(self, traces: tuple[str, int], *ready: IDependable) -> None:
        definitions = eks.HelmChart(
            self,
            "GatewayApi",
            cluster=self._cluster,
            chart_asset=s3_assets.Asset(self, "GatewayApiChart", path=str(GATEWAY_API)),
            release="gateway-api",
            namespace=ISTIO_NAMESPACE,
        )
        base = self._istio("base", release="istio-base", values=base_values())
        base.node.add_dependency(definitions)
        cni = self._istio("cni", release="istio-cni", values={})
        cni.node.add_dependency(base, *ready)
        istiod = self._istio("istiod", release="istiod", values=istiod_values(traces))
        istiod.node.add_dependency(cni)

    def _istio(self, chart: str, *, release: str, values: Values) -> eks.HelmChart:
        return eks.HelmChart(
            self,
            f"Istio{chart.capitalize()}",
            cluster=self._cluster,
            repository=ISTIO_REPOSITORY,
            chart=chart,
            release=release,
            version=self._settings.istio_version,
            namespace=ISTIO_NAMESPACE,
            values=values,
            wait=True,
            timeout=Duration.minutes(10),
        )

    def _load_balancer_controller(self, vpc: ec2.IVpc, ready: IDependable) -> eks.HelmChart:
        stack = Stack.of(self)
        identity = PodIdentity(
            self,
            "LoadBalancers",
            cluster=self._cluster,
            namespace="kube-system",
            name=LOAD_BALANCER_CONTROLLER,
            statements=load_balancer_statements(stack, cluster=self._settings.cluster_name, vpc=vpc),
        )
        _acknowledge_load_balancers(identity)
        chart = eks.HelmChart(
            self,
            "LoadBalancerController",
            cluster=self._cluster,
            repository=EKS_REPOSITORY,
            chart=LOAD_BALANCER_CONTROLLER,
            release=LOAD_BALANCER_CONTROLLER,
            version=LOAD_BALANCER_CONTROLLER_VERSION,
            namespace="kube-system",
            values=load_balancer_values(self._cluster.cluster_name, stack.region, vpc.vpc_id),
            wait=True,
            timeout=Duration.minutes(10),
        )
        chart.node.add_dependency(identity, ready)
        return chart


def base_values() -> Values:
    return {"defaultRevision": "default"}


def istiod_values(traces: tuple[str, int]) -> Values:
    """Sidecars without an init container; traces by OTLP; the answers' edges that the canary's plan may name."""
    service, port = traces
    return {
        "pilot": {"cni": {"enabled": True}, "autoscaleMin": 2, "resources": {"requests": ISTIOD_REQUESTS}},
        "global": {"proxy": {"resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}}},
        "meshConfig": {
            "enableTracing": True,
            "accessLogFile": "/dev/stdout",
            "extensionProviders": [{"name": PROVIDER, "opentelemetry": {"service": service, "port": port}}],
        },
    }


def load_balancer_values(cluster: str, region: str, vpc: str) -> Values:
    """Network load balancers of Services only: all else is off. Told what it would ask of instance metadata."""
    return {
        "clusterName": cluster,
        "region": region,
        "vpcId": vpc,
        "serviceAccount": {"create": False, "name": LOAD_BALANCER_CONTROLLER},
        "enableShield": False,
        "enableWaf": False,
        "enableWafv2": False,
        "controllerConfig": {"featureGates": dict.fromkeys(OFF, False)},
        "defaultTags": {"canario": "true"},
    }


def _acknowledge_load_balancers(identity: PodIdentity) -> None:
    acknowledge(identity, "IAM5[Resource::*]", "What describes knows no resources")
    place = "<AWS::Region>:<AWS::AccountId>"
    for resource in ("loadbalancer/net/*", "targetgroup/*", "listener/net/*"):
        rule = f"IAM5[Resource::arn:<AWS::Partition>:elasticloadbalancing:{place}:{resource}]"
        acknowledge(identity, rule, "Their names are the controller's; a condition wants this cluster's tag")
    rule = f"IAM5[Resource::arn:<AWS::Partition>:ec2:{place}:security-group/*]"
    acknowledge(identity, rule, "Their ids are EC2's; a condition wants this cluster's tag")
