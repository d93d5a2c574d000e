"""App Mesh fields that the model has no words for: taken out of a manifest before it is parsed, and said."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from canario.mesh.gateway_loss import Said
from canario.mesh.gateway_policies import ISTIO_FILES, ISTIO_TRUST

_OWN = "only AWS's own App Mesh, which has ended, could use it"
_CERTIFICATE = {"file": {"certificateChain": ISTIO_FILES.chain, "privateKey": ISTIO_FILES.key}}
_TRUST = {"file": {"certificateChain": ISTIO_TRUST.trust}}
_ARNS = ("virtualNodeARN", "virtualRouterARN", "virtualServiceARN")


def admitted(manifest: Mapping[str, Any]) -> tuple[dict[str, Any], list[Said]]:
    """A copy of the manifest without such fields, and what was in them."""
    kept = copy.deepcopy(dict(manifest))
    return kept, list(_taken_out(kept.get("spec"), "spec"))


def _taken_out(value: Any, path: str) -> Iterator[Said]:
    if isinstance(value, list):
        yield from _without_arns(value, path)
        for index, each in enumerate(value):
            yield from _taken_out(each, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    for name in ("meshOwner", "ipPreference", "meshServiceDiscovery"):
        if name in value:
            del value[name]
            says, todo = _WORDS[name]
            yield f"{path}.{name}", says, todo, False
    for source in ("acm", "sds"):
        for part, files in (("certificate", _CERTIFICATE), ("trust", _TRUST)):
            if isinstance(value.get(part), dict) and source in value[part]:
                value[part] = copy.deepcopy(files)
                yield f"{path}.{part}.{source}", *_CERTIFICATES[source], path.startswith("spec.listeners")
    for name in _ARNS:
        if name in value and path == "spec.provider" + "." + _KINDS[name]:
            del value[name]
            yield f"{path}.{name}", f"it is named by ARN: {_OWN}", f"name it by {name[:-3]}Ref", True
    for name, each in value.items():
        yield from _taken_out(each, f"{path}.{name}")


_WORDS = {
    "meshOwner": ("a mesh of another AWS account; Istio has no such thing", "nothing"),
    "ipPreference": ("Istio goes by the addresses that the Service has", "set ipFamilies in the Service"),
    "meshServiceDiscovery": ("Istio goes by the addresses that the Service has", "set ipFamilies in the Services"),
}
_CERTIFICATES = {
    "acm": (f"a certificate of ACM: {_OWN}", "Istio's own take its place; a Gateway wants a TLS Secret"),
    "sds": ("Istio is its own SDS provider", "nothing; its own certificates take their place"),
}
_KINDS = {"virtualNodeARN": "virtualNode", "virtualRouterARN": "virtualRouter", "virtualServiceARN": "virtualService"}


def _without_arns(members: list[Any], path: str) -> Iterator[Said]:
    """Take the members of a list out that name something by its ARN alone."""
    for index in reversed(range(len(members))):
        each = members[index]
        inner = each.get("virtualService", each) if isinstance(each, dict) else {}
        name = next((name for name in _ARNS if isinstance(inner, dict) and name in inner), None)
        if name:
            del members[index]
            yield f"{path}[{index}]", f"it is named by ARN: {_OWN}", f"name it by {name[:-3]}Ref", True
