"""The Deployments that run the nodes, in the cluster."""

import copy

from canario.canary.ports import Workloads
from canario.errors import InvalidInput, RemoteError
from canario.workshop import pods
from canario.workshop.kinds import DEPLOYMENT
from canario.workshop.ports import Kubernetes, Manifest


class Deployments(Workloads):
    """The port `Workloads`."""

    def __init__(self, kubernetes: Kubernetes) -> None:
        self._kubernetes = kubernetes

    def set_image(self, namespace: str, deployment: str, container: str, reference: str) -> None:
        """Give the container this image; harmless when it has it. Raises RemoteError, Conflict."""
        found = self._kubernetes.get(DEPLOYMENT, deployment, namespace)
        if found is None:
            raise RemoteError(f"giving {namespace}/{deployment} an image: there is no such Deployment")
        containers = copy.deepcopy(found["spec"]["template"]["spec"]["containers"])
        mine = _container(containers, deployment, container)
        if mine.get("image") == reference:
            return
        mine["image"] = reference
        # A merge patch knows no items of lists: it has the whole list, and the version that it is a change of.
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        template = {"spec": {"containers": containers}}
        self._kubernetes.patch(DEPLOYMENT, deployment, namespace, {"metadata": version, "spec": {"template": template}})

    def trouble(self, namespace: str, deployment: str) -> str | None:
        """Why not all of its pods run what was asked for; None when they do."""
        found = self._kubernetes.get(DEPLOYMENT, deployment, namespace)
        return pods.trouble(found)


def _container(containers: list[Manifest], deployment: str, name: str) -> Manifest:
    for each in containers:
        if each["name"] == name:
            return each
    there = ", ".join(str(each["name"]) for each in containers)
    raise InvalidInput("image.container", name, f"a container of {deployment}: {there}")
