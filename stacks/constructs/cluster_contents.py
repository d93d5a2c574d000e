"""What Canario needs inside a cluster, whoever made that: rights, collectors, proxies that show what is in force."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import aws_eks_v2 as eks
from constructs import Construct

from canario.mesh.istio_dump import envoy_filter
from stacks.constructs.kubernetes_roles import kubernetes_roles
from stacks.constructs.metrics_collector import MetricsCollector
from stacks.constructs.tracing_collector import TracingCollector

SYSTEM_NAMESPACE = "canario-system"


class ClusterContents(Construct):
    """`traces` is the collector's address for Istio; `show` has to wait for Istio's definitions."""

    def __init__(
        self, scope: Construct, id: str, *, cluster: eks.ICluster, dialects: Sequence[str], api_servers: Sequence[str]
    ) -> None:
        super().__init__(scope, id)
        self._cluster = cluster
        metadata = {"name": SYSTEM_NAMESPACE}
        namespace = self._applied("Namespace", [{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])
        self._applied("Roles", kubernetes_roles(dialects))
        traces = TracingCollector(self, "Traces", cluster=cluster, namespace=SYSTEM_NAMESPACE)
        metrics = MetricsCollector(self, "Metrics", cluster=cluster, namespace=SYSTEM_NAMESPACE)
        for each in (traces, metrics):
            each.node.add_dependency(namespace)
        self.traces = traces.address
        self.show = self._applied("ShowWhatIsInForce", [envoy_filter(api_servers)])

    def _applied(self, id: str, manifest: list[dict[str, Any]]) -> eks.KubernetesManifest:
        """Also over what somebody has applied by hand."""
        return eks.KubernetesManifest(self, id, cluster=self._cluster, manifest=manifest, overwrite=True)
