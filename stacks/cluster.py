"""The cluster that the functions talk to.

Today it is one that exists: its endpoint and CA are settings or, where these are empty, parameters without a
default, so that a deployment that does not name a cluster is refused before anything is made. The cluster of our
own (VPC, EKS, node group, access entries, Pod Identity, charts) belongs in this file.
"""

from dataclasses import dataclass

from aws_cdk import CfnParameter
from constructs import Construct

from stacks.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """How to reach a cluster's API. The strings may be tokens that CloudFormation fills in."""

    name: str
    endpoint: str
    ca: str  # base64 of PEM


def existing_cluster(scope: Construct, settings: Settings) -> Cluster:
    """The cluster that the settings name; in `scope`'s stack, parameters for what they leave open."""
    return Cluster(
        name=settings.cluster_name,
        endpoint=settings.cluster_endpoint
        or _parameter(
            scope, "ClusterEndpoint", "The Kubernetes API server's URL (eks describe-cluster: endpoint)", r"https://\S+"
        ),
        ca=settings.cluster_ca
        or _parameter(
            scope, "ClusterCa", "The cluster's CA, base64 of PEM (certificateAuthority.data)", r"[A-Za-z0-9+/]+={0,2}"
        ),
    )


def _parameter(scope: Construct, name: str, description: str, pattern: str) -> str:
    return CfnParameter(
        scope, name, description=description, allowed_pattern=pattern, constraint_description=description
    ).value_as_string
