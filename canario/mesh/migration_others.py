"""Documents beside App Mesh's own: what in them still speaks of App Mesh."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
