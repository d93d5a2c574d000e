"""What several stages ask of pods and deployments."""

from collections.abc import Sequence
from typing import Any

from canario.workshop.kinds import DEPLOYMENT, POD
from canario.workshop.names import deployment
from canario.workshop.ports import Kubernetes, Manifest


def pods(kubernetes: Kubernetes, namespace: str, services: Sequence[str]) -> list[Manifest]:
    """The services' pods, those that are being deleted left out."""
    found = []
    for service in services:
        for pod in kubernetes.list(POD, namespace, {"app": deployment(service)}):
            if "deletionTimestamp" not in pod["metadata"]:
                found.append(pod)
    return found


def containers(pod: Manifest) -> list[str]:
    """The names of the pod's containers, and of its sidecars (init containers that stay)."""
    spec = pod["spec"]
    sidecars = (each for each in spec.get("initContainers", []) if each.get("restartPolicy") == "Always")
    return [str(container["name"]) for container in (*spec.get("containers", []), *sidecars)]


def by_container(found: Sequence[Manifest]) -> dict[str, list[str]]:
    """pod → its containers, as a check's measurement."""
    return {str(pod["metadata"]["name"]): containers(pod) for pod in found}


def unsettled(kubernetes: Kubernetes, namespace: str, services: Sequence[str]) -> list[str]:
    """Which deployments are not rolled out, in words; empty when all are."""
    said = []
    for service in services:
        found = trouble(kubernetes.get(DEPLOYMENT, deployment(service), namespace))
        if found:
            said.append(f"{deployment(service)}: {found}")
    return said


def unsettled_with(container: str, kubernetes: Kubernetes, namespace: str, services: Sequence[str]) -> list[str]:
    """As `unsettled`, and which pods have no such container: a rollout that came before theirs is another's."""
    bare = [pod for pod in pods(kubernetes, namespace, services) if container not in containers(pod)]
    return [
        *unsettled(kubernetes, namespace, services),
        *(f"{pod['metadata']['name']} was started without a container {container}" for pod in bare),
    ]


def available(manifest: Manifest | None) -> bool:
    """Whether a Deployment is rolled out and all its pods are available."""
    return trouble(manifest) is None


def trouble(manifest: Manifest | None) -> str | None:
    """Why a Deployment is not rolled out, in words; None when it is."""
    if manifest is None:
        return "is not there"
    wanted = manifest["spec"].get("replicas", 1)
    status: dict[str, Any] = manifest.get("status", {})
    if status.get("observedGeneration", 0) < manifest["metadata"].get("generation", 1):
        return "the deployment controller has not seen its newest version"
    counts = {key: status.get(key, 0) for key in ("updatedReplicas", "availableReplicas", "replicas")}
    if any(count != wanted for count in counts.values()):
        return ", ".join(f"{count} {key}" for key, count in counts.items()) + f" of {wanted}"
    return None
