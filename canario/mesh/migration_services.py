"""The Services that are among the documents: they stay, and routes go by what they have."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from canario.mesh.gateway_names import ROLE, Manifest, annotation, full_host, ref_of
from canario.mesh.migration_others import Remark
from canario.mesh.refs import Ref


def services_there(manifests: Sequence[Any], namespace: str) -> dict[Ref, dict[str, str]]:
    """The Services among the documents, with the labels by which they select their pods."""
    found = {}
    for manifest in filter(_is_service, manifests):
        spec = manifest.get("spec")
        selector = spec.get("selector") if isinstance(spec, Mapping) else None
        labels = {str(name): str(value) for name, value in selector.items()} if isinstance(selector, Mapping) else {}
        found[_key(manifest, namespace)] = labels
    return found


def services_kept(manifests: Sequence[Any], namespace: str, made: Iterable[list[Manifest]]) -> Iterator[Remark]:
    """Take the Services out of `made` that are among the documents already; say where these do not do.

    Routes to one of them go by its own port number, where it leads to the one that the node listens at.
    """
    known = {_key(found, namespace): index for index, found in enumerate(manifests) if _is_service(found)}
    parts = list(made)
    for part in parts:
        for each in [each for each in part if _is_elsewhere(each) and _key(each, namespace) not in known]:
            part.remove(each)
        for each in [each for each in part if _is_service(each) and _key(each, namespace) in known]:
            part.remove(each)
            index = known[_key(each, namespace)]
            others = [other for found in parts for other in found]
            yield from _not_enough(index, manifests[index], each, others)


def _is_elsewhere(made: Manifest) -> bool:
    """Whether it is the Service of a node that names no pods: one without them would take the real one's place."""
    return _is_service(made) and annotation(made, ROLE) in ("node", "node service") and "selector" not in made["spec"]


def _not_enough(index: int, there: Mapping[str, Any], wanted: Manifest, others: Iterable[Manifest]) -> Iterator[Remark]:
    spec = there.get("spec") if isinstance(there.get("spec"), Mapping) else {}
    ports = [port for port in (spec or {}).get("ports") or () if isinstance(port, Mapping)]
    is_node = "node" in str(annotation(wanted, ROLE))
    for port in wanted["spec"].get("ports", ()):
        number = port["port"]
        same = next((each for each in ports if each.get("port") == number), None)
        leads = next((each for each in ports if each.get("targetPort") == number), None)
        if same is None and leads is not None and is_node and type(leads.get("port")) is int:
            _send_to(ref_of(wanted), number, leads["port"], others)
            same = leads
        if same is None:
            says = f"{'routes send to' if is_node else 'clients call'} its port {number}, which it does not have"
            yield index, "spec.ports", says, f"add the port {number}, named {port['name']}", True
        elif trouble := _other_protocol(same, port):
            yield index, f"spec.ports[{ports.index(same)}]", *trouble, True


def _send_to(service: Ref, old: int, new: int, manifests: Iterable[Manifest]) -> None:
    """Let what sends to a Service's port, or has policies for it, go by another number."""
    for manifest in manifests:
        here = ref_of(manifest).namespace
        for rule in manifest.get("spec", {}).get("rules") or ():
            for backend in rule.get("backendRefs") or ():
                to = Ref(backend.get("namespace") or here, backend["name"])
                if backend.get("kind") == "Service" and to == service and backend.get("port") == old:
                    backend["port"] = new
        if manifest["kind"] == "DestinationRule" and manifest["spec"]["host"] == full_host(service):
            for setting in manifest["spec"]["trafficPolicy"]["portLevelSettings"]:
                if setting["port"]["number"] == old:
                    setting["port"]["number"] = new


def _other_protocol(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is said when Istio takes the port for something else than the node listens for; None when it does not.

    Istio goes by appProtocol, then by the name's beginning; of a port that says neither it finds out by itself.
    """
    own = str(wanted["name"]).split("-")[0]
    says = _PROTOCOLS.get(str(there.get("appProtocol") or str(there.get("name", "")).split("-")[0]))
    if says is None or says == own:
        return None
    known = there.get("appProtocol") or there.get("name")
    return (
        f"its port is called {known}, so Istio takes it for {says}, and the node listens for {own}",
        f"set appProtocol: {wanted['appProtocol']}",
    )


_PROTOCOLS = {
    **dict.fromkeys(("http", "HTTP"), "http"),
    **dict.fromkeys(("http2", "HTTP2", "kubernetes.io/h2c"), "http2"),
    **dict.fromkeys(("grpc", "GRPC"), "grpc"),
    **dict.fromkeys(("tcp", "TCP"), "tcp"),
}


def _is_service(manifest: Any) -> bool:
    is_mapping = isinstance(manifest, Mapping) and isinstance(manifest.get("metadata"), Mapping)
    return is_mapping and manifest.get("apiVersion") == "v1" and manifest.get("kind") == "Service"


def _key(manifest: Mapping[str, Any], namespace: str) -> Ref:
    metadata = manifest["metadata"]
    return Ref(str(metadata.get("namespace") or namespace), str(metadata.get("name")))
