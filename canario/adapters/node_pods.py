"""The pods of the nodes that a rollout compares, in the cluster."""

from collections.abc import Sequence

from canario.canary.ports import Pods, Target
from canario.workshop.kinds import POD, SERVICE, VIRTUAL_NODE
from canario.workshop.ports import Kubernetes
from canario.workshop.selectors import selector_of

NODES = {"appmesh": VIRTUAL_NODE, "gateway": SERVICE}  # by dialect


class NodePods(Pods):
    """The port `Pods`: a node is a VirtualNode or, in Gateway API, a Service, and both select pods."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def of(self, target: Target, node: str) -> Sequence[str]:
        """The names of the node's pods that run, those that are being deleted too, in order. Raises RemoteError."""
        found = self._kubernetes.get(NODES[target.mesh], node, target.namespace)
        selector = found and selector_of(found)
        if not selector:
            return ()
        return sorted(
            str(pod["metadata"]["name"])
            for pod in self._kubernetes.list(POD, target.namespace)
            if selector.matches(pod["metadata"].get("labels", {})) and pod.get("status", {}).get("phase") == "Running"
        )

    def replace(self, target: Target, pod: str) -> None:
        """Delete the pod, so that its Deployment makes another; harmless when it is gone. Raises RemoteError."""
        self._kubernetes.delete(POD, pod, target.namespace)
