"""The pod annotation `appmesh.k8s.aws/secretMounts`: Secrets that are mounted into a pod's Envoy. Pure."""

from __future__ import annotations

from canario.errors import CanarioError
from lab.mesh.world import Obj, annotations_of

ANNOTATION = "appmesh.k8s.aws/secretMounts"  # "secret:/path", several by commas

Volume = dict[str, object]


class MountError(CanarioError):
    """The annotation cannot be understood."""


def secret_mounts(pod: Obj) -> tuple[tuple[str, str], ...]:
    """(secret, path) pairs, in the annotation's order. Raises MountError."""
    text = annotations_of(pod).get(ANNOTATION, "")
    return tuple(_mount(part.strip()) for part in text.split(",") if part.strip())


def volumes(pod: Obj) -> tuple[list[Volume], list[Volume]]:
    """The pod's volumes that the annotation asks for, and the mounts of its Envoy. Raises MountError."""
    present = {volume["name"] for volume in pod["spec"].get("volumes") or ()}
    mounts = secret_mounts(pod)
    named = dict.fromkeys(secret for secret, _ in mounts)
    added: list[Volume] = [{"name": name, "secret": {"secretName": name}} for name in named if name not in present]
    return added, [{"name": secret, "mountPath": path, "readOnly": True} for secret, path in mounts]


def _mount(part: str) -> tuple[str, str]:
    secret, _, path = (text.strip() for text in part.partition(":"))
    if not secret or not path.startswith("/") or ".." in path.split("/"):
        raise MountError(f"annotation {ANNOTATION}: {part!r} is not allowed; allowed: secret:/path, several by commas")
    return secret, path.rstrip("/") or "/"
