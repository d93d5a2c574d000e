"""Documents beside App Mesh's own: Services that are there already, and what still speaks of App Mesh."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from canario.mesh.gateway_names import ROLE, Manifest, annotation

INJECTION = "appmesh.k8s.aws/sidecarInjectorWebhook"
ISTIO_INJECTION = "istio-injection"
OWN = "appmesh.k8s.aws/"
ENVOY_IMAGE = "aws-appmesh-envoy"

Remark = tuple[int, str, str, str, bool]  # index of the document, field, what is said, what to do, whether lost


def namespace_labels(manifest: Any) -> dict[str, str | None]:
    """What changes in a Namespace's labels: name → value, None for one that goes."""
    if not isinstance(manifest, Mapping) or manifest.get("kind") != "Namespace":
        return {}
    labels = (manifest.get("metadata") or {}).get("labels") or {}
    if INJECTION not in labels:
        return {}
    return {INJECTION: None, ISTIO_INJECTION: str(labels[INJECTION])}


def services_kept(manifests: Sequence[Any], namespace: str, made: Iterable[list[Manifest]]) -> Iterator[Remark]:
    """Take the Services out of `made` that are among the documents already; say where these do not do."""
    known = {_key(found, namespace): index for index, found in enumerate(manifests) if _is_service(found)}
    for part in made:
        for each in [each for each in part if _is_elsewhere(each) and _key(each, namespace) not in known]:
            part.remove(each)
        for each in [each for each in part if _is_service(each) and _key(each, namespace) in known]:
            part.remove(each)
            index = known[_key(each, namespace)]
            yield from _not_enough(index, manifests[index], each)


def _is_elsewhere(made: Manifest) -> bool:
    """Whether it is the Service of a node that names no pods: one without them would take the real one's place."""
    return _is_service(made) and annotation(made, ROLE) in ("node", "node service") and "selector" not in made["spec"]


def _not_enough(index: int, there: Mapping[str, Any], wanted: Manifest) -> Iterator[Remark]:
    spec = there.get("spec") or {}
    numbers = [port.get("port") for port in spec.get("ports") or () if isinstance(port, Mapping)]
    for port in wanted["spec"].get("ports", ()):
        if port["port"] not in numbers:
            says = f"routes send to its port {port['port']}, which it does not have"
            yield index, "spec.ports", says, f"add the port {port['port']}, named {port['name']}", True
    selector = wanted["spec"].get("selector")
    if selector and (spec.get("selector") or {}) != selector:
        says = f"it stands for a node whose pods are {selector}, and selects others"
        yield index, "spec.selector", says, "select these, or give the node a Service of another name", True


def what_stays(manifests: Sequence[Any]) -> Iterator[Remark]:
    """Pods that App Mesh's controller acted on, by annotations or as a gateway's Envoys."""
    for index, found in enumerate(manifests):
        template = _template(found)
        annotations = ((template or {}).get("metadata") or {}).get("annotations") or {}
        for name in annotations if isinstance(annotations, Mapping) else ():
            if str(name).startswith(OWN):
                at = f"spec.template.metadata.annotations.{name}"
                yield index, at, "Istio does not read it", _INSTEAD.get(str(name), _OTHERWISE), False
        for container in ((template or {}).get("spec") or {}).get("containers") or ():
            if isinstance(container, Mapping) and ENVOY_IMAGE in str(container.get("image")):
                says = "an Envoy of App Mesh, of a virtual gateway: it finds no App Mesh any more"
                yield index, "spec.template.spec.containers", says, "delete it: Istio makes the Gateway's pods", False


_OTHERWISE = "look for its equal among Istio's annotations, or delete it"
_INSTEAD = {
    INJECTION: "write the pod label sidecar.istio.io/inject instead",
    f"{OWN}ports": "write traffic.sidecar.istio.io/includeInboundPorts instead",
    f"{OWN}egressIgnoredPorts": "write traffic.sidecar.istio.io/excludeOutboundPorts instead",
    f"{OWN}egressIgnoredIPs": "write traffic.sidecar.istio.io/excludeOutboundIPRanges instead",
    f"{OWN}cpuRequest": "write sidecar.istio.io/proxyCPU instead",
    f"{OWN}memoryRequest": "write sidecar.istio.io/proxyMemory instead",
    f"{OWN}cpuLimit": "write sidecar.istio.io/proxyCPULimit instead",
    f"{OWN}memoryLimit": "write sidecar.istio.io/proxyMemoryLimit instead",
}


def _template(manifest: Any) -> Mapping[str, Any] | None:
    spec = manifest.get("spec") if isinstance(manifest, Mapping) else None
    template = spec.get("template") if isinstance(spec, Mapping) else None
    return template if isinstance(template, Mapping) else None


def _is_service(manifest: Any) -> bool:
    is_mapping = isinstance(manifest, Mapping) and isinstance(manifest.get("metadata"), Mapping)
    return is_mapping and manifest.get("apiVersion") == "v1" and manifest.get("kind") == "Service"


def _key(manifest: Mapping[str, Any], namespace: str) -> tuple[str, str]:
    metadata = manifest["metadata"]
    return str(metadata.get("namespace") or namespace), str(metadata.get("name"))
